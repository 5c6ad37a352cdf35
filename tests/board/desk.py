"""A busy help desk for the fake board: the same for the same seed."""
import random
import time

from fake_board import empty_snapshot, iso

AGENTS = ["chen.jing", "guo.min", "li.wei", "liu.yang", "sun.hao", "wang.fang", "wu.tao", "zhang.lin", "zhao.lei", "zhou.ping", "he.qian", "ma.rui"]
PROJECTS = ["binjiang-tower", "yunhe-garden", "lakeside", "tower-9", "west-gate"]
TEAMS = ["repairs", "front desk", "security"]
KINDS = [("JJ", "lift/trapped", "emergency"), ("BX", "repair/plumbing", "2"), ("BX", "repair/electrical", "2"), ("BX", "repair/door", "3"),
         ("TS", "complaint/noise", "3"), ("TS", "complaint/cleaning", "3"), ("ZX", "inquiry/fees", "4"), ("ZX", "inquiry/parking", "4")]
TARGETS = ["first_response", "next_response", "arrival", "resolution"]


class Desk:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 4100

    def ticket(self):
        self.number += self.random.randint(1, 4)
        letters, category, priority = self.random.choice(KINDS)
        return {"ticket_id": f"{letters}-{self.number}", "project": self.random.choice(PROJECTS), "team": self.random.choice(TEAMS),
                "owner": self.random.choice(AGENTS) if self.random.random() > 0.08 else None,
                "priority": priority, "category": category}

    def clock(self, state, due, now):
        ticket = self.ticket()
        target = self.random.choices(TARGETS, [5, 2, 2, 6])[0]
        left = round(self.random.uniform(300, 7000) * 1e6) if state == "paused" else None
        return {"key": f"{ticket['ticket_id']}|{target}|1", "target": target, "n": 1, "state": state, "due_at": None if state == "paused" else iso(due),
                "left_us": left, "unconfirmed": False, **ticket}

    def breach(self, state, at, unconfirmed=False):
        ticket = self.ticket()
        target = self.random.choice(TARGETS)
        return {"key": f"{ticket['ticket_id']}/{target}/1", "target": target, "n": 1, "state": state, "kind": "deadline", "due_at": iso(at), "breached_at": iso(at),
                "detected_at": iso(at + 0.4), "unconfirmed": unconfirmed, "acked": state == "acknowledged", **ticket}

    def group(self, key, size):
        r = self.random
        resolved, measured = r.randint(1, 5) * size, r.randint(3, 9) * size
        within = measured - min(measured, r.choice([0, 0, 0, 1, 1, 2, 4]) * max(1, size // 2))
        rated = r.randint(0, 3) * size
        spark = [0] * 12
        for _ in range(resolved):
            spark[r.randrange(12)] += 1
        return {"key": key, "opened": r.randint(1, 6) * size, "breached": measured - within, "responded": r.randint(1, 6) * size, "resolved": resolved,
                "within": within, "measured": measured, "csat_n": rated, "csat_micros": round(rated * r.uniform(0.72, 1.0) * 1e6), "backlog": r.randint(1, 9) * size,
                "spark": spark}


def running(clocks, part, made):
    """The running clocks of each project or team, and their last hour."""
    rows = {}
    for clock in clocks:
        row = rows.setdefault(clock[part], {"key": clock[part], "open": 0, "pending": 0, "at_risk": 0, "breached": 0, "paused": 0})
        row["open"] += 1
        row[clock["state"]] += 1
    for row in rows.values():
        hour = made.group(row["key"], 1 + row["open"] // 8)
        row["missed"] = hour.pop("breached")
        row.update({name: value for name, value in hour.items() if name != "backlog"})
    return sorted(rows.values(), key=lambda row: (-row["breached"], -row["at_risk"], row["key"]))


def day(r, now, zone_hours=8):
    """The day so far, in quarters of an hour, in a zone ahead of UTC."""
    midnight = (now + zone_hours * 3600) // 86400 * 86400 - zone_hours * 3600
    compliance, backlog, level = [], [], 34.0
    for i in range(int((now - midnight) // 900) + 1):
        hour = i / 4
        busy = 0.15 + (0.85 if 8 <= hour <= 19 else 0)
        measured = int(r.uniform(2, 9) * busy * 2)
        strain = 0.2 if 10.5 <= hour <= 12 else 0.05
        compliance.append([measured - sum(r.random() < strain for _ in range(measured)), measured])
        level = max(8, level + r.uniform(-3.2, 3.4) * busy + (2.2 if 10.5 <= hour <= 11.5 else -0.9 if 12 <= hour <= 15 else 0))
        backlog.append(round(level))
    return {"step_s": 900, "from": iso(midnight), "compliance": compliance, "backlog": backlog}


def figures(now, seed=7):
    """A snapshot of a busy afternoon."""
    desk = Desk(seed)
    r = desk.random
    clocks = [desk.clock("breached", now - r.uniform(20, 1500), now) for _ in range(4)]
    clocks += [desk.clock("at_risk", now + r.uniform(8, 700), now) for _ in range(7)]
    clocks += [desk.clock("pending", now + 400 + r.expovariate(1 / 2400), now) for _ in range(44)]
    clocks += [desk.clock("paused", None, now) for _ in range(5)]
    clocks[1]["unconfirmed"] = True
    clocks.sort(key=lambda row: ({"breached": 0, "paused": 2}.get(row["state"], 1), row["due_at"] or ""))
    states = ["resolved", "resolved", "voided"] + ["resolved"] * 14
    breaches, at = [], now - 1500
    for state in states:
        at -= r.uniform(15, 420)
        breaches.append(desk.breach(state, at))
    breaches += [breach_of(row) for row in clocks if row["state"] == "breached"]
    breaches.append(desk.breach("voided", now - 160))
    breaches.sort(key=lambda row: row["detected_at"], reverse=True)
    count = lambda state: sum(row["state"] == state for row in clocks)
    share = lambda n, part: [n - round(n * part), n]
    groups = lambda names, size: [desk.group(name, size) for name in names]
    agents = groups(AGENTS, 1)
    agents.sort(key=lambda row: -row["backlog"])
    today = day(r, now)
    return {
        **empty_snapshot(),
        "totals": {"open": today["backlog"][-1], "at_risk": count("at_risk"), "breached": count("breached"), "paused": count("paused"), "unconfirmed": 1},
        "compliance": [
            {"target": "first_response", "hour": share(57, 0.035), "today": share(412, 0.031), "week_ago": share(49, 0.06)},
            {"target": "next_response", "hour": share(23, 0.0), "today": share(164, 0.055), "week_ago": share(21, 0.05)},
            {"target": "arrival", "hour": share(14, 0.21), "today": share(96, 0.09), "week_ago": share(12, 0.08)},
            {"target": "resolution", "hour": share(48, 0.085), "today": share(371, 0.064), "week_ago": share(44, 0.07)}],
        "day": today, "clocks": clocks, "breaches": breaches, "agents": agents, "n_agents": len(agents),
        "projects": running(clocks, "project", desk), "teams": running(clocks, "team", desk),
        "read": {"agents": iso(now - 1), "groups": iso(now - 1), "ledger": iso(now - 42)}}


def fill(board, seed=7, few=False):
    """few: only some rows of each kind."""
    now, skew = board.now(), board.skew
    snapshot = figures(now, seed)
    if few:
        by_state = {}
        for row in snapshot["clocks"]:
            by_state.setdefault(row["state"], []).append(row)
        snapshot["clocks"] = [row for rows in by_state.values() for row in rows[:4]]
        snapshot["breaches"], snapshot["agents"] = snapshot["breaches"][:9], snapshot["agents"][:4]
    board.reset(**snapshot)
    board.skew = skew
    board.tickets.update({"BX-20260312-0417": ticket(now)})
    board.lists["tickets"] = [
        {"key": clock["ticket_id"], **{name: clock[name] for name in ("ticket_id", "project", "team", "owner", "priority", "category")},
         "state": "paused" if clock["state"] == "paused" else "open", "opened_at": iso(now - 4000), "first_response_at": iso(now - 3600),
         "resolved_at": None, "first_response_verdict": "met", "resolution_verdict": "pending", "csat_score": None, "csat_scale_max": None}
        for clock in board.snapshot["clocks"]]


def breach_of(clock):
    """The breach of a clock that is past its deadline."""
    return {**{name: value for name, value in clock.items() if name != "left_us"}, "key": clock["key"].replace("|", "/"), "state": "breached", "kind": "deadline",
            "breached_at": clock["due_at"], "detected_at": clock["due_at"], "acked": False}


def work(board):
    """One second of the desk: deadlines pass, some tickets are answered, others come."""
    now, rows = board.now(), board.snapshot["clocks"]
    change = {"set": [], "del": []}
    for row in rows:
        if row["state"] in ("pending", "at_risk") and row["due_at"] <= iso(now):
            change["set"].append({**row, "state": "breached"})
        elif row["state"] == "breached" and random.random() < 0.01:
            change["del"].append(row["key"])
    if not change["set"] and not change["del"]:
        return
    new = [row for row in change["set"] if row["state"] == "breached"]
    breaches = {"set": [breach_of(row) for row in new]}
    breaches["order"] = [row["key"] for row in breaches["set"]] + [row["key"] for row in board.snapshot["breaches"]]
    board.send(clocks=change, breaches=breaches)


def ticket(now):
    """An explained ticket: paused for parts, over lunch, and one breach that was taken back."""
    at = lambda hhmm, s=0: now // 86400 * 86400 - 86400 + int(hhmm[:2]) * 3600 - 8 * 3600 + int(hhmm[3:]) * 60 + s
    t = lambda *a: iso(at(*a)).replace(".000000", "")
    who, other = "chen.jing", "sun.hao"
    parts = "awaiting_parts"
    policy = "water or power off"
    office = "office"
    piece = lambda state, a, b, reason=None, ran=0: {"state": state, "from": t(a), "to": t(b), "reason": reason, "ran_us": ran * 60000000}
    clock = lambda **more: {"n": 1, "cycle": 1, "promised": False, "policy": policy, "stopped_at": None, "paused": False, "left_us": None, "breached_at": None,
                            "cause": None, "agent": other, "owner_at_breach": None, "calendar": office, "time_zone": "Asia/Shanghai", "warnings": 0, "warned_at": None,
                            "level": 0, "evidence": None, **more}
    event = lambda when, kind, effect, state, owner, offset: {"at": t(when), "type": f"ticket.{kind}", "derived": False, "source": "/desk", "id": f"e-{offset}",
                                                             "effect": effect, "state": state, "cycle": 1, "owner": owner, "topic": "ticket-activity", "partition": 3, "offset": offset}
    return {
        "ticket_id": "BX-20260312-0417", "state": "resolved", "cycle": 1, "owner": other, "project_id": "binjiang-tower", "team_id": "repairs",
        "channel": "app", "category": "repair/plumbing", "priority": "2", "opened_at": t("09:42"), "policy": policy, "policy_version": "2026-01",
        "agrees_with_record": True, "cut": None, "set_aside": None, "conflicts": [],
        "passed_over": [{"policy": "emergency repair", "attribute": "category", "value": "repair/plumbing"}],
        "clocks": [
            clock(target="first_response", verdict="met", within_us=1800000000, started_at=t("09:42"), due_at=t("10:12"), stopped_at=t("10:06"), warned_at=t("10:02"), warnings=1,
                  timeline=[piece("runs", "09:42", "10:06", ran=24)]),
            clock(target="arrival", verdict="met", within_us=7200000000, started_at=t("09:42"), due_at=t("11:42"), stopped_at=t("11:38"), timeline=[piece("runs", "09:42", "11:38", ran=116)]),
            clock(target="resolution", verdict="breached", within_us=18000000000, started_at=t("09:42"), due_at=t("17:11"), stopped_at=t("17:48"), breached_at=t("17:11"), cause="deadline",
                  owner_at_breach=other, warned_at=t("16:11"), warnings=1, level=1,
                  timeline=[piece("runs", "09:42", "12:00", ran=138), piece("rests", "12:00", "13:30", ran=138), piece("runs", "13:30", "14:05", ran=173),
                            piece("stands", "14:05", "15:04", parts, ran=173), piece("runs", "15:04", "17:30", ran=319), piece("rests", "17:30", "17:48", ran=319)])],
        "alerts": [
            {"target": "arrival", "n": 1, "state": "voided", "level": 0, "due_at": t("11:42"), "breached_at": t("11:42"), "detected_at": t("11:42"), "unconfirmed": False, "delivery": "sent",
             "voided_because": f"an arrival of {t('11:38').replace('T', ' ')[:-1]} was in time and arrived late: ticket-activity/3 @88124"},
            {"target": "resolution", "n": 1, "state": "resolved", "level": 1, "due_at": t("17:11"), "breached_at": t("17:11"), "detected_at": t("17:11"), "unconfirmed": False, "delivery": "sent",
             "voided_because": None}],
        "events": [event("09:42", "opened", "", "open", who, 88001), event("09:44", "assigned", f"transfer from {who} to {other}", "open", other, 88007),
                   event("10:06", "responded", "first response", "open", other, 88041), event("11:38", "arrived", "arrival", "open", other, 88124),
                   event("14:05", "paused", f"paused: {parts}", "paused", other, 88290), event("15:04", "resumed", "open again", "open", other, 88377),
                   event("17:48", "resolved", "solved", "resolved", other, 88660)],
        "kpis": [{"time": t("10:05"), "agent": other, "measures": {"responded": 1, "first_response_measured": 1, "first_response_within_sla": 1}},
                 {"time": t("17:10"), "agent": other, "measures": {"resolution_measured": 1}}, {"time": t("17:45"), "agent": other, "measures": {"resolved": 1}}]}
