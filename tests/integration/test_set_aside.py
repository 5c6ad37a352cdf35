"""A ticket that cannot be written blocks nobody: it is set aside with its events, reported, and folded later."""
import contextlib
import datetime
import json
import time

import psycopg2
import pytest

from daemon import event, now, policy, recompute, wait_until


def parked(site):
    return site.dicts("SELECT ticket_id, reason, detail, n_events FROM report.parked ORDER BY ticket_id")


def written(site, ticket_ids):
    return site.one("SELECT count(*) FROM report.ticket WHERE ticket_id = ANY (%s)", list(ticket_ids))


@pytest.fixture
def site(make_stream, make_site):
    return make_site(make_stream(), policy("1h", "8h"))


@pytest.fixture
def urgent(site):
    """Breaches come after 2 s."""
    site.write_policy(policy("2s", "1h"))
    return site


def connect_as_stranger(site):
    """Not as the daemon's user, whose sessions terminate each other when they are stalled."""
    if not site.one("SELECT count(*) FROM pg_roles WHERE rolname = 'stranger'"):
        site.rows("CREATE ROLE stranger SUPERUSER LOGIN")
    return psycopg2.connect(host=site.pg_host, port=site.pg_port, dbname=site.database, user="stranger",
                            application_name="psql of ann")


@pytest.fixture
def stranger(site):
    """A session of another user, with a transaction that it does not end."""
    connection = connect_as_stranger(site)
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def opened(n, prefix="T"):
    return {f"{prefix}{i}": event("ticket.opened", f"{prefix}{i}", id="o", agent_id="ann") for i in range(n)}


def findings(site, name, status):
    found = json.loads(site.command("doctor", "--json", status=status).stdout)["findings"]
    return [f for f in found if f["check"] == name]


def test_a_refused_ticket_is_set_aside(site):
    """PostgreSQL refuses a row, whatever is tried: all others are written, and its events are folded when the cause
    is gone."""
    site.rows("ALTER TABLE kpid.ticket ADD CONSTRAINT no_such_ticket CHECK (ticket_id <> 'T17')")
    daemon = site.start("a")
    events = opened(40)
    site.stream.send_events(list(events.values()))
    wait_until(lambda: written(site, events) == 39, "all others to be written")
    wait_until(lambda: [(p["ticket_id"], p["reason"], p["n_events"]) for p in parked(site)] == [("T17", "refused", 1)],
               "the cause to be found")
    assert "23514" in parked(site)[0]["detail"] and "no_such_ticket" in parked(site)[0]["detail"]
    more = [event("ticket.responded", t, id="r", agent_id="bob") for t in ("T16", "T17", "T18")]
    site.stream.send_events(more)
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket WHERE responder_id = 'bob'") == 2, "more of them")
    wait_until(lambda: parked(site)[0]["n_events"] == 2, "its next event to wait as well")
    assert daemon.logged("ticket T17 cannot be written and stays set aside")
    finding, = findings(site, "set aside", status=1)
    assert "T17" in finding["what"] and "23514" in finding["what"]
    assert site.one("SELECT count(*) FROM report.ticket WHERE ticket_id = 'T17'") == 0
    assert "is set aside with 2 events" in site.command("explain", "T17", status=1).stderr
    assert site.one("SELECT report.explain_ticket('T17')")["set_aside"]["events"] == 2
    verified = json.loads(site.command("verify", "--json").stdout)
    assert (verified["set_aside"], verified["events_set_aside"], verified["differences"]) == (1, 2, [])
    assert "1 tickets are set aside with 2 events" in site.command("verify").stdout
    site.rows("ALTER TABLE kpid.ticket DROP CONSTRAINT no_such_ticket")
    site.rows("UPDATE kpid.parked_ticket SET next_at = now()")
    wait_until(lambda: not parked(site), "it to be folded")
    assert site.one("SELECT count(*) FROM kpid.parked_event") == 0
    site.check_recomputed()


def test_an_overflowing_sum_does_not_stop_the_lane(site):
    """The refusal comes from a sum that many tickets share, long after the ticket's own row was written."""
    site.start("a")
    at = now().replace(minute=0, second=0, microsecond=0) - datetime.timedelta(hours=3)
    site.rows("INSERT INTO kpid.agent_kpi_5m SELECT (jsonb_populate_record(NULL::kpid.agent_kpi_5m, jsonb_object_agg(a.attname,"
              " CASE a.attname WHEN 'time' THEN to_jsonb(%s::timestamptz) WHEN 'agent_id' THEN '\"full\"' WHEN 'opened' THEN"
              " '2147483647' ELSE '0' END))).* FROM pg_attribute a WHERE a.attrelid = 'kpid.agent_kpi_5m'::regclass AND"
              " a.attnum > 0", at)
    events = [event("ticket.opened", f"T{i}", at, id="o", agent_id="full" if i % 10 == 0 else "ann") for i in range(30)]
    site.stream.send_events(events)
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 27, "all others to be written")
    wait_until(lambda: [(p["ticket_id"], p["reason"]) for p in parked(site)]
               == [("T0", "refused"), ("T10", "refused"), ("T20", "refused")], "the causes to be found")
    site.rows("UPDATE kpid.agent_kpi_5m SET opened = 0 WHERE agent_id = 'full'")
    site.rows("UPDATE kpid.parked_ticket SET next_at = now()")
    wait_until(lambda: not parked(site), "them to be folded")
    site.check_recomputed()


def test_a_broken_history_does_not_stop_the_lane(site):
    site.start("a")
    site.stream.send_events(list(opened(10).values()))
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 10, "them to be written")
    history = site.one("SELECT history FROM kpid.ticket WHERE ticket_id = 'T3'")
    site.rows("UPDATE kpid.ticket SET history = '\\xff' WHERE ticket_id = 'T3'")
    site.stream.send_events([event("ticket.closed", f"T{i}", id="c", agent_id="ann") for i in range(10)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket WHERE state = 'closed'") == 9, "all others")
    wait_until(lambda: [(p["ticket_id"], p["reason"]) for p in parked(site)] == [("T3", "refused")], "the cause")
    assert "backup" in parked(site)[0]["detail"]
    site.rows("UPDATE kpid.ticket SET history = %s WHERE ticket_id = 'T3'", history)
    site.rows("UPDATE kpid.parked_ticket SET next_at = now()")
    wait_until(lambda: not parked(site), "it to be folded")
    site.check_recomputed()


@pytest.mark.parametrize("sql", [
    "SELECT FROM kpid.ticket WHERE ticket_id = 'T3' FOR UPDATE",
    "SELECT FROM kpid.sla_clock WHERE ticket_id = 'T3' FOR UPDATE",
], ids=["its row", "a row that belongs to it"])
def test_a_locked_ticket_blocks_nobody(urgent, stranger, sql):
    """Events of a ticket whose rows another session holds wait; others are written, and their breaches detected.
    The ticket was answered in time while it was held: no false alarm."""
    site = urgent
    daemon = site.start("a")
    site.stream.send_events([event("ticket.opened", f"T{i}", id="o", agent_id="ann") for i in range(6)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 6, "them to be written")
    stranger.execute(sql)
    began = time.monotonic()
    site.stream.send_events([event("ticket.responded", f"T{i}", id="r", agent_id="ann") for i in (2, 3, 4)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket WHERE first_response_at IS NOT NULL") == 2,
               "the others to be written")
    wait_until(lambda: [(p["ticket_id"], p["n_events"]) for p in parked(site)] == [("T3", 1)], "it to be set aside")
    site.stream.send_events([event("ticket.opened", f"N{i}", id="o", agent_id="ann") for i in range(50)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 56, "others to be written")
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE breached_at IS NOT NULL") >= 3 + 50, "breaches")
    assert time.monotonic() - began < 20
    assert daemon.logged("tickets are set aside")
    wait_until(lambda: parked(site)[0]["reason"] == "locked", "the reason to be known")
    said = json.loads(site.command("explain", "--json", "T3").stdout)["set_aside"]
    assert (said["reason"], said["events"]) == ("locked", 1) and said == site.one("SELECT report.explain_ticket('T3')")["set_aside"]
    assert "more events are waiting" in site.command("explain", "T3").stdout
    wait_until(lambda: "psql of ann" in (findings(site, "set aside", None)[0]["advice"] or ""), "doctor to name the session")
    wait_until(lambda: daemon.logged("process .*psql of ann.* holds rows"), "the log to name the session")
    stranger.connection.rollback()
    wait_until(lambda: not parked(site), "it to be folded")
    wait_until(lambda: daemon.logged("no ticket is set aside now"), "the log line")
    assert site.one("SELECT count(*) FROM report.alert WHERE ticket_id = 'T3'") == 0
    site.check_recomputed()


def test_a_deadline_of_a_locked_ticket_blocks_no_other(urgent, stranger):
    site = urgent
    site.start("a")
    site.stream.send_events([event("ticket.opened", f"T{i}", id="o", agent_id="ann") for i in range(6)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 6, "them to be written")
    stranger.execute("SELECT FROM kpid.ticket WHERE ticket_id = 'T3' FOR UPDATE")
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE breached_at IS NOT NULL") == 5, "the other breaches")
    stranger.connection.rollback()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE breached_at IS NOT NULL") == 6, "its breach")
    site.check_recomputed()


def test_a_refused_deadline_blocks_no_other(urgent):
    """PostgreSQL refuses the breach of one ticket: all others are breached, and the refusal is reported."""
    site = urgent
    site.rows("ALTER TABLE kpid.alert ADD CONSTRAINT no_such_alert CHECK (ticket_id <> 'T0')")
    daemon = site.start("a")
    events = opened(6)
    site.stream.send_events(list(events.values()))
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE breached_at IS NOT NULL") == 5, "all others to be breached")
    wait_until(lambda: [(p["ticket_id"], p["reason"], p["n_events"]) for p in parked(site)] == [("T0", "refused", 0)],
               "the cause to be found")
    assert len(daemon.logged("is set aside|are set aside")) < 5
    site.rows("ALTER TABLE kpid.alert DROP CONSTRAINT no_such_alert")
    site.rows("UPDATE kpid.parked_ticket SET next_at = clock_timestamp()")
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE breached_at IS NOT NULL") == 6, "its breach")
    wait_until(lambda: parked(site) == [], "nothing to be set aside")
    daemon.stop(10)


def test_a_locked_sum_blocks_no_other_agent(site, stranger):
    site.start("a")
    site.stream.send_events([event("ticket.opened", "T0", id="o", agent_id="held")])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 1, "it to be written")
    stranger.execute("SELECT FROM kpid.agent_backlog WHERE agent_id = 'held' FOR UPDATE")
    site.stream.send_events([event("ticket.opened", f"N{i}", id="o", agent_id="held" if i == 7 else "ann")
                             for i in range(20)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 20, "the others to be written")
    wait_until(lambda: [p["ticket_id"] for p in parked(site)][:1] == ["N7"], "it to be set aside")
    stranger.connection.rollback()
    wait_until(lambda: not parked(site), "it to be folded")
    site.check_recomputed()


def another_batch(site, ticket_ids):
    """A session of kpid's own role that holds tickets in a transaction, and goes on working."""
    connection = psycopg2.connect(host=site.pg_host, port=site.pg_port, dbname=site.database, user=site.user)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kpid.ticket SET rev = rev WHERE ticket_id = ANY (%s)", [ticket_ids])
    return connection


def test_another_batch_is_waited_for(make_stream, make_site):
    """While a backlog is read, another instance may hold tickets, or sums of the same agents, for longer than the time-out.
    Nothing is set aside."""
    site = make_site(make_stream(), policy("1h", "8h"), settings={"run": {"batch_max_events": 1}})  # every batch is full
    daemon = site.start("a")
    site.stream.send_events(list(opened(20).values()))
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 20, "them to be written")
    connection = another_batch(site, [f"T{i}" for i in range(20)])
    site.stream.send_events([event("ticket.closed", f"T{i}", id="c", agent_id="ann") for i in range(20)])
    with connection.cursor() as cursor:
        for _ in range(50):  # 5 s; the time-out is 3 s
            cursor.execute("SELECT pg_sleep(0.1)")
            assert not parked(site)
    assert daemon.logged("lock timeout")
    connection.rollback()
    connection.close()
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket WHERE closed_at IS NOT NULL") == 20, "them to be written")
    assert not daemon.logged("set aside")
    site.check_recomputed()


def test_a_deadline_does_not_wait_for_another_batch(urgent, stranger):
    """A person holds sums of an agent, and another instance writes a long batch: the breaches of other agents are seen at
    once."""
    site = urgent
    daemon = site.start("a")
    site.stream.send_events([event("ticket.opened", f"T{i}", id="o", agent_id="held" if i == 3 else "ann") for i in range(7)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 7, "them to be written")
    stranger.execute("SELECT FROM kpid.agent_kpi_5m WHERE agent_id = 'held' FOR UPDATE")
    with contextlib.closing(another_batch(site, ["T6"])) as connection, connection.cursor() as cursor:
        def breached():
            cursor.execute("SELECT 1")  # it goes on working
            return site.one("SELECT count(*) FROM report.alert WHERE breached_at IS NOT NULL")
        wait_until(lambda: breached() >= 5, "the other breaches", timeout=15)
    stranger.connection.rollback()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE breached_at IS NOT NULL") == 7, "the other two")
    assert daemon.logged("lock timeout")
    site.check_recomputed()


@pytest.mark.parametrize("first, second", [("T3", "T5"), ("T5", "T3")])
def test_tickets_are_locked_in_one_order(make_stream, make_site, first, second):
    """Of two tickets one is new. Another batch holds T3, and writes T5: the daemon waits for T3, and does not hold T5 yet."""
    site = make_site(make_stream(1), policy("1h", "8h"))
    daemon = site.start("a")
    site.stream.send([("activity", 0, event("ticket.opened", first, id="o", agent_id="ann"))])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 1, "it to be written")
    new = "INSERT INTO kpid.ticket SELECT (jsonb_populate_record(t, jsonb_build_object('ticket_id', %s))).* FROM kpid.ticket t"
    with contextlib.closing(another_batch(site, [first] if first == "T3" else [])) as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
        if second == "T3":
            cursor.execute(new, [second])
        site.stream.send([("activity", 0, event("ticket.responded", id, id="r", agent_id="ann")) for id in (first, second)])
        wait_until(lambda: site.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), "it to wait")
        if second == "T5":
            cursor.execute(new, [second])
        else:
            cursor.execute("UPDATE kpid.ticket SET rev = rev WHERE ticket_id = %s", [first])
        connection.rollback()
    site.wait_read()
    assert not daemon.logged("deadlock")
    site.check_recomputed()


def test_ingest_waits_for_a_locked_ticket(make_site, tmp_path):
    """It ends when all events are folded, not before."""
    site = make_site(policy=policy("1h", "8h"))
    path = tmp_path / "first.ndjson"
    path.write_bytes(event("ticket.opened", "T1", id="o", agent_id="ann") + b"\n")
    site.command("ingest", str(path))
    connection = connect_as_stranger(site)
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM kpid.ticket WHERE ticket_id = 'T1' FOR UPDATE")
        second = tmp_path / "second.ndjson"
        second.write_bytes(event("ticket.closed", "T1", id="c", agent_id="ann") + b"\n"
                           + event("ticket.opened", "T2", id="o", agent_id="ann") + b"\n")
        ingest = site.start_ingest(str(second))
        wait_until(lambda: written(site, ["T2"]) == 1, "the other ticket")
        wait_until(lambda: [p["ticket_id"] for p in parked(site)] == ["T1"], "it to be set aside")
        assert ingest.running()
        connection.rollback()
        assert ingest.wait(20) == 0
    connection.close()
    site.check(recompute([str(path), str(second)], site.policy, str(tmp_path / "expected"), as_of=now()))


def test_ingest_reports_a_refused_ticket(make_site, tmp_path):
    site = make_site(policy=policy("1h", "8h"))
    site.rows("ALTER TABLE kpid.ticket ADD CONSTRAINT no_such_ticket CHECK (ticket_id <> 'T7')")
    path = tmp_path / "file.ndjson"
    path.write_bytes(b"".join(value + b"\n" for value in opened(20).values()))
    done = site.command("ingest", str(path), status=1)
    assert "ticket T7 cannot be written and stays set aside" in done.stderr
    assert site.one("SELECT count(*) FROM report.ticket") == 19 and parked(site)[0]["ticket_id"] == "T7"


def test_a_whole_table_locked_sets_nothing_aside(site, stranger):
    """Then no ticket can be written, and setting one aside would not help."""
    site.start("a")
    site.stream.send_events(list(opened(3).values()))
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 3, "them to be written")
    stranger.execute("LOCK TABLE kpid.agent_kpi_5m IN ACCESS EXCLUSIVE MODE")
    site.stream.send_events(list(opened(20, "N").values()))
    undone = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    before = site.one(undone)
    wait_until(lambda: site.one(undone) >= before + 3, "it to be tried")
    assert parked(site) == []
    stranger.connection.rollback()
    site.check_recomputed()
