"""Who may close, adjust, enter, appeal and decide: by the role that calls, whatever names it shadows or roles it sets."""
import contextlib
import json

import pytest
from psycopg2 import Error, errors

from test_closing import close, prepare
from test_examples import case_mix, indicator, plan

LOGINS = {"hr1": "kpid_hr", "hr2": "kpid_hr", "li.na": "kpid_agent", "wang": "kpid_agent", "w2": "kpid_writer", "r2": "kpid_reader"}
ROSTER = [{"agent": agent, "role": "", "since": None, "until": None, "login": login} for agent, login in (
    ("Li", "li.na"), ("Wang", "wang"), ("Zhao", "hr2"))]


@pytest.fixture(scope="module", autouse=True)
def logins(db):
    for name, group in LOGINS.items():
        db.rows(f'CREATE ROLE "{name}" LOGIN IN ROLE {group}')
    db.rows('CREATE ROLE pool LOGIN NOINHERIT; GRANT "li.na", "wang" TO pool; CREATE ROLE hr_group; GRANT kpid_hr TO hr_group; GRANT hr_group TO hr1')
    yield
    db.rows("DROP OWNED BY hr_group; DROP ROLE pool, hr_group")
    for name in LOGINS:
        db.rows(f'DROP ROLE "{name}"')


@pytest.fixture
def closed(db):
    """A period that hr1 has closed."""
    prepare(db, [plan(indicator(min_n=1), max_hand=5)], case_mix(), roster=ROSTER)
    call(db, "hr1", "appraisal.close('2026-03', 'Wu Min', 'it is over')")
    return db


def call(db, user, sql, *values, before=""):
    with contextlib.closing(db.pg.connect("kpid", user)) as connection, connection.cursor() as cursor:
        if before:
            cursor.execute(before)
        cursor.execute(f"SELECT {sql}", values or None)
        found = cursor.fetchall()[0][0]
        if not connection.autocommit:
            connection.commit()
        return found


def refused(db, user, sql, words, *values, before=""):
    with pytest.raises(Error, match=words):
        call(db, user, sql, *values, before=before)


FUNCTIONS = ["appraisal.close('2026-03', 'x', 'x')", "appraisal.restate('2026-03', 'x', 'x')", "appraisal.verify('2026-03')",
             "appraisal.drift('2026-03')", "appraisal.closed('2026-03')", "appraisal.adjust('2026-03', 'p', 'agent', 'Li', '{}', 'x', 'x')",
             "appraisal.enter('2026-03', 'p', 'agent', 'Li', 'i', 1, 1, 'x', 'x')", "appraisal.appeals('2026-03')",
             "appraisal.decide(1, false, NULL, 'x', 'x')", "appraisal.hr_login()", "appraisal.freeze('2026-03', 1, 'x', 'x', 'x', true)"]


@pytest.mark.parametrize("user", ["li.na", "w2", "r2"])
@pytest.mark.parametrize("sql", FUNCTIONS)
def test_only_hr_calls_the_functions_of_closing(closed, user, sql):
    with pytest.raises(errors.InsufficientPrivilege):
        call(closed, user, sql)


@pytest.mark.parametrize("user", ["hr1", "w2", "r2"])
@pytest.mark.parametrize("sql", ["me.appeal('2026-03', NULL, NULL, NULL, 'x')", "me.withdraw(1)", "me.appeals()", "me.agents()"])
def test_only_agents_call_the_functions_of_me(closed, user, sql):
    with pytest.raises(errors.InsufficientPrivilege):
        call(closed, user, sql)


def test_what_hr_does_is_recorded_for_the_login(closed):
    assert closed.rows("SELECT login, closed_by FROM appraisal.closing") == [("hr1", "Wu Min")]
    for before, login in (("SET ROLE hr_group", "hr1"), ("SET ROLE kpid_hr", "hr1"), ("", "hr1")):
        call(closed, "hr1", "appraisal.adjust('2026-03', NULL, 'agent', 'Wang', '{\"points\": 1}', 'Wu', 'x')", before=before)
        assert closed.rows("SELECT login FROM appraisal.adjustment ORDER BY 1 DESC LIMIT 1") == [(login,)]


def test_nobody_adjusts_or_enters_for_himself(closed):
    for before in ("", "SET ROLE kpid_hr"):
        refused(closed, "hr2", "appraisal.adjust('2026-03', NULL, 'agent', 'Zhao', '{\"points\": 1}', 'x', 'x')", "a card of his own", before=before)
    prepare(closed, [plan(indicator(value="manual"))], case_mix(), roster=ROSTER)
    refused(closed, "hr2", "appraisal.enter('2026-03', 'p', 'agent', 'Zhao', 'i', 1, 1, 'x', 'x')", "for himself")
    assert call(closed, "hr2", "appraisal.enter('2026-03', 'p', 'agent', 'Li', 'i', 1, 1, 'x', 'x')") > 0


# ---- appeals (W1) ----

def file(db, user="li.na", words="a colleague did it", indicator_name=None, tickets=None, before=""):
    return call(db, user, "me.appeal('2026-03', NULL, %s, %s, %s)", indicator_name, tickets, words, before=before)


def decide(db, user, number, accept, changes=(), why="looked at it"):
    return call(db, user, "appraisal.decide(%s, %s, %s, 'He Lan', %s)", number, accept, json.dumps(list(changes)), why)


def states(db):
    return db.rows("SELECT state, overdue FROM appraisal.appeal_state ORDER BY appeal_no")


def test_W1_an_accepted_appeal_adjusts_the_card(closed):
    digest = closed.rows("SELECT digest FROM appraisal.closing")
    ticket, = closed.rows("SELECT min(ticket_id) FROM kpid.ledger WHERE agent_id = 'Li'")[0]
    number = file(closed, indicator_name="i", tickets=[ticket])
    assert states(closed) == [("filed", False)]
    assert call(closed, "li.na", "me.appeals()")[0]["tickets"] == [ticket] and call(closed, "wang", "me.appeals()") == []
    refused(closed, "hr2", "appraisal.decide(%s, true, '[]', 'He Lan', 'x')", "at least one adjustment", number)
    refused(closed, "hr2", "appraisal.decide(%s, false, %s, 'He Lan', 'x')", "without adjustments", number, '[{"points": 1}]')
    refused(closed, "hr2", "appraisal.decide(%s, true, %s, 'He Lan', 'x')", "at most 5 points", number, '[{"points": 1}, {"points": 9}]')
    assert states(closed) == [("filed", False)] and closed.rows("SELECT count(*) FROM appraisal.adjustment") == [(0,)]
    done = decide(closed, "hr2", number, True, [{"exclude": ticket, "indicator": "i"}, {"points": "1.5"}])
    assert done["state"] == "accepted" and [one["version"] for one in done["adjustments"]] == [2, 3]
    assert states(closed) == [("accepted", False)]
    assert closed.rows("SELECT appeal_no, login, adjusted_by FROM appraisal.adjustment ORDER BY adjustment_no") == [(number, "hr2", "He Lan")] * 2
    assert closed.rows("SELECT digest FROM appraisal.closing") == digest
    assert closed.rows("SELECT * FROM appraisal.verify('2026-03')") == []
    refused(closed, "hr2", "appraisal.decide(%s, false, NULL, 'He Lan', 'x')", "is accepted already", number)
    refused(closed, "li.na", "me.withdraw(%s)", "is accepted already", number)


def test_W1_neither_the_agent_nor_the_one_who_closed_decides(closed):
    number = file(closed)
    refused(closed, "hr1", "appraisal.decide(%s, false, NULL, 'x', 'x')", "hr1 has closed 2026-03", number)
    for before in ("SET ROLE hr_group", "SET ROLE kpid_hr"):
        refused(closed, "hr1", "appraisal.decide(%s, false, NULL, 'x', 'x')", "has closed 2026-03", number, before=before)
    closed.rows("GRANT kpid_agent TO hr2")
    try:
        own = file(closed, "hr2")
        refused(closed, "hr2", "appraisal.decide(%s, false, NULL, 'x', 'x')", "of his own", own)
    finally:
        closed.rows("REVOKE kpid_agent FROM hr2")
    assert decide(closed, "hr2", number, False)["state"] == "rejected"
    refused(closed, "hr2", "appraisal.decide(999, false, NULL, 'x', 'x')", "no appeal 999")


def test_W1_an_agent_appeals_for_himself_alone(closed):
    refused(closed, "li.na", "me.appeal('2026-03', NULL, 'other', NULL, 'x')", "no indicator other")
    other, = closed.rows("SELECT min(ticket_id) FROM kpid.ledger WHERE agent_id = 'Wang'")[0]
    refused(closed, "li.na", "me.appeal('2026-03', NULL, NULL, %s, 'x')", "is not behind your card", [other])
    refused(closed, "li.na", "me.appeal('2026-03', NULL, NULL, NULL, %s)", "1 to 2,000 characters", "x" * 2001)
    refused(closed, "li.na", "me.appeal('2026-04', NULL, NULL, NULL, 'x')", "has not been closed")
    refused(closed, "li.na", "me.appeal('2026-03', 'q', NULL, NULL, 'x')", "you have no such card")
    number = file(closed)
    refused(closed, "wang", "me.withdraw(%s)", "you have no appeal", number)
    call(closed, "li.na", "me.withdraw(%s)", number)
    assert states(closed) == [("withdrawn", False)]
    refused(closed, "li.na", "me.withdraw(%s)", "is withdrawn already", number)
    refused(closed, "hr2", "appraisal.decide(%s, false, NULL, 'x', 'x')", "is withdrawn already", number)


def test_V2_the_role_that_was_set_is_the_agent(closed):
    file(closed, "pool", before='SET ROLE "wang"')
    assert closed.rows("SELECT subject, login FROM appraisal.appeal") == [("Wang", "wang")]
    refused(closed, "pool", "me.appeals()", "permission denied")
    assert call(closed, "pool", "me.appeals()", before='SET ROLE "li.na"') == []


def test_W1_deadlines(closed):
    """Filed within appeal_within of the version that is contested; overdue after answer_within."""
    file(closed)
    closed.rows("SET session_replication_role = replica; UPDATE appraisal.appeal SET filed_at = filed_at - interval '5 days 1 second';"
                " UPDATE appraisal.closed_card SET made_at = made_at - interval '7 days 1 second'; RESET session_replication_role")
    assert states(closed) == [("filed", True)]
    assert call(closed, "hr2", "appraisal.appeals('2026-03')")[0]["overdue"] is True
    refused(closed, "li.na", "me.appeal('2026-03', NULL, NULL, NULL, 'x')", "the time to appeal ended")
    call(closed, "hr2", "appraisal.adjust('2026-03', NULL, 'agent', 'Li', '{\"points\": 1}', 'x', 'x')")
    assert file(closed) > 0  # against the new version


def test_Z8_a_card_is_final_after_its_appeals(closed):
    def final(subject):
        cards = call(closed, "hr2", "appraisal.closed('2026-03')")["plans"][0]["cards"]
        return next(card["final_at"] for card in cards if card["subject"] == subject)
    end, = closed.rows("SELECT to_jsonb((closed_at + interval '7 days') AT TIME ZONE 'UTC') FROM appraisal.closing")[0]
    assert final("Li") == final("Wang") == end
    number = file(closed)
    assert final("Li") is None and final("Wang") == end
    decide(closed, "hr2", number, False)
    assert final("Li") == end
    closed.rows("SET session_replication_role = replica; UPDATE appraisal.appeal_end SET ended_at = '2030-01-01Z'; RESET session_replication_role")
    assert final("Li") == "2030-01-01T00:00:00"


# ---- shadowed names ----

SHADOWS = """
    CREATE TEMP TABLE seen (who text); GRANT ALL ON seen TO PUBLIC;
    CREATE FUNCTION pg_temp.attack() RETURNS boolean LANGUAGE plpgsql AS $f$
        BEGIN IF current_user <> session_user THEN INSERT INTO pg_temp.seen VALUES (current_user); END IF; RETURN true; END $f$;
    CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb CHECK (pg_temp.attack());
    CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (pg_temp.attack());
    CREATE DOMAIN pg_temp.numeric AS pg_catalog.numeric CHECK (pg_temp.attack());
    CREATE DOMAIN pg_temp.int8 AS pg_catalog.int8 CHECK (pg_temp.attack());
    CREATE DOMAIN pg_temp.int4 AS pg_catalog.int4 CHECK (pg_temp.attack());
    CREATE FUNCTION pg_temp.sha256(pg_catalog.bytea) RETURNS pg_catalog.bytea LANGUAGE sql AS $f$ SELECT NULL::pg_catalog.bytea FROM pg_temp.attack() $f$;
    CREATE FUNCTION pg_temp.clock_timestamp() RETURNS pg_catalog.timestamptz LANGUAGE sql AS
        $f$ SELECT '2020-01-01Z'::pg_catalog.timestamptz FROM pg_temp.attack() $f$;
    CREATE FUNCTION pg_temp.current_setting(pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql AS
        $f$ SELECT 'li.na'::pg_catalog.text FROM pg_temp.attack() $f$;
    SET search_path = pg_temp, pg_catalog"""


def test_shadowed_names_change_nothing(closed):
    number = file(closed)
    closed.rows("GRANT TEMPORARY ON DATABASE kpid TO PUBLIC")
    try:
        with contextlib.closing(closed.pg.connect("kpid", "hr2")) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(SHADOWS)
            for sql in ("appraisal.decide(%s, true, '[{\"points\": 2}]', 'He Lan', 'x')" % number, "appraisal.verify('2026-03')",
                        "appraisal.drift('2026-03')", "appraisal.closed('2026-03')", "appraisal.restate('2026-03', 'He Lan', 'again')",
                        "appraisal.adjust('2026-03', 'p', 'agent', 'Wang', '{\"points\": 2}', 'He Lan', 'x')"):
                cursor.execute(f"SELECT count(*) FROM (SELECT {sql}) x")
            cursor.execute("SELECT pg_catalog.count(*) FROM pg_temp.seen")
            assert cursor.fetchone() == (0,)
        with contextlib.closing(closed.pg.connect("kpid", "wang")) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(SHADOWS)
            cursor.execute("SELECT me.appeal('2026-03', NULL, NULL, NULL, 'x')")
            cursor.execute("SELECT pg_catalog.count(*) FROM pg_temp.seen")
            assert cursor.fetchone() == (0,)
    finally:
        closed.rows("REVOKE TEMPORARY ON DATABASE kpid FROM PUBLIC")
    assert closed.rows("SELECT DISTINCT subject FROM appraisal.appeal ORDER BY 1") == [("Li",), ("Wang",)]
    assert closed.rows("SELECT bool_and(closed_at > '2026-01-01Z'), bool_and(length(digest) = 32) FROM appraisal.closing") == [(True, True)]
    assert closed.rows("SELECT * FROM appraisal.verify('2026-03')") == []
