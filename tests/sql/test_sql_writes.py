"""What the daemon's writes leave alone."""
import json
import os

import pytest

from conftest import ROOT, insert_ticket, rows


@pytest.mark.parametrize(("rev", "owner"), [(2, "ann"), (3, "ann"), (4, "bob"), (5, "ann")])
def test_a_ticket_that_was_written_since_it_was_read(db, rev, owner):
    """Only the state after the one that was read takes its place."""
    insert_ticket(db, "T1", rev=3, agent_id="ann")
    with open(os.path.join(ROOT, "sql", "queries", "ticket_write.sql"), encoding="utf-8") as file:
        rows(db, f"PREPARE write AS {file.read()}")
    (given,), = rows(db, "SELECT ARRAY[jsonb_populate_record(t, %s::jsonb)]::text FROM kpid.ticket t",
                     json.dumps({"rev": rev, "agent_id": "bob"}))
    rows(db, "EXECUTE write (%s::kpid.ticket[])", given)
    assert rows(db, "SELECT agent_id FROM kpid.ticket") == [(owner,)]


def query(name):
    with open(os.path.join(ROOT, "sql", "queries", name), encoding="utf-8") as file:
        return "\n".join(line for line in file.read().splitlines() if not line.startswith("--"))


def test_deadlines_are_found_by_their_index_whatever_is_set_aside(db):
    """Asked ten times a second: of the next deadline one row is read, and those before it of tickets that are set aside."""
    rows(db, """
        INSERT INTO kpid.sla_clock (ticket_id, target, n, cycle, started_at, fires_at, breached, paused, stopped)
        SELECT 'T' || i, 0, 1, 1, now(), now() + i * interval '1 s', false, false, false FROM generate_series(1, 30000) i""")
    insert_ticket(db, "T1")
    rows(db, "INSERT INTO kpid.ticket SELECT (jsonb_populate_record(t, jsonb_build_object('ticket_id', 'T' || i))).* "
         "FROM kpid.ticket t, generate_series(2, 30000) i")
    rows(db, "ANALYZE kpid.sla_clock, kpid.ticket")
    tick, due = query("tick.sql").replace("$1", "0"), query("deadlines_due.sql").replace("$1", "(now() + interval '1 h')")
    for n in (0, 200):
        rows(db, "INSERT INTO kpid.parked_ticket (ticket_id, reason, detail, n_events) "
             "SELECT 'T' || i, 'locked', '', 0 FROM generate_series(1, %s) i", n)
        for sql in (tick, due):
            plan = json.dumps(rows(db, "EXPLAIN (ANALYZE, FORMAT json) " + sql))
            assert "sla_clock_fires_at" in plan and '.fires_at"]' not in plan, plan
        assert rows(db, "SELECT next_deadline = (SELECT fires_at FROM kpid.sla_clock WHERE ticket_id = 'T' || %s) FROM ("
                    + tick.replace("%", "%%") + ") t", n + 1) == [(True,)]
        assert rows(db, due)[0] == (f"T{n + 1}",)


def test_tickets_that_are_set_aside(db):
    """From being set aside to being written: what waits is counted, and what came meanwhile stays."""
    def put(ticket, n_events, reason="untried"):
        rows(db, "EXECUTE put (%s, %s, %s, %s, %s, %s, 'words')", [ticket] * n_events, [1] * n_events, [b"e"] * n_events,
             [ticket], [reason], [n_events])

    def state():
        return rows(db, "SELECT ticket_id, reason, n_events, attempts, next_at <= now() FROM kpid.parked_ticket ORDER BY 1")

    for name, types in (("put", "text[], int[], bytea[], text[], text[], bigint[], text"), ("due", "bigint"),
                        ("lock", "int[], text[]"), ("take", "bigint[]"), ("end", "text[], bigint[]"),
                        ("later", "text[], text, text, bigint, bigint"), ("among", "text[]")):
        rows(db, f'PREPARE "{name}" ({types}) AS {query(f"parked_{name}.sql")}')
    put("A", 2, "locked")
    put("B", 0)
    put("A", 1)
    assert state() == [("A", "locked", 3, 0, True), ("B", "untried", 0, 0, True)]
    assert sorted(rows(db, "EXECUTE among (ARRAY['A', 'B', 'C'])")) == [("A",), ("B",)]
    due = rows(db, "EXECUTE due (10)")
    assert [(ticket, source, bytes(event) if event else None) for ticket, _, source, event in due] == [
        ("A", 1, b"e")] * 3 + [("B", None, None)]
    assert len({ticket for ticket, *_ in rows(db, "EXECUTE due (1)")}) == 1
    assert rows(db, "EXECUTE lock ('{1}', ARRAY['A', 'B'])") == [("A",), ("B",)]
    put("A", 1)  # came while A was written
    numbers = [no for ticket, no, *_ in due if ticket == "A"]
    rows(db, "EXECUTE take (%s)", numbers)
    rows(db, "EXECUTE \"end\" (ARRAY['A', 'B'], ARRAY[3, 0])")
    assert state() == [("A", "locked", 1, 0, True)]
    for attempts in (1, 2, 3):
        rows(db, "EXECUTE later (ARRAY['A'], 'refused', 'why', 1000000, 5000000)")
        assert state() == [("A", "refused", 1, attempts, False)]
    pause, = rows(db, "SELECT extract(epoch FROM next_at - clock_timestamp()) BETWEEN 4 AND 5 FROM kpid.parked_ticket")
    assert pause == (True,)
    rows(db, "EXECUTE later (ARRAY['A'], 'locked', 'why', 1000000, 5000000)")
    assert state() == [("A", "locked", 1, 1, False)]
