"""Leases, and deadlines of tickets that another session has locked."""
import contextlib
import os
import threading
import time

import psycopg2
import pytest

from conftest import ROOT, insert, insert_ticket, rows


def query(name):
    with open(os.path.join(ROOT, "sql", "queries", name + ".sql"), encoding="utf-8") as file:
        return file.read()


@pytest.fixture
def two(pg, database, db):
    """Two sessions that compete for the lease "x"."""
    with contextlib.closing(pg.connect(database)) as other:
        for connection in (db, other):
            rows(connection, f"PREPARE take (text, text, bigint, bigint) AS {query('lease_take')}")
        yield db, other


def take(connection, holder, epoch=0, seconds=15):
    found = rows(connection, "EXECUTE take ('x', %s, %s, %s)", holder, epoch, seconds * 1_000_000)
    return found[0][0] if found else None


def hold(connection, epoch):
    rows(connection, "SELECT kpid.hold_lease('x', %s)", epoch)


def test_a_lease_has_one_holder_who_may_renew_it(two):
    one, other = two
    assert take(one, "a") == 1 and take(other, "b") is None
    assert take(one, "a", 1) == 1 and take(other, "b") is None
    hold(one, 1)
    assert rows(one, "SELECT holder, epoch, expires_at > now() + interval '14 s' FROM kpid.lease") == [("a", 1, True)]


def test_an_expired_lease_is_taken_and_its_holder_fenced(two):
    one, other = two
    assert take(one, "a", seconds=0) == 1
    assert take(other, "b") == 2
    with pytest.raises(psycopg2.Error, match="another holder") as refused:
        hold(one, 1)
    assert refused.value.pgcode == "KL001"
    assert take(one, "a", 1) is None
    hold(other, 2)


def test_a_lease_of_a_session_that_has_ended_is_free(pg, database, two):
    one, _ = two
    with contextlib.closing(pg.connect(database)) as third:
        rows(third, f"PREPARE take (text, text, bigint, bigint) AS {query('lease_take')}")
        assert take(third, "c") == 1 and take(one, "a") is None
    while (epoch := take(one, "a")) is None:
        pass
    assert epoch == 2


def test_an_expired_lease_can_be_renewed_if_nobody_took_it(two):
    one, other = two
    assert take(one, "a", seconds=0) == 1
    assert take(one, "a", 1) == 1 and take(other, "b") is None


def test_nobody_takes_a_lease_during_a_transaction_of_its_holder(two):
    one, other = two
    assert take(one, "a", seconds=0) == 1
    rows(one, "BEGIN")
    hold(one, 1)
    rows(other, "SET lock_timeout = '100ms'")
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        take(other, "b")
    rows(one, "COMMIT")
    assert take(other, "b") == 2


@pytest.fixture
def clocks(db):
    """Three tickets with one alert each, whose clocks are due."""
    for number in (1, 2, 3):
        insert_ticket(db, f"T{number}")
        insert(db, "sla_clock", ticket_id=f"T{number}", target=3, n=1, cycle=1, started_at="2026-01-05Z",
               fires_at=f"2026-01-05 0{number}:00Z", breached=False, paused=False, stopped=False)
        insert(db, "alert", alert_id=f"a{number}", ticket_id=f"T{number}", target="resolution", n=1, revision=1, state="warning",
               level=0, detected_at="2026-01-05Z", unconfirmed=False, delivery="queued")
    return db


def due(db):
    return [row[0] for row in rows(db, query("deadlines_due").replace("$1", "now()"))]


@pytest.mark.parametrize("lock", [
    "SELECT FROM kpid.ticket WHERE ticket_id = 'T1' FOR UPDATE", "SELECT FROM kpid.alert WHERE ticket_id = 'T1' FOR SHARE",
    "UPDATE kpid.ticket SET rev = rev + 1 WHERE ticket_id = 'T1'", "DELETE FROM kpid.sla_clock WHERE ticket_id = 'T1'",
    "SAVEPOINT s; SELECT FROM kpid.ticket WHERE ticket_id = 'T1' FOR NO KEY UPDATE"])
def test_a_deadline_with_locked_rows_is_skipped(pg, database, clocks, lock):
    assert due(clocks) == ["T1", "T2", "T3"]
    with contextlib.closing(pg.connect(database)) as other:
        rows(other, "BEGIN")
        rows(other, lock)
        assert due(clocks) == ["T2", "T3"]
        assert rows(clocks, query("deadlines_next").replace("LIMIT 1", "")) == rows(
            clocks, "SELECT fires_at FROM kpid.sla_clock WHERE ticket_id <> 'T1' ORDER BY fires_at")
        rows(other, "ROLLBACK")
    assert due(clocks) == ["T1", "T2", "T3"]


def test_sessions_that_hold_locks_are_named(pg, database, clocks):
    with contextlib.closing(pg.connect(database)) as other:
        rows(other, "SET application_name = 'a person'")
        rows(clocks, "SET ROLE kpid_writer")
        rows(other, "BEGIN")
        rows(other, "SELECT FROM kpid.ticket FOR UPDATE")
        rows(other, "SELECT pg_sleep(1.1)")
        (who, ended), = rows(clocks, query("terminate_stalled"))
        assert who.startswith(f"process {other.get_backend_pid()} of postgres (a person)") and not ended
        rows(clocks, "RESET ROLE")
        rows(other, "COMMIT")


def test_a_batch_elsewhere(pg, database, clocks):
    """Of the same role, for a moment, and not itself waiting for a lock."""
    def is_written():
        return rows(clocks, query("batch_elsewhere"))[0][0]

    with contextlib.closing(pg.connect(database)) as other, contextlib.closing(pg.connect(database)) as person:
        rows(other, "BEGIN")
        rows(other, "SELECT * FROM kpid.ticket")
        rows(other, "SELECT pg_sleep(0.4)")
        assert not is_written(), "it only reads"
        rows(other, "UPDATE kpid.agent_kpi_5m SET opened = opened")
        assert is_written()
        rows(clocks, "SET ROLE kpid_writer")
        assert not is_written(), "its role is another"
        rows(clocks, "RESET ROLE")
        rows(person, "BEGIN")
        rows(person, "SELECT FROM kpid.ticket FOR UPDATE")
        waiting = threading.Thread(target=rows, args=(other, "UPDATE kpid.ticket SET rev = rev"))
        waiting.start()
        while not rows(clocks, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")[0][0]:
            time.sleep(0.02)
        rows(clocks, "SELECT pg_sleep(0.4)")
        assert not is_written(), "it waits itself"
        rows(person, "ROLLBACK")
        waiting.join()
        assert is_written()
        rows(other, "COMMIT")
        assert not is_written()


@pytest.mark.parametrize("id, answer", [("0", False), ("3", False)])
def test_finished_transactions_are_not_in_progress(db, id, answer):
    assert rows(db, f"SELECT kpid.is_in_progress('{id}'::xid)") == [(answer,)]
    assert rows(db, "SELECT kpid.is_in_progress(pg_current_xact_id()::xid)") == [(True,)]
