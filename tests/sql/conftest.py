"""A private PostgreSQL, migrated databases, and `kpid migrate` built with any tree of SQL files.

The program under test is `kpid migrate` itself (daemon/cli, daemon/adapters/pg/migrate.c), linked without the other
commands. So a test can build it with migrations that fail.
"""
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "fixture"))

from measures import LEDGER_MEASURES, MEASURES  # noqa: E402, F401
from servers import Postgres  # noqa: E402

COMMANDS = """
#include "cli/cli.h"
const struct cli_command cli_commands[] = {
	{"migrate", "Migrate", "up|status|verify", NULL, cmd_migrate}, {NULL, NULL, NULL, NULL, NULL}};
int main(int argc, char **argv) { return cli_main(argc, argv); }
"""
SOURCES = ["daemon/cli/cli.c", "daemon/cli/cmd_migrate.c", "daemon/cli/json_out.c", "daemon/cli/term.c",
           "daemon/adapters/pg/migrate.c", "daemon/adapters/pg/sql_lexer.c", "daemon/adapters/pg/error_text.c",
           "daemon/config/*.c",
           "daemon/base/*.c", "daemon/core/wire/*.c", "daemon/core/sla/duration.c"]
INSTRUMENTED = ["--coverage", "-fprofile-update=atomic"] if os.environ.get("KPID_SQL_OBJECTS") else [
    "-fsanitize=address,undefined"]
PACKAGES = ["libpq", "libcrypto", "inih", "jansson", "rdkafka"]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class Program:
    """`kpid migrate` against one server."""

    def __init__(self, path, server):
        self.path = path
        self.server = server

    def environment(self, database, user="postgres"):
        return {**self.server.env(database), "PGUSER": user, "KPID_CONFIG": "/dev/null"}

    def start(self, database, *arguments, user="postgres"):
        return subprocess.Popen([self.path, "migrate", *arguments], env=self.environment(database, user), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, database, *arguments, user="postgres", status=0):
        done = run(self.path, "migrate", *arguments, env=self.environment(database, user))
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def json(self, database, *arguments, **options):
        return json.loads(self(database, *arguments, "--json", **options).stdout)

    def queries(self):
        """The embedded queries, by file name: what embed.cmake makes of sql/queries."""
        with open(os.path.join(os.path.dirname(self.path), "sql_files.c"), encoding="ascii") as file:
            source = file.read()
        names = dict(re.findall(r'\{"queries/(\w+\.sql)", (file_\d+)\}', source))
        texts = dict(re.findall(r"char (file_\d+)\[\] = \{(.*)0\};", source))
        return {name: bytes.fromhex(re.sub(r"'\\x|',", "", texts[array])).decode() for name, array in names.items()}

    def states(self, database):
        return {row["version"]: row["state"] for row in self.json(database, "status")["migrations"]}


@pytest.fixture(scope="session")
def objects(tmp_path_factory):
    """The compiled program without the SQL files."""
    kept = os.environ.get("KPID_SQL_OBJECTS")  # set by tests/coverage
    directory = pathlib.Path(kept) if kept else tmp_path_factory.mktemp("objects")
    commands = directory / "commands.c"
    commands.write_text(COMMANDS)
    sources = [str(commands)]
    for pattern in SOURCES:
        sources += sorted(glob.glob(os.path.join(ROOT, pattern)))
    done = run("cmake", f"-DROOT={ROOT}/sql", f"-DOUT={directory}/sql/queries.h", "-P", f"{ROOT}/sql/names.cmake")
    assert done.returncode == 0, done.stderr
    flags = run("pkg-config", "--cflags", *PACKAGES).stdout.split()
    done = run("cc", "-std=c17", "-D_GNU_SOURCE", '-DKPID_VERSION="test"', "-g", *INSTRUMENTED,
               "-fno-sanitize-recover=all", f"-I{ROOT}/include", f"-I{ROOT}/daemon", f"-I{directory}", *flags, "-c", *sources,
               cwd=directory)
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="session")
def build(objects, tmp_path_factory, pg):
    """build(change): the program built with a copy of sql/ that change(folder) has altered. Equal copies are built once."""
    built = {}

    def build_one(change=lambda folder: None, server=pg):
        directory = tmp_path_factory.mktemp("program")
        tree = directory / "sql"
        for folder in ("migrations", "queries"):
            shutil.copytree(os.path.join(ROOT, "sql", folder), tree / folder)
        change(tree / "migrations")
        content = tuple((path.relative_to(tree), path.read_bytes()) for path in sorted(tree.rglob("*.sql")))
        if content in built:
            return Program(built[content], server)
        done = run("cmake", f"-DROOT={tree}", f"-DOUT={directory}/sql_files.c", "-P", f"{ROOT}/sql/embed.cmake")
        assert done.returncode == 0, done.stderr
        libraries = run("pkg-config", "--libs", *PACKAGES).stdout.split()
        done = run("cc", *INSTRUMENTED, f"-I{ROOT}/include", f"{directory}/sql_files.c",
                   *glob.glob(f"{objects}/*.o"), "-o", f"{directory}/kpid", *libraries)
        assert done.returncode == 0, done.stderr
        built[content] = f"{directory}/kpid"
        return Program(built[content], server)
    return build_one


@pytest.fixture(scope="session")
def pg():
    with Postgres(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture(scope="session")
def program(build):
    return build()


@pytest.fixture(scope="session")
def template(pg, program):
    pg.create_database("migrated")
    program("migrated", "up")
    return "migrated"


@pytest.fixture
def empty(pg):
    """The name of an empty database."""
    pg.create_database("empty")
    yield "empty"
    pg.drop_database("empty")


@pytest.fixture
def database(pg, template):
    """The name of a migrated database."""
    pg.create_database("filled", template)
    yield "filled"
    pg.drop_database("filled")


@pytest.fixture
def db(pg, database):
    """A connection to a migrated database, as superuser, in autocommit mode."""
    connection = pg.connect(database)
    connection.cursor().execute("SET TIME ZONE 'UTC'")
    yield connection
    connection.close()


def rows(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


def dicts(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def insert(connection, table, **values):
    names = ", ".join(f'"{name}"' for name in values)
    rows(connection, f"INSERT INTO kpid.{table} ({names}) VALUES ({', '.join(['%s'] * len(values))})", *values.values())


def columns(connection, table):
    return [row[0] for row in rows(connection, "SELECT column_name FROM information_schema.columns WHERE table_schema"
                                   " = 'kpid' AND table_name = %s ORDER BY ordinal_position", table)]


def insert_buckets(connection, buckets):
    """buckets: (time, agent) -> {measure: value}. A measure that is 0 is NULL in half of the rows, if the
    schema allows it: both mean the same."""
    from psycopg2.extras import execute_values
    names = [measure.column for measure in MEASURES]
    (may_be_null,), = rows(connection, "SELECT NOT bool_or(attnotnull) FROM pg_attribute WHERE attrelid = "
                           "'kpid.agent_kpi_5m'::regclass AND attname = ANY (%s)", names)
    with connection.cursor() as cursor:
        execute_values(cursor, f'INSERT INTO kpid.agent_kpi_5m ("time", agent_id, {", ".join(names)}) VALUES %s',
                       [(time, agent, *(values.get(name) or (None if may_be_null and n % 2 else 0) for name in names))
                        for n, ((time, agent), values) in enumerate(buckets.items())], page_size=1000)


def insert_ticket(connection, ticket_id, **values):
    insert(connection, "ticket", **{
        "ticket_id": ticket_id, "rev": 1, "as_of": "2026-01-05 12:00Z", "revised_at": "2026-01-05 12:00Z", "cycle": 1,
        "opened_at": "2026-01-05 08:00Z", "cycle_started_at": "2026-01-05 08:00Z", "reopen_count": 0,
        "transfer_count": 0, "state": 1, "first_response_verdict": 0, "resolution_verdict": 0, "cycle_verdict": 0,
        "resolution": 0, "history": b"", **values})


def rows_read(db, table, sql, *values):
    """The rows of a table that a statement scans, whether it returns them or not."""
    counter = ("SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
               " WHERE relid = %s::regclass")
    rows(db, "BEGIN")
    (before,), = rows(db, counter, table)
    rows(db, sql, *values)
    (after,), = rows(db, counter, table)
    rows(db, "COMMIT")
    return after - before


# For the one view of the report that shows something of it.
CLOSED_PERIOD = """
    INSERT INTO appraisal.plan_revision (id, effective_from, json, sha256, stored_by)
    VALUES ('2020', '2020-01-01Z', '{"plans": [{"name": "desk"}]}', sha256('x'), 'bob');
    INSERT INTO appraisal.closing
    SELECT 1, '2020-01', 1, 'month', '2020-01-01', '2020-01-31', '2020-01-01Z', '2020-02-01Z', 'UTC', NULL, '', r.revision_no, r.sha256, true, true,
        now(), 'bob', 'bob', 'over', sha256('x')
    FROM appraisal.plan_revision r;
    INSERT INTO appraisal.closed_card (closing_no, plan_no, plan, level, subject, version, made_at, status, weight, from_events, by_hand, dimensions,
        gaps, flags)
    VALUES (1, 1, 'desk', 'team', 'north', 1, now(), 'insufficient', 0, 0, 0, '[]', '[]', '[]')"""
MONTH = {"month": "2026-01-01", "agent_id": "ann", "project_id": "p1", "team_id": "", "channel": "phone", "category": "repair/lift", "priority": "1"}
TICKETS = {"n_rows": 1, "n_agent": 1, "n_team": 0, "n_project": 1}
REACH = {"month": "2026-01-01", "level": "agent", "subject": "ann", "places": '{"(ann,p1,\\"\\",phone,repair/lift,1)"}', "n": 1}
LEDGER_KEY = {"day": "2026-01-05", "ticket_id": "T1", "agent_id": "ann", "project_id": "p1", "team_id": ""}


HOUR = {"time": "2026-01-05 08:00Z", "project_id": "p1", "team_id": "", "opened": 1, "responded": 0, "resolved": 0, "within_sla": 0, "measured": 0,
        "csat_responses": 0, "csat_score_micros_sum": 0}


def insert_some(connection):
    """Inserts at least one row into every private table, of this version or an earlier one."""
    insert(connection, "setting", name="report.time_zone", value="Asia/Shanghai")
    insert(connection, "policy_revision", id="2026-01", effective_from="-infinity", json="{}", sha256=b"\1")
    insert(connection, "source_partition", topic="ticket-opened", partition=0, epoch=1, owner="one", next_offset=7)
    insert(connection, "gap", topic="ticket-opened", partition=0, expected_offset=3, reason="truncated")
    insert_ticket(connection, "T1", revision_no=1, agent_id="ann", reopen_count=1, cycle=2)
    insert(connection, "past_cycle", ticket_id="T1", cycle=1, started_at="2026-01-04Z", verdict=2, resolution=1)
    insert_buckets(connection, {("2026-01-05 08:00Z", "ann"): {"opened": 1, "first_response_us_sum": 1_500_000}})
    insert(connection, "agent_backlog", agent_id="ann", backlog=1)
    clock = {"target": 3, "n": 2, "cycle": 2, "started_at": "2026-01-05 08:00Z", "due_at": "2026-01-05 10:00Z",
             "zero_at": "2026-01-05 10:00Z", "paused": False, "stopped": False}
    insert(connection, "sla_clock_idle" if columns(connection, "sla_clock_idle") else "sla_clock", **clock,
           ticket_id="T1", breached=True)
    insert(connection, "sla_clock", **clock, ticket_id="T2", fires_at="2026-01-05 10:00Z", breached=False)
    insert(connection, "alert", alert_id="a1", ticket_id="T1", target="resolution", n=2, revision=1, state="breached",
           level=0, due_at="2026-01-05 10:00Z", breached_at="2026-01-05 10:00Z", cause="deadline",
           detected_at="2026-01-05 10:00Z", unconfirmed=False, delivery="queued", evidence_source_no=1,
           evidence_offset=5)
    insert(connection, "outbox", alert_id="a1", key="T1/resolution/2", payload="{}")
    insert(connection, "dead_letter", topic="survey", partition=1, offset=9, reason="not_json", detail="nothing",
           value=b"\xff{\n")
    for table, values in {
        "heartbeat": {"instance": "one"},
        "lease": {"name": "outbox", "holder": "one", "pid": 1, "epoch": 1, "taken_at": "2026-01-05Z",
                  "expires_at": "2026-01-05Z"},
        "parked_ticket": {"ticket_id": "T1", "reason": "refused", "detail": "22003: integer out of range", "n_events": 1},
        "parked_event": {"ticket_id": "T1", "source_no": 1, "event": b"\1"},
        "calendar": {"revision_no": 1, "calendar": "office", "hours_id": "00000000-0000-0000-0000-000000000001"},
        "calendar_hours": {"hours_id": "00000000-0000-0000-0000-000000000001", "period": 731, "spans": "{}", "worked_us": 0},
        "acknowledgement": {"alert_id": "a1", "acknowledged_by": "bob", "why": "on it"},
        "recalculation": {"asked_by": "ann", "why": "agreed", "revision_nos": [1]},
        "silence": {"starts_at": "2026-01-01Z", "ends_at": "2026-01-02Z", "made_by": "bob", "why": "lift works"},
        "notification": {"alert_id": "a1",
                         **({"revision": 1} if "revision" in columns(connection, "notification") else {})},
        "repair": {"repaired_by": "bob", "why": "a bad disk", "table_name": "agent_backlog", "key": "ann",
                   "column_name": "backlog", "was": "2", "is_now": "1"},
        "ledger": {**LEDGER_KEY, "channel": "phone", "category": "repair/lift", "priority": "1", "opened": 1},
        "ledger_item": {**LEDGER_KEY, "item": "speed", "kind": "csat", "answered": 1, "perceived_sum": 800_000, "paired": 0,
                        "gap_sum": 0},
        "ledger_ticket": {"ticket_id": "T1", "rev": 1, "generation": 1, "project_id": "p1", "channel": "phone",
                          "category": "repair/lift", "priority": "1", "opened_project_id": "p1", "opened_team_id": ""},
        "ledger_solved": {"ticket_id": "T1", "cycle": 1, "requester_ref": "r1", "project_id": "p1", "category_root": "repair/",
                          "resolved_at": "2026-01-05Z", "resolver_id": "ann"},
        "ledger_repeat_due": {"ticket_id": "T1"},
        "ledger_month": {**MONTH, **TICKETS, "opened": 1},
        "ledger_month_change": {**MONTH, **TICKETS, "opened": 1},
        "ledger_item_month": {**MONTH, "item": "speed", "answered": 1, "perceived_sum": 800_000, "paired": 0, "gap_sum": 0},
        "ledger_item_month_change": {**MONTH, "item": "speed", "answered": 1, "perceived_sum": 800_000, "paired": 0, "gap_sum": 0},
        "ledger_reach": {**REACH, "places_sha256": b"\1"},
        "ledger_reach_change": REACH,
        "ledger_5m": {**HOUR, "ticket_id": "T1", "agent_id": "ann"},
        "group_kpi_5m": HOUR,
        "backlog_change": {"ticket_id": "T1", "time": "2026-01-05Z", "change": 1},
        "backlog_5m": {"time": "2026-01-05Z", "change": 1},
        "mapping_use": {"source_no": 1, "from_offset": 0, "mapping": "desk", "version": "ab", "n_records": 2, "n_events": 1,
                        "n_skipped": 1, "n_tombstones": 0, "n_rejected": 0, "n_failed_in_row": 0, "first_at": "2026-01-05Z",
                        "last_at": "2026-01-05Z"},
        "mapping_skip": {"source_no": 1, "mapping": "desk", "reason": "note", "n": 1},
        "source_drop": {"source": "/desk", "dropped_by": "ann", "why": "a wrong mapping", "reread": False},
        "source_drop_place": {"drop_no": 1, "source_no": 1, "n_events": 2},
        "delivery": {"receiver": "ops", "alert_id": "a1", "revision": 1, "state": "pending", "next_at": "2026-01-05Z"},
    }.items():
        if columns(connection, table):
            insert(connection, table, **values)
    if rows(connection, "SELECT to_regclass('appraisal.closing') IS NOT NULL") == [(True,)]:
        rows(connection, CLOSED_PERIOD)
