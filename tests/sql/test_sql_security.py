"""Functions with their owner's rights: a caller who shadows names must not change what they do."""
import json
import os
import re

import pytest

from conftest import ROOT, insert_some, rows

ROLES = ("reader", "writer", "operator", "hr", "lead", "agent", "bi")
OWNERS_FUNCTIONS = """
    SELECT p.oid::regprocedure::text FROM pg_proc p
    WHERE p.prosecdef AND p.pronamespace::regnamespace::text IN ('kpid', 'report', 'appraisal', 'me', 'bi') ORDER BY 1"""
# The roles that may call each of them. List a new one here, with the calls that the attack below tries.
CALLERS = {
    "report.ack_alert(text,text,text,interval)": {"operator", "writer"},
    "report.unack_alert(text,text,text)": {"operator", "writer"},
    "report.silence_alerts(timestamp with time zone,text,text,text,text,timestamp with time zone)":
        {"operator", "writer"},
    "report.end_silence(bigint)": {"operator", "writer"},
    "report.explain_ticket(text)": {"reader", "operator", "writer"},
    "kpid.delete_emptied_tickets(text[])": {"writer"},
    "kpid.expire_dead_letters(integer)": {"writer"},
    "appraisal.apply_revisions(jsonb,text)": {"hr"},
    "appraisal.least_settle_us()": {"hr"},
    "kpid.forget_appraised(integer)": {"writer"},
    "appraisal.preview(text,jsonb,text)": {"hr", "lead"},
    "appraisal.explain(text,text,jsonb,text)": {"hr", "lead"},
    "appraisal.page(text,text,text)": {"hr", "lead"},
    "appraisal.notes(text,text)": {"hr", "lead"},
    "appraisal.note(text,text,text,text[],text,text,date,text)": {"lead"},
    "appraisal.end_note(bigint,text,text)": {"lead"},
    "appraisal.agents_without_key()": {"hr"},
    "appraisal.add_agent_keys(jsonb)": {"hr"},
    "appraisal.forget(text,text,text)": {"hr"},
    "appraisal.replace_roster(jsonb,text)": {"hr"},
    "appraisal.tickets(text,text,text,text,text,jsonb,text)": {"hr", "lead"},
    "appraisal.close(text,text,text,boolean)": {"hr"},
    "appraisal.restate(text,text,text,boolean)": {"hr"},
    "appraisal.verify(text,text)": {"hr"},
    "appraisal.drift(text,text)": {"hr", "lead"},
    "appraisal.closed(text,text)": {"hr", "lead"},
    "appraisal.report(text,jsonb,text,text)": {"hr", "lead"},
    "appraisal.adjust(text,text,text,text,jsonb,text,text)": {"hr"},
    "appraisal.enter(text,text,text,text,text,numeric,numeric,text,text)": {"hr", "lead"},
    "appraisal.appeals(text,text)": {"hr", "lead"},
    "appraisal.decide(bigint,boolean,jsonb,text,text)": {"hr"},
    "me.appeal(text,text,text,text[],text)": {"agent"},
    "me.withdraw(bigint)": {"agent"},
    "me.appeals()": {"agent"},
    "me.agents()": {"agent"},
    "me.read(text)": {"agent"},
    "me.acknowledge(bigint)": {"agent"},
    "me.notes()": {"agent"},
    "me.page(text)": {"agent"},
}
PLAN = """{"revisions": [{"id": "r", "servqual": {"d": ["x"]}, "plans": [{"name": "p", "roles": ["a*"], "cycles": ["month"], "min_n": 1,
    "grades": [{"name": "A", "at_least": "50%"}, {"name": "B"}], "flags": [{"name": "f", "mark": "opened", "per": "resolved", "min_count": 1}],
    "indicators": [{"name": "i", "kind": "process", "unit": "percent", "better": "up", "weight": 60, "adjust": ["category:1"],
        "value": "opened / opened", "score": {"linear": {"zero": 0, "full": "1h"}}},
        {"name": "k", "kind": "process", "unit": "count", "better": "up", "weight": 40, "value": "opened - answered(d)",
        "score": {"deduct": {"from": 0, "each": 1, "less": 1}}}]}]}]}"""
ROSTER = ('[{"agent": "ann", "role": "a", "login": "agent", "since": "2026-01-01", "team": "t"},'
          ' {"agent": "sue", "role": "a", "login": "lead", "leads": "t"}, {"agent": "old", "role": "a", "until": "2026-01-01"}]')
CALLS = {
    "report.ack_alert(text,text,text,interval)": ["report.ack_alert('a1', 'bob', 'on it', '1 hour')"],
    "report.unack_alert(text,text,text)": ["report.unack_alert('a1', 'bob', 'not mine')"],
    "report.silence_alerts(timestamp with time zone,text,text,text,text,timestamp with time zone)":
        ["report.silence_alerts(now() + interval '1 hour', 'bob', 'lift works')"],
    "report.end_silence(bigint)": ["report.end_silence(1)"],
    "report.explain_ticket(text)": ["report.explain_ticket('T1')"],
    "kpid.delete_emptied_tickets(text[])": ["kpid.delete_emptied_tickets('{}')"],
    "kpid.expire_dead_letters(integer)": ["kpid.expire_dead_letters(30)"],
    "appraisal.apply_revisions(jsonb,text)":
        ["appraisal.apply_revisions('[{\"id\": \"r\", \"effective_from\": \"2026-01-01T00:00:00Z\", \"json\": \"{}\"}]', 'bob')"],
    "appraisal.least_settle_us()": ["appraisal.least_settle_us()"],
    "kpid.forget_appraised(integer)": ["kpid.forget_appraised(1)"],
    "appraisal.explain(text,text,jsonb,text)": ["appraisal.explain('2026-01', 'ann', NULL, 'x')"],
    "appraisal.page(text,text,text)": ["appraisal.page('2026-01', 'ann', 'x')", "appraisal.page('2026-02', 'ann')"],
    "appraisal.notes(text,text)": ["appraisal.notes(NULL, 'x')"],
    "appraisal.note(text,text,text,text[],text,text,date,text)":
        ["appraisal.note('ann', 'p', 'i', '{T1}', 'do it', '95%', '2999-01-01', 'bob')"],
    "appraisal.end_note(bigint,text,text)": ["appraisal.end_note(1, 'done', 'x')"],
    "appraisal.agents_without_key()": ["count(*) FROM appraisal.agents_without_key()"],
    "appraisal.add_agent_keys(jsonb)": ["appraisal.add_agent_keys('[{\"agent_id\": \"ann\", \"agent_key\": \"0123456789abcdef\"}]')"],
    "appraisal.forget(text,text,text)": ["appraisal.forget('old', 'bob', 'x')"],
    "appraisal.preview(text,jsonb,text)": ["appraisal.preview('2026-01')", f"appraisal.preview('2026-01', $plan${PLAN}$plan$)"],
    "appraisal.tickets(text,text,text,text,text,jsonb,text)": [f"appraisal.tickets('2026-01', 'p', 'agent', 'ann', 'i', $plan${PLAN}$plan$)"],
    "appraisal.replace_roster(jsonb,text)": [f"appraisal.replace_roster('{ROSTER}', 'bob')"],
    "appraisal.close(text,text,text,boolean)": ["appraisal.close('2026-01', 'bob', 'it is over')", "appraisal.close('2026-02', 'bob', 'now', true)"],
    "appraisal.report(text,jsonb,text,text)": ["appraisal.report('2026-01')", f"appraisal.report('2026-01', $plan${PLAN}$plan$, 'ann')"],
    "appraisal.restate(text,text,text,boolean)": ["appraisal.restate('2026-01', 'bob', 'again', true)"],
    "appraisal.verify(text,text)": ["appraisal.verify('2026-01')"],
    "appraisal.drift(text,text)": ["appraisal.drift('2026-01')"],
    "appraisal.closed(text,text)": ["appraisal.closed('2026-01')"],
    "appraisal.adjust(text,text,text,text,jsonb,text,text)":
        ["appraisal.adjust('2026-01', NULL, 'agent', 'ann', '{\"points\": 1}', 'bob', 'x')",
         "appraisal.adjust('2026-01', 'p', 'agent', 'ann', '{\"exclude\": \"T1\"}', 'bob', 'x')"],
    "appraisal.enter(text,text,text,text,text,numeric,numeric,text,text)":
        ["appraisal.enter('2026-01', 'p', 'agent', 'ann', 'i', 1, 2, 'bob', 'seen')"],
    "appraisal.appeals(text,text)": ["appraisal.appeals('2026-01')"],
    "appraisal.decide(bigint,boolean,jsonb,text,text)": ["appraisal.decide(1, true, '[{\"points\": 1}]', 'bob', 'x')"],
    "me.appeal(text,text,text,text[],text)": ["me.appeal('2026-01', NULL, NULL, '{T1}', 'no')"],
    "me.withdraw(bigint)": ["me.withdraw(1)"],
    "me.appeals()": ["me.appeals()"],
    "me.agents()": ["me.agents()"],
    "me.read(text)": ["me.read('me.card')"],
    "me.acknowledge(bigint)": ["me.acknowledge(1)"],
    "me.notes()": ["me.notes()"],
    "me.page(text)": ["me.page('2026-01')", "me.page('2026-02')"],
}


def sql_texts():
    folder = os.path.join(ROOT, "sql", "migrations")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            yield file.read()


@pytest.fixture(scope="module", autouse=True)
def logins(pg, template):
    for name in ROLES:
        pg.psql(f"CREATE ROLE {name} LOGIN IN ROLE kpid_{name}")
    yield
    for name in ROLES:
        pg.psql(f"DROP ROLE {name}")


def test_every_function_with_its_owners_rights_searches_pg_temp_last(db):
    bad = rows(db, """
        SELECT p.oid::regprocedure::text, p.proconfig FROM pg_proc p
        WHERE p.prosecdef AND p.pronamespace::regnamespace::text IN ('kpid', 'report', 'appraisal', 'me', 'bi')
            AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)""")
    assert bad == []


def test_no_function_with_its_owners_rights_takes_a_type_that_a_caller_can_define(db):
    """Arguments of types of pg_catalog alone: the code of a type of the caller would run with the owner's rights."""
    assert rows(db, """
        SELECT p.oid::regprocedure::text, format_type(a.type, NULL) FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) AS a (type)
        JOIN pg_type t ON t.oid = a.type
        WHERE p.prosecdef AND p.pronamespace::regnamespace::text IN ('kpid', 'report', 'appraisal', 'me', 'bi')
            AND (t.typnamespace <> 'pg_catalog'::regnamespace OR t.typtype = 'p')""") == []


def test_only_listed_roles_may_call_functions_with_their_owners_rights(db):
    assert [name for (name,) in rows(db, OWNERS_FUNCTIONS)] == sorted(CALLERS)
    for name, callers in CALLERS.items():
        for role in ROLES:
            (may,), = rows(db, "SELECT has_function_privilege(%s, %s, 'EXECUTE')", role, name)
            assert may == (role in callers), (name, role)
    assert sorted(CALLS) == sorted(CALLERS)


def test_only_the_writer_may_call_private_functions(db):
    for role in ("reader", "operator", "hr"):
        assert rows(db, "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'kpid'::regnamespace"
                        " AND (has_function_privilege(%s, p.oid, 'EXECUTE') AND has_schema_privilege(%s, 'kpid', 'USAGE'))",
                    role, role) == []


def shadow_everything(connection):
    """Creates types, functions and operators of pg_catalog that the functions use in the caller's temporary schema.

    A domain whose check calls the caller's function would run it wherever the type is used."""
    words = set(re.findall(r"[a-z_0-9]+", " ".join(sql_texts()).lower()))
    rows(connection, "CREATE TEMP TABLE seen (who text)")
    rows(connection, "GRANT ALL ON seen TO PUBLIC")
    rows(connection, """
        CREATE FUNCTION pg_temp.attack() RETURNS boolean LANGUAGE plpgsql AS $attack$
        BEGIN
            IF current_user <> session_user THEN
                INSERT INTO pg_temp.seen VALUES (current_user);
            END IF;
            RETURN true;
        END $attack$""")
    types = rows(connection, """
        SELECT DISTINCT t.typname, format_type(t.oid, NULL) FROM pg_type t
        WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typelem = 0""")
    aliases = {"timestamptz": "timestamp with time zone", "int8": "bigint", "int4": "integer", "bool": "boolean"}
    n = 0
    for name, spelled in types:
        if name in words or spelled.split()[0] in words or name in aliases:
            for shadow in {name, spelled} - {"\"char\""}:
                if " " not in shadow and "[" not in shadow:
                    rows(connection, f'CREATE DOMAIN pg_temp."{shadow}" AS pg_catalog."{name}" CHECK (pg_temp.attack())')
                    n += 1
    assert n > 10
    functions = rows(connection, """
        SELECT DISTINCT p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid)
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.provariadic = 0 AND NOT p.proretset
            AND pg_get_function_identity_arguments(p.oid) !~ 'internal|any|OUT|cstring|"char"|pg_|trigger|handler'
            AND pg_get_function_result(p.oid) !~ 'internal|any|cstring|trigger|handler|record|void|"char"|pg_'""")
    n = 0
    for name, arguments, result in functions:
        if name in words:
            rows(connection, f"""CREATE FUNCTION pg_temp."{name}"({arguments}) RETURNS {result} LANGUAGE plpgsql
                AS $f$ BEGIN PERFORM pg_temp.attack(); RETURN NULL; END $f$""")
            n += 1
    assert n > 10
    rows(connection, """
        CREATE FUNCTION pg_temp.equal(a pg_catalog.text, b pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql
            AS $f$ BEGIN PERFORM pg_temp.attack(); RETURN true; END $f$;
        CREATE OPERATOR pg_temp.= (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = pg_temp.equal)""")


def close_a_period(db):
    """The month of the row of insert_some is closed, and another one can be."""
    revision = json.loads(PLAN)["revisions"][0]
    rows(db, "SELECT appraisal.apply_revisions(%s, 'test')", json.dumps([{"id": "r", "effective_from": "2025-12-31Z", "json": json.dumps(revision)}]))
    rows(db, "SELECT appraisal.replace_roster(%s, 'test')", ROSTER)
    rows(db, "UPDATE kpid.gap SET accepted_at = now(), accepted_by = 'bob';"
             " UPDATE kpid.ledger_ticket SET generation = (SELECT generation FROM kpid.ledger_state);"
             " UPDATE kpid.ledger_state SET as_of = now(), made_with = kpid.ledger_settings()")
    rows(db, "SELECT appraisal.close('2026-01', 'Wu Min', 'it is over', true)")
    assert rows(db, "SELECT subject FROM appraisal.closed_card WHERE closing_no = 2") == [("ann",)]


@pytest.mark.parametrize("path", ["pg_temp, pg_catalog", "pg_catalog, pg_temp", '"$user", public'])
@pytest.mark.parametrize("role", ROLES)
def test_shadowed_names_never_run_with_the_owners_rights(pg, db, database, role, path):
    insert_some(db)
    close_a_period(db)
    # The migration revokes the right to create temporary objects; an administrator may have granted it again.
    rows(db, f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC")
    connection = pg.connect(database, role)
    shadow_everything(connection)
    rows(connection, f"SET search_path = {path}")
    for name, calls in CALLS.items():
        if role in CALLERS[name]:
            for call in calls:
                try:
                    rows(connection, f"SELECT {call}")
                except Exception as error:  # a shadowed name may break the caller's own statement
                    assert "attack" not in str(error)
    for (view,) in rows(db, "SELECT schemaname || '.' || viewname FROM pg_views WHERE schemaname IN ('report', 'me', 'bi')"):
        try:
            rows(connection, f"SELECT * FROM {view}")
        except Exception as error:
            assert "attack" not in str(error)
    assert rows(connection, "SELECT DISTINCT who FROM pg_temp.seen") == []
    connection.close()


def test_shadowed_names_do_attack_a_function_without_the_setting(pg, db, database):
    """Without the guard the attack succeeds; otherwise the test above would prove nothing."""
    rows(db, f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC")
    rows(db, """
        CREATE FUNCTION report.careless(what text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
        AS $body$ DECLARE answer jsonb; BEGIN answer := jsonb_build_object('what', what); RETURN answer; END $body$;
        ALTER FUNCTION report.careless(text) OWNER TO kpid_owner; GRANT EXECUTE ON FUNCTION report.careless(text) TO PUBLIC""")
    connection = pg.connect(database, "reader")
    shadow_everything(connection)
    rows(connection, "SELECT report.careless('x')")
    assert rows(connection, "SELECT DISTINCT who FROM pg_temp.seen") == [("kpid_owner",)]
    connection.close()


def test_a_dedicated_database_revokes_the_right_to_temporary_tables(pg, program, empty):
    program(empty, "up")
    assert pg.psql("SELECT bool_or(has_database_privilege('kpid_' || r, 'empty', 'TEMPORARY'))"
                   " FROM unnest('{reader,writer,operator}'::text[]) r") == "f"


def test_a_shared_database_keeps_the_right_to_temporary_tables(pg, program, empty):
    pg.psql("CREATE TABLE public.others (n int)", empty)
    program(empty, "up")
    assert pg.psql("SELECT has_database_privilege('kpid_reader', 'empty', 'TEMPORARY')") == "t"
