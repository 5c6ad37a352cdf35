"""Two mappings in Python, written from rules M alone: what deploy/mappings/zammad_debezium.lua and wuye.lua must give.

Each takes a record and returns its events as CloudEvents. A record that must become a dead letter raises Rejected.
"""

import datetime
import re
import zoneinfo


class Rejected(Exception):
    pass


def _event(source, type, id, time, ticket_id, sequence=None, **data):
    body = {"specversion": "1.0", "id": id, "source": source, "type": "ticket." + type, "time": time}
    if sequence is not None:
        body["sequence"] = str(sequence)
    return body | {"data": {"ticket_id": ticket_id, **data}}


def _utc(microseconds):
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=microseconds)
    return at.isoformat(timespec="microseconds") + "Z"


# ---- rows of Zammad's table tickets, by Debezium ----

OPEN, REMINDER, CLOSED, MERGED, REMOVED, PENDING_CLOSE = {1, 2}, 3, 4, 5, 6, 7
NOBODY = 1


def _states(source, row, id, time):
    """M14: a condition is one or two changes, and those that change nothing are passed over later (F9 to F12)."""
    ticket, state = row["number"], row["state_id"]
    if state in OPEN:
        return [_event(source, "reopened", id + "/reopened", time, ticket, 1), _event(source, "resumed", id + "/resumed", time, ticket, 2)]
    if state in (REMINDER, PENDING_CLOSE):
        reason = "pending reminder" if state == REMINDER else "pending close"
        return [_event(source, "reopened", id + "/reopened", time, ticket, 1),
                _event(source, "paused", id + "/paused", time, ticket, 2, reason=reason)]
    if state in (CLOSED, MERGED, REMOVED):
        known = {}
        if row.get("updated_by_id") not in (None, NOBODY):
            known["agent_id"] = str(row["updated_by_id"])
        if state == MERGED:
            known["resolution"] = "duplicate"
        return [_event(source, "closed", id + "/closed", time, ticket, 3, **known)]
    raise Rejected(f"the state {state} is unknown")


def debezium_zammad(record, source="/map/debezium_zammad"):
    """The value of a message, as JSON; None: a tombstone."""
    change = None if record is None else record.get("payload", record)
    row = None if change is None else change.get("after")
    if row is None or change["source"]["table"] != "tickets":
        return []
    ticket, id, time = row["number"], f"at/{row['updated_at']}", _utc(row["updated_at"] * 1000)
    opened, updated = {}, {}
    if row.get("customer_id") is not None:
        opened["requester_ref"] = str(row["customer_id"])
    for name, column in (("priority", "priority_id"), ("project_id", "organization_id")):
        if row.get(column) is not None:
            updated[name] = str(row[column])
    owner = row.get("owner_id")
    assigned = {"agent_id": None if owner in (None, NOBODY) else str(owner)}
    if row.get("group_id") is not None:
        assigned["team_id"] = str(row["group_id"])
    events = [_event(source, "opened", "opened", _utc(row["created_at"] * 1000), ticket, **opened),
              _event(source, "updated", id + "/updated", time, ticket, **updated),
              _event(source, "assigned", id + "/assigned", time, ticket, **assigned), *_states(source, row, id, time)]
    if row.get("first_response_at") is not None:
        first = row["first_response_at"]
        events.append(_event(source, "responded", f"first/{first}", _utc(first * 1000), ticket))
    return events


# ---- rows of a property manager's list of repairs ----

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
URGENCIES = {"特急": "1", "紧急": "2", "普通": "3", "一般": "3"}
SCORES = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
STATES = {"待处理", "处理中", "已完成", "已评价", "已取消"}


def _local(cell):
    """A cell as (what an id may contain, UTC); None if it is empty."""
    cell = cell.strip()
    if not cell:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", cell):
        at = datetime.datetime(1899, 12, 30) + datetime.timedelta(seconds=round(float(cell) * 86400))
    else:
        numbers = [int(number) for number in re.findall(r"\d+", cell)]
        try:
            at = datetime.datetime(*numbers)
        except ValueError as error:
            raise Rejected(str(error)) from None
    utc = at.replace(tzinfo=SHANGHAI).astimezone(datetime.timezone.utc)
    return at.isoformat(), utc.isoformat().replace("+00:00", "Z")


def _known(table, word):
    if word and word not in table:
        raise Rejected(f"the word {word} is unknown")
    return table[word] if word else None


def wuye(row, source="/map/wuye"):
    row = {name: cell.strip() for name, cell in row.items()}
    ticket, worker = row["工单编号"], row["接单人"] or None
    if not ticket:
        raise Rejected("there is no number")
    _known(dict.fromkeys(STATES), row["状态"])
    by = {"agent_id": worker} if worker else {}
    attributes = {"project_id": row["项目"], "category": row["报修类型"], "priority": _known(URGENCIES, row["紧急程度"]),
                  "requester_ref": row["房号"]}
    opened, taken, arrived, done = (_local(row[name]) for name in ("报修时间", "接单时间", "到场时间", "完成时间"))
    events = [_event(source, "opened", "opened", opened[1], ticket, **{name: value for name, value in attributes.items() if value})]
    if taken:
        events += [_event(source, "assigned", "assigned/" + taken[0], taken[1], ticket, **by),
                   _event(source, "responded", "responded/" + taken[0], taken[1], ticket, **by)]
    if arrived:
        events.append(_event(source, "arrived", "arrived/" + arrived[0], arrived[1], ticket, **by))
    if done and row["状态"] == "已取消":
        events.append(_event(source, "closed", "closed/" + done[0], done[1], ticket, resolution="cancelled", **by))
    elif done:
        events.append(_event(source, "resolved", "resolved/" + done[0], done[1], ticket, **by))
        words = row["满意度"]
        score = int(words) if words in set("12345") else _known(SCORES, words)
        if score:
            survey = _event(source, "", "csat", done[1], ticket, kind="csat", score=score, **by)
            events.append(survey | {"type": "survey.submitted"})
    return events
