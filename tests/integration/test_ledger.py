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


RECENT = "opened, responded, resolved, within_sla, measured, csat_responses, csat_score_micros_sum".split(", ")


def assert_hours_add_up(database):
    """The sums of projects and teams are those of their tickets, and the backlog is that of the agents."""
    sums = ", ".join(f"sum({column})" for column in RECENT)
    groups = '"time", project_id, team_id'
    assert (rows(database, f"SELECT {groups}, {', '.join(RECENT)} FROM kpid.group_kpi_5m WHERE ({' OR '.join(f'{column} <> 0' for column in RECENT)}) ORDER BY 1, 2, 3")
            == rows(database, f"SELECT {groups}, {sums} FROM kpid.ledger_5m GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"))
    assert (rows(database, 'SELECT "time"::text, change FROM kpid.backlog_5m WHERE change <> 0 ORDER BY 1')
            == rows(database, 'SELECT "time"::text, sum(change) FROM kpid.backlog_change GROUP BY "time" HAVING sum(change) <> 0 ORDER BY 1'))
    assert (rows(database, 'SELECT coalesce((SELECT backlog FROM report.backlog_5m ORDER BY "time" DESC LIMIT 1), 0)')
            == rows(database, "SELECT coalesce(sum(backlog), 0)::bigint FROM report.agent_backlog"))


def assert_months_add_up(database):
    """The sums per month are those of the rows of the ledger; the numbers of tickets are those of a count."""
    month = "date_trunc('month', day::timestamp)::date"
    for level in ("agent", "team", "project"):
        counted = rows(database, f"SELECT {month}, {level}_id, count(DISTINCT ticket_id) FROM kpid.ledger WHERE {level}_id <> ''"
                                 " GROUP BY 1, 2 ORDER BY 1, 2")
        assert counted == rows(database, f"""
            SELECT month, subject, sum(n) FROM (SELECT month, {level}_id AS subject, n_{level} AS n FROM kpid.ledger_month_now
                UNION ALL SELECT month, subject, n FROM kpid.ledger_reach_now WHERE level = '{level}') u
            WHERE subject <> '' GROUP BY 1, 2 HAVING sum(n) <> 0 ORDER BY 1, 2""")
    sums = ", ".join(f"sum({column})" for column in COLUMNS)
    groups = "agent_id, project_id, team_id, channel, category, priority"
    assert (rows(database, f"SELECT {month}, {groups}, count(*), {sums} FROM kpid.ledger GROUP BY 1, {groups} ORDER BY 1, {groups}")
            == rows(database, f"SELECT month, {groups}, n_rows, {', '.join(COLUMNS)} FROM kpid.ledger_month_now ORDER BY month, {groups}"))
    items = "SELECT item, sum(answered), sum(perceived_sum), sum(paired), sum(gap_sum) FROM kpid.{} GROUP BY 1 ORDER BY 1"
    assert rows(database, items.format("ledger_item")) == rows(database, items.format("ledger_item_month_now"))
    for left in ("ledger_month_change", "ledger_item_month_change", "ledger_reach_change", "ledger_month WHERE n_rows = 0",
                 "ledger_item_month WHERE answered = 0", "ledger_reach WHERE n = 0"):
        assert rows(database, f"SELECT count(*) FROM kpid.{left}") == [(0,)], left


def test_the_last_hours(database):
    """What projects and teams did in the last two hours, by the sums of K, and the backlog at the end of each 5 minutes. Later events
    replace both, and what has become too old is forgotten, except that open tickets stay in the backlog."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def ago(minutes):
        return (now - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def opened(ticket, minutes, **data):
        return event(f"{ticket}-o", "ticket.opened", ago(minutes), ticket_id=ticket, **{"agent_id": "ann", "project_id": "east", "team_id": "lifts", **data})

    def kpis(minutes=60):
        return rows(database, "SELECT project_id, team_id, sum(opened)::int, sum(responded)::int, sum(resolved)::int, sum(csat_responses)::int"
                              f" FROM report.group_kpi_5m WHERE time > now() - interval '{minutes} minutes' GROUP BY 1, 2 HAVING sum(opened + responded + resolved + csat_responses) > 0 ORDER BY 1, 2")

    def backlog_at(minutes):
        """At the last end of 5 minutes that is at least this long ago."""
        return rows(database, "SELECT backlog FROM report.backlog_5m WHERE time <= date_bin('5 minutes', %s - interval '5 minutes', '2000-01-01Z') ORDER BY time DESC LIMIT 1",
                    now - datetime.timedelta(minutes=minutes))[0][0]
    database.ingest("a.ndjson", [
        opened("old", 60 * 30), opened("older", 60 * 40), event("older-c", "ticket.closed", ago(60 * 29), ticket_id="older", agent_id="ann"),
        opened("gone", 60 * 28), event("gone-r", "ticket.resolved", ago(60 * 20), ticket_id="gone", agent_id="bob", resolution="cancelled"),
        opened("three hours", 180), event("three-r", "ticket.responded", ago(50), ticket_id="three hours", agent_id="bob"),
        opened("new", 40), event("new-a", "ticket.responded", ago(35), ticket_id="new", agent_id="ann"), event("new-t", "ticket.assigned", ago(30), ticket_id="new", agent_id="ann", team_id="doors"),
        event("new-r", "ticket.resolved", ago(20), ticket_id="new", agent_id="ann"), event("new-c", "ticket.closed", ago(15), ticket_id="new", agent_id="ann"),
        event("new-s", "survey.submitted", ago(10), ticket_id="new", survey_kind="csat", score=4, scale=5)])
    database.run("appraisal", "refresh")
    assert kpis() == [("east", "doors", 0, 0, 1, 1), ("east", "lifts", 1, 2, 0, 0)]
    assert kpis(120) == kpis() and rows(database, "SELECT count(*) FROM report.ledger_5m WHERE ticket_id IN ('old', 'older', 'gone')") == [(0,)]
    assert [backlog_at(minutes) for minutes in (25 * 60, 19 * 60, 170, 30, 10)] == [2, 1, 2, 3, 2]
    assert_hours_add_up(database)
    # A late event: it was resolved earlier, and reopened since.
    database.ingest("b.ndjson", [event("three-rr", "ticket.resolved", ago(120 + 30), ticket_id="three hours", agent_id="bob"),
                                 event("three-ro", "ticket.reopened", ago(25), ticket_id="three hours")])
    database.run("appraisal", "refresh")
    assert [backlog_at(minutes) for minutes in (170, 60, 30, 10)] == [2, 1, 2, 2]
    assert_hours_add_up(database)
    # As if 26 hours had passed.
    rows(database, "UPDATE kpid.backlog_change SET time = time - interval '26 hours' WHERE time > '-infinity'")
    rows(database, "UPDATE kpid.backlog_5m SET time = time - interval '26 hours' WHERE time > '-infinity'")
    for table in ("ledger_5m", "group_kpi_5m"):
        rows(database, f"UPDATE kpid.{table} SET time = time - interval '26 hours'")
    database.run("appraisal", "refresh")
    assert rows(database, "SELECT ticket_id, time::text, change FROM kpid.backlog_change WHERE time = '-infinity' ORDER BY 1") == [
        ("old", "-infinity", 1), ("three hours", "-infinity", 1)]
    assert rows(database, "SELECT count(*) FROM kpid.ledger_5m") == rows(database, "SELECT count(*) FROM kpid.group_kpi_5m") == [(0,)]
    assert_hours_add_up(database)


def test_old_rows_are_forgotten_beside_a_damaged_ticket(database):
    """It keeps each refresh from its end, but not from forgetting."""
    time = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    database.ingest("a.ndjson", [event("T-o", "ticket.opened", time, ticket_id="T", agent_id="ann")])
    database.run("appraisal", "refresh")
    assert rows(database, "SELECT sum(opened)::int FROM report.group_kpi_5m") == [(1,)]
    for table in ("ledger_5m", "group_kpi_5m"):
        rows(database, f"UPDATE kpid.{table} SET time = time - interval '3 hours'")
    rows(database, "UPDATE kpid.ticket SET history = '\\x00', rev = rev + 1")
    assert "its history is damaged" in database.run("appraisal", "refresh", status=1).stderr
    assert rows(database, "SELECT (SELECT count(*) FROM kpid.ledger_5m), (SELECT count(*) FROM kpid.group_kpi_5m)") == [(0, 0)]


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
    assert_months_add_up(database)
    assert database.json("verify")["n_differences"] == 0


def recent(database):
    """The rows of 5 minutes, and the changes of the backlog."""
    micros = '(extract(epoch FROM "time") * 1000000)::bigint'
    return (rows(database, f"SELECT {micros}, ticket_id, agent_id, project_id, team_id, {', '.join(RECENT)} FROM kpid.ledger_5m"),
            rows(database, f"SELECT {micros}, change FROM kpid.backlog_5m WHERE change <> 0 AND isfinite(time)"))


def assert_recent_is(database, wanted, since):
    """since: in microseconds. What is older may be forgotten already."""
    for found, table in zip(recent(database), (wanted["buckets"], wanted["backlog"])):
        assert sorted(list(row) for row in found if row[0] >= since) == sorted(list(row) for row in table if row[0] >= since)
    before = sum(change for at, change in wanted["backlog"] if at < since)
    assert rows(database, "SELECT coalesce(sum(change), 0)::int FROM kpid.backlog_5m WHERE time < to_timestamp(%s)", since / 1000000) == [(before,)]


@pytest.mark.parametrize("seed", range(SEED, SEED + (12 if LONG else 2)))
def test_random_tickets_of_the_last_hours(database, tmp_path, seed):
    """What projects and teams did, and the backlog, after late events: reopenings, breaches that are taken back, other projects and
    teams. Then everything becomes old."""
    base = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, second=0, microsecond=0) - datetime.timedelta(minutes=90)
    since = int((base - datetime.timedelta(minutes=10)).replace(tzinfo=datetime.timezone.utc).timestamp()) * 1000000
    lines = generated(tmp_path, seed, base, ["--hours", "--warnings"][:seed % 3])
    files = [tmp_path / f"{part}.ndjson" for part in range(3)]
    for part, file in enumerate(files):
        file.write_bytes(b"".join(lines[part::3]))
        database.run("ingest", str(file))
        assert database.json("appraisal", "refresh")["tickets"] > N_TICKETS // 4
        assert_hours_add_up(database)
        read_at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = expected(database, "UTC", files[:part + 1], tmp_path / "policy.json", tmp_path, read_at)
        assert len(wanted["buckets"]) > N_TICKETS // 3 and len({tuple(row[3:5]) for row in wanted["buckets"]}) > 4
        assert_recent_is(database, wanted, since)
    assert rows(database, "SELECT count(*) > 0 FROM report.alert WHERE state = 'voided'") == [(True,)]
    database.run("appraisal", "refresh", "--all")
    assert_recent_is(database, wanted, since)
    for table in ("ledger_5m", "group_kpi_5m", "backlog_change", "backlog_5m"):
        rows(database, f"UPDATE kpid.{table} SET time = time - interval '30 hours' WHERE isfinite(time)")
    database.run("appraisal", "refresh")
    assert_recent_is(database, {"buckets": [], "backlog": [[0, sum(change for _, change in wanted["backlog"])]]}, since)
    assert rows(database, "SELECT count(*) FROM kpid.backlog_change") == rows(database, "SELECT sum(change) FROM kpid.backlog_5m")
    assert_hours_add_up(database)


def generated(tmp_path, seed, base, features):
    path = tmp_path / "random.ndjson"
    subprocess.run([GENERATE, "--seed", str(seed), "--tickets", str(N_TICKETS), "--base", base.isoformat() + "Z",
                    *features, "--policy-out", tmp_path / "policy.json", "--out", path], check=True, capture_output=True)
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("seed", range(SEED, SEED + (30 if LONG else 1)))
def test_random_tickets(database, tmp_path, seed):
    """L1-L6. Half of the events come after a first refresh, so that most rows are replaced."""
    base = differential.base_of(seed)
    zone = ("Asia/Shanghai", "America/Havana", "Europe/Berlin", "UTC")[seed % 4]
    lines = generated(tmp_path, seed, base, differential.FEATURES[seed % 4])
    halves = [tmp_path / "first.ndjson", tmp_path / "second.ndjson"]
    halves[0].write_bytes(b"".join(lines[:len(lines) // 2]))
    halves[1].write_bytes(b"".join(lines[len(lines) // 2:]))
    rows(database, "INSERT INTO kpid.setting VALUES ('report.time_zone', %s)", zone)
    for half in halves:
        database.run("ingest", str(half))
        assert database.json("appraisal", "refresh")["tickets"] > N_TICKETS // 4
        assert_months_add_up(database)
    assert database.json("appraisal", "refresh")["tickets"] == 0
    verified = database.json("verify")
    assert verified["n_differences"] == 0, verified["differences"][:3]
    read_at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def check():
        assert_hours_add_up(database)
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
