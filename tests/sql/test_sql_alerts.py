"""What becomes of an alert's row: as it is judged, acknowledged, silenced, and when time is up (RULES A)."""
import contextlib
import os

import psycopg2
import pytest

from conftest import ROOT, dicts, insert, insert_ticket, rows


def query(name):
    with open(os.path.join(ROOT, "sql", "queries", name + ".sql"), encoding="utf-8") as file:
        return file.read()


class Alerts:
    """The queries of the daemon, on rows by name."""

    def __init__(self, db):
        self.db = db
        rows(db, f"PREPARE put AS {query('alert_put')}")
        rows(db, f"PREPARE void AS {query('alert_void')}")
        rows(db, f"PREPARE attend AS {query('alert_attend')}")

    def put(self, state="breached", **values):
        breach = state not in ("warning", "averted")
        row = {
            "alert_id": "a1", "ticket_id": "T1", "target": "resolution", "n": 1, "revision": 1, "state": state, "level": 0,
            "due_at": "2026-01-05 10:00Z", "breached_at": "2026-01-05 10:00Z" if breach else None,
            "cause": "deadline" if breach else None, "owner_at_breach": "ann", "project_id": "p1", "policy": "gold",
            "policy_version": "1", "detected_at": "now", "resolved_at": "2026-01-05 11:00Z" if state == "resolved" else None,
            "unconfirmed": False, "delivery": "queued", "evidence_source_no": None, "evidence_offset": None,
            "warned_at": "2026-01-05 09:00Z", "n_warnings": 1, **values}
        rows(self.db, f"EXECUTE put (ARRAY[ROW({', '.join(['%s'] * len(row))})::kpid.alert])", *row.values())

    def void(self):
        rows(self.db, "EXECUTE void (ARRAY['a1'])")

    def attend(self):
        rows(self.db, "EXECUTE attend")

    def ack(self, who="bob", why="on it", after=None):
        return rows(self.db, "SELECT report.ack_alert('a1', %s, %s, %s)", who, why, after)

    def row(self):
        found, = dicts(self.db, "SELECT * FROM report.alert")
        return found

    def state(self):
        return self.row()["state"]

    def messages(self):
        return [row[0] for row in rows(self.db, "SELECT payload::json->'data'->>'state' FROM kpid.outbox ORDER BY seq")]


@pytest.fixture
def alerts(db):
    insert_ticket(db, "T1")
    return Alerts(db)


def test_A2_warning_breach_resolution(alerts):
    for state in ("warning", "breached", "resolved"):
        alerts.put(state)
    assert alerts.messages() == ["warning", "breached", "resolved"]
    assert alerts.row()["revision"] == 3


def test_A3_voided_wins_over_what_warnings_say(alerts):
    alerts.put("breached")
    alerts.void()
    for state in ("warning", "averted"):
        alerts.put(state)
        assert alerts.state() == "voided"
    alerts.put("breached", level=1)
    assert alerts.state() == "breached" and alerts.messages() == ["breached", "voided", "breached"]


def test_a_warning_that_is_undone_is_averted(alerts):
    alerts.put("warning")
    alerts.void()
    alerts.void()
    assert alerts.state() == "averted" and alerts.messages() == ["warning", "averted"]


def test_a_breach_is_sent_though_its_warning_was_too_old(alerts):
    alerts.put("warning", delivery="too_old")
    alerts.put("breached")
    alerts.put("resolved", delivery="too_old")
    assert alerts.messages() == ["breached", "resolved"]


def test_what_was_decided_about_a_breach_stays(alerts):
    alerts.put("breached", delivery="too_old")
    alerts.put("breached", level=1)
    alerts.put("resolved")
    assert alerts.messages() == [] and alerts.row()["delivery"] == "too_old"


def test_acknowledged_stays_so_while_it_lasts(alerts):
    alerts.put("breached")
    assert alerts.ack() == [("acknowledged",)]
    alerts.put("breached", level=1)
    assert alerts.state() == "acknowledged" and alerts.row()["level"] == 1
    alerts.put("resolved")
    assert alerts.state() == "resolved"
    assert alerts.messages() == ["breached", "acknowledged", "acknowledged", "resolved"]


def test_an_alert_that_changes_while_it_is_thought_of(pg, database, db, alerts):
    """What is not committed yet when receivers are thought of is thought of next."""
    rows(db, f"PREPARE done AS {query('dispatch_done')}")
    alerts.put("breached")
    with contextlib.closing(pg.connect(database)) as other:
        rows(other, "BEGIN")
        Alerts(other).put("resolved")
        read, = dicts(db, query("dispatch_read"))
        assert read["state"] == "breached"
        rows(db, "EXECUTE done (ARRAY['a1'], ARRAY[%s])", read["revision"])
        rows(other, "COMMIT")
    read, = dicts(db, query("dispatch_read"))
    assert (read["state"], read["revision"]) == ("resolved", 2)
    rows(db, "EXECUTE done (ARRAY['a1'], ARRAY[%s])", read["revision"])
    assert rows(db, query("dispatch_read")) == []


def test_unack(alerts):
    alerts.put("breached")
    alerts.ack()
    assert rows(alerts.db, "SELECT report.unack_alert('a1', 'cat', 'not mine')") == [("breached",)]
    assert alerts.messages() == ["breached", "acknowledged", "breached"]
    found, = dicts(alerts.db, "SELECT * FROM report.acknowledgement")
    assert (found["acknowledged_by"], found["why"], found["ended_by"], found["ended_why"]) == ("bob", "on it", "cat", "not mine")


def test_fires_again_when_its_time_is_up(alerts):
    alerts.put("breached")
    alerts.ack(after="1 hour")
    alerts.attend()
    assert alerts.state() == "acknowledged"
    rows(alerts.db, "UPDATE kpid.acknowledgement SET fires_again_at = now() - interval '1 second'")
    alerts.attend()
    alerts.attend()
    assert alerts.state() == "breached" and alerts.messages() == ["breached", "acknowledged", "breached"]
    assert rows(alerts.db, "SELECT ended_by FROM report.acknowledgement") == [("kpid",)]


def test_fires_not_again_when_it_is_over(alerts):
    alerts.put("breached")
    alerts.ack(after="1 hour")
    alerts.put("resolved")
    rows(alerts.db, "UPDATE kpid.acknowledgement SET fires_again_at = now() - interval '1 second'")
    alerts.attend()
    assert alerts.state() == "resolved" and alerts.messages() == ["breached", "acknowledged", "resolved"]


@pytest.mark.parametrize("sql, words", [
    ("report.ack_alert('nope', 'bob', 'why')", "there is no alert nope"),
    ("report.ack_alert('a1', '', 'why')", "says who and why"),
    ("report.ack_alert('a1', 'bob', NULL)", "says who and why"),
    ("report.ack_alert('a1', 'bob', 'why', interval '0')", "at once"),
    ("report.unack_alert('a1', 'bob', 'why')", "is breached, not acknowledged"),
    ("report.silence_alerts(now() - interval '1 hour', 'bob', 'why')", "later than now"),
    ("report.silence_alerts(now() + interval '1 hour', 'bob', '')", "says who and why"),
])
def test_refusals(alerts, sql, words):
    alerts.put("breached")
    with pytest.raises(psycopg2.Error, match=words):
        rows(alerts.db, f"SELECT {sql}")


def test_only_a_breach_that_lasts_can_be_acknowledged(alerts):
    for state in ("warning", "resolved"):
        alerts.put(state)
        with pytest.raises(psycopg2.Error, match=f"is {state}; only a breach that lasts"):
            alerts.ack()


def silence(db, **values):
    insert(db, "silence", **{"starts_at": "2026-01-01Z", "ends_at": "2100-01-01Z", "made_by": "bob", "why": "lift works", **values})


@pytest.mark.parametrize("where, silenced", [
    ({}, True), ({"project_id": "p1"}, True), ({"project_id": "p2"}, False), ({"target": "resolution"}, True),
    ({"target": "arrival"}, False), ({"project_id": "p1", "target": "arrival"}, False),
    ({"ends_at": "2026-01-02Z"}, False), ({"starts_at": "2099-01-01Z"}, False)])
def test_silence_keeps_back_what_it_names(alerts, where, silenced):
    silence(alerts.db, **where)
    alerts.put("breached")
    assert alerts.row()["delivery"] == ("silenced" if silenced else "queued")
    assert alerts.messages() == ([] if silenced else ["breached"])


def test_what_lasts_is_sent_when_the_silence_ends(alerts):
    (number,), = rows(alerts.db, "SELECT report.silence_alerts(now() + interval '1 hour', 'bob', 'lift works', 'p1')")
    alerts.put("warning")
    alerts.put("breached")
    alerts.attend()
    assert alerts.messages() == [] and alerts.row()["delivery"] == "silenced"
    assert rows(alerts.db, "SELECT report.end_silence(%s)", number) == [(True,)]
    assert rows(alerts.db, "SELECT report.end_silence(%s)", number) == [(False,)]
    alerts.attend()
    alerts.attend()
    assert alerts.messages() == ["breached"] and alerts.row()["delivery"] == "queued"
    alerts.put("resolved")
    assert alerts.messages() == ["breached", "resolved"]


def test_what_is_over_when_the_silence_ends_is_not_sent(alerts):
    silence(alerts.db)
    alerts.put("breached")
    alerts.put("resolved")
    rows(alerts.db, "UPDATE kpid.silence SET ends_at = now()")
    alerts.attend()
    assert alerts.messages() == [] and alerts.row()["delivery"] == "over"


def test_operator_may_attend_and_nothing_else(alerts, pg, database):
    alerts.put("breached")
    rows(alerts.db, "DROP ROLE IF EXISTS an_operator")
    rows(alerts.db, "CREATE ROLE an_operator LOGIN IN ROLE kpid_operator")
    operator = pg.connect(database, user="an_operator")
    assert rows(operator, "SELECT state FROM report.alert") == [("breached",)]
    assert rows(operator, "SELECT report.ack_alert('a1', 'bob', 'on it')") == [("acknowledged",)]
    assert rows(operator, "SELECT report.silence_alerts(now() + interval '1 hour', 'bob', 'why') > 0") == [(True,)]
    for sql in ("SELECT * FROM kpid.alert", "UPDATE kpid.alert SET state = 'voided'", "DELETE FROM report.alert",
                "INSERT INTO kpid.silence SELECT"):
        with pytest.raises(psycopg2.Error):
            rows(operator, sql)
    operator.close()
    rows(alerts.db, "DROP ROLE an_operator")


def test_false_alarms_are_counted_by_the_hour(alerts):
    day = "2026-01-05"
    for number, (state, project, hour, delivery) in enumerate([
            ("breached", "p1", 10, "queued"), ("breached", "p1", 10, "queued"), ("breached", "p1", 10, "too_old"),
            ("breached", "p1", 11, "queued"), ("breached", None, 10, "queued"), ("warning", "p1", 10, "queued")]):
        alerts.put(state, alert_id=f"a{number}", n=number + 1, project_id=project, delivery=delivery,
                   detected_at=f"{day} {hour}:59Z", unconfirmed=number == 0)
    for name in ("a1", "a2"):
        rows(alerts.db, "EXECUTE void (ARRAY[%s])", name)
    assert rows(alerts.db, "SELECT extract(hour FROM time AT TIME ZONE 'UTC')::integer, project_id, breached, voided, voided_sent,"
                " unconfirmed FROM report.alert_hourly ORDER BY 1, 2") == [
        (10, "p1", 3, 2, 1, 1), (10, None, 1, 0, 0, 0), (11, "p1", 1, 0, 0, 0)]
