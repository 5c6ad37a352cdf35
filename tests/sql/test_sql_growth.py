"""Tables that only grow: queries that run at every tick or for every event read only rows that are still active."""
import contextlib
import os

import pytest

from conftest import ROOT, insert, rows, rows_read

MANY = 20_000


def query(name, **parameters):
    with open(os.path.join(ROOT, "sql", "queries", name + ".sql"), encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("--"))
    for number, value in sorted(((int(key[1:]), value) for key, value in parameters.items()), reverse=True):
        text = text.replace(f"${number}", value)
    return text


@pytest.fixture
def sources(db):
    """Many finished files, and two partitions that are being read."""
    rows(db, "INSERT INTO kpid.source_partition (topic, partition, epoch, owner, state, complete_until, next_offset)"
             f" SELECT 'file:' || i, 0, 1, 'a', 'finished', 'infinity', 5 FROM generate_series(1, {MANY}) i")
    for partition in (0, 1):
        insert(db, "source_partition", topic="t", partition=partition, epoch=1, owner="a", next_offset=7)
    rows(db, "ANALYZE kpid.source_partition")
    return db


@pytest.mark.parametrize("name, parameters", [
    ("tick", {"p1": "1000000"}), ("unowned_partitions", {"p1": "now()", "p2": "'b'"}),
    ("source_verify", {"p1": f"'{{{MANY + 1}}}'"}),
    ("heartbeat_leave", {"p1": "1", "p2": f"'{{{MANY + 1}}}'"}), ("heartbeat_check", {"p1": "1", "p2": "'{}'"}),
    ("source_introduce", {"p1": "'{t}'", "p2": "'{0}'"}),
    ("source_claim", {"p1": "'{t}'", "p2": "'{0}'", "p3": "'b'"}),
    ("offset_lock", {"p1": f"'{{{MANY + 1}}}'", "p2": "'{1}'", "p3": "'{7}'"}),
    ("top_partitions", {"p1": "10"})])
def test_finished_sources_do_not_slow_ticks_and_batches(sources, name, parameters):
    assert rows_read(sources, "kpid.source_partition", query(name, **parameters)) <= 6


def test_accepted_gaps_do_not_slow_anything(db):
    insert(db, "source_partition", topic="t", partition=0, epoch=1, owner="a", next_offset=7)
    rows(db, "INSERT INTO kpid.gap (topic, partition, expected_offset, reason, accepted_at)"
             f" SELECT 't', 0, i, 'gone', now() FROM generate_series(1, {MANY}) i")
    insert(db, "gap", topic="t", partition=0, expected_offset=3, reason="gone")
    rows(db, "ANALYZE kpid.gap")
    assert rows_read(db, "kpid.gap", query("gap_find", p1="'t'", p2="0")) <= 1


@pytest.fixture
def deliveries(db):
    """Many finished deliveries, and many that are due later."""
    rows(db, "INSERT INTO kpid.delivery (receiver, alert_id, revision, state, next_at)"
             f" SELECT r, 'a' || i, 1, 'sent', '2026-01-05Z' FROM generate_series(1, {MANY}) i, unnest('{{one,two}}'::text[]) r")
    rows(db, "INSERT INTO kpid.delivery (receiver, alert_id, revision, state, next_at)"
             " SELECT 'one', 'b' || i, 1, 'pending', '2100-01-05Z' FROM generate_series(1, 2000) i")
    insert(db, "delivery", receiver="two", alert_id="c", revision=1, state="pending", next_at="2026-01-05Z")
    rows(db, "ANALYZE kpid.delivery")
    return db


def test_past_deliveries_do_not_slow_the_dispatcher(deliveries):
    pending = query("delivery_pending", p1="'{one,two,three}'")
    (one, in_us), two = rows(deliveries, pending)
    assert (one, two) == ("one", ("two", 0)) and in_us > 0
    assert rows_read(deliveries, "kpid.delivery", pending) <= 3
    assert rows_read(deliveries, "kpid.delivery", query("delivery_due", p1="'one'", p2="100", p3="0", p4="1")) == 0


def test_past_deliveries_do_not_slow_a_change(deliveries):
    put = query("dispatch_put", p1="'{one}'", p2="'{a7}'", p3="'{2}'", p4="'{f}'")
    assert rows_read(deliveries, "kpid.delivery", put) <= 3


def test_a_reader_with_a_long_transaction_is_named(pg, database, db):
    """It keeps all old row versions alive, and every search for deadlines reads them."""
    with contextlib.closing(pg.connect(database)) as reader:
        rows(reader, "SET application_name = 'bi'")
        rows(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        rows(reader, "SELECT count(*) FROM report.ticket")
        found = rows(db, query("doctor_sessions", p1="0"))
    (what, advice), = [(what, advice) for _, what, advice in found if "(bi)" in what]
    assert "each query for deadlines reads them" in what and "idle_in_transaction_session_timeout" in advice
