"""Rights of each role: readers see only the report, the writer changes rows but no tables, PUBLIC can do nothing."""
import psycopg2
import pytest
from psycopg2 import errors

from conftest import insert_some, rows


@pytest.fixture(scope="module", autouse=True)
def logins(pg, template):
    for name in ("reader", "writer", "board"):
        pg.psql(f"CREATE ROLE {name} LOGIN IN ROLE kpid_{name}")
    pg.psql("CREATE ROLE nobody LOGIN")
    yield
    for name in ("reader", "writer", "board", "nobody"):
        pg.psql(f"DROP ROLE {name}")


@pytest.fixture
def as_role(pg, database):
    connections = []

    def connect(name):
        connections.append(pg.connect(database, name))
        return connections[-1]
    yield connect
    for connection in connections:
        connection.close()


def relations(connection, schema):
    return [name for (name,) in rows(connection, "SELECT format('%%I.%%I', relnamespace::regnamespace, relname)"
                                     " FROM pg_class WHERE relnamespace::regnamespace::text = %s"
                                     " AND relkind IN ('r', 'v', 'S') ORDER BY 1", schema)]


def is_view(connection, name):
    return rows(connection, "SELECT relkind = 'v' FROM pg_class WHERE oid = %s::regclass", name)[0][0]


def refused(connection, sql):
    with pytest.raises(errors.InsufficientPrivilege):
        rows(connection, sql)


@pytest.mark.parametrize("role", ["reader", "board"])
def test_reader_reads_only_the_report(db, as_role, role):
    insert_some(db)
    reader = as_role(role)
    for name in relations(db, "report"):
        rows(reader, f"SELECT * FROM {name}")
        refused(reader, f"COMMENT ON VIEW {name} IS 'x'")
    assert rows(reader, "SELECT count(*) FROM report.ticket") == [(1,)]
    for name in relations(db, "kpid"):
        refused(reader, f"SELECT * FROM {name}")
    refused(reader, "SELECT kpid.rfc3339(now())")
    for sql in ("CREATE TABLE kpid.x (n int)", "CREATE VIEW report.x AS SELECT 1", "SET ROLE kpid_writer",
                "SET ROLE kpid_owner", "UPDATE report.agent_kpi_5m SET agent_id = ''", "DELETE FROM report.gap",
                "SELECT report.ack_alert('a1', 'x', 'y')", "SELECT report.silence_alerts(now() + '1h', 'x', 'y')"):
        refused(reader, sql)


def test_board_may_run_its_queries_and_explain(db, as_role, program):
    insert_some(db)
    board = as_role("board")
    names = [name for name in program.queries() if name.startswith("board_") or name == "session_reader.sql"]
    assert len(names) > 5
    for name in names:
        rows(board, f"PREPARE q AS {program.queries()[name]}")
        (count,), = rows(board, "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'q'")
        nulls = f"({', '.join(['NULL'] * count)})" if count else ""
        rows(board, f"EXECUTE q {nulls}")
        rows(board, "DEALLOCATE q")
    assert rows(board, "SELECT report.explain_ticket('nothing')") == [(None,)]


def test_writer_changes_rows_and_no_tables(db, as_role):
    insert_some(db)
    writer = as_role("writer")
    for schema in ("kpid", "report"):
        for name in relations(db, schema):
            rows(writer, f"SELECT * FROM {name}" if not name.endswith("_seq") else "SELECT 1")
            if not name.endswith("_seq"):
                refused(writer, f"ALTER TABLE {name} RENAME TO renamed")
                refused(writer, f"DROP {'VIEW' if is_view(db, name) else 'TABLE'} {name}")
                if not is_view(db, name):
                    refused(writer, f"TRUNCATE {name}")
    for name in ("ticket", "alert", "policy_revision", "gap", "dead_letter", "setting", "migration"):
        refused(writer, f"DELETE FROM kpid.{name}")
    for sql in ("CREATE TABLE kpid.x (n int)", "CREATE SCHEMA x", "CREATE VIEW report.x AS SELECT 1",
                "UPDATE kpid.policy_revision SET json = ''", "UPDATE kpid.migration SET name = ''",
                "CREATE TABLE public.x (n int)", "SET ROLE kpid_owner", "CREATE ROLE x",
                "CREATE FUNCTION report.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"):
        refused(writer, sql)


def test_writer_may_run_every_query_of_the_daemon(db, as_role, program):
    writer = as_role("writer")
    n = 0
    for name, text in program.queries().items():
        if name.startswith(("migrate_", "appraisal_", "shard_")):  # by the owner, and by kpid_hr
            continue
        try:
            rows(writer, f"PREPARE q AS {text}")
        except psycopg2.Error as error:
            pytest.fail(f"{name}: {error}")
        (count,), = rows(writer, "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'q'")
        nulls = f"({', '.join(['NULL'] * count)})" if count else ""
        try:
            rows(writer, f"EXPLAIN EXECUTE q {nulls}")  # rights are checked when execution would start
        except errors.InsufficientPrivilege as error:
            pytest.fail(f"{name}: {error}")
        rows(writer, "DEALLOCATE q")
        n += 1
    assert n > 0


def test_writer_writes_rows_as_arrays_of_the_row_type(db, as_role):
    insert_some(db)
    writer = as_role("writer")
    for table in ("ticket", "past_cycle", "agent_kpi_5m", "agent_backlog", "sla_clock", "alert", "dead_letter"):
        (array,), = rows(db, f"SELECT array_agg(t)::text FROM ONLY kpid.{table} t")
        rows(db, f"TRUNCATE ONLY kpid.{table}")
        rows(writer, f"INSERT INTO kpid.{table} OVERRIDING SYSTEM VALUE SELECT * FROM unnest(%s::kpid.{table}[])", array)
        assert rows(writer, f"SELECT array_agg(t)::text FROM ONLY kpid.{table} t") == [(array,)]
    rows(writer, "INSERT INTO kpid.outbox (alert_id, key, payload) VALUES ('a', 'k', '{}')")
    rows(writer, "INSERT INTO kpid.gap (topic, partition, expected_offset, reason) VALUES ('t', 0, 0, 'r')")


def test_public_has_no_rights(db, as_role):
    nobody = as_role("nobody")
    for schema in ("kpid", "report", "appraisal", "me", "bi"):
        for name in relations(db, schema):
            refused(nobody, f"SELECT * FROM {name}")
        refused(nobody, f"CREATE TABLE {schema}.x (n int)")
    assert rows(db, "SELECT p.oid::regprocedure::text FROM pg_proc p, aclexplode(coalesce(p.proacl,"
                    " acldefault('f', p.proowner))) a WHERE p.pronamespace::regnamespace::text IN"
                    " ('kpid', 'report', 'appraisal', 'me', 'bi') AND a.grantee = 0") == []


def test_everything_belongs_to_the_owner_who_cannot_log_in(db):
    assert rows(db, """
        SELECT DISTINCT o::regrole::text FROM (
            SELECT relowner AS o FROM pg_class WHERE relnamespace::regnamespace::text IN ('kpid', 'report', 'appraisal', 'me', 'bi')
            UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace::regnamespace::text IN ('kpid', 'report', 'appraisal', 'me', 'bi')
            UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname IN ('kpid', 'report', 'appraisal', 'me', 'bi')) x""") == [("kpid_owner",)]
    assert rows(db, "SELECT rolname FROM pg_roles WHERE rolname ~ '^kpid_' AND (rolcanlogin OR rolsuper)") == []
