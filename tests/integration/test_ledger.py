"""The ledger: `kpid appraisal refresh` against the independent recomputation (tests/recompute/ledger.py), and the refresh of a
daemon through kills, late events and a recalculation: its sums are the daily figures.
"""
import contextlib
import datetime
import json
import os
import random
import subprocess

import pytest

from daemon import program_as_module
from measures import LEDGER_MEASURES, MEASURES
from test_commands import ROOT, Database, Postgres, event

RECOMPUTE = os.path.join(ROOT, "tests", "recompute", "recompute")
GENERATE = os.path.join(ROOT, "tests", "recompute", "generate")
LONG = os.environ.get("KPID_LONG") == "1"
SEED = int(os.environ.get("KPID_SEED") or 1)
N_TICKETS = 400 if LONG else 120
KEY = ["day", "ticket_id", "agent_id", "project_id", "team_id"]
COLUMNS = [measure.column for measure in MEASURES + LEDGER_MEASURES]

differential = program_as_module("golden/differential")


@pytest.fixture(scope="module")
def pg():
    with Postgres(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture
def database(pg, tmp_path):
    made = Database(pg, "ledger", tmp_path)
    made.run("migrate", "up")
    yield made
    pg.drop_database(made.name)


def rows(database, sql, *values):
    with contextlib.closing(database.server.connect(database.name)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else None


def stored(database):
    measures = ", ".join(f"coalesce({column}, 0)::bigint" for column in COLUMNS)
    return {
        "rows": sorted([str(day), *rest] for day, *rest in rows(database, f"SELECT {', '.join(KEY)}, {measures} FROM kpid.ledger")),
        "items": sorted([str(day), *rest] for day, *rest in rows(
            database, f"SELECT {', '.join(KEY)}, item, kind, answered, perceived_sum, paired, gap_sum FROM kpid.ledger_item")),
    }


def expected(database, zone, inputs, policy, tmp_path, read_at):
    each = tmp_path / "each.json"
    each.write_text(json.dumps({ticket: micros for ticket, micros in rows(
        database, "SELECT ticket_id, CASE WHEN isfinite(as_of) THEN (extract(epoch FROM as_of) * 1000000)::bigint ELSE -4102444800000000 END FROM kpid.ticket")}))
    subprocess.run(["/usr/bin/python3", RECOMPUTE, "--policy", policy, "--as-of", "2026-01-01T00:00:00Z", "--read-at", read_at,
                    "--ledger", zone, "--as-of-each", each, "--out", tmp_path, *inputs], check=True)
    return json.loads((tmp_path / "ledger.json").read_text())


def difference(found, wanted):
    """The first rows that differ, column by column."""
    for table, names in (("rows", KEY + COLUMNS), ("items", KEY + "item kind answered perceived_sum paired gap_sum".split())):
        n = len(KEY) + (2 if table == "items" else 0)
        ours, theirs = ({tuple(row[:n]): row for row in tables[table]} for tables in (found, wanted))
        assert len(ours) == len(found[table]) and len(theirs) == len(wanted[table])
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                return key, [(name, a, b) for name, a, b in zip(names, ours.get(key) or [None] * len(names),
                                                               theirs.get(key) or [None] * len(names)) if a != b]
    return None


def test_L4_repeated(database):
    """Another ticket of the same requester, project and first part of the category, solved at most 30 days before; and what late
    events make of it."""
    def opened(ticket, time, **data):
        return event(f"{ticket}-o", "ticket.opened", time, ticket_id=ticket, **{
            "requester_ref": "r1", "project_id": "p1", "category": "repair/lift", "agent_id": "eve", **data})

    def found():
        return rows(database, "SELECT ticket_id, agent_id, day::text, project_id FROM kpid.ledger WHERE repeated = 1 ORDER BY 1")
    database.ingest("a.ndjson", [
        opened("A", "2026-03-01T08:00:00Z"),
        event("A-r", "ticket.resolved", "2026-03-01T10:00:00Z", ticket_id="A", agent_id="ann"),
        opened("at once", "2026-03-01T10:00:00Z"),
        opened("soon", "2026-03-01T10:00:00.000001Z", category="repair/pump"),
        opened("last", "2026-03-31T10:00:00Z", category="repair"),
        opened("late", "2026-03-31T10:00:00.000001Z"),
        opened("other category", "2026-03-02T10:00:00Z", category="repairs/lift"),
        opened("other project", "2026-03-02T10:00:00Z", project_id="p2"),
        opened("other requester", "2026-03-02T10:00:00Z", requester_ref="r2"),
        opened("no requester", "2026-03-02T10:00:00Z", requester_ref=None)])
    database.run("appraisal", "refresh")
    assert found() == [("last", "ann", "2026-03-31", "p1"), ("soon", "ann", "2026-03-01", "p1")]
    # A later resolution takes over; of two at one time, the greater ticket_id.
    database.ingest("b.ndjson", [opened("B", "2026-02-01T08:00:00Z"), opened("a", "2026-02-01T08:00:00Z"),
                                 event("B-r", "ticket.resolved", "2026-03-05T10:00:00Z", ticket_id="B", agent_id="bob"),
                                 event("a-r", "ticket.resolved", "2026-03-05T10:00:00Z", ticket_id="a", agent_id="kim")])
    database.run("appraisal", "refresh")
    assert found() == [("last", "kim", "2026-03-31", "p1"), ("late", "kim", "2026-03-31", "p1"), ("soon", "ann", "2026-03-01", "p1")]
    # A gets another requester.
    database.ingest("c.ndjson", [event("A-u", "ticket.updated", "2026-04-01T10:00:00Z", ticket_id="A", requester_ref="r2")])
    database.run("appraisal", "refresh")
    assert found() == [("last", "kim", "2026-03-31", "p1"), ("late", "kim", "2026-03-31", "p1"), ("other requester", "ann", "2026-03-02", "p1")]
    assert database.json("verify")["n_differences"] == 0


@pytest.mark.parametrize("seed", range(SEED, SEED + (30 if LONG else 1)))
def test_random_tickets(database, tmp_path, seed):
    """L1-L6. Half of the events come after a first refresh, so that most rows are replaced."""
    base = differential.base_of(seed)
    zone = ("Asia/Shanghai", "America/Havana", "Europe/Berlin", "UTC")[seed % 4]
    path = tmp_path / "random.ndjson"
    subprocess.run([GENERATE, "--seed", str(seed), "--tickets", str(N_TICKETS), "--base", base.isoformat() + "Z",
                    *differential.FEATURES[seed % 4], "--policy-out", tmp_path / "policy.json", "--out", path],
                   check=True, capture_output=True)
    lines = path.read_bytes().splitlines(keepends=True)
    halves = [tmp_path / "first.ndjson", tmp_path / "second.ndjson"]
    halves[0].write_bytes(b"".join(lines[:len(lines) // 2]))
    halves[1].write_bytes(b"".join(lines[len(lines) // 2:]))
    rows(database, "INSERT INTO kpid.setting VALUES ('report.time_zone', %s)", zone)
    for half in halves:
        database.run("ingest", str(half))
        assert database.json("appraisal", "refresh")["tickets"] > N_TICKETS // 4
    assert database.json("appraisal", "refresh")["tickets"] == 0
    verified = database.json("verify")
    assert verified["n_differences"] == 0, verified["differences"][:3]
    read_at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def check():
        wanted = expected(database, zone, halves, tmp_path / "policy.json", tmp_path, read_at)
        found = stored(database)
        assert difference(found, wanted) is None
        return found
    check()
    chance = random.Random(seed)
    for ticket, in rows(database, "SELECT ticket_id FROM kpid.ticket"):
        after = chance.choice([{"minutes": chance.randrange(60)}, {"minutes": 20, "microseconds": 1}, {"days": 14}])
        rows(database, "UPDATE kpid.ticket SET as_of = %s WHERE ticket_id = %s",
             base.replace(tzinfo=datetime.timezone.utc) + datetime.timedelta(**after), ticket)
    assert database.json("appraisal", "refresh")["tickets"] == 0
    assert database.json("appraisal", "refresh", "--all")["tickets"] == rows(database, "SELECT count(*) FROM kpid.ticket")[0][0]
    found = check()
    seen = {column for column, *values in zip(COLUMNS, *(row[len(KEY):] for row in found["rows"])) if any(values)}
    assert not set(measure.column for measure in LEDGER_MEASURES) - seen - {"parked", "eased"}, seen
