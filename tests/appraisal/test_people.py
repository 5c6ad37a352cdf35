"""Who sees what of appraisals (rules V): each line of the table by its role, and refused to the others. Coaching notes (rule W2), pages (rule W3)."""
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import stat

import pytest
from psycopg2 import Error, errors

from test_closing import prepare
from test_examples import case_mix, indicator, plan

KEY = b"0123456789abcdef0123456789abcdef"
LOGINS = {"v_hr": "kpid_hr", "v_lead": "kpid_lead", "v_other": "kpid_lead", "v_li": "kpid_agent", "v_wang": "kpid_agent", "v_bi": "kpid_bi",
          "v_writer": "kpid_writer", "v_reader": "kpid_reader", "v_board": "kpid_board", "v_op": "kpid_operator"}
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
ROSTER = [{"agent": agent, "role": "", "since": since, "until": until, "login": login, "team_id": team, "leads": leads}
          for agent, login, team, leads, since, until in (
              ("Li", "v_li", "east", "", None, None), ("Wang", "v_wang", "east", "", None, TODAY - datetime.timedelta(1)),
              ("Zhao", "", "west", "", None, None), ("Sun", "v_lead", "east", "east", None, None), ("Qian", "v_other", "", "west", None, None),
              ("Qian", "v_other", "", "east", TODAY + datetime.timedelta(1), None))]


@pytest.fixture(scope="module", autouse=True)
def logins(db):
    for name, group in LOGINS.items():
        db.rows(f'CREATE ROLE "{name}" LOGIN IN ROLE {group}')
    db.rows("CREATE ROLE v_pool LOGIN NOINHERIT; GRANT v_li, v_wang TO v_pool; CREATE ROLE v_group; GRANT kpid_lead TO v_group; GRANT v_group TO v_lead")
    yield
    db.rows("DROP ROLE v_pool; DROP OWNED BY v_group; DROP ROLE v_group")
    for name in LOGINS:
        db.rows(f'DROP ROLE "{name}"')


@pytest.fixture
def closed(db):
    """March, which v_hr has closed, with teams."""
    ledger = [{**one, "team_id": "west" if one["agent_id"] == "Zhao" else "east"} for one in case_mix()]
    prepare(db, [plan(indicator(min_n=1), indicator("by hand", value="manual", min_n=1), levels=["agent", "team"], max_hand=5)], ledger, roster=ROSTER)
    call(db, "v_hr", "appraisal.close('2026-03', 'Wu Min', 'it is over')")
    return db


def call(db, user, sql, *values, before=""):
    with contextlib.closing(db.pg.connect("kpid", user)) as connection, connection.cursor() as cursor:
        if before:
            cursor.execute(before)
        cursor.execute(f"SELECT {sql}", values or None)
        found = cursor.fetchall()
        if not connection.autocommit:
            connection.commit()
        return found[0][0] if len(found) == 1 and len(found[0]) == 1 else found


def refused(db, user, sql, words="permission denied", *values, before="", error=Error):
    with pytest.raises(error, match=words):
        call(db, user, sql, *values, before=before)


def subjects(document):
    return {(card["level"], card["subject"]) for one in document["plans"] for card in one["cards"]}


def accesses(db):
    return db.rows("SELECT login, role, agent_id, function, key, why FROM appraisal.access ORDER BY access_no")


# ---- kpid_hr and kpid_lead ----

HR_READS = ["appraisal.preview('2026-03')", "appraisal.closed('2026-03')", "count(*) FROM appraisal.drift('2026-03')", "appraisal.appeals('2026-03')",
            "appraisal.explain('2026-03', 'Li')", "appraisal.page('2026-03', 'Li')", "appraisal.notes('Li')", "appraisal.report('2026-03')",
            "count(*) FROM appraisal.tickets('2026-03', 'p', 'agent', 'Li', 'i')"]
HR_DOES = ["count(*) FROM appraisal.verify('2026-03')", "appraisal.close('2026-02', 'x', 'x')", "appraisal.restate('2026-03', 'x', 'x')",
           "appraisal.adjust('2026-03', 'p', 'agent', 'Li', '{\"points\": 1}', 'x', 'x')", "appraisal.decide(1, false, NULL, 'x', 'x')",
           "appraisal.apply_revisions('[]', 'x')", "appraisal.replace_roster('[]', 'x')", "appraisal.agents_without_key()",
           "appraisal.add_agent_keys('[]')", "appraisal.forget('Li', 'x', 'x')", "count(*) FROM appraisal.access_log"]
LEAD_DOES = ["appraisal.note('Li', 'p', 'i', NULL, 'x', NULL, '2999-01-01', 'x')", "appraisal.end_note(1, 'done', 'x')"]
AGENT_DOES = ["me.page('2026-03')", "me.notes()", "me.acknowledge(1)", "me.appeals()", "me.withdraw(1)", "me.appeal('2026-03', NULL, NULL, NULL, 'x')",
              "me.agents()", "me.read('me.card')", "count(*) FROM me.card", "count(*) FROM me.indicator", "count(*) FROM me.flag",
              "count(*) FROM me.row", "count(*) FROM me.ledger", "count(*) FROM me.access"]
BI_READS = [f"count(*) FROM bi.{name}" for name in ("agent_kpi_5m", "agent_kpi_hourly", "agent_kpi_daily", "agent_kpi_rolling", "ledger", "ledger_item",
                                                    "ledger_status", "group_kpi_5m", "group_card")]
INNER = ["appraisal.preview_of('2026-03')", "appraisal.closed_of('2026-03')", "appraisal.drift_of('2026-03')", "appraisal.verify_of('2026-03')",
         "appraisal.appeals_of('2026-03')", "appraisal.tickets_of('2026-03', 'p', 'agent', 'Li', 'i', NULL)", "appraisal.erase('Li', 'x', 'x', 'x')",
         "appraisal.page_of(NULL, '2026-03', '{Li}')", "appraisal.record_access(NULL, 'x', 'x', '{Li}', 'x')", "appraisal.reader()",
         "count(*) FROM appraisal.access", "count(*) FROM appraisal.note", "count(*) FROM appraisal.pseudonym", "count(*) FROM appraisal.erasure",
         "count(*) FROM appraisal.closed_card", "count(*) FROM appraisal.roster"]
ALLOWED = {"v_hr": HR_READS + HR_DOES, "v_lead": HR_READS + LEAD_DOES, "v_li": AGENT_DOES, "v_bi": BI_READS}
EVERYTHING = [*HR_READS, *HR_DOES, *LEAD_DOES, *AGENT_DOES, *BI_READS, *INNER, "kpid.forget_appraised(36)"]


@pytest.mark.parametrize("user", [*LOGINS])
def test_V1_each_role_calls_and_reads_what_is_its_own_and_nothing_else(closed, user):
    """Without the right, PostgreSQL refuses before a function looks at anything."""
    allowed = ALLOWED.get({"v_other": "v_lead", "v_wang": "v_li"}.get(user, user), [])
    wrong = []
    for sql in EVERYTHING:
        may = sql in allowed or (user == "v_writer" and "forget_appraised" in sql) or (user == "v_lead" and "enter" in sql)
        try:
            with contextlib.closing(closed.pg.connect("kpid", user)) as connection, connection.cursor() as cursor:
                cursor.execute(f"BEGIN; EXPLAIN SELECT {sql}" if sql.startswith("count") else f"BEGIN; SELECT {sql}")
                connection.rollback()
            permitted = True
        except errors.InsufficientPrivilege as error:
            permitted = not str(error).startswith("permission denied")
        except Error:
            permitted = True
        if permitted != may:
            wrong.append(sql)
    assert wrong == []


def test_V1_nothing_about_the_results_of_persons_is_in_report(closed):
    """Scores, grades, coefficients, ranks, points, flags, appeals, notes and accesses. KPIs of agents are no results (docs/appraisal.md, V1)."""
    dependent = closed.rows("""
        SELECT DISTINCT v.relname FROM pg_depend d
        JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class
        JOIN pg_class t ON t.oid = d.refobjid AND t.relnamespace = 'appraisal'::regnamespace
        WHERE v.relnamespace = 'report'::regnamespace""")
    assert dependent == [("group_card",)]
    assert {level for (level,) in closed.rows("SELECT DISTINCT level FROM report.group_card")} == {"team"}
    assert closed.rows("SELECT viewname FROM pg_views WHERE schemaname = 'report' AND definition ~ '(closed_card|latest_card|appeal|adjustment)'") == [
        ("group_card",)]


def test_V1_hr_reads_all_cards_and_each_reading_is_recorded(closed):
    assert {subject for level, subject in subjects(call(closed, "v_hr", "appraisal.closed('2026-03', 'the month')")) if level == "agent"} == {
        "Li", "Wang", "Zhao", "Sun"}
    assert accesses(closed) == [("v_hr", "kpid_hr", agent, "appraisal.closed", "2026-03", "the month") for agent in ("Li", "Sun", "Wang", "Zhao")]
    call(closed, "v_hr", "appraisal.explain('2026-03', 'Zhao')", before="SET ROLE kpid_hr")
    assert accesses(closed)[4:] == [("v_hr", "kpid_hr", "Zhao", "appraisal.explain", "2026-03", "")]
    refused(closed, "v_hr", "appraisal.closed('2026-03', %s)", "at most 2,000", "x" * 2001)


@pytest.mark.parametrize("sql", [*HR_READS, "appraisal.preview('2026-03', NULL, 'x')"])
def test_V3_no_reading_without_a_record(closed, sql):
    """Not in a transaction that cannot write, either."""
    call(closed, "v_hr", "appraisal.page('2026-03', 'Li')")
    if "appeals" in sql or "notes" in sql:
        call(closed, "v_li", "me.appeal('2026-03', NULL, NULL, NULL, 'x')")
        note(closed)
    if "drift" in sql:
        closed.rows("UPDATE kpid.ledger SET resolution_within_sla = 0 WHERE agent_id = 'Li'")
    n = len(accesses(closed))
    call(closed, "v_hr", sql)
    added = accesses(closed)[n:]
    assert added and {one[:2] for one in added} == {("v_hr", "kpid_hr")} and "Li" in {one[2] for one in added}
    assert {one[3] for one in added} == {sql.removeprefix("count(*) FROM ").partition("(")[0]}
    refused(closed, "v_hr", sql, "read-only transaction", before="SET default_transaction_read_only = on")


@pytest.mark.parametrize("user, subject, agents", [
    ("v_hr", None, ["Li", "Sun", "Wang", "Zhao"]), ("v_hr", "Sun", ["Sun"]), ("v_hr", "west", ["Zhao"]), ("v_lead", None, ["Li"]),
    ("v_lead", "Sun", []), ("v_lead", "west", [])])
def test_V3_a_report_records_exactly_the_agents_whose_cards_it_returns(closed, user, subject, agents):
    """Those of a team come with the card of the team. The reading is on the pages already."""
    document = call(closed, user, "appraisal.report('2026-03', NULL, %s, 'the pages')", subject)
    assert sorted(one for level, one in subjects(document) if level == "agent") == agents
    role = {"v_hr": "kpid_hr", "v_lead": "kpid_lead"}[user]
    assert accesses(closed) == [(user, role, agent, "appraisal.report", "2026-03", "the pages") for agent in agents]
    for card in (card for one in document["plans"] for card in one["cards"] if card["level"] == "agent"):
        assert [(look["login"], look["function"], look["why"]) for look in card["looks"]] == [(user, "appraisal.report", "the pages")]
    assert "adjustments" not in document and all(one["peers"]["scored"] == 4 for one in document["plans"])  # J4: of all agents


def test_V3_a_rolled_back_reading_is_in_the_log_of_the_server(closed):
    with contextlib.closing(closed.pg.connect("kpid", "v_hr")) as connection, connection.cursor() as cursor:
        cursor.execute("SET client_min_messages = log; BEGIN; SELECT appraisal.closed('2026-03', 'curious'); ROLLBACK")
        assert any("results of persons are read" in one and '"why": "curious"' in one and '"login": "v_hr"' in one for one in connection.notices)
    assert accesses(closed) == []


def test_V1_a_lead_reads_only_agents_whom_the_roster_says_he_leads(closed):
    """Today: Wang's time in the team is over, and Qian leads the east from tomorrow on. Nobody leads himself."""
    for user, led, team in (("v_lead", {"Li"}, "east"), ("v_other", {"Zhao"}, "west")):
        for sql in ("appraisal.preview('2026-03')", "appraisal.closed('2026-03')", "appraisal.report('2026-03')"):
            assert subjects(call(closed, user, sql)) == {("team", team), *(("agent", one) for one in led)}
    for sql in ("appraisal.explain('2026-03', 'Wang')", "appraisal.page('2026-03', 'Wang')", "appraisal.notes('Wang')", "appraisal.page('2026-03', 'Sun')",
                "appraisal.tickets('2026-03', 'p', 'agent', 'Zhao', 'i')", "appraisal.tickets('2026-03', 'p', 'team', 'west', 'i')",
                "appraisal.tickets('2026-03', 'p', 'project', '', 'i')", "appraisal.explain('2026-03', 'nobody')"):
        refused(closed, "v_lead", sql, "does not lead")
    assert {agent for _, _, agent, *_ in accesses(closed)} == {"Li", "Zhao"}
    assert call(closed, "v_lead", "count(*) FROM appraisal.tickets('2026-03', 'p', 'team', 'east', 'i')") > 0
    assert subjects(call(closed, "v_lead", "appraisal.closed('2026-03')", before="SET ROLE v_group")) == {("team", "east"), ("agent", "Li")}


def test_V1_a_lead_sees_no_coefficients_and_no_points_of_others(closed):
    call(closed, "v_hr", "appraisal.adjust('2026-03', 'p', 'agent', 'Li', '{\"points\": 1}', 'x', 'x')")
    call(closed, "v_hr", "appraisal.adjust('2026-03', 'p', 'agent', 'Wang', '{\"points\": 1}', 'x', 'x')")
    assert "coefficient" in json.dumps(call(closed, "v_hr", "appraisal.closed('2026-03')"))
    for sql in HR_READS:
        found = json.dumps(call(closed, "v_lead", sql), default=str)
        assert "coefficient" not in found and "Wang" not in found and "Zhao" not in found
    assert [one["subject"] for one in call(closed, "v_lead", "appraisal.closed('2026-03')")["adjustments"]] == ["Li"]


def test_V1_a_lead_tries_no_plan_because_it_could_single_out_an_agent(closed):
    spying = json.dumps({"revisions": [{"id": "x", "plans": [{**plan(indicator(adjust=["ticket_id"])), "match": {"agent_id": ["Wang"]}}]}]})
    for sql in ("appraisal.preview('2026-03', %s)", "appraisal.explain('2026-03', 'Li', %s)", "appraisal.tickets('2026-03', 'p', 'agent', 'Li', 'i', %s)"):
        refused(closed, "v_lead", sql, "only kpid_hr may try a plan file", spying)


def test_V1_a_lead_enters_values_of_agents_whom_he_leads(closed):
    enter = "appraisal.enter('2026-04', 'p', %s, %s, 'by hand', 1, 1, 'x', 'x')"
    assert call(closed, "v_lead", enter, "agent", "Li") > 0
    assert closed.rows("SELECT subject, login FROM appraisal.manual_entry") == [("Li", "v_lead")]
    refused(closed, "v_lead", enter, "does not lead agent Zhao", "agent", "Zhao")
    refused(closed, "v_lead", enter, "for himself", "agent", "Sun")
    refused(closed, "v_lead", enter, "only kpid_hr enters values of a team", "team", "east")
    assert call(closed, "v_hr", enter, "team", "east") > 0


# ---- kpid_agent ----

def test_V2_an_agent_sees_his_own_results_and_who_looked(closed):
    call(closed, "v_hr", "appraisal.closed('2026-03', 'pay')")
    assert call(closed, "v_li", "agent_id, coefficient IS NOT NULL FROM me.card") == [("Li", True)]
    assert call(closed, "v_li", "array_agg(DISTINCT agent_id) FROM me.indicator") == ["Li"]
    assert call(closed, "v_li", "array_agg(DISTINCT agent_id) FROM me.row") == ["Li"]
    assert call(closed, "v_li", "array_agg(DISTINCT agent_id) FROM me.ledger") == ["Li"]
    assert call(closed, "v_li", "sum(resolution_measured) FROM me.row") == call(closed, "v_li", "sum(resolution_measured) FROM me.ledger") > 0
    assert call(closed, "v_li", "count(*) FROM me.flag") == 0
    looked = call(closed, "v_li", "login, agent_id, function, why FROM me.access ORDER BY read_at")
    assert looked[0] == ("v_hr", "Li", "appraisal.closed", "pay") and {one[:2] for one in looked[1:]} == {("v_li", "Li")}
    assert [one[2] for one in looked[1:]] == ["me.card", "me.indicator", "me.row", "me.ledger", "me.row", "me.ledger", "me.flag"]


def test_V2_the_role_that_was_set_decides(closed):
    assert call(closed, "v_pool", "agent_id FROM me.card", before="SET ROLE v_wang") == "Wang"
    assert accesses(closed)[-1][:3] == ("v_wang", "kpid_agent", "Wang")
    refused(closed, "v_pool", "count(*) FROM me.card")
    assert call(closed, "v_li", "count(*) FROM me.card", before="SET ROLE kpid_agent") == 0
    refused(closed, "v_li", "1", "permission denied to set role", before="SET ROLE v_wang")
    refused(closed, "v_li", "1", "permission denied", before="SET SESSION AUTHORIZATION v_wang")
    refused(closed, "v_li", "me.read('me.others')", "only the views")


def test_V2_a_leaky_function_sees_only_the_own_rows(closed):
    closed.rows("GRANT CREATE ON SCHEMA public TO v_li")
    try:
        with contextlib.closing(closed.pg.connect("kpid", "v_li")) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
                           " $f$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $f$")
            for view in ("card", "indicator", "row", "ledger", "access"):
                cursor.execute(f"SELECT count(*) FROM me.{view} WHERE public.leak(agent_id)")
            assert connection.notices and {one for one in connection.notices} == {"NOTICE:  saw Li\n"}
            cursor.execute("DROP FUNCTION public.leak(text)")
    finally:
        closed.rows("REVOKE CREATE ON SCHEMA public FROM v_li")


# ---- W2 ----

def note(db, user="v_lead", agent="Li", of="i", agreed="answer within the hour", target="95%", follow_up="2999-01-01", tickets=None):
    return call(db, user, "appraisal.note(%s, NULL, %s, %s, %s, %s, %s, 'He Lan')", agent, of, tickets, agreed, target, follow_up)


def test_W2_a_note_is_acknowledged_by_the_agent_and_ended_by_its_author(closed):
    ticket, = closed.rows("SELECT min(ticket_id) FROM kpid.ledger WHERE agent_id = 'Li'")[0]
    number = note(closed, tickets=[ticket])
    found, = call(closed, "v_li", "me.notes()")
    assert (found["state"], found["indicator"], found["tickets"], found["target"], found["written_by"]) == ("open", "i", [ticket], 0.95, "He Lan")
    for user, sql, words in (
            ("v_lead", "appraisal.end_note(%s, 'done', 'x')", "has not acknowledged"), ("v_wang", "me.acknowledge(%s)", "no note"),
            ("v_other", "appraisal.end_note(%s, 'done', 'x')", "you have written no note")):
        refused(closed, user, sql, words, number)
    call(closed, "v_li", "me.acknowledge(%s)", number)
    refused(closed, "v_li", "me.acknowledge(%s)", "is acknowledged already", number)
    refused(closed, "v_lead", "appraisal.end_note(%s, 'lost', 'x')", "done or dropped", number)
    refused(closed, "v_lead", "appraisal.end_note(%s, 'done', ' ')", "1 to 2,000 characters", number)
    call(closed, "v_lead", "appraisal.end_note(%s, 'done', 'better')", number)
    refused(closed, "v_lead", "appraisal.end_note(%s, 'dropped', 'x')", "is done already", number)
    assert [(one["state"], one["outcome"]) for one in call(closed, "v_hr", "appraisal.notes('Li')")] == [("done", "better")]
    assert call(closed, "v_lead", "appraisal.notes()")[0]["note"] == number and call(closed, "v_other", "appraisal.notes()") == []


@pytest.mark.parametrize("values, words", [
    ({"agent": "Zhao"}, "does not lead"), ({"agent": "Sun"}, "does not lead"), ({"agent": None}, "does not lead"), ({"of": "other"}, "has an indicator other"),
    ({"agreed": " "}, "1 to 2,000"), ({"target": "soon"}, "a target is a number"), ({"follow_up": str(TODAY)}, "a day after today"),
    ({"tickets": ["T0"]}, "ticket T0 has nothing of agent Li"), ({"user": "v_other"}, "v_other does not lead agent Li")])
def test_W2_what_a_note_needs(closed, values, words):
    with pytest.raises(Error, match=words):
        note(closed, **values)


def test_W2_a_note_shows_the_28_days_before_and_after_and_the_change_of_the_group(closed):
    """Written on 1 April: 4 to 31 March and 2 to 29 April. The team on that day: Li, Wang and Sun."""
    number = note(closed)
    closed.rows("SET session_replication_role = replica; UPDATE appraisal.note SET written_on = '2026-04-01'; RESET session_replication_role")
    rows = [("Li", "2026-03-03", 0, 9), ("Li", "2026-03-04", 1, 2), ("Li", "2026-03-31", 1, 2), ("Li", "2026-04-01", 0, 9), ("Li", "2026-04-02", 3, 4),
            ("Li", "2026-04-29", 0, 0), ("Li", "2026-04-30", 0, 9), ("Wang", "2026-03-10", 1, 4), ("Sun", "2026-03-10", 1, 4), ("Wang", "2026-04-10", 3, 8),
            ("Zhao", "2026-03-10", 0, 50)]
    closed.fill_ledger([{"day": datetime.date.fromisoformat(day), "ticket_id": f"N{i}", "agent_id": agent, "project_id": "", "team_id": "",
                         "resolution_within_sla": met, "resolution_measured": n} for i, (agent, day, met, n) in enumerate(rows)])
    found, = call(closed, "v_hr", "appraisal.notes('Li')")
    assert [found[name] for name in ("note", "before", "after", "change", "group", "group_before", "group_after", "group_change", "after_is_complete")] == [
        number, 0.5, 0.75, 0.25, "team", 0.25, 0.375, 0.125, TODAY > datetime.date(2026, 4, 29)]


# ---- W3 ----

def test_W3_the_page_of_an_agent(closed):
    number = note(closed)
    call(closed, "v_li", "me.appeal('2026-03', NULL, 'i', NULL, 'wrong')")
    page = call(closed, "v_li", "me.page('2026-03')")
    (entry,) = page["cards"]
    assert entry["card"]["subject"] == "Li" and entry["plan"]["name"] == "p" and entry["appeal_until"] and len(page["period"]["digest"]) == 64
    worst = entry["costs_most"]
    assert worst["indicator"] == "i" and worst["lost"] > 0 and 0 < len(worst["tickets"]) <= 20
    costs = [one["base"] - one["above"] for one in worst["tickets"]]
    assert costs == sorted(costs, reverse=True) and costs[0] > 0
    assert [one["key"] for one in page["history"]] == ["2026-03"] and page["notes"][0]["note"] == number and page["appeals"][0]["text"] == "wrong"
    assert page["read_by"][0]["login"] == "v_li" and page["adjustments"] == []
    call(closed, "v_hr", "appraisal.adjust('2026-03', 'p', 'agent', 'Li', %s, 'x', 'x')", json.dumps({"exclude": worst["tickets"][1]["ticket"]}))
    later = call(closed, "v_hr", "appraisal.page('2026-03', 'Li', 'asked')")
    assert later["cards"][0]["costs_most"]["tickets"] == worst["tickets"][:1] and len(later["adjustments"]) == 1
    assert later["read_by"][0]["why"] == "asked"
    live = call(closed, "v_li", "me.page('2026-04')")
    assert live["cards"] == [] and live["period"]["state"] in ("open", "settling")


def test_W3_the_page_of_a_running_period(db):
    prepare(db, [plan(indicator(min_n=1))], case_mix(), roster=ROSTER)
    (entry,) = call(db, "v_li", "me.page('2026-03')")["cards"]
    assert entry["appeal_until"] is None and entry["costs_most"]["indicator"] == "i" and entry["costs_most"]["tickets"]


# ---- kpid_bi and pseudonyms (V4) ----

def agent_key(agent):
    return hmac.new(KEY, agent.encode(), hashlib.sha256).hexdigest()[:16]


@pytest.fixture
def key_file(db):
    path = os.path.join(db.folder, "agent.key")
    with open(path, "wb") as file:
        file.write(KEY)
    os.chmod(path, 0o600)
    return path


def pseudonyms(db, path, status=0):
    return db.kpid("appraisal", "pseudonyms", "--set", f"appraisal.key_file={path}", user="v_hr", status=status)


def test_V4_bi_sees_pseudonyms_and_no_tickets(closed, key_file):
    rows = closed.rows("SELECT count(*) FROM kpid.ledger WHERE agent_id <> ''")
    assert call(closed, "v_bi", "count(*) FROM bi.ledger WHERE agent_key IS NULL") == rows[0][0]
    assert pseudonyms(closed, key_file).stdout == "5 new pseudonyms stored\n" and pseudonyms(closed, key_file).stdout == "0 new pseudonyms stored\n"
    assert dict(closed.rows("SELECT agent_id, agent_key FROM appraisal.pseudonym")) == {one: agent_key(one) for one in ("Li", "Wang", "Zhao", "Sun", "Qian")}
    assert dict(call(closed, "v_bi", "agent_key, sum(resolution_measured) FROM bi.ledger GROUP BY 1")) == {
        agent_key(agent) if agent else "": n for agent, n in closed.rows("SELECT agent_id, sum(resolution_measured) FROM report.ledger GROUP BY 1")}
    found = closed.rows("SELECT c.relname, a.attname, col_description(c.oid, a.attnum) IS NOT NULL FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                        " WHERE c.relnamespace = 'bi'::regnamespace AND a.attnum > 0")
    assert len(found) > 100 and all(commented and name not in ("agent_id", "ticket_id") for _, name, commented in found)
    assert call(closed, "v_bi", "array_agg(subject ORDER BY subject) FROM bi.group_card") == ["east", "west"]
    with contextlib.closing(closed.pg.connect("kpid", "v_bi")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(DISTINCT most_common_vals::text) FROM pg_stats WHERE schemaname IN ('kpid', 'appraisal')")
        assert cursor.fetchone() == (None,)


def test_V4_the_key_never_enters_the_database(closed, key_file):
    """Not in a statement, and so not in a log of the server either."""
    closed.rows("ALTER ROLE v_hr SET log_statement = 'all'; ALTER ROLE v_hr SET log_parameter_max_length = -1")
    try:
        pseudonyms(closed, key_file)
    finally:
        closed.rows("ALTER ROLE v_hr RESET ALL")
    with open(closed.pg.log, "rb") as file:
        log = file.read()
    assert agent_key("Li").encode() in log and KEY not in log and KEY.hex().encode() not in log


def test_V4_what_a_key_file_must_be(closed, key_file):
    assert "appraisal.key_file is not set" in closed.kpid("appraisal", "pseudonyms", user="v_hr", status=3).stderr
    os.chmod(key_file, 0o640)
    assert "others than its owner" in pseudonyms(closed, key_file, 3).stderr
    os.chmod(key_file, 0o600)
    with open(key_file, "r+b") as file:
        file.truncate(31)
    assert "shorter than 32 bytes" in pseudonyms(closed, key_file, 3).stderr
    assert stat.S_IMODE(os.stat(key_file).st_mode) == 0o600
    os.unlink(key_file)
    assert "No such file" in pseudonyms(closed, key_file, 3).stderr


def test_V4_another_key_is_refused_once_there_are_pseudonyms(closed, key_file):
    pseudonyms(closed, key_file)
    closed.rows("DELETE FROM appraisal.pseudonym WHERE agent_id = 'Li'")
    with open(key_file, "r+b") as file:
        file.write(b"another")
    assert "made with another key" in pseudonyms(closed, key_file, 3).stderr
    assert closed.rows("SELECT count(*) FROM appraisal.pseudonym") == [(4,)]


# ---- commands ----

def kpid(db, *arguments, user="v_lead", **options):
    return db.kpid("appraisal", *arguments, user=user, **options).stdout


def test_notes_page_and_access_by_commands(closed):
    text = kpid(closed, "note", "Li", "--indicator", "i", "--text", "call \x1b[31mback", "--target", "95%", "--until", "2999-01-01")
    number = text.split()[1]
    assert text == f"note {number} is open\n"
    listed = kpid(closed, "notes", user="v_li")
    assert "2999-01-01" in listed and "0.95" in listed and "\x1b" not in listed
    assert kpid(closed, "acknowledge", number, user="v_li") == f"note {number} is acknowledged\n"
    assert kpid(closed, "finish", number, "done", "--text", "better") == f"note {number} is done\n"
    assert json.loads(kpid(closed, "notes", "--all", "--json"))["notes"][0]["state"] == "done"
    assert "does not lead" in closed.kpid("appraisal", "notes", "Wang", user="v_lead", status=1).stderr
    assert kpid(closed, "access", "Zhao", user="v_hr") == "nobody has read these results\n"
    page = kpid(closed, "page", "2026-03", user="v_li")
    assert page.startswith("p: Li, score") and "appeal until" in page and "costs most points: i" in page and "who has read these results" in page
    assert "you have no card in 2026-04" in closed.kpid("appraisal", "page", "2026-04", user="v_li", status=1).stderr
    assert "p: Li, score" in kpid(closed, "page", "2026-03", "Li", "--why", "talk", "--lang", "zh")
    log = kpid(closed, "access", user="v_li")
    assert "v_lead" in log and "talk" in log and "appraisal.page" in log


@pytest.mark.parametrize("arguments, words", [
    (("note", "Li", "--text", "x", "--until", "2999-01-01"), "note needs --indicator"), (("acknowledge", "x"), "is not the number of a note"),
    (("finish", "1", "lost", "--text", "x"), "done or dropped"), (("finish", "1", "done"), "finish needs --text"),
    (("notes", "Li", "--all"), "an agent or --all"), (("forget", "Li"), "forget needs --why"), (("page", "2026-03", "--all"), "page does not take --all")])
def test_wrong_command_lines(db, arguments, words):
    assert words in db.kpid("appraisal", *arguments, user="v_hr", status=2).stderr


def test_the_needed_role_is_named(closed):
    assert "kpid_lead" in closed.kpid("appraisal", "finish", "1", "done", "--text", "x", user="v_li", status=4).stderr
    assert "kpid_agent" in closed.kpid("appraisal", "acknowledge", "1", user="v_hr", status=4).stderr
    assert "kpid_hr" in closed.kpid("appraisal", "forget", "Li", "--why", "x", user="v_lead", status=4).stderr
