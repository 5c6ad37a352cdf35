"""kpid appraisal apply, roster and preview, and who may call what."""
import json
import os

import pytest
from psycopg2 import errors

from conftest import ROOT, ledger_row

SAMPLE = os.path.join(ROOT, "deploy", "appraisal", "minimal.json")


@pytest.fixture(scope="module", autouse=True)
def logins(db):
    db.rows("CREATE ROLE hr LOGIN IN ROLE kpid_hr; CREATE ROLE writer LOGIN IN ROLE kpid_writer; CREATE ROLE reader LOGIN IN ROLE kpid_reader")


def write(db, name, value):
    (db.folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return name


def sample(**changes):
    with open(SAMPLE, encoding="utf-8") as file:
        plans = json.load(file)
    plans["revisions"][0].update(changes)
    return plans


def test_I7_a_stored_revision_never_changes(db):
    db.fill()
    assert db.kpid("appraisal", "apply", SAMPLE, user="hr").stdout == "1 new revisions stored\n"
    assert json.loads(db.kpid("appraisal", "apply", "--json", SAMPLE, user="hr").stdout) == {"stored": 0}
    changed = sample()
    changed["revisions"][0]["plans"][0]["min_n"] = 7
    done = db.kpid("appraisal", "apply", write(db, "changed.json", changed), user="hr", status=1)
    assert "revision 2026 was stored before with other content" in done.stderr
    done = db.kpid("appraisal", "apply", write(db, "twin.json", sample(id="twin")), user="hr", status=1)
    assert "revision twin starts at the same time as a stored one" in done.stderr
    (row,) = db.rows("SELECT id, json::jsonb = %s::jsonb, encode(sha256(convert_to(json, 'UTF8')), 'hex') = encode(sha256, 'hex')"
                     " FROM appraisal.plan_revision", json.dumps(sample()["revisions"][0]))
    assert row == ("2026", True, True)


@pytest.mark.parametrize("name, value, limit", [("kpi.fcr_window_us", "864000000000", "kpi.fcr_window"),
                                                ("appraisal.callback_within", "10d", "callback_within")])
def test_I6_settle_is_compared_with_the_settings_of_the_database(db, name, value, limit):
    db.rows("INSERT INTO kpid.setting VALUES (%s, %s)", name, value)
    try:
        done = db.kpid("appraisal", "apply", SAMPLE, user="hr", status=3)
        assert f"`settle` is shorter than {limit}" in done.stderr and '"864000s"' in done.stderr
    finally:
        db.rows("DELETE FROM kpid.setting WHERE name = %s", name)


def test_C5_the_revision_in_force_when_the_period_began(db):
    db.fill([ledger_row("li", resolution_within_sla=30, resolution_measured=30)])
    both = {"revisions": [sample(id="old", effective_from="2026-01-01T00:00:00Z")["revisions"][0],
                          sample(id="new", effective_from="2026-03-01T00:00:00.000001Z")["revisions"][0]]}
    db.kpid("appraisal", "apply", write(db, "both.json", both), user="hr")
    assert (db.preview()["revision"], db.preview(key="2026-04")["revision"]) == ("old", "new")
    assert db.preview()["announced_late"] is True
    done = db.kpid("appraisal", "preview", "2025-12", user="hr", status=1)
    assert "no plan was in force when 2025-12 began" in done.stderr
    for key in ("2026-13", "last:7d", "2026-Q5", "", "2026-3"):
        assert "write a month such as 2026-03" in db.kpid("appraisal", "preview", key, user="hr", status=1).stderr


@pytest.mark.parametrize("zone, begins, ends", [("Asia/Shanghai", "2026-02-28T16:00:00", "2026-03-31T16:00:00"),
                                                ("Europe/Berlin", "2026-02-28T23:00:00", "2026-03-31T22:00:00")])
def test_C2_bounds_of_a_period(db, zone, begins, ends):
    db.rows("INSERT INTO kpid.setting VALUES ('report.time_zone', %s)", zone)
    try:
        found = db.preview(sample())
        assert (found["begins_at"], found["ends_at"], found["time_zone"]) == (begins, ends, zone)
        assert (found["first"], found["last"], found["state"]) == ("2026-03-01", "2026-03-31", "settling")
    finally:
        db.rows("DELETE FROM kpid.setting WHERE name = 'report.time_zone'")


def test_C1_the_last_28_days(db):
    db.rows("UPDATE kpid.ledger_state SET as_of = '2026-03-15 12:00Z'")
    db.fill([ledger_row("li", day=day, resolution_within_sla=10, resolution_measured=10)
             for day in ("2026-02-15", "2026-02-16", "2026-03-15", "2026-03-16")])
    found = db.preview(sample(), "last:28d")
    assert (found["first"], found["last"], found["cycle"], found["state"]) == ("2026-02-16", "2026-03-15", "month", "open")
    assert found["plans"][0]["cards"][0]["indicators"][0]["n"] == 20
    assert db.preview(sample(), "2026-Q1")["plans"] == []
    db.rows("UPDATE kpid.ledger_state SET as_of = NULL")


ROSTER = "\ufeffagent,role,team,since,until,login,leads\r\nli,frontdesk,north,2026-03-01,,li.na,\r\n\"wang, a\",\"say \"\"hi\"\"\",,,,,north\r\n"


def test_roster_is_replaced(db):
    for text, n in ((ROSTER, 2), ("role,agent\nrepair,sun\n\n", 1)):
        assert db.kpid("appraisal", "roster", write(db, "roster.csv", text), user="hr").stdout == f"{n} rows: the roster was replaced\n"
        rows = db.rows("SELECT agent_id, role, team_id, since::text, until, login, leads FROM appraisal.roster ORDER BY 1")
        assert rows == ([("li", "frontdesk", "north", "2026-03-01", None, "li.na", ""), ("wang, a", 'say "hi"', "", None, None, "", "north")]
                        if n == 2 else [("sun", "repair", "", None, None, "", "")])


def test_preview_is_readable(db):
    db.fill([ledger_row(agent, resolution_within_sla=met, resolution_measured=40) for agent, met in (("li", 39), ("\x1b[31m", 30))])
    text = db.kpid("appraisal", "preview", "2026-03", "--plan", SAMPLE, user="hr").stdout
    assert text.startswith("2026-03-01 to 2026-03-31 (UTC), settling, revision 2026\n\neverybody\n") and "\x1b" not in text
    assert "li" in text and "good" in text and "1 (1 to 1)" in text and "20.00" in text
    document = json.loads(db.kpid("appraisal", "preview", "2026-03", "--plan", SAMPLE, "--json", user="hr").stdout)
    assert document["plans"][0]["cards"][0]["score"] == 100
    done = db.kpid("appraisal", "preview", "2026-03", "--plan", write(db, "bad.json", "{}"), user="hr", status=3)
    assert "bad.json:1: revisions: is missing" in done.stderr


def test_explain_shows_how_a_score_came_about(db):
    db.fill([ledger_row("li", ticket=f"T{n}", resolution_within_sla=int(n != 7), resolution_measured=1, resolution_last_part=int(n < 6))
             for n in range(40)] + [ledger_row("wang", resolution_within_sla=30, resolution_measured=40)])
    plans = sample()
    plans["revisions"][0]["plans"][0]["flags"] = [
        {"name": "late", "mark": "resolution_last_part", "per": "resolution_within_sla", "min_count": 5}]
    path = write(db, "explain.json", plans)
    text = db.kpid("appraisal", "explain", "2026-03", "li", "--plan", path, user="hr").stdout
    assert text == """everybody: li, score 100.00 (between 68.48 and 100.00), grade good, rank 1 (1 to 1) of 2
    resolved in time: 100.0000 of 100 points
        39 / 40 = 0.975000; between 0.8712 and 0.9956
        0 points at 70%, all 100 at 95%, in proportion between
    Flag, without points: late: 6 of 39; the others 0 of 30
"""
    rows = [line.split() for line in db.kpid("appraisal", "explain", "2026-03", "li", "resolved in time", "--plan", path, user="hr")
            .stdout.splitlines()]
    assert rows[:2] == [["ticket", "above", "base"], ["T7", "0", "1"]] and len(rows) == 21
    rows = db.rows("SELECT ticket_id FROM appraisal.tickets('2026-03', 'everybody', 'agent', 'li', 'late', %s) WHERE above > 0 ORDER BY 1",
                   json.dumps(plans))  # G2
    assert [ticket for (ticket,) in rows] == [f"T{n}" for n in range(6)]
    document = json.loads(db.kpid("appraisal", "explain", "2026-03", "li", "--json", "--plan", path, user="hr").stdout)
    assert document["cards"][0]["card"]["score"] == 100 and document["period"]["key"] == "2026-03"
    assert "nobody has no card in 2026-03" in db.kpid("appraisal", "explain", "2026-03", "nobody", "--plan", path, user="hr", status=1).stderr
    assert "得满分" in db.kpid("appraisal", "explain", "2026-03", "li", "--lang", "zh", "--plan", path, user="hr").stdout


@pytest.mark.parametrize("user", ["writer", "reader"])
def test_only_hr_sees_results_of_persons(db, user):
    done = db.kpid("appraisal", "preview", "2026-03", "--plan", SAMPLE, user=user, status=4)
    assert "kpid_hr" in done.stderr
    connection = db.pg.connect("kpid", user)
    names = [name for (name,) in db.rows("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'appraisal'::regnamespace")]
    assert len(names) > 25
    for name in names:
        assert db.rows("SELECT has_function_privilege(%s, %s, 'EXECUTE')", user, name) == [(False,)], name
    for (table,) in db.rows("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'appraisal'::regnamespace AND relkind = 'r'"):
        with pytest.raises(errors.InsufficientPrivilege), connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
        connection.rollback()
    connection.close()


def test_hr_calls_functions_and_reads_no_table(db):
    connection = db.pg.connect("kpid", "hr")
    for (table,) in db.rows("SELECT oid::regclass::text FROM pg_class WHERE relnamespace IN ('appraisal'::regnamespace, 'kpid'::regnamespace)"
                            " AND relkind = 'r'"):
        with pytest.raises(errors.InsufficientPrivilege), connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
        connection.rollback()
    connection.close()
    may = [name for (name,) in db.rows("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'appraisal'::regnamespace"
                                       " AND has_function_privilege('hr', oid, 'EXECUTE') ORDER BY 1")]
    assert [name.partition("(")[0].partition(".")[2] for name in may] == [
        "add_agent_keys", "adjust", "agents_without_key", "appeals", "apply_revisions", "close", "closed", "decide", "drift", "enter", "explain",
        "forget", "least_settle_us", "notes", "page", "preview", "replace_roster", "report", "restate", "tickets", "verify"]


def test_a_plan_cannot_run_sql(db):
    """Names and patterns are quoted, and a column that is not in the ledger is refused."""
    plans = sample()
    one = plans["revisions"][0]["plans"][0]
    one["match"] = {"project_id": ["'); DROP SCHEMA kpid; --*", "x\\' OR true --"]}
    assert db.preview(plans)["plans"][0]["cards"] == []
    one["match"] = {"1=1 OR project_id": ["x"]}
    with pytest.raises(errors.UndefinedColumn):
        db.preview(plans)
    del one["match"]
    for value in ("pg_sleep(1)", "ticket_id", "opened) FROM pg_authid; --"):
        one["indicators"][0]["value"] = value
        with pytest.raises(errors.CheckViolation):
            db.preview(plans)


def test_names_of_columns_are_those_of_the_ledger(db):
    """The program checks the columns of a value by its own list."""
    names = [name for (name,) in db.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'report.ledger'::regclass AND attnum > 8"
                                         " AND NOT attisdropped")]
    for value in (f"({' + '.join(names[:32])}) / ({' + '.join(names[32:])})",):
        plans = sample()
        plans["revisions"][0]["plans"][0]["indicators"][0]["value"] = value
        db.kpid("appraisal", "check", write(db, "columns.json", plans))
        db.preview(plans)
    plans["revisions"][0]["plans"][0]["indicators"][0]["value"] = "resolution_us_sum"
    assert "is no column of the ledger" in db.kpid("appraisal", "check", write(db, "columns.json", plans), status=3).stderr
