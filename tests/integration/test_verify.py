"""kpid verify: finds no difference while daemons write; finds corruption and nothing else, and repairs it with a
record.
"""
import json
import threading

import pytest

from daemon import LONG, generated, wait_until

SEED = 20261127


def verify(site, *options, status=0):
    return json.loads(site.command("verify", "--json", *options, status=status).stdout)


def repair(site, *options, status=0):
    return verify(site, "--repair", "--who", "ann", "--why", "a test", *options, status=status)


def found(result):
    return sorted((d["table"], d["key"], d["column"], d["stored"], d["expected"]) for d in result["differences"])


@pytest.fixture
def filled(make_stream, make_site):
    """A site whose daemon has read a difficult set, and keeps running."""
    stream = make_stream()
    messages, policy = generated(stream, SEED, 250)
    site = make_site(stream, policy)
    stream.send(messages)
    site.start("a")
    site.wait_read()
    site.wait_settled()
    return site


def test_nothing_differs_while_two_daemons_write(make_stream, make_site):
    stream = make_stream()
    messages, policy = generated(stream, SEED + 1, 3000 if LONG else 300)
    site = make_site(stream, policy)
    site.start("a")
    site.start("b")
    done = threading.Event()

    def send():
        for i in range(0, len(messages), 100):
            stream.send(messages[i:i + 100])
            done.wait(0.01)
        done.set()

    sender = threading.Thread(target=send)
    sender.start()
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.ticket") > 0, "something to look at")
    n_runs = n_half = 0
    while not done.is_set() or n_runs < 5:
        result = verify(site)
        n_runs += 1
        n_half += 0 < result["tickets"]
        if n_runs == 3:
            site.daemons["b"].kill()
            site.start("b")
    sender.join()
    site.wait_read()
    site.wait_settled()
    assert verify(site)["tickets"] == site.one("SELECT count(*) FROM kpid.ticket") > 100
    assert n_half >= 3, "it checked an empty database"
    assert site.one("SELECT count(*) FROM report.repair") == 0
    print(f"checked {n_runs} times while daemons wrote")


# A change to a row, and what must be found: table, column, stored, expected; None: anything.
CORRUPTIONS = {
    "a ticket's column": (
        "UPDATE kpid.ticket SET transfer_count = transfer_count + 7 WHERE ticket_id = (SELECT min(ticket_id) FROM kpid.ticket)",
        ("ticket", "transfer_count", None, None)),
    "when it was opened": (
        "UPDATE kpid.ticket SET opened_at = opened_at + interval '1 day' WHERE ticket_id = "
        "(SELECT max(ticket_id) FROM kpid.ticket WHERE policy IS NOT NULL)",
        ("ticket", "opened_at", None, None)),
    "a past cycle that is not there": (
        "DELETE FROM kpid.past_cycle WHERE ticket_id = (SELECT min(ticket_id) FROM kpid.past_cycle) AND cycle = 1",
        ("past_cycle", None, None, "row")),
    "a past cycle too many": (
        "INSERT INTO kpid.past_cycle (ticket_id, cycle, started_at, verdict, resolution) "
        "SELECT min(ticket_id), 99, now(), 0, 0 FROM kpid.ticket",
        ("past_cycle", None, "row", None)),
    "a clock that is not there": (
        "DELETE FROM kpid.sla_clock WHERE (ticket_id, target, n) = "
        "(SELECT ticket_id, target, n FROM kpid.sla_clock ORDER BY 1, 2, 3 LIMIT 1)",
        ("sla_clock", None, None, "row")),
    "a clock too many": (
        "INSERT INTO kpid.sla_clock_idle (ticket_id, target, n, cycle, started_at, breached, paused, stopped) "
        "SELECT min(ticket_id), 2, 77, 1, now(), false, false, false FROM kpid.ticket",
        ("sla_clock", None, "row", None)),
    "an alert of the wrong state": (
        "UPDATE kpid.alert SET state = 'breached' WHERE alert_id = (SELECT min(alert_id) FROM kpid.alert WHERE state = 'resolved')",
        ("alert", "state", "breached", "resolved")),
    "an alert that is not there": (
        "DELETE FROM kpid.alert WHERE alert_id = (SELECT min(alert_id) FROM kpid.alert WHERE state = 'resolved')",
        ("alert", None, None, "row")),
    "an alert of nothing": (
        "INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, breached_at, cause, detected_at, "
        "unconfirmed, delivery, n_warnings) SELECT 'deadbeef', min(ticket_id), 'arrival', 55, 1, 'breached', 0, now(), "
        "'deadline', now(), false, 'queued', 0 FROM kpid.ticket",
        ("alert", "state", "breached", "voided")),
    "a sum": (
        "UPDATE kpid.agent_kpi_5m SET opened = coalesce(opened, 0) + 1 WHERE (time, agent_id) = "
        "(SELECT time, agent_id FROM kpid.agent_kpi_5m ORDER BY 1, 2 LIMIT 1)",
        ("agent_kpi_5m", "opened", None, None)),
    "a sum that is not there": (
        "DELETE FROM kpid.agent_kpi_5m WHERE (time, agent_id) = (SELECT time, agent_id FROM kpid.agent_kpi_5m "
        "WHERE opened = 1 AND responded IS NULL ORDER BY 1 DESC, 2 LIMIT 1)",
        ("agent_kpi_5m", "opened", "0", "1")),
    "a sum of nobody": (
        "INSERT INTO kpid.agent_kpi_5m SELECT (jsonb_populate_record(k, '{\"agent_id\": \"nobody ever\"}')).* "
        "FROM kpid.agent_kpi_5m k WHERE opened = 1 ORDER BY time LIMIT 1",
        ("agent_kpi_5m", "opened", "1", "0")),
    "a backlog": (
        "UPDATE kpid.agent_backlog SET backlog = backlog - 3 WHERE agent_id = (SELECT max(agent_id) FROM kpid.agent_backlog)",
        ("agent_backlog", "backlog", None, None)),
}  # fmt: skip


def matches(difference, wanted):
    table, column, stored, expected = wanted
    return (difference["table"] == table and difference["column"] == column
            and (stored in (None, difference["stored"]) or (stored == "row" and difference["stored"].startswith("{")))
            and (expected in (None, difference["expected"])
                 or (expected == "row" and difference["expected"].startswith("{"))))


def test_each_corruption_is_found_and_repaired(filled):
    """One after the other on one database: each is found alone and repaired alone, with its record; then all is
    equal again."""
    site = filled
    assert verify(site)["differences"] == []
    for what, (sql, wanted) in CORRUPTIONS.items():
        site.rows(sql)
        before = site.one("SELECT coalesce(max(repair_no), 0) FROM report.repair")
        result = verify(site, status=1)
        print(f"{what}: {found(result)}")
        assert result["n_differences"] == len(result["differences"]) > 0, what
        assert any(matches(d, wanted) for d in result["differences"]), (what, found(result))
        keys = {(d["table"], d["key"]) for d in result["differences"]}
        assert len(keys) == 1, (what, found(result))
        repaired = repair(site)
        assert repaired["repaired"] and found(repaired) == found(result), what
        record = site.rows("SELECT table_name, key, column_name, was, is_now FROM report.repair WHERE repair_no > %s "
                           "AND repaired_by = 'ann' AND why = 'a test' AND repaired_at > now() - interval '1 minute'",
                           before)
        assert sorted(record) == found(result), what
        assert verify(site)["differences"] == [], what


def test_all_at_once_beside_a_writer(make_stream, make_site):
    """Repaired while two daemons keep reading: what they add meanwhile is neither lost nor doubled."""
    stream = make_stream()
    messages, policy = generated(stream, SEED + 2, 300)
    site = make_site(stream, policy)
    stream.send(messages[:len(messages) // 2])
    site.start("a")
    site.start("b")
    site.wait_read()
    for sql, _ in CORRUPTIONS.values():
        site.rows(sql)
    sender = threading.Thread(target=lambda: [stream.send(messages[i:i + 50])
                                              for i in range(len(messages) // 2, len(messages), 50)])
    sender.start()
    repair(site)
    sender.join()
    site.wait_read()
    site.wait_settled()
    assert verify(site)["differences"] == []
    record = site.one("SELECT count(DISTINCT (table_name, key)) FROM report.repair")
    assert record >= 8, "the daemons themselves had repaired most of it"


def test_a_repaired_alert_is_sent(filled):
    site = filled
    number = site.one("SELECT count(*) FROM kpid.outbox")
    alert_id, revision = site.rows("SELECT alert_id, revision FROM kpid.alert WHERE state = 'resolved' ORDER BY 1 LIMIT 1")[0]
    site.rows("UPDATE kpid.alert SET state = 'breached', resolved_at = NULL, delivery = 'queued' WHERE alert_id = %s", alert_id)
    repair(site)
    assert number == 0
    assert site.rows("SELECT state, revision FROM kpid.alert WHERE alert_id = %s", alert_id) == [("resolved", revision + 1)]
    wait_until(lambda: [body for _, body, _ in site.alerts() if body["id"] == f"{alert_id}/{revision + 1}"], "its message")


def test_a_sample_and_one_ticket(filled):
    site = filled
    assert verify(site, "--sample", "20")["tickets"] == 20
    site.rows("UPDATE kpid.agent_kpi_5m SET opened = coalesce(opened, 0) + 1")
    site.rows("UPDATE kpid.ticket SET reopen_count = 50")
    assert {d["table"] for d in verify(site, "--sample", "20", status=1)["differences"]} == {"ticket"}
    ticket_id = site.one("SELECT max(ticket_id) FROM kpid.ticket")
    result = verify(site, "--ticket", ticket_id, status=1)
    assert [(d["key"], d["column"], d["stored"]) for d in result["differences"]] == [(ticket_id, "reopen_count", "50")]
    repair(site, "--ticket", ticket_id)
    verify(site, "--ticket", ticket_id)
    assert "there is no ticket nowhere" in site.command("verify", "--ticket", "nowhere", status=1).stderr
    words = site.command("verify", status=1).stdout
    assert "reopen_count" in words and "… and " in words and "differences" in words


def test_an_unreadable_history_is_not_repaired(filled):
    site = filled
    ticket_id = site.one("SELECT min(ticket_id) FROM kpid.ticket")
    site.rows("UPDATE kpid.ticket SET history = '\\x0109' WHERE ticket_id = %s", ticket_id)
    site.rows("UPDATE kpid.agent_backlog SET backlog = backlog + 1")
    backlog = site.rows("SELECT * FROM kpid.agent_backlog ORDER BY 1")
    assert not repair(site, status=1)["repaired"]
    assert site.rows("SELECT * FROM kpid.agent_backlog ORDER BY 1") == backlog
    assert "Restore these rows" in site.command("verify", status=1).stdout


def test_a_lost_ticket_is_found(filled):
    site = filled
    ticket_id = site.one("SELECT min(ticket_id) FROM kpid.alert")
    site.rows("DELETE FROM kpid.ticket WHERE ticket_id = %s", ticket_id)
    result = repair(site, status=1)
    assert not result["repaired"] and [d["key"] for d in result["differences"]] == [ticket_id]


def test_the_writer_may_repair(filled, pg):
    """The daemon's own role is enough, and cannot change the record."""
    site = filled
    pg_user = f"writer_{site.database}"
    site.rows(f"CREATE ROLE {pg_user} LOGIN IN ROLE kpid_writer")
    try:
        site.rows("UPDATE kpid.agent_backlog SET backlog = backlog + 1")
        repair(site, "--set", f"postgres.user={pg_user}")
        assert site.one("SELECT DISTINCT role FROM report.repair") == pg_user
        assert not site.one(f"SELECT has_table_privilege('{pg_user}', 'kpid.repair', 'UPDATE') "
                            f"OR has_table_privilege('{pg_user}', 'kpid.repair', 'DELETE')")
    finally:
        site.rows(f"DROP ROLE {pg_user}")


@pytest.mark.parametrize("options, words", [
    (["--repair"], "--repair needs --why"),
    (["--why", "x"], "only --repair takes --who and --why"),
    (["--sample", "0"], "takes a number of tickets"),
    (["--sample", "1", "--ticket", "x"], "either --ticket or --sample"),
])
def test_usage(make_site, options, words):
    assert words in make_site().command("verify", *options, status=2).stderr
