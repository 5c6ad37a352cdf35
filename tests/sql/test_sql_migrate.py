"""kpid migrate up, status and verify: on empty and filled databases, repeated, concurrent, refused and failing."""
import contextlib
import json
import os
import signal
import time

import psycopg2
import pytest

from conftest import ROOT, columns, insert_some, rows, run
from servers import PG_BIN, Postgres

FILES = sorted(os.listdir(os.path.join(ROOT, "sql", "migrations")))
VERSIONS = [int(name[:4]) for name in FILES]
NEXT = VERSIONS[-1] + 1
BASELINE = 9
SHARDS = next(version for version, name in zip(VERSIONS, FILES) if name.endswith("_shards.sql"))
EVERY_TABLE = """
DO $body$
DECLARE
	name regclass;
BEGIN
	FOR name IN
		SELECT c.oid FROM pg_class c
		WHERE c.relnamespace = 'kpid'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migration'
			AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
	LOOP
		EXECUTE format('ALTER TABLE %s ADD COLUMN probe integer NOT NULL DEFAULT 0', name);
	END LOOP;
END
$body$;
"""


def dump(pg, database):
    done = run(f"{PG_BIN}/pg_dump", "--schema=kpid", "--schema=report", env=pg.env(database))
    assert done.returncode == 0, done.stderr
    # Newer minor releases of pg_dump begin and end with a random word.
    return [line for line in done.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


def add(name, text):
    """A change of the tree that adds one migration."""
    return lambda folder: (folder / name).write_text(text)


def test_files_are_numbered_without_gaps():
    assert VERSIONS == list(range(1, len(FILES) + 1))


def test_released_migrations_never_change(pg, program, empty):
    """sql/released.sha256 lists the text of each released file as it is embedded and stored in kpid.migration."""
    with open(os.path.join(ROOT, "sql", "released.sha256"), encoding="utf-8") as file:
        released = [line.split() for line in file if not line.startswith("#")]
    program(empty, "up")
    found = dict(line.split("|") for line in pg.psql(
        "SELECT to_char(version, 'FM0000') || '_' || name || '.sql', encode(sha256, 'hex') FROM kpid.migration", empty).splitlines())
    wrong = [f"sql/migrations/{name} was released and {'has changed' if name in found else 'is missing'}: restore it, and put the "
             "change into a new migration (sql/README.md)" for sha256, name in released if found.get(name) != sha256]
    assert not wrong, "\n".join(wrong)
    assert [name for _, name in released] == FILES[:len(released)], "list released files in order, without gaps"


def test_up_on_an_empty_database_and_twice(pg, program, empty):
    assert set(program.states(empty).values()) == {"pending"}
    assert program.json(empty, "verify", status=1)["ok"] is False
    done = program.json(empty, "up")
    assert [step["version"] for step in done["applied"]] == VERSIONS
    assert all(step["seconds"] >= 0 for step in done["applied"])
    before = dump(pg, empty)
    assert program(empty, "up").stdout == "nothing to do\n"
    assert program.json(empty, "up") == {"applied": []}
    assert dump(pg, empty) == before
    assert set(program.states(empty).values()) == {"applied"}
    assert program(empty, "verify").stdout == f"ok: {len(FILES)} migrations\n"
    assert program.json(empty, "verify")["ok"] is True
    lines = program(empty, "status").stdout.splitlines()
    assert len(lines) == len(FILES) and all(line.endswith(" by postgres") for line in lines)


def test_the_baseline_is_complete():
    """Before its last file is applied nothing can be stored, so every filled database has all of the baseline."""
    assert FILES[BASELINE - 1] == f"{BASELINE:04d}_privileges.sql"


# Each migration after the baseline, and a future one that changes every table. PostgreSQL 15.20 refuses the latter if a
# function with an SQL-standard body uses the row type of a table.
@pytest.mark.parametrize("first", VERSIONS[BASELINE - 1:])
def test_up_on_a_filled_database(pg, build, database_at, first):
    empty = database_at(first)
    program = build(add(f"{NEXT:04d}_probe.sql", EVERY_TABLE))
    with contextlib.closing(pg.connect(empty)) as connection:
        insert_some(connection)
        tables = [row[0] for row in rows(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'kpid'"
                                         " AND tablename NOT IN ('migration', 'readme', 'ledger_state')")]  # migrations add rows to these, or begin a generation
        queries = {table: f"""SELECT ({', '.join(f't."{name}"' for name in columns(connection, table))})::text"""
                   f" FROM kpid.{table} t ORDER BY 1" for table in tables}
        before = {table: rows(connection, query) for table, query in queries.items()}
        assert all(before.values())
        views = [row[0] for row in rows(connection, "SELECT viewname FROM pg_views WHERE schemaname = 'report'")]
        assert [step["version"] for step in program.json(empty, "up")["applied"]] == [*VERSIONS[first:], NEXT]
        if "setting" in before and first < SHARDS:
            before["setting"] = sorted([*before["setting"], ('(shard,"0 of 1 by ticket")',)])
        assert before == {table: rows(connection, query) for table, query in queries.items()}
        for view in views:
            if view != "agent_kpi_rolling":  # the buckets are too old to be included; the backlog is
                assert rows(connection, f"SELECT * FROM report.{view}"), view
        assert len(rows(connection, "SELECT 1 FROM report.agent_kpi_rolling")) == 6


@pytest.fixture
def database_at(build, empty):
    """A database with the first N migrations applied."""
    def migrate(n):
        build(lambda folder: [(folder / name).unlink() for name in FILES[n:]])(empty, "up")
        return empty
    return migrate


def test_no_function_depends_on_the_tables_that_it_uses(db):
    assert rows(db, "SELECT oid::regprocedure::text FROM pg_proc WHERE prosqlbody IS NOT NULL"
                    " AND pronamespace::regnamespace::text IN ('kpid', 'report')") == []


def test_an_interrupted_baseline_and_a_whole_one_end_in_the_same_schema(pg, program, database_at, database):
    empty = database_at(1)
    program(empty, "up")
    assert [line for line in dump(pg, empty) if "2026" not in line] == \
        [line for line in dump(pg, database) if "2026" not in line]


def test_dry_run_changes_nothing(pg, program, empty):
    done = program.json(empty, "up", "--dry-run")
    assert [step["version"] for step in done["would_apply"]] == VERSIONS
    assert program(empty, "up", "--dry-run").stdout.count(" would be applied\n") == len(FILES)
    assert pg.psql("SELECT nspname FROM pg_namespace WHERE nspname IN ('kpid', 'report')", empty) == ""
    program(empty, "up")
    assert program(empty, "up", "--dry-run").stdout == "nothing to do\n"


@pytest.mark.parametrize("tamper, state", [
    ("UPDATE kpid.migration SET sha256 = sha256('x') WHERE version = 2", {2: "changed"}),
    ("UPDATE kpid.migration SET name = 'other' WHERE version = 2", {2: "changed"}),
    ("DELETE FROM kpid.migration WHERE version = 1", {1: "missed"}),
    ("INSERT INTO kpid.migration (version, name, sha256) VALUES (9000, 'later', '')", {9000: "unknown"}),
])
def test_tampering_is_detected_and_refused(pg, program, database, tamper, state):
    pg.psql(tamper, database)
    before = dump(pg, database)
    assert {k: v for k, v in program.states(database).items() if v != "applied"} == state
    for command in (["verify"], ["up"], ["up", "--dry-run"]):
        done = program(database, *command, status=1)
        assert all(f"{version:04d}_" in done.stderr for version in state) and done.stdout == ""
    assert program.json(database, "verify", status=1)["ok"] is False
    assert dump(pg, database) == before


def test_a_changed_file_is_detected(build, database):
    def change(folder):
        with open(folder / FILES[1], "a", encoding="utf-8") as file:
            file.write("-- one line more\n")
    assert "applied with another text" in build(change)(database, "verify", status=1).stderr


@pytest.mark.parametrize("text, line, message", [
    ("SELECT 1;\n\n-- a comment; with 'a quote\nSELECT é,\n\tnothing_here;\n", 4, 'column "é" does not exist'),
    ("SELECT 'é é',\n\t'x',\n\tnothing_here;\n", 3, 'column "nothing_here" does not exist'),
    ("CREATE TABLE kpid.fresh (n int);\n\nCREATE TABLE kpid.ticket\n(n int);\n", 3, 'relation "ticket" already exists'),
    ("/* a\n/* nested; */\n*/ SELECT 1;\nSELEC;\n", 4, "syntax error"),
    ("SELECT ';', E'\\';', $$;'$$, $a$;$$;$a$ AS \";\";\nSELECT 1/0;\n", 2, "division by zero"),
    ("DO $$\nBEGIN\n\tRAISE 'no; way' USING HINT = 'another';\nEND\n$$;\n", 1, "no; way\n"),
    ("CREATE TABLE kpid.fresh (n int);\nCommit;\n", 2, "may not begin or end a transaction"),
    ("CREATE TABLE kpid.fresh (n int);\nCOPY kpid.fresh FROM STDIN;\n", 2, "may not copy"),
    ("CREATE TABLE kpid.fresh (n int PRIMARY KEY);\nCREATE TABLE kpid.other (n int REFERENCES kpid.fresh"
     " DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO kpid.other VALUES (1);\n", None, "violates foreign key"),
    ("SELECT 'never ended;\n", 1, "unterminated quoted string"),
])
def test_a_migration_that_fails_leaves_nothing(pg, build, database, text, line, message):
    good = f"{NEXT:04d}_good.sql"
    bad = f"{NEXT + 1:04d}_bad.sql"

    def change(folder):
        add(good, "CREATE TABLE kpid.good (n int);\n")(folder)
        add(bad, text)(folder)
    program = build(change)
    done = program(database, "up", status=1)
    assert done.stdout.startswith(f"{NEXT:04d}_good applied in ")
    assert message in done.stderr
    if line:
        assert f"sql/migrations/{bad}:{line}: " in done.stderr
    assert "HINT: another" in done.stderr or "HINT" not in text
    assert pg.psql("SELECT to_regclass('kpid.good') IS NOT NULL, to_regclass('kpid.fresh') IS NULL", database) == "t|t"
    states = program.states(database)
    assert (states[NEXT], states[NEXT + 1]) == ("applied", "pending")


def test_semicolons_that_end_no_statement(pg, build, database):
    text = """
-- ; ' " $$ /*
/* ; ' -- /* $x$ */ still */
CREATE TABLE kpid.odd ("a;b""" + '""' + """;c" text DEFAULT 'it''s; -- no /*');;
INSERT INTO kpid.odd VALUES (E'back\\\\slash\\';'), ($$dollar ' ; $x$ $$), ($_1$ ; $$ $_1$), (U&'\\0041;');
PREPARE one(int) AS SELECT $1; DEALLOCATE one;
COMMENT ON TABLE kpid.odd IS 'last, without a semicolon'"""
    build(add(f"{NEXT:04d}_odd.sql", text))(database, "up")
    assert pg.psql("SELECT count(*), obj_description('kpid.odd'::regclass) FROM kpid.odd", database) == \
        "4|last, without a semicolon"


def test_settings_of_the_session_do_not_matter(pg, build, database):
    user = 'ALTER ROLE postgres IN DATABASE filled SET'
    pg.psql(f"{user} search_path = public; {user} statement_timeout = '100ms'; {user} timezone = 'Asia/Tokyo';"
            f"{user} datestyle = 'SQL, DMY'; {user} standard_conforming_strings = off;"
            f"{user} client_encoding = 'LATIN1';")
    text = """SELECT pg_sleep(0.2);
CREATE TABLE kpid.moment AS SELECT timestamptz '2026-01-02 00:00' AS at, 'é\\' AS letter;"""
    program = build(add(f"{NEXT:04d}_moment.sql", text))
    program(database, "up")
    assert pg.psql("SET TIME ZONE 'UTC'; SET client_encoding = 'UTF8'; SET datestyle = 'ISO';"
                   " SELECT at, letter, length(letter) FROM kpid.moment", database) == "2026-01-02 00:00:00+00|é\\|2"
    assert "applied" in program.states(database).values()


def test_bad_file_names_are_refused(build, database):
    for name in ("4_x.sql", "0004x.sql", f"{VERSIONS[-1]:04d}_again.sql", "0000_zero.sql"):
        done = build(add(name, "SELECT 1"))(database, "status", status=1)
        assert "NNNN_name.sql" in done.stderr


def test_the_second_of_two_waits(pg, program, empty):
    program(empty, "status")
    holder = pg.connect(empty)
    with open(os.path.join(ROOT, "sql", "queries", "migrate_bootstrap.sql"), encoding="utf-8") as file:
        rows(holder, file.read())
    rows(holder, "SET application_name = 'the first'")
    rows(holder, "BEGIN")
    rows(holder, "LOCK TABLE kpid.migration IN SHARE ROW EXCLUSIVE MODE")
    process = program.start(empty, "up")
    while not rows(holder, "SELECT 1 FROM pg_locks WHERE relation = 'kpid.migration'::regclass AND NOT granted"):
        assert process.poll() is None
    assert rows(holder, "SELECT count(*) FROM pg_namespace WHERE nspname = 'report'") == [(0,)]
    holder.close()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and out.count(" applied in ") == len(FILES)
    assert "waiting for process" in err and "(the first)" in err


def test_advisory_locks_of_others_do_not_block_a_migration(pg, program, empty):
    """Any role that may connect can take any advisory lock."""
    pg.psql("DROP ROLE IF EXISTS a_stranger; CREATE ROLE a_stranger LOGIN", empty)
    with contextlib.closing(pg.connect(empty, user="a_stranger")) as stranger:
        rows(stranger, "SELECT pg_advisory_lock(1802529124, 1835624306)")
        process = program.start(empty, "up")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and out.count(" applied in ") == len(FILES), err
        with pytest.raises(psycopg2.Error, match="permission denied"):
                rows(stranger, "BEGIN")
                rows(stranger, "LOCK TABLE kpid.migration IN ACCESS SHARE MODE")
    pg.psql("DROP ROLE a_stranger", empty)


def test_a_frozen_migration_leaves_nothing(pg, build, empty):
    """The server ends its session, and the next run starts over."""
    frozen = build(add(f"{NEXT:04d}_slow.sql", "SELECT pg_sleep(1);\nSELECT pg_sleep(1);"))
    process = frozen.start(empty, "up")
    sleeping = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(1)%%' AND state = %s"
    with contextlib.closing(pg.connect(empty)) as db:
        while not rows(db, sleeping, "active"):
            assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
        while not (found := rows(db, sleeping, "idle in transaction")):
            pass
        rows(db, "SELECT pg_terminate_backend(%s)", found[0][0])  # the server does this by itself after the time-out below
        settings = "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')"
        done = build(add(f"{NEXT:04d}_slow.sql", f"CREATE TABLE kpid.probe AS {settings} AS lock"))(empty, "up")
        assert f"{NEXT:04d}_slow" in done.stdout and done.stdout.count(" applied in ") == 1
        assert rows(db, "SELECT * FROM kpid.probe") == [("15s", "30s")]
    process.send_signal(signal.SIGCONT)
    assert process.wait(timeout=30) != 0
    process.communicate()


def test_a_dead_migration_blocks_the_next_one_for_15_s_at_most(pg, build, empty):
    """Also while a statement runs: the server would not notice before its end."""
    dead = build(add(f"{NEXT:04d}_slow.sql", "SELECT pg_sleep(60)"))
    process = dead.start(empty, "up")
    with contextlib.closing(pg.connect(empty)) as db:
        while not rows(db, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%%' AND state = 'active'"):
            assert process.poll() is None
    process.kill()
    process.communicate()
    began = time.monotonic()
    done = build(add(f"{NEXT:04d}_slow.sql", "CREATE TABLE kpid.probe ()"))(empty, "up")
    assert done.stdout.count(" applied in ") == 1
    assert time.monotonic() - began < 15


def test_many_at_once(program, empty):
    processes = [program.start(empty, "up", "--json") for _ in range(6)]
    applied = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        applied += [step["version"] for step in json.loads(out)["applied"]]
    assert sorted(applied) == VERSIONS


def test_another_session_creates_the_roles_before_this_one_has_the_lock(pg, build, empty):
    """The role in which objects are created is chosen under the lock. Otherwise the rest would belong to who runs it."""
    first = build(lambda folder: [(folder / name).unlink() for name in FILES[1:]])

    def delay_the_lock(folder):
        query = folder.parent / "queries" / "migrate_lock_try.sql"
        query.write_text("DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'report') LOOP PERFORM pg_sleep(0.1); END LOOP; END $$;\n"
                         + query.read_text())
    slow = build(delay_the_lock)
    late = slow.start(empty, "up")
    while pg.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN WHILE NOT EXISTS%'") == "0":
        assert late.poll() is None
    first(empty, "up")
    _, err = late.communicate(timeout=60)
    assert late.returncode == 0, err
    assert pg.psql("SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 'kpid'::regnamespace", empty) == \
        "kpid_owner"


def test_exit_statuses(pg, program, empty):
    assert "which" not in program(empty, status=2).stdout
    program(empty, "sideways", status=2)
    program(empty, "up", "down", status=2)
    program(empty, "verify", "--dry-run", status=2)
    program(empty, "up", "--set", "run.lanes=many", status=3)
    program(empty, "up", "--set", "postgres.port=1", status=4)
    program("nowhere", "status", status=4)
    pg.psql("CREATE ROLE stranger LOGIN")
    program(empty, "up", user="stranger", status=4)
    program(empty, "up")
    assert "permission denied" in program(empty, "status", user="stranger", status=4).stderr
    assert "permission denied" in program(empty, "up", user="stranger", status=4).stderr
    pg.psql("DROP ROLE stranger")


def test_losing_the_connection(pg, build, database):
    program = build(add(f"{NEXT:04d}_end.sql", "CREATE TABLE kpid.fresh (n int);\nSELECT pg_sleep(600);\n"))
    process = program.start(database, "up")
    while pg.psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                  " WHERE query LIKE 'SELECT pg_sleep%'") == "0":
        assert process.poll() is None
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4 and f"{NEXT:04d}_end.sql:2: " in err
    assert program.states(database)[NEXT] == "pending"
    assert pg.psql("SELECT to_regclass('kpid.fresh') IS NULL", database) == "t"


def test_other_encodings_are_refused(pg, program):
    pg.psql("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        assert "UTF8" in program("latin", "up", status=1).stderr
        assert pg.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'kpid'", "latin") == "0"
    finally:
        pg.drop_database("latin")


@pytest.fixture(scope="module")
def bare():
    """A server without the roles of kpid."""
    with Postgres(settings={"fsync": "off"}) as server:
        yield server


def owners(server, database):
    return server.psql("SELECT DISTINCT pg_get_userbyid(o) FROM (SELECT nspowner AS o FROM pg_namespace WHERE nspname IN"
                       " ('kpid', 'report') UNION ALL SELECT relowner FROM pg_class WHERE relnamespace IN"
                       " ('kpid'::regnamespace, 'report'::regnamespace)) x", database)


def test_databases_of_one_cluster_at_once(build, bare):
    program = build(server=bare)
    names = [f"d{n}" for n in range(6)]
    for name in names:
        bare.create_database(name)
    processes = [program.start(name, "up") for name in names]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert [owners(bare, name) for name in names] == ["kpid_owner"] * len(names)
    assert bare.psql("SELECT rolname FROM pg_roles WHERE rolname ~ '^kpid_' AND NOT rolcanlogin ORDER BY 1") == \
        "kpid_agent\nkpid_bi\nkpid_board\nkpid_hr\nkpid_lead\nkpid_operator\nkpid_owner\nkpid_reader\nkpid_writer"


@pytest.mark.parametrize("inherits", ["INHERIT", "NOINHERIT"])
@pytest.mark.parametrize("roles_exist", [False, True])
def test_without_a_superuser(build, inherits, roles_exist):
    with Postgres(settings={"fsync": "off"}) as server:
        server.psql(f"CREATE ROLE admin LOGIN CREATEROLE {inherits}; CREATE ROLE dba LOGIN {inherits}")
        server.create_database("shop")
        server.psql("ALTER DATABASE shop OWNER TO admin")
        user = "admin"
        if roles_exist:  # created by another role; the migrating role is only a member
            server.psql("CREATE ROLE kpid_owner; CREATE ROLE kpid_writer; CREATE ROLE kpid_reader;"
                        "CREATE ROLE kpid_operator; CREATE ROLE kpid_board; CREATE ROLE kpid_hr; CREATE ROLE kpid_agent;"
                        "CREATE ROLE kpid_lead; CREATE ROLE kpid_bi;"
                        "GRANT kpid_owner TO dba; ALTER DATABASE shop OWNER TO dba")
            user = "dba"
        program = build(server=server)
        program("shop", "up", user=user)
        assert owners(server, "shop") == "kpid_owner"
        if not roles_exist:
            server.psql("GRANT kpid_owner TO dba")
        # Another member adds a migration: its objects belong to the owner, and readers can read them.
        later = build(add(f"{NEXT:04d}_more.sql", "CREATE TABLE kpid.more (n int);\n"
                          "CREATE VIEW report.more AS SELECT n FROM kpid.more;\n"), server)
        later("shop", "up", user="dba")
        assert owners(server, "shop") == "kpid_owner"
        server.psql("CREATE ROLE bi LOGIN IN ROLE kpid_reader")
        connection = server.connect("shop", "bi")
        assert rows(connection, "SELECT * FROM report.more") == []
        connection.close()
        assert later.json("shop", "status", user="dba")["migrations"][-1]["applied_by"] == "dba"
        later("shop", "verify", user=user)
