"""Rows that the daemon's writes must not touch."""
import json
import os

import pytest

from conftest import ROOT, insert, insert_ticket, rows


@pytest.mark.parametrize("statement", ["ticket_write", "ticket_update"])
@pytest.mark.parametrize(("rev", "owner"), [(2, "ann"), (3, "ann"), (4, "bob"), (5, "ann")])
def test_a_ticket_that_changed_since_it_was_read(db, statement, rev, owner):
    """A row is replaced only by the revision after the one that was read."""
    insert_ticket(db, "T1", rev=3, agent_id="ann")
    with open(os.path.join(ROOT, "sql", "queries", f"{statement}.sql"), encoding="utf-8") as file:
        rows(db, f"PREPARE write AS {file.read()}")
    (given,), = rows(db, "SELECT ARRAY[jsonb_populate_record(t, %s::jsonb)]::text FROM kpid.ticket t",
                     json.dumps({"rev": rev, "agent_id": "bob"}))
    rows(db, "EXECUTE write (%s::kpid.ticket[])", given)
    assert rows(db, "SELECT agent_id FROM kpid.ticket") == [(owner,)]


def query(name):
    with open(os.path.join(ROOT, "sql", "queries", name), encoding="utf-8") as file:
        return "\n".join(line for line in file.read().splitlines() if not line.startswith("--"))


def test_deadlines_are_found_by_their_index_even_with_parked_tickets(db):
    """The query for the next deadline runs ten times a second. It reads one row, plus earlier rows of parked tickets."""
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


@pytest.mark.parametrize("n", [2000, 20000])
def test_clocks_are_deleted_by_their_keys(db, n):
    """Also by a plan for 500 of them, and one for small tables: it stays in use while they grow."""
    for table, fires in (("sla_clock", "now()"), ("sla_clock_idle", "NULL")):
        rows(db, f"INSERT INTO kpid.{table} (ticket_id, target, n, cycle, started_at, fires_at, breached, paused, stopped) "
             f"SELECT 'T' || i, 0, 1, 1, now(), {fires}, false, false, false FROM generate_series(1, %s) i", n)
    rows(db, "ANALYZE kpid.sla_clock, kpid.sla_clock_idle")
    rows(db, "PREPARE gone (text[], int[], int[]) AS " + query("clock_delete.sql"))
    given = ["T" + str(i) for i in range(1, 501)], [0] * 500, [1] * 500
    for mode in ("force_custom_plan", "force_generic_plan"):
        rows(db, f"SET plan_cache_mode = {mode}")
        plan = json.dumps(rows(db, "EXPLAIN (FORMAT json) EXECUTE gone (%s, %s, %s)", *given))
        assert "Seq Scan" not in plan and plan.count("Index Scan") == 2, plan
    rows(db, "EXECUTE gone (%s, %s, %s)", *given)
    assert rows(db, "SELECT count(*), min(substr(ticket_id, 2)::int) FROM kpid.sla_clock") == [(2 * n - 1000, 501)]


@pytest.mark.parametrize("n", [1000, 20000])
def test_tickets_are_updated_by_their_keys_and_in_their_order(db, n):
    """Also by a plan for 500 of them, and one for a small table. All columns get the new values."""
    insert_ticket(db, "T1", rev=1)
    rows(db, "INSERT INTO kpid.ticket SELECT (jsonb_populate_record(t, jsonb_build_object('ticket_id', 'T' || i))).* "
         "FROM kpid.ticket t, generate_series(2, %s) i", n)
    rows(db, "ANALYZE kpid.ticket")
    rows(db, "PREPARE renew (kpid.ticket[]) AS " + query("ticket_update.sql"))
    columns = [name for name, in rows(db, "SELECT attname FROM pg_attribute WHERE attrelid = 'kpid.ticket'::regclass "
                                      "AND attnum > 0 AND NOT attisdropped")]
    values = dict.fromkeys(columns, 7) | {name: "2026-01-05 12:00Z" for name in (
        *(name for name in columns if name.endswith("_at")), "as_of")} | {"rev": 2, "history": "\\x07"}
    del values["ticket_id"]
    (given,), = rows(db, "SELECT array_agg(jsonb_populate_record(t, %s::jsonb) ORDER BY t.ticket_id)::text "
                     "FROM (SELECT * FROM kpid.ticket ORDER BY ticket_id LIMIT 500) t", json.dumps(values))
    for mode in ("force_custom_plan", "force_generic_plan"):
        rows(db, f"SET plan_cache_mode = {mode}")
        plan = json.dumps(rows(db, "EXPLAIN (FORMAT json) EXECUTE renew (%s::kpid.ticket[])", given))
        assert "Seq Scan" not in plan and "Hash" not in plan and "Sort" not in plan and plan.count("Index Scan") == 1, plan
    rows(db, "EXECUTE renew (%s::kpid.ticket[])", given)
    assert rows(db, "SELECT count(*) FROM kpid.ticket t WHERE t = ANY (%s::kpid.ticket[])", given) == [(500,)]
    assert rows(db, "SELECT count(*) FROM kpid.ticket WHERE rev = 2") == [(500,)]


@pytest.mark.parametrize(("stored", "change", "sum_"), [
    (None, None, None), (None, 3, 3), (0, None, 0), (0, 3, 3), (5, None, 5), (5, 2, 7), (5, -5, None), (5, -2, 3)])
def test_a_measure_that_is_zero_takes_no_room(db, stored, change, sum_):
    """NULL is 0, both in what is stored and in what is added; rows of earlier versions have zeros."""
    rows(db, "PREPARE add AS " + query("kpi_add.sql").replace(
        "{{measures: ", "").replace("}}", "").replace("{column}", "opened"))
    for step, value in (("insert", stored), ("add", change)):
        (given,), = rows(db, "SELECT ARRAY[jsonb_populate_record(NULL::kpid.agent_kpi_5m, %s::jsonb)]::text",
                         json.dumps({"time": "2026-01-05 12:00Z", "agent_id": "ann", "opened": value}))
        if step == "insert":
            rows(db, "INSERT INTO kpid.agent_kpi_5m SELECT * FROM unnest(%s::kpid.agent_kpi_5m[])", given)
        else:
            rows(db, "EXECUTE add (%s::kpid.agent_kpi_5m[])", given)
    assert rows(db, "SELECT opened FROM kpid.agent_kpi_5m") == [(sum_,)]
    for view in ("5m", "hourly", "daily"):
        assert rows(db, f"SELECT opened, resolved, resolution_seconds_sum FROM report.agent_kpi_{view}") == [(sum_ or 0, 0, 0)]


def test_parked_tickets(db):
    """From parking to folding: waiting events are counted, and events that arrive in the meantime stay parked."""
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
    put("A", 1)  # arrived while A was being written
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


def test_how_far_a_former_log_was_read_says_nothing_about_the_next_one(db):
    """An unread log ended at 5. Its topic was recreated, and messages of the new log are read."""
    def read_to():
        return rows(db, "SELECT next_offset, greatest(next_offset, read_to) FROM kpid.source_partition ORDER BY source_no")

    for topic in ("from its beginning", "from its end"):
        insert(db, "source_partition", topic=topic, partition=0, epoch=1, owner="one", high_offset=5, read_to=5)
    first, second = (number for number, in rows(db, "SELECT source_no FROM kpid.source_partition ORDER BY 1"))
    rows(db, "PREPARE move (int[], bigint[], bigint[], bigint[], bigint[], bigint[], timestamptz[], timestamptz[], bigint[], bigint[],"
         f" bigint[], bigint[], bigint[], bigint[], bigint[], text[], timestamptz[], timestamptz[], bigint[]) AS {query('offset_move.sql')}")
    rows(db, "EXECUTE move (ARRAY[%s], '{1}', '{NULL}', '{2}', '{7}', '{5}', '{-infinity}', '{-infinity}', '{2}', '{0}', '{0}', '{0}',"
         " '{0}', '{1}', '{7}', '{NULL}', '{-infinity}', '{NULL}', '{0}')", first)
    rows(db, f"PREPARE begin_at (int, bigint, bigint) AS {query('source_begin.sql')}")
    rows(db, "EXECUTE begin_at (%s, 1, 3)", second)
    assert read_to() == [(2, 2), (3, 3)]
