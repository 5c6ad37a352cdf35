"""Forgetting an agent (rule V5): his id is nowhere in appraisals, and what remains agrees with itself."""
import datetime
import json
import os

import pytest
from psycopg2 import Error

from test_closing import adjust, close, digests, prepare, verify
from test_examples import case_mix, indicator, plan
from test_people import KEY, agent_key, call, logins, note, refused  # noqa: F401

LEFT = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(1)
TABLES = ("closing", "closed_row", "closed_item", "closed_manual", "closed_card", "closed_indicator", "manual_entry", "adjustment", "appeal", "appeal_end",
          "note", "note_step", "access", "roster", "pseudonym", "erasure", "digest_renewal")


def roster(until=LEFT):
    return [{"agent": "Li", "role": "", "since": None, "until": until, "login": "v_li", "team_id": "east", "leads": ""},
            {"agent": "Sun", "role": "", "since": None, "until": None, "login": "v_lead", "team_id": "", "leads": "east"},
            {"agent": "Wang", "role": "", "since": None, "until": None, "login": "v_wang", "team_id": "east", "leads": ""}]


def prepared(db, until=LEFT, within="1s", **values):
    ledger = [{**one, "team_id": "east"} for one in case_mix()]
    items = [{**{name: ledger[0][name] for name in ("day", "ticket_id", "agent_id", "project_id", "team_id")}, "item": "x", "kind": "csat", "answered": 1,
              "perceived_sum": 1, "paired": 0, "gap_sum": 0}]
    prepare(db, [plan(indicator(weight=60, adjust=["category:1", "priority"]), indicator("by hand", value="manual", weight=40, min_n=1),
                      levels=["agent", "team"], appeal_within=within, **values)], ledger, items, roster(until),
            {("p", "agent", "Li", "by hand"): ("45", "50")})


@pytest.fixture
def full(db):
    """Everything that appraisals can store about Li, all of it final."""
    prepared(db, until=None, within="1h")
    close(db)
    number = note(db)
    call(db, "v_li", "me.acknowledge(%s)", number)
    call(db, "v_hr", "appraisal.page('2026-03', 'Li')")
    call(db, "v_li", "me.page('2026-03')")
    call(db, "v_hr", "appraisal.add_agent_keys(%s)", json.dumps([{"agent_id": "Li", "agent_key": agent_key("Li")}]))
    withdrawn = call(db, "v_li", "me.appeal('2026-03', NULL, NULL, NULL, 'wrong')")
    call(db, "v_li", "me.withdraw(%s)", withdrawn)
    decided = call(db, "v_li", "me.appeal('2026-03', NULL, NULL, NULL, 'wrong')")
    call(db, "v_hr", "appraisal.decide(%s, true, '[{\"points\": \"-1.5\"}]', 'He Lan', 'x')", decided)
    adjust(db, {"exclude": db.rows("SELECT min(ticket_id) FROM kpid.ledger WHERE agent_id = 'Li'")[0][0]})
    db.rows("SET session_replication_role = replica; UPDATE appraisal.closing SET closed_at = closed_at - interval '2 hours';"
            " UPDATE appraisal.roster SET until = %s WHERE agent_id = 'Li'; RESET session_replication_role", LEFT)
    return db


def texts(db):
    """Tables in which the id or the login of Li occurs as a value."""
    return [table for table in TABLES if db.rows(
        f"SELECT EXISTS (SELECT FROM appraisal.{table} t WHERE to_jsonb(t)::text ~ '\"(Li|v_li)\"')") == [(True,)]]


def forget(db, agent="Li", why="asked for it"):
    return call(db, "v_hr", "appraisal.forget(%s, 'Wu Min', %s)", agent, why)


def test_V5_the_id_of_a_forgotten_agent_is_nowhere_in_appraisals(full):
    assert set(texts(full)) == set(TABLES) - {"closing", "erasure", "digest_renewal"}
    groups = full.rows("SELECT * FROM report.group_card")
    cards = full.rows("SELECT subject, version, score, grade, coefficient FROM appraisal.closed_card WHERE level = 'agent' ORDER BY 1, 2")
    before = digests(full)
    done = forget(full)
    name = done["erased"]
    assert name.startswith("erased-") and done["cards"] == 3 and texts(full) == []
    assert full.rows("SELECT * FROM report.group_card") == groups
    assert full.rows("SELECT subject, version, score, grade, coefficient FROM appraisal.closed_card WHERE level = 'agent' ORDER BY 1, 2") == sorted(
        (name if subject == "Li" else subject, *rest) for subject, *rest in cards)
    (renewal,) = done["digests"]
    assert renewal["before"] == before[0][2] and digests(full) == [("2026-03", 1, renewal["after"])] and renewal["after"] != renewal["before"]
    assert full.rows("SELECT erased_by, login, why, encode(before, 'hex'), encode(after, 'hex') FROM appraisal.erasure JOIN appraisal.digest_renewal"
                     " USING (erasure_no)") == [("Wu Min", "v_hr", "asked for it", renewal["before"], renewal["after"])]
    assert verify(full) == []
    assert full.rows("SELECT subject FROM appraisal.drift('2026-03') WHERE level = 'agent'") == []
    assert full.rows("SELECT login FROM appraisal.appeal UNION SELECT ended_by FROM appraisal.appeal_end WHERE state = 'withdrawn'"
                     " UNION SELECT login FROM appraisal.access WHERE role = 'kpid_agent'") == [(name,)]
    assert {login for (login,) in full.rows("SELECT login FROM appraisal.access WHERE role = 'kpid_hr'")} == {"v_hr"}
    refused(full, "v_hr", "appraisal.forget('Li', 'x', 'x')", "nothing about agent Li")
    refused(full, "v_hr", "appraisal.forget(%s, 'x', 'x')", "nothing about agent erased-", name)
    assert call(full, "v_li", "count(*) FROM me.card") == 0


def test_V5_forgotten_agents_get_no_pseudonym_again(full):
    forget(full)
    full.rows("INSERT INTO kpid.agent_backlog (agent_id, backlog) VALUES ('Li', 0)")  # the figures keep the id
    path = os.path.join(full.folder, "agent.key")
    with open(path, "wb", opener=lambda file, flags: os.open(file, flags, 0o600)) as file:
        file.write(KEY)
    try:
        assert "Li" in [one for (one,) in call(full, "v_hr", "agent_id FROM appraisal.agents_without_key()")]
        full.kpid("appraisal", "pseudonyms", "--set", f"appraisal.key_file={path}", user="v_hr")
    finally:
        full.rows("DELETE FROM kpid.agent_backlog")
    assert full.rows("SELECT count(*), count(*) FILTER (WHERE agent_id = 'Li') FROM appraisal.pseudonym") == [(3, 0)]
    assert call(full, "v_bi", "count(*) FROM bi.ledger WHERE agent_key IS NULL") == 4  # of Li, and of Zhao, who has none yet


def test_V5_a_period_with_a_forgotten_agent_is_not_restated(full):
    forget(full)
    refused(full, "v_hr", "appraisal.restate('2026-03', 'x', 'x')", "would bring his id back")


def test_V5_what_keeps_an_agent_from_being_forgotten(db):
    prepared(db, until=None, within="1h")
    with pytest.raises(Error) as raised:
        forget(db)
    assert "the roster has this agent today or later; 2026-03 is not closed, and has values" in str(raised.value)
    close(db)
    db.rows("UPDATE appraisal.roster SET until = %s WHERE agent_id = 'Li'", LEFT)
    refused(db, "v_hr", "appraisal.forget('Li', 'x', 'x')", "2026-03 is not final")
    number = call(db, "v_li", "me.appeal('2026-03', NULL, NULL, NULL, 'wrong')")
    db.rows("SET session_replication_role = replica; UPDATE appraisal.closing SET closed_at = closed_at - interval '2 hours'; RESET session_replication_role")
    refused(db, "v_hr", "appraisal.forget('Li', 'x', 'x')", "an appeal against a card of 2026-03 is open")
    call(db, "v_hr", "appraisal.decide(%s, false, NULL, 'He Lan', 'x')", number)
    refused(db, "v_hr", "appraisal.forget('nobody', 'x', 'x')", "nothing about agent nobody")
    refused(db, "v_hr", "appraisal.forget('Li', 'x', ' ')", "give a reason")
    assert forget(db)["cards"] == 1


CHANGES = ["UPDATE appraisal.{} SET {} = {}", "DELETE FROM appraisal.{}", "TRUNCATE appraisal.{} CASCADE"]


@pytest.mark.parametrize("table, column, value", [
    ("note", "agreed", "'x'"), ("note_step", "at", "now()"), ("access", "why", "'x'"), ("erasure", "why", "'x'"), ("digest_renewal", "after", "'x'"),
    ("closed_card", "subject", "'Wang2'"), ("closed_card", "score", "1"), ("closing", "digest", "'x'"), ("access", "agent_id", "'erased-0'")])
def test_V5_rows_change_in_no_other_way_not_even_beside_a_record_of_a_forgotten_agent(full, table, column, value):
    forget(full)
    record = "INSERT INTO appraisal.erasure (erased_at, erased_by, login, why) VALUES (now(), 'x', 'x', 'x'); "
    for before in ("", record):
        for sql in CHANGES:
            with pytest.raises(Error, match="never change"):
                full.rows(before + sql.format(table, column, value))
    assert full.rows(f"SELECT count(*) > 0 FROM appraisal.{table}") == [(True,)]


def test_V5_the_writer_forgets_after_the_time_to_keep(full):
    """36 months after the end of the last period, and nobody who is in the roster or whose appeal is open."""
    def age(months):
        full.rows("SET session_replication_role = replica; UPDATE appraisal.closing SET ends_at = now() - make_interval(months => %s);"
                  " RESET session_replication_role", months)
    age(35)
    assert call(full, "v_writer", "kpid.forget_appraised(36)") == 0
    age(37)
    assert call(full, "v_writer", "kpid.forget_appraised(0)") == 0 and "closed_card" in texts(full)
    number = full.rows("SELECT max(appeal_no) FROM appraisal.appeal")[0][0]
    full.rows("SET session_replication_role = replica; DELETE FROM appraisal.appeal_end WHERE appeal_no = %s; RESET session_replication_role", number)
    assert call(full, "v_writer", "kpid.forget_appraised(36)") == 1 and "closed_card" in texts(full)  # Zhao alone
    call(full, "v_hr", "appraisal.decide(%s, false, NULL, 'He Lan', 'x')", number)
    assert call(full, "v_writer", "kpid.forget_appraised(36)") == 1 and texts(full) == []
    assert full.rows("SELECT count(*) FROM appraisal.closed_card WHERE level = 'agent' AND version = 1 AND subject !~ '^erased'") == [(2,)]  # Sun, Wang
    assert full.rows("SELECT DISTINCT erased_by, why FROM appraisal.erasure") == [
        ("kpid", "the last period ended more than 36 months ago (keep)")]
    assert verify(full) == []


def test_forget_by_command(full):
    done = full.kpid("appraisal", "forget", "Li", "--by", "Wu Min", "--why", "asked for it", user="v_hr").stdout
    assert done.startswith("the agent is erased-") and "; 3 cards have this name\ndigest of 2026-03, version 1: " in done
    assert "nothing about agent Li" in full.kpid("appraisal", "forget", "Li", "--why", "x", user="v_hr", status=1).stderr
