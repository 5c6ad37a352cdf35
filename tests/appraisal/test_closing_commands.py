"""kpid appraisal close, cards, verify, drift, restate, adjust, enter, appeal, withdraw, appeals and decide."""
import json

import pytest

from test_closing import adjusted_plan, prepare
from test_examples import case_mix, indicator, plan

RECORD = ("--by", "Wu Min", "--why", "end of March")


@pytest.fixture(scope="module", autouse=True)
def logins(db):
    db.rows("CREATE ROLE boss LOGIN IN ROLE kpid_hr; CREATE ROLE judge LOGIN IN ROLE kpid_hr; CREATE ROLE lina LOGIN IN ROLE kpid_agent")
    yield
    db.rows("DROP ROLE boss, judge, lina")


@pytest.fixture
def ready(db):
    prepare(db, [adjusted_plan()], case_mix(), roster=[{"agent": "Li", "role": "", "since": None, "until": None, "login": "lina"}])
    return db


def run(db, *arguments, user="boss", **options):
    return db.kpid("appraisal", *arguments, user=user, **options).stdout


def test_a_period_from_the_first_entry_to_a_restatement(ready):
    assert run(ready, "enter", "2026-03", "Li", "by hand", "45/50", *RECORD).endswith(" is stored\n") and ready.rows(
        "SELECT above, base FROM appraisal.manual_entry") == [(45, 50)]
    text = run(ready, "close", "2026-03", *RECORD)
    (digest,), = ready.rows("SELECT encode(digest, 'hex') FROM appraisal.closing")
    assert text.startswith("2026-03 is closed: 4 cards by revision r\nversion 1, closed at ") and f" UTC by Wu Min\ndigest {digest}\n" in text
    assert "was closed at" in ready.kpid("appraisal", "close", "2026-03", *RECORD, user="boss", status=1).stderr
    text = run(ready, "cards", "2026-03")
    assert text.startswith("2026-03-01 to 2026-03-31 (UTC), closed, revision r") and "Zhao" in text and f"digest {digest}\n" in text
    assert "is as it was closed" in run(ready, "verify", "2026-03")
    assert run(ready, "drift", "2026-03") == "no later fact would change a card of 2026-03\n"
    assert "version 2, score" in run(ready, "adjust", "2026-03", "Wang", "--points", "-2.5", *RECORD)
    (number,), = ready.rows("SELECT adjustment_no FROM appraisal.adjustment")
    assert "1 adjustment: --json shows them" in run(ready, "cards", "2026-03")
    run(ready, "adjust", "2026-03", "Wang", "--undo", str(number), *RECORD)
    ready.change_ledger("UPDATE kpid.ledger SET resolution_within_sla = 19 WHERE agent_id = 'Li' AND resolution_within_sla = 18")
    text = run(ready, "drift", "2026-03")
    assert "47 → 48" in text and "60 → 60" in text and "13.4933 → 15.5766" in text
    assert json.loads(run(ready, "drift", "2026-03", "--json"))["drift"][0]["subject"] == "Li"
    text = run(ready, "restate", "2026-03", *RECORD)
    assert "version 2, closed at" in text and "adjustments applied again: 2\n" in text
    assert "is as it was closed" in run(ready, "verify", "2026-03")


def test_verify_ends_with_1_if_anything_differs(ready):
    run(ready, "close", "2026-03", *RECORD)
    ready.rows("SET session_replication_role = replica; UPDATE appraisal.closed_card SET score = 1 WHERE subject = 'Li'; RESET session_replication_role")
    text = run(ready, "verify", "2026-03", status=1)
    assert "score" in text and "Li" in text and "digest" in text
    assert len(json.loads(run(ready, "verify", "2026-03", "--json", status=1))["differences"]) >= 2


def test_an_appeal_by_commands(ready):
    run(ready, "close", "2026-03", *RECORD)
    ticket = ready.rows("SELECT min(ticket_id) FROM kpid.ledger WHERE agent_id = 'Li'")[0][0]
    assert run(ready, "appeals", user="lina") == "no appeals\n"
    text = run(ready, "appeal", "2026-03", "--indicator", "i", "--ticket", ticket, "--text", "the lift \x1b[31m", user="lina")
    number = text.split()[1]
    assert text == f"appeal {number} is filed\n"
    text = run(ready, "appeals", user="lina")
    assert "filed" in text and "\x1b" not in text
    assert "boss has closed 2026-03" in ready.kpid("appraisal", "decide", number, "reject", *RECORD, user="boss", status=1).stderr
    assert "at least one adjustment" in ready.kpid("appraisal", "decide", number, "accept", *RECORD, user="judge", status=1).stderr
    text = run(ready, "decide", number, "accept", "--exclude", ticket, *RECORD, user="judge")
    assert text.startswith(f"appeal {number} is accepted\nadjustment ") and "agent Li of plan p, version 2" in text
    assert json.loads(run(ready, "appeals", "2026-03", "--json"))["appeals"][0]["state"] == "accepted"
    second = run(ready, "appeal", "2026-03", "--text", "once more", user="lina").split()[1]
    assert run(ready, "withdraw", second, user="lina") == f"appeal {second} is withdrawn\n"


@pytest.mark.parametrize("arguments, words", [
    (("close", "2026-03"), "close needs --why TEXT"), (("close", "2026-03", "--why", ""), "close needs --why TEXT"),
    (("verify", "2026-03", "--early"), "verify does not take --early"), (("refresh", "--why", "x"), "refresh does not take --why"),
    (("adjust", "2026-03", "Li", "--why", "x"), "one of --exclude, --points and --undo"),
    (("adjust", "2026-03", "Li", "--why", "x", "--points", "1", "--undo", "2"), "one of --exclude, --points and --undo"),
    (("adjust", "2026-03", "Li", "--why", "x", "--points", "1", "--level", "floor"), "--level takes agent, team or project"),
    (("enter", "2026-03", "Li", "i", "45", "--why", "x"), "written as ABOVE/BASE"), (("appeal", "2026-03"), "appeal needs --text"),
    (("withdraw", "x"), "is not the number of an appeal"), (("decide", "1", "maybe", "--why", "x"), "by accept or reject"),
    (("close", "2026-03", "--why", "x" * 2001), "--why takes at most 2000 characters")])
def test_wrong_command_lines(db, arguments, words):
    assert words in db.kpid("appraisal", *arguments, user="boss", status=2).stderr


def test_the_needed_role_is_named(ready):
    assert "kpid_hr" in ready.kpid("appraisal", "close", "2026-03", *RECORD, user="lina", status=4).stderr
    assert "kpid_agent" in ready.kpid("appraisal", "appeals", user="boss", status=4).stderr


def test_a_card_of_a_group_and_of_one_of_several_plans(db):
    plans = [plan(indicator(), name="a", match={"priority": ["1"]}, levels=["agent", "project"]), plan(indicator(), name="b")]
    prepare(db, plans, [{**one, "project_id": "garden"} for one in case_mix()])
    run(db, "close", "2026-03", *RECORD)
    assert "name the plan: a, b" in db.kpid("appraisal", "adjust", "2026-03", "Li", "--points", "1", *RECORD, user="boss", status=1).stderr
    assert "agent Li of plan b" in run(db, "adjust", "2026-03", "Li", "--in", "b", "--points", "1", *RECORD)
    assert "project garden of plan a" in run(db, "adjust", "2026-03", "garden", "--level", "project", "--points", "1", *RECORD)
