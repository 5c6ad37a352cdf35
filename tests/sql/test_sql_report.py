"""The schema report: the contents of each view, comments on everything, and that filters read no more than needed."""
import datetime
import json
import os
import random
import re
import zoneinfo
from decimal import Decimal

import pytest
from psycopg2 import errors

from conftest import dicts, insert, insert_buckets, insert_some, insert_ticket, rows
from measures import MEASURES

UTC = datetime.timezone.utc
FIVE = datetime.timedelta(minutes=5)
HOUR = datetime.timedelta(hours=1)
COLUMNS = [measure.column for measure in MEASURES]
PUBLIC = [measure.public for measure in MEASURES]
PUBLIC_NAME = dict(zip(COLUMNS, PUBLIC))
WINDOWS = {"15m": HOUR / 4, "1h": HOUR, "4h": 4 * HOUR, "24h": 24 * HOUR, "7d": 168 * HOUR, "30d": 720 * HOUR}
SEED = int(os.environ.get("KPID_SEED", "1"))


def utc(*parts):
    return datetime.datetime(*parts, tzinfo=UTC)


def floor(moment):
    return datetime.datetime.fromtimestamp(moment.timestamp() // 300 * 300, UTC)


def some_measures(rng):
    return {name: rng.randrange(10 ** 12) if name.endswith("_us_sum") else rng.randrange(5)
            for name in COLUMNS if rng.random() < 0.5}


def add_up(buckets, chosen, key):
    """Expected result: key(time, agent) -> the public sums of the chosen buckets."""
    sums = {}
    for (time, agent), values in buckets.items():
        if chosen(time):
            into = sums.setdefault(key(time, agent), dict.fromkeys(PUBLIC, Decimal(0)))
            for name, value in values.items():
                into[PUBLIC_NAME[name]] += Decimal(value) / (10 ** 6 if PUBLIC_NAME[name] != name else 1)
    return sums


def read_sums(connection, sql, *key):
    found = {}
    for row in dicts(connection, sql):
        name = tuple(row[column] for column in key)
        assert name not in found
        found[name] = {measure: row[measure] for measure in PUBLIC}
    return found


# -- what is there ---------------------------------------------------------------------------------------------------


def test_columns(db):
    found = {}
    for view, column in rows(db, "SELECT table_name, column_name FROM information_schema.columns"
                             " WHERE table_schema = 'report' ORDER BY table_name, ordinal_position"):
        found.setdefault(view, []).append(column)
    ticket = """ticket_id project_id channel category priority team_id requester_ref agent_id first_owner_id responder_id
        arrived_by_id resolver_id closer_id opened_at first_response_at arrived_at resolved_at closed_at state resolution
        cycle reopen_count transfer_count first_response_due_at first_response_verdict resolution_due_at
        resolution_verdict csat_score csat_scale_max policy policy_version revised_at first_response_working_seconds
        resolution_working_seconds"""
    assert found["ticket"] == ticket.split()
    assert found["ticket_cycle"] == """ticket_id cycle started_at resolved_at closed_at resolver_id closer_id resolution
        due_at verdict resolution_working_seconds""".split()
    for view in ("agent_kpi_5m", "agent_kpi_hourly", "agent_kpi_daily"):
        assert found[view] == ["time", "agent_id", *PUBLIC]
    assert found["agent_kpi_rolling"] == ["agent_id", "window", "as_of", "backlog", *PUBLIC]
    assert found["alert"][-2:] == ["warned_at", "warnings"]
    assert found["alert"][:17] == """alert_id ticket_id target n state level due_at breached_at cause owner_at_breach
        project_id policy policy_version detected_at resolved_at unconfirmed delivery""".split()
    assert sorted(found) == """acknowledgement agent_backlog agent_kpi_5m agent_kpi_daily agent_kpi_hourly agent_kpi_rolling alert alert_delivery alert_hourly backlog_5m
        data_freshness dead_letter gap group_card group_kpi_5m ledger ledger_5m ledger_item ledger_status mapping parked readme recalculation repair setting silence sla_clock sla_live source_drop ticket ticket_cycle version""".split()


def test_types_are_plain(db):
    types = rows(db, "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'report'")
    assert {name for (name,) in types} == {"text", "integer", "bigint", "numeric", "boolean", "date",
                                            "timestamp with time zone"}


def test_everything_has_a_comment(db):
    assert rows(db, """
        SELECT c.oid::regclass::text, a.attname FROM pg_class c
        LEFT JOIN LATERAL (SELECT attnum, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
            UNION ALL SELECT 0, '(itself)') a ON true
        WHERE c.relnamespace = 'report'::regnamespace AND coalesce(CASE a.attnum WHEN 0 THEN
            obj_description(c.oid, 'pg_class') ELSE col_description(c.oid, a.attnum) END, '') = ''""") == []
    assert rows(db, "SELECT obj_description('report'::regnamespace, 'pg_namespace') IS NOT NULL") == [(True,)]
    assert rows(db, "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'kpid'::regnamespace"
                    " AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') IS NULL") == []


def test_readme_has_every_object_and_its_examples_run(pg, db, database):
    insert_some(db)
    readme = dicts(db, "SELECT * FROM report.readme")
    assert sorted(row["object"] for row in readme) == [name for (name,) in rows(
        db, "SELECT 'report.' || viewname FROM pg_views WHERE schemaname = 'report' ORDER BY 1")]
    for row in readme:
        if row["time_column"]:
            rows(db, f"SELECT {row['time_column']} FROM {row['object']} WHERE {row['time_column']} IS NOT NULL")
        assert row["object"] in row["example"]
    pg.psql("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN IN ROLE kpid_reader")
    reader = pg.connect(database, "reader")
    for row in readme:
        rows(reader, row["example"])
    reader.close()
    pg.psql("DROP ROLE reader")


def test_version(db):
    assert rows(db, "SELECT * FROM report.version") == [(1,)]


# -- tickets ---------------------------------------------------------------------------------------------------------


def test_ticket_enumerations_are_text(db):
    insert(db, "policy_revision", id="2026-01", effective_from="-infinity", json="{}", sha256=b"")
    for n in range(5):
        insert_ticket(db, f"T{n}", state=n, resolution=n, first_response_verdict=min(n, 3),
                      resolution_verdict=min(n, 3), revision_no=1 if n else None, csat_score_micros=n or None,
                      csat_scale_micros=5_000_000 if n else None)
    found = rows(db, "SELECT state, resolution, first_response_verdict, resolution_verdict, policy_version, csat_score,"
                     " csat_scale_max, agent_id FROM report.ticket ORDER BY ticket_id")
    assert found == [
        ("unknown", None, "none", "none", None, None, None, None),
        ("open", "solved", "pending", "pending", "2026-01", Decimal("0.000001"), 5, None),
        ("paused", "unsolved", "met", "met", "2026-01", Decimal("0.000002"), 5, None),
        ("resolved", "cancelled", "breached", "breached", "2026-01", Decimal("0.000003"), 5, None),
        ("closed", "duplicate", "breached", "breached", "2026-01", Decimal("0.000004"), 5, None),
    ]


def test_cycles(db):
    insert_ticket(db, "T1", cycle=3, cycle_started_at="2026-01-07Z", cycle_due_at="2026-01-08Z", cycle_verdict=1,
                  resolution_due_at="2026-01-09Z", resolution_verdict=3)
    insert_ticket(db, "T2", state=4, resolved_at="2026-01-05 09:00Z", closed_at="2026-01-05 10:00Z", resolution=1,
                  resolver_id="ann", closer_id="bob", cycle_verdict=2, cycle_due_at="2026-01-05 12:00Z")
    insert_ticket(db, "T3", state=0, cycle=0, opened_at=None, cycle_started_at=None)
    for cycle in (1, 2):
        insert(db, "past_cycle", ticket_id="T1", cycle=cycle, started_at=f"2026-01-0{cycle}Z",
               resolved_at=f"2026-01-0{cycle + 1}Z", verdict=cycle + 1, resolution=cycle, resolver_id="ann",
               resolution_working_us=cycle * 1_500_000)
    found = rows(db, "SELECT * FROM report.ticket_cycle ORDER BY ticket_id, cycle")
    assert found == [
        ("T1", 1, utc(2026, 1, 1), utc(2026, 1, 2), None, "ann", None, "solved", None, "met", Decimal("1.5")),
        ("T1", 2, utc(2026, 1, 2), utc(2026, 1, 3), None, "ann", None, "unsolved", None, "breached", 3),
        ("T1", 3, utc(2026, 1, 7), None, None, None, None, None, utc(2026, 1, 8), "pending", None),
        ("T2", 1, utc(2026, 1, 5, 8), utc(2026, 1, 5, 9), utc(2026, 1, 5, 10), "ann", "bob", "solved",
         utc(2026, 1, 5, 12), "met", None),
    ]


# -- KPIs ------------------------------------------------------------------------------------------------------------


def fake_clock(db):
    """fake.rolling is report.agent_kpi_rolling at the time in fake.clock."""
    (view,), = rows(db, "SELECT pg_get_viewdef('report.agent_kpi_rolling')")
    assert view.count("statement_timestamp()") == 3 and not re.search(r"\b(now\(\)|clock_timestamp|CURRENT_)", view)
    view = view.replace("statement_timestamp()", "(SELECT at FROM fake.clock)")
    rows(db, f"CREATE SCHEMA fake; CREATE TABLE fake.clock (at timestamptz); CREATE VIEW fake.rolling AS {view}")


def expected_rolling(buckets, backlog, now):
    expected = {}
    for window, length in WINDOWS.items():
        first, last = floor(now) - length + FIVE, floor(now)
        sums = add_up(buckets, lambda time: first <= time <= last, lambda time, agent: agent)
        for agent in backlog:
            if backlog[agent]:
                sums.setdefault(agent, dict.fromkeys(PUBLIC, 0))
        for agent, values in sums.items():
            expected[agent, window, backlog.get(agent, 0)] = values
    return expected


def test_rolling_is_the_sum_of_its_buckets(db):
    rng = random.Random(SEED)
    fake_clock(db)
    base = utc(2026, 3, 1)
    agents = ["", "ann", "bob", "王芳", "zoe"]
    borders = [sign * length + step * FIVE for length in WINDOWS.values() for sign in (-1, 0) for step in (-1, 0, 1, 2)]
    times = {base + border for border in borders} | {base + rng.randrange(-9000, 60) * FIVE for _ in range(300)}
    buckets = {(time, agent): some_measures(rng) for time in times for agent in agents[:4] if rng.random() < 0.6}
    backlog = {"": 3, "bob": 0, "zoe": 7, "王芳": 2}
    insert_buckets(db, buckets)
    for agent, count in backlog.items():
        insert(db, "agent_backlog", agent_id=agent, backlog=count)
    moments = [base, base - datetime.timedelta(microseconds=1), base + FIVE - datetime.timedelta(microseconds=1)]
    moments += [base + rng.randrange(-10 ** 9, 40 * 86_400 * 10 ** 6) * datetime.timedelta(microseconds=1)
                for _ in range(25)]
    for now in moments:
        rows(db, "DELETE FROM fake.clock; INSERT INTO fake.clock VALUES (%s)", now)
        assert rows(db, "SELECT DISTINCT as_of FROM fake.rolling") == [(now,)]
        found = read_sums(db, "SELECT * FROM fake.rolling", "agent_id", "window", "backlog")
        assert found == expected_rolling(buckets, backlog, now), f"at {now}, seed {SEED}"


def test_rolling_decays_by_the_clock_of_the_server(db):
    (now,), = rows(db, "SELECT statement_timestamp()")
    buckets = {(floor(now) + step * FIVE, "ann"): {"opened": 10 ** 4 + step} for step in (1, 0, -1, -2, -3, -12, -13)}
    buckets[floor(now) - WINDOWS["30d"], "gone"] = {"opened": 1}
    buckets[floor(now) - WINDOWS["30d"] + FIVE + HOUR, "old"] = {"opened": 1}
    insert_buckets(db, buckets)
    (as_of,), = rows(db, "SELECT DISTINCT as_of FROM report.agent_kpi_rolling")
    found = dicts(db, "SELECT * FROM report.agent_kpi_rolling")
    assert {row["as_of"] for row in found} != {as_of}  # each statement has its own time
    as_of = found[0]["as_of"]
    assert datetime.timedelta(0) <= as_of - now < datetime.timedelta(minutes=4)
    assert {(row["agent_id"], row["window"], row["backlog"]): {name: row[name] for name in PUBLIC} for row in found} == \
        expected_rolling(buckets, {}, as_of)


def test_rolling_moves_within_a_transaction(db):
    insert(db, "agent_backlog", agent_id="ann", backlog=1)
    rows(db, "BEGIN")
    first, = {row[0] for row in rows(db, "SELECT as_of FROM report.agent_kpi_rolling")}
    second, = {row[0] for row in rows(db, "SELECT as_of FROM report.agent_kpi_rolling")}
    rows(db, "COMMIT")
    assert second > first


def test_rolling_in_every_zone_of_the_session(db):
    """A window of a day is 24 hours, even when clocks change."""
    rows(db, "SET TIME ZONE 'Europe/Berlin'")
    fake_clock(db)
    now = utc(2026, 3, 29, 12)  # clocks went forward at 01:00 UTC
    rows(db, "INSERT INTO fake.clock VALUES (%s)", now)
    buckets = {(now + step * FIVE, "ann"): {"opened": 1} for step in range(-8700, 1)}
    insert_buckets(db, buckets)
    found = dict(rows(db, 'SELECT "window", opened FROM fake.rolling'))
    assert found == {"15m": 3, "1h": 12, "4h": 48, "24h": 288, "7d": 2016, "30d": 8640}


def first_instant(zone, date):
    """The earliest 5 minutes of a local date."""
    at = datetime.datetime(date.year, date.month, date.day, tzinfo=UTC) - 16 * HOUR
    while at.astimezone(zone).date() != date:
        at += FIVE
    return at


@pytest.mark.parametrize("name, around", [
    (None, utc(2026, 3, 1)),
    ("Asia/Shanghai", utc(2026, 1, 1)),
    ("Asia/Kathmandu", utc(2026, 1, 1)),
    ("Europe/Berlin", utc(2026, 3, 29)),
    ("Europe/Berlin", utc(2026, 10, 25)),
    ("Australia/Lord_Howe", utc(2026, 4, 4)),    # clocks change by half an hour
    ("America/Havana", utc(2024, 11, 3)),        # two midnights
    ("America/Havana", utc(2026, 3, 8)),         # no midnight
    ("America/Sao_Paulo", utc(2018, 11, 4)),     # no midnight
    ("Africa/Cairo", utc(2023, 10, 27)),         # 24:00 is 23:00
    ("Pacific/Apia", utc(2011, 12, 30)),         # a date that was skipped
])
def test_days_are_cut_in_the_zone(db, name, around):
    rng = random.Random(SEED)
    if name:
        insert(db, "setting", name="report.time_zone", value=name)
    zone = zoneinfo.ZoneInfo(name or "UTC")
    times = [around + step * FIVE for step in range(-40 * 12, 64 * 12) if rng.random() < 0.7]
    buckets = {(time, agent): some_measures(rng) for time in times for agent in ("", "ann") if rng.random() < 0.7}
    insert_buckets(db, buckets)
    starts = {}

    def start(time):
        date = time.astimezone(zone).date()
        if date not in starts:
            starts[date] = first_instant(zone, date)
        return starts[date]
    rows(db, "SET TIME ZONE 'America/Los_Angeles'")  # the zone of the session must not matter
    expected = add_up(buckets, lambda time: True, lambda time, agent: (start(time), agent))
    assert len(starts) >= 4
    assert read_sums(db, "SELECT * FROM report.agent_kpi_daily", "time", "agent_id") == expected
    some = sorted(starts.values())[1]
    assert read_sums(db, f"SELECT * FROM report.agent_kpi_daily WHERE time > '{some}' AND agent_id = 'ann'", "time",
                     "agent_id") == {key: value for key, value in expected.items() if key[0] > some and key[1] == "ann"}


def test_days_are_complete_when_clocks_go_back_over_midnight(db):
    insert(db, "setting", name="report.time_zone", value="America/St_Johns")  # 2010-11-07 00:01 was 23:01 again
    for last in range(0, 24):
        rows(db, "DELETE FROM kpid.agent_kpi_5m")
        insert_buckets(db, {(utc(2010, 11, 7, 1) + step * FIVE, "ann"): {"opened": 1} for step in range(last * 3 + 1)})
        assert rows(db, "SELECT sum(opened) FROM report.agent_kpi_daily") == [(last * 3 + 1,)]


def test_hours_are_of_utc(db):
    rng = random.Random(SEED)
    insert(db, "setting", name="report.time_zone", value="Asia/Kathmandu")
    rows(db, "SET TIME ZONE 'Asia/Kathmandu'")
    buckets = {(utc(2026, 1, 1) + rng.randrange(600) * FIVE, agent): some_measures(rng)
               for _ in range(300) for agent in ("", "ann")}
    insert_buckets(db, buckets)
    assert read_sums(db, "SELECT * FROM report.agent_kpi_hourly", "time", "agent_id") == \
        add_up(buckets, lambda time: True, lambda time, agent: (time.replace(minute=0), agent))


def test_no_buckets_no_rows(db):
    for view in ("5m", "hourly", "daily", "rolling"):
        assert rows(db, f"SELECT * FROM report.agent_kpi_{view}") == []


def test_unmeasured_rates_are_null_not_100_percent(db):
    insert_buckets(db, {(utc(2026, 1, 1), "ann"): {"opened": 1, "closed": 1}})
    (share,), = rows(db, "SELECT sum(first_response_within_sla)::numeric / nullif(sum(first_response_measured), 0)"
                         " FROM report.agent_kpi_daily")
    assert share is None


def plan(db, sql):
    (nodes,), = rows(db, f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
    if isinstance(nodes, str):
        nodes = json.loads(nodes)
    found = []

    def walk(node):
        found.append(node)
        for child in node.get("Plans", []):
            walk(child)
    walk(nodes[0]["Plan"])
    return found


def test_a_filter_reads_only_the_rows_it_needs(db):
    rows(db, f"""
        INSERT INTO kpid.agent_kpi_5m ("time", agent_id, {", ".join(COLUMNS)})
        SELECT t, 'agent-' || a, {", ".join(["1"] * len(MEASURES))}
        FROM generate_series(date_bin('5 minutes', now() - interval '1440 hours', '2000-01-01'), now(), '5 minutes') t,
            generate_series(1, 10) a""")
    rows(db, "VACUUM ANALYZE kpid.agent_kpi_5m")

    def buckets_read(sql):
        nodes = plan(db, sql)
        scans = [node for node in nodes if node.get("Relation Name") == "agent_kpi_5m"
                 and node["Node Type"] not in ("Bitmap Index Scan",)]
        indexes = [node for node in nodes if node.get("Index Name") == "agent_kpi_5m_pkey"]
        assert indexes and all(node["Node Type"] != "Seq Scan" for node in scans), sql
        # The oldest and the newest bucket are looked up as well.
        return sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
                   for node in scans) - 2
    day = 10 * 288
    last_day = "time >= now() - interval '24 hours'"
    assert buckets_read(f"SELECT * FROM report.agent_kpi_5m WHERE {last_day} AND agent_id = 'agent-3'") <= 289
    assert buckets_read(f"SELECT * FROM report.agent_kpi_hourly WHERE {last_day}") <= day
    assert buckets_read(f"SELECT * FROM report.agent_kpi_daily WHERE {last_day}") <= day
    assert buckets_read(f"SELECT * FROM report.agent_kpi_daily WHERE {last_day} AND agent_id = 'agent-3'") <= 288
    assert buckets_read("SELECT * FROM report.agent_kpi_rolling WHERE \"window\" = '1h'") <= 120
    assert buckets_read("SELECT * FROM report.agent_kpi_rolling WHERE \"window\" = '7d' AND agent_id = 'agent-3'") <= 2016


def test_one_ticket_is_found_by_its_key(db):
    rows(db, """
        INSERT INTO kpid.ticket (ticket_id, rev, as_of, revised_at, cycle, reopen_count, transfer_count, state,
            first_response_verdict, resolution_verdict, cycle_verdict, resolution, history)
        SELECT 'T' || n, 1, now(), now(), 1, 0, 0, 1, 0, 0, 0, 0, '' FROM generate_series(1, 5000) n""")
    rows(db, "INSERT INTO kpid.past_cycle (ticket_id, cycle, started_at, verdict, resolution)"
             " SELECT ticket_id, 1, now(), 0, 0 FROM kpid.ticket")
    rows(db, "ANALYZE kpid.ticket, kpid.past_cycle")
    for view in ("ticket", "ticket_cycle"):
        nodes = plan(db, f"SELECT * FROM report.{view} WHERE ticket_id = 'T77'")
        assert not [node for node in nodes if node["Node Type"] == "Seq Scan"
                    and node["Relation Name"] != "policy_revision"], view


# -- service levels --------------------------------------------------------------------------------------------------


def insert_clock(db, ticket_id, left, target=0, at_risk=None, **values):
    """A clock with `left` seconds left that has been at risk for `at_risk` seconds (negative: will be in that time)."""
    (now,), = rows(db, "SELECT now()")
    second = datetime.timedelta(seconds=1)
    insert(db, "sla_clock_idle", **{
        "ticket_id": ticket_id, "target": target, "n": 1, "cycle": 1, "started_at": now - HOUR,
        "due_at": now + left * second, "zero_at": now + left * second, "breached": False, "paused": False,
        "stopped": False, "at_risk_at": None if at_risk is None else now - at_risk * second, **values})


def test_sla_live(db):
    insert_ticket(db, "pending", agent_id="ann", team_id="north", project_id="p1", category="repair", priority="1",
                  policy="gold")
    paused = {"paused": True, "zero_at": None}
    insert_clock(db, "pending", 3_000, at_risk=-1_000)
    insert_clock(db, "pending", 3_000, target=3, at_risk=-1_000)
    insert_clock(db, "at_risk", 1_000, target=1, at_risk=1)
    insert_clock(db, "due", -50, target=2, at_risk=2_000)  # not judged yet: its sources lag
    insert_clock(db, "breached", -1_000, at_risk=3_000, breached=True)
    insert_clock(db, "breached_stood", -1_000, at_risk=3_000, breached=True, due_at="2026-01-01Z")
    insert_clock(db, "breached_paused", -1_000, at_risk=3_000, breached=True, left_us=-5_000_000, **paused)
    insert_clock(db, "paused", 0, due_at=None, left_us=1_234_567, **paused)
    insert_clock(db, "paused_at_risk", 0, at_risk=5, due_at=None, left_us=1, **paused)
    insert_clock(db, "stopped", -1_000, at_risk=3_000, stopped=True)  # only its alert is still to be written
    found = {(row["ticket_id"], row["target"]): row for row in dicts(db, "SELECT * FROM report.sla_live")}
    assert {key: row["state"] for key, row in found.items()} == {
        ("pending", "first_response"): "pending",
        ("pending", "resolution"): "pending",
        ("at_risk", "next_response"): "at_risk",
        ("due", "arrival"): "at_risk",
        ("breached", "first_response"): "breached",
        ("breached_stood", "first_response"): "breached",
        ("breached_paused", "first_response"): "breached",
        ("paused", "first_response"): "paused",
        ("paused_at_risk", "first_response"): "paused",
    }
    left = {key[0]: row["seconds_left"] for key, row in found.items()}
    assert all(isinstance(seconds, Decimal) for seconds in left.values())
    assert left["paused"] == Decimal("1.234567") and left["breached_paused"] == -5
    for name, seconds in {"pending": 3_000, "at_risk": 1_000, "due": -50, "breached": -1_000,
                          "breached_stood": -1_000}.items():
        assert seconds - 30 < left[name] <= seconds
    row = found["pending", "first_response"]
    assert [row[name] for name in ("n", "cycle", "agent_id", "team_id", "project_id", "category", "priority",
                                   "policy")] == [1, 1, "ann", "north", "p1", "repair", "1", "gold"]
    assert found["paused", "first_response"]["due_at"] is None


HOURS_ID = "00000000-0000-0000-0000-000000000007"
PERIOD_US = 28 * 86_400_000_000


def store_hours(db, first, last):
    """Stores the hours 09:00-12:00 of each day, in whole periods, from the period of one date to that of another."""
    day_us, hour_us = 86_400_000_000, 3_600_000_000
    first, last = (int(utc(*date).timestamp()) * 1_000_000 // PERIOD_US for date in (first, last))
    for period in range(first, last + 1):
        days = [period * PERIOD_US + day * day_us for day in range(28)]
        spans = ",".join(f"[{day + 9 * hour_us},{day + 12 * hour_us})" for day in days)
        insert(db, "calendar_hours", hours_id=HOURS_ID, period=period, spans=f"{{{spans}}}", worked_us=28 * 3 * hour_us)


def live_at(db):
    """live_at(instant): seconds_left of each clock, by ticket."""
    (view,), = rows(db, "SELECT pg_get_viewdef('report.sla_live')")
    view = view.replace("statement_timestamp()", "(SELECT at FROM fake.clock)")
    rows(db, f"CREATE SCHEMA fake; CREATE TABLE fake.clock (at timestamptz); CREATE VIEW fake.live AS {view}")

    def at(moment):
        rows(db, "DELETE FROM fake.clock; INSERT INTO fake.clock VALUES (%s)", moment)
        return [left for left, in rows(db, "SELECT seconds_left FROM fake.live ORDER BY ticket_id")]
    return at


def test_seconds_left_run_in_the_hours_of_the_calendar(db):
    """S9: hours are 09:00-12:00 of each day; NULL for a calendar whose hours are not stored."""
    insert_ticket(db, "T1", revision_no=7)
    insert_ticket(db, "T2", revision_no=8)
    insert(db, "calendar", revision_no=7, calendar="office", hours_id=HOURS_ID)
    store_hours(db, (2026, 1, 25), (2026, 2, 28))
    for ticket in "T1", "T2":
        insert_clock(db, ticket, 0, zero_at="2026-02-10 10:00Z", calendar="office")
    at = live_at(db)
    for moment, left in (("10 09:00", 3600), ("10 09:59:59.5", Decimal("0.5")), ("10 10:00", 0), ("9 23:00", 3600),
                         ("9 11:00", 7200), ("10 11:00", -3600), ("10 12:00", -7200), ("11 03:00", -7200),
                         ("11 09:00:01", -7201), ("3 00:00", 7 * 10800 + 3600)):
        assert at(f"2026-02-{moment}Z") == [left, None], moment


def test_seconds_left_are_right_far_beyond_a_year(db):
    """They count all hours in between or are NULL; they never count only the part that happens to be stored."""
    insert_ticket(db, "T1", revision_no=7)
    insert_ticket(db, "T2", revision_no=7)
    insert_ticket(db, "T3", revision_no=7)
    insert(db, "calendar", revision_no=7, calendar="office", hours_id=HOURS_ID)
    store_hours(db, (2024, 1, 1), (2029, 6, 30))
    insert_clock(db, "T1", 0, zero_at="2029-02-10 10:00Z", calendar="office")
    insert_clock(db, "T2", 0, zero_at="2024-02-10 10:00Z", calendar="office", breached=True)
    insert_clock(db, "T3", 0, zero_at="2031-02-10 10:00Z", calendar="office")
    n_days = (utc(2029, 2, 10) - utc(2026, 2, 10)).days
    n_days_late = (utc(2026, 2, 10) - utc(2024, 2, 10)).days
    assert live_at(db)("2026-02-10 11:00Z") == [n_days * 10800 - 3600, -n_days_late * 10800 - 3600, None]


def test_at_risk_begins_at_its_instant(db):
    (view,), = rows(db, "SELECT pg_get_viewdef('report.sla_live')")
    view = view.replace("statement_timestamp()", "(SELECT at FROM fake.clock)")
    rows(db, f"CREATE SCHEMA fake; CREATE TABLE fake.clock (at timestamptz); CREATE VIEW fake.live AS {view}")
    insert_clock(db, "T", 0, at_risk_at="2026-01-01 00:00:08.000001Z", zero_at="2026-01-01 00:00:10Z")
    for moment, state, left in (("00:00:08", "pending", 2), ("00:00:08.000001", "at_risk", Decimal("1.999999")),
                                ("00:00:11", "at_risk", -1)):
        rows(db, "DELETE FROM fake.clock; INSERT INTO fake.clock VALUES (%s)", f"2026-01-01 {moment}Z")
        assert rows(db, "SELECT state, seconds_left FROM fake.live") == [(state, left)]


def test_alert_has_its_evidence(db):
    insert_some(db)
    found, = dicts(db, "SELECT * FROM report.alert")
    assert (found["evidence_topic"], found["evidence_partition"], found["evidence_offset"]) == ("ticket-opened", 0, 5)
    rows(db, "UPDATE kpid.alert SET evidence_source_no = NULL, evidence_offset = NULL")
    found, = dicts(db, "SELECT * FROM report.alert")
    assert found["alert_id"] == "a1" and found["evidence_topic"] is None


def history(*events):
    """Format 1 (daemon/core/ticket/history.c) of (rank, microseconds, agent) each."""
    def number(value):
        return bytes([value & 127 | 128]) + number(value >> 7) if value > 127 else bytes([value])

    def text(value):
        return number(len(value) << 2 | 1) + value.encode()
    packed, before = b"\x01", 0
    for i, (rank, at, agent) in enumerate(events):
        packed += bytes([rank]) + number((at - before) * 2) + text("urn:crm") + text(f"e{i}") + number(2 * 1) + number(2 * i)
        packed += number(1 << 6) + text(agent)
        before = at
    return packed


@pytest.fixture
def tool(db, pg, database):
    """A connection like that of a BI tool."""
    rows(db, "DROP ROLE IF EXISTS a_tool")
    rows(db, "CREATE ROLE a_tool LOGIN IN ROLE kpid_reader")
    connection = pg.connect(database, "a_tool")
    yield connection
    connection.close()
    rows(db, "DROP ROLE a_tool")


def test_explain_ticket(db, tool):
    """The stored rows. For events and clocks see tests/integration/test_explain.py."""
    insert_some(db)
    rows(db, "UPDATE kpid.policy_revision SET json = %s", '{"calendars": {"office": {"time_zone": "UTC"}}, "policies": '
         '[{"name": "other", "match": {"priority": ["1"]}}, {"name": "gold", "targets": {}}]}')
    at = 1_767_600_000_000_000  # 2026-01-05 08:00Z
    rows(db, "UPDATE kpid.ticket SET policy = 'gold', cycle = 1, history = %s", history((0, at, "ann"), (4, at + 1, "bob")))
    (explained,), = rows(tool, "SET timezone = 'Asia/Shanghai'; SELECT report.explain_ticket('T1')")
    assert [(step["at"], step["owner"], step["effect"], step["topic"]) for step in explained["events"]] == [
        ("2026-01-05T08:00:00Z", "ann", "opened; assigned to ann; policy is gold", "ticket-opened"),
        ("2026-01-05T08:00:00.000001Z", "ann", "first response, by bob", "ticket-opened")]
    assert explained["clocks"] == [] and explained["agrees_with_record"]
    assert explained["passed_over"] == [{"policy": "other", "attribute": "priority", "value": None}]
    assert explained["ticket"]["agent_id"] == "ann" and [cycle["cycle"] for cycle in explained["cycles"]] == [1, 1]
    assert explained["ticket"]["opened_at"] == "2026-01-05T08:00:00+00:00"  # in any time zone of the session
    assert explained["policy_text"] == {"name": "gold", "targets": {}} and explained["calendars"] == {"office": {"time_zone": "UTC"}}
    assert [clock["state"] for clock in explained["live"]] == ["breached"]
    alert, = explained["alerts"]
    assert alert["alert_id"] == "a1" and alert["acknowledgements"][0]["acknowledged_by"] == "bob"
    assert alert["deliveries"][0]["receiver"] == "ops" and alert["due_at"] == "2026-01-05T10:00:00Z"
    assert rows(tool, "SELECT report.explain_ticket('nope')") == [(None,)]
    with pytest.raises(errors.InsufficientPrivilege):
        rows(tool, "SELECT kpid.history_events('\\x01')")


GOOD = history((0, 1_767_600_000_000_000, "ann"))


@pytest.mark.parametrize("broken", [
    b"", b"\x02", b"\x01\x0c", GOOD[:-1], GOOD[:9], GOOD + b"\x00", GOOD.replace(b"ann", b"a\xffn"), GOOD.replace(b"ann", b"a\0n"),
    b"\x01\x0c" + GOOD[2:], GOOD.replace(b"\x1durn", b"\x04urn"), b"\x01\x00" + b"\xff" * 12,
    history((0, 1_000_000, "ann"))], ids=range(12))
def test_a_broken_history_is_reported(db, tool, broken):
    insert_ticket(db, "T1", history=broken)
    with pytest.raises(errors.DataCorrupted, match="broken history: .* at byte [0-9]+ of [0-9]+"):
        rows(tool, "SELECT report.explain_ticket('T1')")


# -- input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"", b"{}", bytes(range(256)), b"\\", b"\x1b[2J\n", "王芳".encode() * 40, b"\xff" * 201])
def test_first_bytes_are_safe_and_exact(db, value):
    insert(db, "dead_letter", topic="survey", partition=1, offset=2, reason="not_json", detail="d", value=value)
    found = rows(db, "SELECT first_bytes, length_bytes, decode(first_bytes, 'escape'), \"offset\" FROM report.dead_letter")
    text, length, back, _ = found[0]
    assert all(" " <= letter <= "~" for letter in text)
    assert (length, bytes(back)) == (len(value), value[:200])


def test_data_freshness(db):
    insert(db, "source_partition", topic="a", partition=0, epoch=1, owner="one")
    insert(db, "source_partition", topic="b", partition=0, epoch=1, owner="one", next_offset=7, high_offset=10)
    rows(db, "UPDATE kpid.source_partition SET complete_until = now() - interval '90 s' WHERE topic = 'b'")
    insert(db, "source_partition", topic="c", partition=0, epoch=1, owner="one", next_offset=7, high_offset=5,
           complete_until="infinity", state="finished")
    insert(db, "source_partition", topic="d", partition=0, epoch=1, owner="one", next_offset=7, high_offset=7)
    rows(db, "UPDATE kpid.source_partition SET complete_until = now() + interval '90 s' WHERE topic = 'd'")
    insert(db, "source_partition", topic="e", partition=0, epoch=1, owner="one", next_offset=7, high_offset=9,
           complete_until="2026-01-01Z", state="finished")  # retired
    insert(db, "source_partition", topic="f", partition=0, epoch=1, owner="one", next_offset=7, high_offset=9, read_to=8)
    insert(db, "source_partition", topic="g", partition=0, epoch=1, owner="one", high_offset=9, read_to=9)
    insert(db, "source_partition", topic="h", partition=0, epoch=0, owner="", next_offset=7, high_offset=9)
    insert(db, "source_partition", topic="i", partition=0, epoch=1, owner="one", next_offset=7, high_offset=9)
    rows(db, "UPDATE kpid.source_partition SET end_seen_at = CASE WHEN topic = 'i' THEN now() - interval '11 s' ELSE now() END"
             " WHERE topic NOT IN ('a', 'c', 'e')")
    found = rows(db, "SELECT topic, lag_messages, round(lag_seconds / 30) * 30, complete_until IS NULL"
                     " FROM report.data_freshness ORDER BY topic")
    assert found == [("a", None, None, True), ("b", 3, 90, False), ("c", 0, 0, True), ("d", 0, None, True),
                     ("e", 2, 0, False), ("f", 1, None, True), ("g", 0, None, True), ("h", None, None, True), ("i", None, None, True)]
