"""report.explain_ticket() in SQL against `kpid explain --json`: two implementations of the fold, one result.

Each key that the command prints must be in the function's result, with the same value. KPID_LONG=1 takes more
tickets, KPID_SEED other ones.
"""
import contextlib
import datetime
import json
import os
import random
import subprocess

import psycopg2
import pytest

from daemon import program_as_module
from test_commands import EVIL, ROOT, STORY, Database, Postgres, event

GOLDEN = os.path.join(ROOT, "tests", "golden")
GENERATE = os.path.join(ROOT, "tests", "recompute", "generate")
LONG = os.environ.get("KPID_LONG") == "1"
SEED = int(os.environ.get("KPID_SEED") or 1)
N_TICKETS = 200 if LONG else 40


differential = program_as_module("golden/differential")


@pytest.fixture(scope="module")
def pg():
    with Postgres(settings={"fsync": "off"}) as server:
        server.psql("CREATE ROLE analyst LOGIN")
        yield server


@pytest.fixture
def make_database(pg, tmp_path):
    """make_database(events, policy): a database that has read the events."""
    with contextlib.ExitStack() as stack:
        def make(events, policy=None):
            database = Database(pg, "explained", tmp_path)
            stack.callback(pg.drop_database, database.name)
            if policy is not None:
                (tmp_path / "policy.json").write_text(json.dumps(policy))
            database.run("migrate", "up")
            database.ingest("events.ndjson", events)
            pg.psql("GRANT kpid_reader TO analyst")
            database.reader = stack.enter_context(contextlib.closing(pg.connect(database.name, "analyst")))
            return database
        yield make


def explain(database, ticket):
    """Queries like a BI tool: as a reader of the schema report only."""
    with database.reader, database.reader.cursor() as cursor:
        cursor.execute("SELECT report.explain_ticket(%s)", (ticket,))
        return cursor.fetchone()[0]


def difference(explained, found, path=""):
    """The first difference; None: equal. Keys that only SQL returns are ignored."""
    if isinstance(explained, dict) and isinstance(found, dict):
        gone = explained.keys() - found.keys()
        return f"{path}: no {sorted(gone)}" if gone else next(
            filter(None, (difference(value, found[key], f"{path}.{key}") for key, value in explained.items())), None)
    if isinstance(explained, list) and isinstance(found, list) and len(explained) == len(found):
        return next(filter(None, (difference(*pair, f"{path}[{i}]") for i, pair in enumerate(zip(explained, found)))), None)
    return None if explained == found and isinstance(explained, bool) == isinstance(found, bool) else (
        f"{path}: kpid explain {explained!r}, SQL {found!r}")


def tickets(database):
    return json.loads(database.sql("SELECT coalesce(json_agg(ticket_id), '[]') FROM kpid.ticket"))


def check_all(database):
    """Returns how many tickets, events and pieces of time lines were compared."""
    n = [0, 0, 0]
    for ticket in tickets(database):
        explained = json.loads(database.run("explain", "--json", "--", ticket).stdout)
        different = difference(explained, explain(database, ticket), repr(ticket))
        assert different is None, different
        n[0] += 1
        n[1] += len(explained["events"])
        n[2] += sum(len(clock["timeline"]) for clock in explained["clocks"])
    return n


@pytest.mark.parametrize("seed", range(SEED, SEED + (40 if LONG else 4)))
def test_random_tickets(make_database, tmp_path, seed):
    """Policies, pauses, promises, calendars and changes of clocks like those of tests/golden/differential; various
    watermarks; some alerts were voided."""
    base = differential.base_of(seed)
    subprocess.run([GENERATE, "--seed", str(seed), "--tickets", str(N_TICKETS), "--base", base.isoformat() + "Z",
                    *differential.FEATURES[seed % 4], "--policy-out", tmp_path / "random.json",
                    "--out", tmp_path / "random.ndjson"], check=True, capture_output=True)
    database = make_database([], json.loads((tmp_path / "random.json").read_text()))
    database.run("ingest", str(tmp_path / "random.ndjson"))
    chance = random.Random(seed)
    with contextlib.closing(database.server.connect(database.name)) as connection, connection, connection.cursor() as cursor:
        for ticket in tickets(database):
            after = chance.choice([{"minutes": chance.randrange(60)}, {"minutes": 20, "microseconds": 1},
                                   {"days": chance.randrange(15), "hours": 16}, None])
            if after is not None:
                cursor.execute("UPDATE kpid.ticket SET as_of = %s WHERE ticket_id = %s",
                               (base.replace(tzinfo=datetime.timezone.utc) + datetime.timedelta(**after), ticket))
        cursor.execute("UPDATE kpid.ticket SET as_of = '-infinity' WHERE ticket_id = (SELECT max(ticket_id) FROM kpid.ticket)")
        cursor.execute("UPDATE kpid.alert SET state = 'voided' WHERE breached_at IS NOT NULL AND n > 1")
    n_tickets, n_events, n_pieces = check_all(database)
    assert n_tickets > N_TICKETS // 2 and n_events > 2 * n_tickets and n_pieces > n_tickets


def test_golden_tickets(make_database):
    """The story of test_commands, and each event of the examples in the contract."""
    with open(os.path.join(GOLDEN, "events", "conflicts.jsonl"), encoding="utf-8") as file:
        messages = [message["value"] + "\n" for case in map(json.loads, file) for message in case["messages"]]
    samples = os.path.join(ROOT, "deploy", "asyncapi", "samples")
    for name in sorted(os.listdir(samples)):
        if name.endswith(".structured.json") and not name.startswith("kpid."):
            with open(os.path.join(samples, name), encoding="utf-8") as file:
                messages.append(json.dumps(json.load(file)) + "\n")
    database = make_database(STORY + messages)
    database.ingest("late.ndjson", [event(20, "ticket.responded", "2026-03-01T10:04:10Z")])
    n_tickets, n_events, _ = check_all(database)
    assert n_tickets > 10 and n_events > 3 * 10
    explained = explain(database, "T-1")
    assert [step["event"] for step in explained["events"]][:1] == [STORY[0]] and explained["conflicts"][0]["id"] == "e8"
    assert "was in time and arrived late: ingest:late" in explained["alerts"][0]["voided_because"]
    assert explain(database, EVIL)["events"][1]["event"]["data"]["reason"] == "\u202egnp"
    database.sql("UPDATE kpid.ticket SET state = 4 WHERE ticket_id = 'T-1'")
    assert not explain(database, "T-1")["agrees_with_record"]


def test_a_ticket_with_very_many_events_is_truncated(make_database):
    """With 14,000 events `kpid explain` took 20 s, report.explain_ticket 57 s, and --json gigabytes of memory."""
    start = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    kinds = ("ticket.requester_replied", "ticket.responded")
    def robots(ticket, n):
        return [event(f"{ticket}-{i}", kinds[i % 2] if i else "ticket.opened",
                      (start + datetime.timedelta(seconds=i)).isoformat().replace("+00:00", "Z"), ticket, agent_id="a")
                for i in range(n)]
    policy = {"revisions": [{"id": "1", "policies": [{"name": "a", "targets": {
        "first_response": {"within": "1h", "calendar": "always"}, "next_response": {"within": "1s", "calendar": "always"}}}]}]}
    database = make_database(robots("FEW", 200) + robots("MORE", 201) + robots("MOST", 14_000), policy)
    for ticket, n_cut in (("FEW", 0), ("MORE", 0), ("MOST", 12_000)):
        shown = json.loads(database.run("explain", "--json", ticket).stdout)
        found = explain(database, ticket)
        assert shown["agrees_with_record"] and found["ticket"]["ticket_id"] == ticket
        assert (shown["cut"] or {}).get("events", 0) == n_cut
        assert len(shown["events"]) == {"FEW": 200, "MORE": 201, "MOST": 2000}[ticket]
        if ticket == "FEW":
            assert difference(shown, found) is None
        else:
            assert found["events"] is None and "more than 200" in found["cut"]["events"]
    assert shown["events"][1000]["id"] == "eMOST-13000" and shown["cut"]["clocks"] == len(range(2, 14_000, 2)) + 1 - 2000
    words = database.run("explain", "MOST").stdout
    assert "12000 events, and the breaches between them, are not shown here" in words
    assert "eMOST-999 " in words.replace("\n", " ") and "eMOST-1500 " not in words


def test_policies_that_do_not_match_and_zones(make_database):
    """S1: each policy before the one that matches, with the reason why it does not match."""
    hours = {"time_zone": "Europe/Berlin", "weekly": {"sun": ["09:00-12:00"]}}
    policy = {"revisions": [{"id": "1", "calendars": {"shop": hours}, "policies": [
        {"name": "a", "match": {"priority": [1], "category": ["lift/*"]}, "targets": {}},
        {"name": "b", "match": {"channel": ["100%_*"]}, "targets": {}},
        {"name": "c", "match": {"channel": [""]}, "targets": {}},
        {"name": "d", "targets": {"resolution": {"within": "4h", "calendar": "shop", "pause_on": ["wait"]}}}]}]}
    database = make_database([
        event(1, "ticket.opened", "2026-03-29T00:00:00Z", category="lift/1", priority=2, channel="100 _x"),
        event(2, "ticket.paused", "2026-03-29T08:00:00Z", reason="wait"),
        event(3, "ticket.resumed", "2026-03-29T09:00:00Z")], policy)
    explained = explain(database, "T-1")
    assert explained["policy"] == "d" and explained["passed_over"] == [
        {"policy": "a", "attribute": "priority", "value": "2"}, {"policy": "b", "attribute": "channel", "value": "100 _x"},
        {"policy": "c", "attribute": "channel", "value": "100 _x"}]
    clock, = explained["clocks"]
    assert (clock["calendar"], clock["time_zone"], clock["due_at"]) == ("shop", "Europe/Berlin", "2026-04-05T09:00:00Z")
    assert [(piece["state"], piece["from"][5:16], piece["ran_us"] // 60_000_000, piece["reason"])
            for piece in clock["timeline"][:5]] == [
                ("rests", "03-29T00:00", 0, None), ("runs", "03-29T07:00", 60, None), ("stands", "03-29T08:00", 60, "wait"),
                ("runs", "03-29T09:00", 120, None), ("rests", "03-29T10:00", 120, None)]
    check_all(database)


CHANGES = (
    ("Europe/Berlin", "2026-10-25"), ("Europe/Berlin", "2026-03-29"), ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"), ("America/Havana", "2024-11-03"), ("America/Havana", "2026-03-08"),
    ("Pacific/Apia", "2011-12-30"), ("Africa/Casablanca", "2026-02-15"), ("Asia/Shanghai", "1990-09-16"),
)  # fmt: skip


def test_S7_S8_where_clocks_change(make_database):
    """Hours that begin and end near the changes of clocks in their zone, and due times that are brought forward."""
    chance = random.Random(SEED)
    calendars, policies, events = {}, [], []

    def face(quarters):
        return f"{quarters // 4:02}:{quarters % 4 * 15:02}"

    def add(ticket, kind, at, **data):
        events.append(event(len(events), kind, at.isoformat() + "Z", ticket, **data))
    for i in range(900 if LONG else 90):
        zone, day = CHANGES[i % len(CHANGES)]
        begin = chance.randrange(16)
        night = chance.choice(["22:00-24:00", "22:00-00:00", f"22:00-{face(chance.randrange(16))}"])
        hours = [f"{face(begin)}-{face(begin + chance.randrange(1, 12))}", night]
        calendars[f"c{i}"] = {"time_zone": zone, "weekly": chance.choice([
            dict.fromkeys("mon tue wed thu fri sat sun".split(), hours), {"mon-sun": hours}, {"sat-tue": hours, "wed-fri": hours}])}
        if i % 2 == 0:
            calendars[f"c{i}"]["days"] = chance.choice([
                {day[5:]: ["00:30-12:00"]}, {f"{day}/{day}": [], "02-29": []}, {day: [night], day[5:]: []}])
        policies.append({"name": f"p{i}", "match": {"category": [f"k{i}"]}, "targets": {"resolution": {
            "within": f"{chance.randrange(1, 30) * 10}m", "calendar": f"c{i}", "pause_on": ["w"],
            "warn_at": ["50%", "33.333%", "30m before", "3h before"], "escalate_after": ["1h"]}}})
        at = datetime.datetime.fromisoformat(day) - datetime.timedelta(hours=chance.randrange(40))
        promise = {"resolution_due_at": (at + datetime.timedelta(hours=9)).isoformat() + "Z"} if i % 3 == 0 else {}
        add(f"plain {i}", "ticket.opened", at, category=f"k{i}")
        add(f"moved {i}", "ticket.opened", at, category=f"k{i}", **promise)
        at += datetime.timedelta(minutes=chance.randrange(400))
        add(f"moved {i}", "ticket.paused", at, reason="w")
        at += datetime.timedelta(minutes=chance.randrange(900))
        add(f"moved {i}", "ticket.resumed", at)
        if promise:
            due = at + datetime.timedelta(minutes=chance.randrange(1, 60))
            add(f"moved {i}", "ticket.updated", at, resolution_due_at=due.isoformat() + "Z")
    database = make_database(events, {"revisions": [{"id": "1", "calendars": calendars, "policies": policies}]})
    database.sql("UPDATE kpid.ticket SET as_of = opened_at + interval '4 days'")
    n_tickets, _, n_pieces = check_all(database)
    assert n_tickets == 2 * len(policies) and n_pieces > 5 * n_tickets


def test_broken_histories(make_database):
    """Truncated anywhere: both refuse it, or both explain the same remainder. With any bit flipped, it is refused
    or explained."""
    database = make_database(STORY)
    history = bytes.fromhex(database.sql("SELECT encode(history, 'hex') FROM kpid.ticket WHERE ticket_id = 'T-1'").strip())
    chance = random.Random(SEED)
    n_told = n_refused = 0

    def told_by_sql(packed):
        database.sql(f"UPDATE kpid.ticket SET history = '\\x{packed.hex()}' WHERE ticket_id = 'T-1'")
        try:
            return explain(database, "T-1")
        except psycopg2.errors.DataCorrupted as error:
            assert "broken history" in str(error) and "kpid verify" in str(error)
            return None
    for n in range(0, len(history) + 1, 1 if LONG else 5):
        found = told_by_sql(history[:n])
        done = subprocess.run(database.command("explain", "--json", "T-1"), capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == (found is not None), (n, done.stderr)
        n_refused += found is None
        assert found is None or difference(json.loads(done.stdout), found) is None, n
    assert n_refused > 0 and told_by_sql(history) is not None
    for _ in range(2000 if LONG else 200):
        packed = bytearray(history)
        packed[chance.randrange(len(packed))] ^= 1 << chance.randrange(8)
        n_told += told_by_sql(bytes(packed)) is not None
    assert n_told > 0
