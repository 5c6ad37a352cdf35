"""The row of an alert when it is judged, acknowledged, silenced, and when a time limit passes (rules A)."""
import contextlib
import os

import psycopg2
import pytest

from conftest import ROOT, dicts, insert, insert_ticket, rows, rows_read


def query(name):
    with open(os.path.join(ROOT, "sql", "queries", name + ".sql"), encoding="utf-8") as file:
        return file.read()


class Alerts:
    """Runs the queries of the daemon, with rows by column name."""

    def __init__(self, db):
        self.db = db
        rows(db, f"PREPARE put AS {query('alert_put')}")
        rows(db, f"PREPARE void AS {query('alert_void')}")
        rows(db, f"PREPARE attend AS {query('alert_apply_acks')}")
        rows(db, f"PREPARE attend_silences (boolean) AS {query('silence_expire')}")

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
        rows(self.db, "EXECUTE attend_silences (false)")

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


def test_A3_voided_wins_over_warnings(alerts):
    alerts.put("breached")
    alerts.void()
    for state in ("warning", "averted"):
        alerts.put(state)
        assert alerts.state() == "voided"
    alerts.put("breached", level=1)
    assert alerts.state() == "breached" and alerts.messages() == ["breached", "voided", "breached"]


def test_A1_an_undone_warning_is_voided_until_it_is_one_again(alerts):
    alerts.put("warning")
    alerts.void()
    alerts.void()
    assert alerts.state() == "voided" and alerts.messages() == ["warning", "voided"]
    alerts.put("warning")
    assert alerts.state() == "warning" and alerts.messages() == ["warning", "voided", "warning"]
    alerts.put("averted")
    alerts.void()
    assert alerts.state() == "voided" and alerts.messages()[-2:] == ["averted", "voided"]
    alerts.put("averted")
    assert alerts.state() == "averted"


def test_a_breach_is_sent_though_its_warning_was_too_old(alerts):
    alerts.put("warning", delivery="too_old")
    alerts.put("breached")
    alerts.put("resolved", delivery="too_old")
    assert alerts.messages() == ["breached", "resolved"]


def test_the_delivery_of_a_breach_is_decided_once(alerts):
    alerts.put("breached", delivery="too_old")
    alerts.put("breached", level=1)
    alerts.put("resolved")
    assert alerts.messages() == [] and alerts.row()["delivery"] == "too_old"


def test_an_active_alert_stays_acknowledged(alerts):
    alerts.put("breached")
    assert alerts.ack() == [("acknowledged",)]
    assert alerts.state() == "acknowledged" and alerts.row()["revision"] == 1
    alerts.attend()
    assert alerts.state() == "acknowledged" and alerts.row()["revision"] == 2
    alerts.put("breached", level=1)
    assert alerts.state() == "acknowledged" and alerts.row()["level"] == 1
    alerts.put("resolved")
    assert alerts.state() == "resolved"
    assert alerts.messages() == ["breached", "acknowledged", "acknowledged", "resolved"]


def test_an_alert_that_changes_while_it_is_dispatched(pg, database, db, alerts):
    """A change that commits after the dispatcher has read the alert is dispatched next time."""
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
    alerts.attend()
    assert rows(alerts.db, "SELECT report.unack_alert('a1', 'cat', 'not mine')") == [("breached",)]
    assert alerts.state() == "breached"
    alerts.attend()
    assert alerts.messages() == ["breached", "acknowledged", "breached"]
    found, = dicts(alerts.db, "SELECT * FROM report.acknowledgement")
    assert (found["acknowledged_by"], found["why"], found["ended_by"], found["ended_why"]) == ("bob", "on it", "cat", "not mine")


def test_fires_again_after_the_given_time(alerts):
    alerts.put("breached")
    alerts.ack(after="1 hour")
    alerts.attend()
    assert alerts.state() == "acknowledged"
    rows(alerts.db, "UPDATE kpid.acknowledgement SET fires_again_at = now() - interval '1 second'")
    alerts.attend()
    alerts.attend()
    assert alerts.state() == "breached" and alerts.messages() == ["breached", "acknowledged", "breached"]
    assert rows(alerts.db, "SELECT ended_by FROM report.acknowledgement") == [("kpid",)]


def test_the_acknowledgement_of_a_resolved_alert_ends(alerts):
    alerts.put("breached")
    alerts.ack()
    alerts.put("resolved")
    alerts.attend()
    alerts.attend()
    assert alerts.state() == "resolved" and alerts.messages() == ["breached", "resolved"]
    assert rows(alerts.db, "SELECT ended_by, ended_why FROM report.acknowledgement") == [("kpid", "the alert was over")]


def test_a_second_acknowledgement_takes_over(alerts):
    alerts.put("breached")
    alerts.ack()
    alerts.attend()
    alerts.ack("cat", "mine")
    alerts.attend()
    alerts.attend()
    assert alerts.state() == "acknowledged" and alerts.messages() == ["breached", "acknowledged", "acknowledged"]
    assert rows(alerts.db, "SELECT acknowledged_by, ended_by FROM report.acknowledgement ORDER BY acknowledged_at") == [
        ("bob", "cat"), ("cat", None)]


def test_an_acknowledgement_withdrawn_at_once_is_not_sent(alerts):
    alerts.put("breached")
    alerts.ack()
    rows(alerts.db, "SELECT report.unack_alert('a1', 'bob', 'oh')")
    alerts.attend()
    assert alerts.state() == "breached" and alerts.messages() == ["breached"]


@pytest.mark.parametrize("act", [
    "report.ack_alert('a1', 'bob', 'on it')", "report.unack_alert('a1', 'bob', 'not mine')",
    "report.silence_alerts(now() + interval '1 hour', 'bob', 'lift works')", "report.end_silence(1)"])
def test_an_operators_open_transaction_holds_no_row_that_the_daemon_needs(pg, database, alerts, act):
    """The daemon writes breaches, escalations and ends of alerts while an operator has not committed."""
    alerts.put("breached")
    silence(alerts.db, project_id="p2")
    if "unack" in act:
        alerts.ack(after="1 hour")
        rows(alerts.db, "UPDATE kpid.acknowledgement SET fires_again_at = now() - interval '1 second'")
    with contextlib.closing(pg.connect(database)) as operator:
        rows(operator, "BEGIN")
        rows(operator, f"SELECT {act}")
        rows(alerts.db, "SET lock_timeout = '1s'")
        alerts.put("breached", level=1)
        alerts.attend()
        alerts.put("breached", alert_id="a2", n=2)
        rows(operator, "COMMIT")
    alerts.attend()
    assert rows(alerts.db, "SELECT count(*) FROM kpid.acknowledgement WHERE pending") == [(0,)]


def test_two_operators_on_one_alert_do_not_wait_forever(pg, database, alerts):
    alerts.put("breached")
    with contextlib.closing(pg.connect(database)) as other:
        rows(other, "BEGIN")
        rows(other, "SELECT report.ack_alert('a1', 'bob', 'on it')")
        with pytest.raises(psycopg2.errors.LockNotAvailable, match="another session is acting on alert a1"):
            alerts.ack("cat")
    assert alerts.ack("cat") == [("acknowledged",)]


@pytest.mark.parametrize("sql", [
    "report.ack_alert('a1', '{who}', '{why}')", "report.unack_alert('a1', '{who}', '{why}')",
    "report.silence_alerts(now() + interval '1 hour', '{who}', '{why}')"])
def test_who_and_why_have_a_limit(alerts, sql):
    alerts.put("breached")
    if "unack" in sql:
        alerts.ack()
    for who, why in (("é" * 201, "why"), ("bob", "é" * 2001)):
        with pytest.raises(psycopg2.errors.CheckViolation, match="who in at most 200 characters and why in at most 2000"):
            rows(alerts.db, "SELECT " + sql.format(who=who, why=why))
    rows(alerts.db, "SELECT " + sql.format(who="é" * 200, why="é" * 2000))


@pytest.mark.parametrize("table, values, column, most", [
    ("acknowledgement", {"alert_id": "a1", "acknowledged_by": "bob", "why": "on it"}, "acknowledged_by", 200),
    ("acknowledgement", {"alert_id": "a1", "acknowledged_by": "bob", "why": "on it"}, "why", 2000),
    ("acknowledgement", {"alert_id": "a1", "acknowledged_by": "bob", "why": "on it"}, "ended_by", 200),
    ("acknowledgement", {"alert_id": "a1", "acknowledged_by": "bob", "why": "on it"}, "ended_why", 2000),
    ("silence", {"starts_at": "2026-01-01Z", "ends_at": "2100-01-01Z", "made_by": "bob", "why": "w"}, "made_by", 200),
    ("silence", {"starts_at": "2026-01-01Z", "ends_at": "2100-01-01Z", "made_by": "bob", "why": "w"}, "why", 2000),
    ("silence", {"starts_at": "2026-01-01Z", "ends_at": "2100-01-01Z", "made_by": "bob", "why": "w"}, "project_id", 2000),
    ("gap", {"topic": "t", "partition": 0, "expected_offset": 1, "reason": "gone"}, "accepted_by", 200),
    ("recalculation", {"asked_by": "bob", "why": "w", "revision_nos": [1]}, "asked_by", 200),
    ("recalculation", {"asked_by": "bob", "why": "w", "revision_nos": [1]}, "why", 2000),
    ("source_drop", {"source": "/a", "dropped_by": "bob", "why": "w", "reread": False}, "dropped_by", 200),
    ("source_drop", {"source": "/a", "dropped_by": "bob", "why": "w", "reread": False}, "why", 2000),
    ("repair", {"repaired_by": "bob", "why": "w", "table_name": "t", "key": "k"}, "repaired_by", 200),
    ("repair", {"repaired_by": "bob", "why": "w", "table_name": "t", "key": "k"}, "why", 2000)])
def test_tables_limit_who_and_why(db, table, values, column, most):
    insert(db, table, **{**values, column: "é" * most})
    with pytest.raises(psycopg2.errors.CheckViolation):
        insert(db, table, **{**values, column: "é" * (most + 1), **({"alert_id": "a2"} if "alert_id" in values else {})})


def test_a_resolved_alert_does_not_fire_again(alerts):
    alerts.put("breached")
    alerts.ack(after="1 hour")
    alerts.attend()
    alerts.put("resolved")
    rows(alerts.db, "UPDATE kpid.acknowledgement SET fires_again_at = now() - interval '1 second'")
    alerts.attend()
    assert alerts.state() == "resolved" and alerts.messages() == ["breached", "acknowledged", "resolved"]


@pytest.mark.parametrize("sql, words", [
    ("report.ack_alert('nope', 'bob', 'why')", "there is no alert nope"),
    ("report.ack_alert('a1', '', 'why')", "needs who and why"),
    ("report.ack_alert('a1', 'bob', NULL)", "needs who and why"),
    ("report.ack_alert('a1', 'bob', 'why', interval '0')", "must be positive"),
    ("report.unack_alert('a1', 'bob', 'why')", "is breached, not acknowledged"),
    ("report.silence_alerts(now() - interval '1 hour', 'bob', 'why')", "in the future"),
    ("report.silence_alerts(now() + interval '1 hour', 'bob', '')", "needs who and why"),
])
def test_refusals(alerts, sql, words):
    alerts.put("breached")
    with pytest.raises(psycopg2.Error, match=words):
        rows(alerts.db, f"SELECT {sql}")


def test_only_an_active_breach_can_be_acknowledged(alerts):
    for state in ("warning", "resolved"):
        alerts.put(state)
        with pytest.raises(psycopg2.Error, match=f"is {state}; only an active breach"):
            alerts.ack()


def silence(db, **values):
    insert(db, "silence", **{"starts_at": "2026-01-01Z", "ends_at": "2100-01-01Z", "made_by": "bob", "why": "lift works", **values})


@pytest.mark.parametrize("where, silenced", [
    ({}, True), ({"project_id": "p1"}, True), ({"project_id": "p2"}, False), ({"target": "resolution"}, True),
    ({"target": "arrival"}, False), ({"project_id": "p1", "target": "arrival"}, False),
    ({"ends_at": "2026-01-02Z"}, False), ({"starts_at": "2099-01-01Z"}, False)])
def test_a_silence_holds_back_the_alerts_that_it_names(alerts, where, silenced):
    silence(alerts.db, **where)
    alerts.put("breached")
    assert alerts.row()["delivery"] == ("silenced" if silenced else "queued")
    assert alerts.messages() == ([] if silenced else ["breached"])


def test_active_alerts_are_sent_when_the_silence_ends(alerts):
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


@pytest.mark.parametrize("analyze", [False, True])
def test_past_silences_do_not_slow_a_breach(alerts, analyze):
    """Only active silences are read, for each alert and at each check for ended ones, no matter how many there were."""
    rows(alerts.db, "INSERT INTO kpid.silence (starts_at, ends_at, made_by, why, project_id)"
                    " SELECT '2026-01-01Z', '2026-01-02Z', 'bob', 'w', 'p1' FROM generate_series(1, 20000)")
    alerts.attend()
    silence(alerts.db)  # the last row of the table
    if analyze:
        rows(alerts.db, "ANALYZE kpid.silence")
    assert rows_read(alerts.db, "kpid.silence", "SELECT kpid.is_silenced('p1', 'resolution', now())") <= 1
    assert rows_read(alerts.db, "kpid.silence", "EXECUTE attend_silences (true)") <= 3


def test_silenced_alerts_are_read_only_when_a_silence_has_ended(alerts):
    silence(alerts.db)
    for number in range(100):
        alerts.put("breached", alert_id=f"a{number}", n=number + 1)
    rows(alerts.db, "ANALYZE kpid.alert")
    assert rows_read(alerts.db, "kpid.alert", "EXECUTE attend_silences (false)") == 0
    rows(alerts.db, "UPDATE kpid.silence SET ends_at = now()")
    assert rows(alerts.db, "EXECUTE attend_silences (false)") == [(True, 100)]
    assert rows(alerts.db, "EXECUTE attend_silences (true)") == [(False, 0)]


def test_past_acknowledgements_do_not_slow_the_tick(alerts):
    rows(alerts.db, "INSERT INTO kpid.acknowledgement (alert_id, acknowledged_by, why, fires_again_at, ended_at, pending)"
                    " SELECT 'x' || i, 'bob', 'w', timestamptz '2026-01-02Z', timestamptz '2026-01-02Z', false FROM generate_series(1, 20000) i"
                    " UNION ALL SELECT 'y' || i, 'bob', 'w', timestamptz '2100-01-02Z', NULL, false FROM generate_series(1, 1000) i")
    rows(alerts.db, "ANALYZE kpid.acknowledgement")
    assert rows_read(alerts.db, "kpid.acknowledgement", "EXECUTE attend") == 0
    assert rows_read(alerts.db, "kpid.acknowledgement", query("tick").replace("$1", "1000000")) == 1  # the next to end


def test_resolved_alerts_are_not_sent_when_the_silence_ends(alerts):
    silence(alerts.db)
    alerts.put("breached")
    alerts.put("resolved")
    rows(alerts.db, "UPDATE kpid.silence SET ends_at = now()")
    alerts.attend()
    assert alerts.messages() == [] and alerts.row()["delivery"] == "over"


def test_operators_may_acknowledge_and_silence_and_nothing_else(alerts, pg, database):
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


def test_false_alarms_are_counted_per_hour(alerts):
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


# ---- notifications: idle instances wait for them ----


@pytest.fixture
def woken(pg, database, db):
    """The channels notified since the last call, by transactions of the fixture `db`."""
    with contextlib.closing(pg.connect(database)) as listener:
        for channel in ("kpid_alert", "kpid_action", "kpid_deadline"):
            rows(listener, f"LISTEN {channel}")

        def since():
            rows(listener, "SELECT 1")  # the server sends what has come with the answer
            listener.poll()
            found = [notification.channel for notification in listener.notifies]
            listener.notifies.clear()
            return found

        yield since


def test_an_alert_to_be_sent_wakes_the_senders_once(alerts, woken):
    insert_ticket(alerts.db, "T2")
    rows(alerts.db, "BEGIN")
    alerts.put("breached")
    alerts.put("breached", alert_id="a2", ticket_id="T2")
    rows(alerts.db, "COMMIT")
    assert woken() == ["kpid_alert"]
    alerts.void()
    assert woken() == ["kpid_alert"]


def test_an_alert_that_is_not_sent_wakes_nobody(alerts, woken):
    alerts.put("breached", delivery="shadow")
    alerts.attend()
    assert woken() == []


def test_an_acknowledgement_wakes_whoever_applies_it_but_applying_does_not(alerts, woken):
    alerts.put("breached")
    woken()
    alerts.ack()
    assert woken() == ["kpid_action"]
    alerts.attend()
    assert woken() == ["kpid_alert"]
    rows(alerts.db, "SELECT report.unack_alert('a1', 'bob', 'not mine')")
    assert woken() == ["kpid_action"]


def test_a_silence_and_its_early_end_wake_whoever_ends_it(alerts, woken):
    (number,), = rows(alerts.db, "SELECT report.silence_alerts(now() + interval '1 h', 'bob', 'works')")
    assert woken() == ["kpid_action"]
    rows(alerts.db, "SELECT report.end_silence(%s)", number)
    assert woken() == ["kpid_action"]
    alerts.attend()
    assert woken() == []


def tick(db):
    found, = dicts(db, query("tick").replace("$1", "1000000"))
    return found


def test_the_tick_says_when_operators_need_attention(alerts):
    db = alerts.db
    assert tick(db)["actions_at"] is None
    alerts.put("breached")
    rows(db, "SELECT report.silence_alerts(now() + interval '2 h', 'bob', 'works')")
    assert rows(db, "SELECT %s = ends_at FROM kpid.silence", tick(db)["actions_at"]) == [(True,)]
    alerts.ack(after="1 h")
    assert tick(db)["actions_at"] <= tick(db)["now"]
    alerts.attend()
    assert rows(db, "SELECT %s = fires_again_at FROM kpid.acknowledgement", tick(db)["actions_at"]) == [(True,)]


@pytest.mark.parametrize("instance, owner, wakes", [("a", "a", False), ("a", "b", True), (None, "a", True)])
def test_a_deadline_wakes_other_instances_only(db, woken, instance, owner, wakes):
    insert(db, "source_partition", topic="t", partition=0, epoch=1, owner=owner)
    rows(db, f"PREPARE wake AS {query('deadline_wake')}")
    rows(db, "EXECUTE wake (%s)", instance)
    assert woken() == ["kpid_deadline"] * wakes
