"""Closing a period and what comes after (rules Z): kpid and the second program agree, and what was frozen stays."""
import contextlib
import datetime
import decimal
import json
import threading
from fractions import Fraction

import pytest
from psycopg2 import Error, errors

from closing import Frozen, digest_of
from conftest import differences, expected, in_order, ledger_row, period_rows
from second import KEYS
from test_examples import case_mix, indicator, met, plan

F = Fraction
TABLES = ("plan_revision", "manual_entry", "closing", "closed_row", "closed_item", "closed_manual", "closed_pool", "closed_card",
          "closed_indicator", "adjustment", "appeal", "appeal_end")
OF_VERSIONS = ("version", "made_at", "by_hand", "open_appeals", "final_at")


def adjusted_plan(**values):
    return plan(indicator(weight=25, adjust=["category:1", "priority"]), indicator("by hand", weight=75, value="manual"), min_weight=1, **values)


def prepare(db, plans, ledger, items=(), roster=(), manual=None, **revision):
    """A database in which 2026-03 can be closed; what the second program freezes."""
    stored = {"id": "r", "plans": plans, **revision}
    db.fill(ledger, items, roster, manual)
    db.store_plan(stored)
    db.refreshed()
    return frozen(db, stored, ledger, items, roster, manual)


def frozen(db, revision, ledger, items=(), roster=(), manual=None):
    cycle, rows, items = period_rows(db, list(ledger), items)
    return Frozen(revision, cycle, rows, items, roster, manual)


def close(db, key="2026-03", early=False, who="Wu Min", why="it is over"):
    return db.document("appraisal.close(%s, %s, %s, %s)", key, who, why, early)


def adjust(db, change, subject="Li", level="agent", of_plan=None, key="2026-03", why="agreed"):
    return db.document("appraisal.adjust(%s, %s, %s, %s, %s, 'Wu Min', %s)", key, of_plan, level, subject, json.dumps(change), why)


def drift(db, key="2026-03"):
    """{(plan, level, subject, indicator): its columns}"""
    rows = db.document("SELECT coalesce(jsonb_agg(to_jsonb(d)), '[]') FROM appraisal.drift(%s) d", key)
    return {(one.pop("plan"), one.pop("level"), one.pop("subject"), one.pop("indicator")): one for one in rows}


def verify(db, key="2026-03"):
    return db.rows("SELECT * FROM appraisal.verify(%s)", key)


def latest(db, key="2026-03"):
    """The plans with the latest versions of their cards."""
    plans = in_order(without_reference(db.document("appraisal.closed(%s)", key)["plans"]))
    for one in plans:
        for card in one["cards"]:
            for name in OF_VERSIONS:
                card.pop(name)
    return plans


def without_reference(plans):
    return [{**one, "reference": []} for one in plans]


def digests(db):
    return db.rows("SELECT key, version, encode(digest, 'hex') FROM appraisal.closing ORDER BY 1, 2")


# ---- closing (Z2, Z3) ----

def test_Z3_closing_freezes_the_cards_of_the_preview_and_their_digest(db):
    ledger = case_mix()
    prepare(db, [adjusted_plan(levels=["agent", "project"])], ledger, manual={("p", "agent", "Li", "by hand"): ("45", "50")})
    previewed = db.preview()["plans"]
    summary = close(db)
    wanted = expected(db, {"id": "r", "plans": [adjusted_plan(levels=["agent", "project"])]}, ledger,
                      manual={("p", "agent", "Li", "by hand"): ("45", "50")})
    assert summary["digest"] == digest_of("2026-03", 1, wanted) == digest_of("2026-03", 1, previewed)
    assert [summary[name] for name in ("key", "version", "revision", "early", "closed_by", "login", "why", "cards", "begins_at")] == [
        "2026-03", 1, "r", False, "Wu Min", "postgres", "it is over", 4, "2026-03-01T00:00:00"]
    assert not differences(latest(db), in_order([{**one, "reference": []} for one in wanted]))
    assert verify(db) == []


def test_digest_text_is_what_the_document_says(db):
    """Names with separators, NULL, and numbers without zeros at their end."""
    ledger = [met("a\tb\\c\nd", 9, 10)]
    prepare(db, [plan(indicator())], ledger)
    close(db)
    (text,), = db.rows("SELECT appraisal.digest_text(1, '2026-03', 1)")
    assert text == ("card\t2026-03\t1\tp\tagent\ta\\tb\\\\c\\nd\tscored\t100\t100\t100\t100\t0\t100\tA\t1.2\t1\t1\t1\t1\n"
                    "indicator\t2026-03\t1\tp\tagent\ta\\tb\\\\c\\nd\ti\t9\t10\t10\t0.9\t\\N\t\\N\tscored\t100\t100\t0.5958\t0.9821\n")
    assert digests(db)[0][2] == digest_of("2026-03", 1, expected(db, {"id": "r", "plans": [plan(indicator())]}, ledger))


def refusal(db, sql, *values):
    with pytest.raises(Error) as raised:
        db.rows(f"SELECT {sql}", *values)
    return str(raised.value)


A_TICKET = """INSERT INTO kpid.ticket (ticket_id, rev, as_of, revised_at, cycle, reopen_count, transfer_count, state, first_response_verdict,
    resolution_verdict, cycle_verdict, resolution, history) VALUES ('T', 1, now(), now(), 0, 0, 0, 0, 0, 0, 0, 0, '')"""
STATES = [
    ("UPDATE kpid.ledger_state SET as_of = '2026-03-31 23:59:59Z'", "knows time until 2026-03-31 23:59:59 UTC", True),
    ("UPDATE kpid.ledger_state SET as_of = NULL", "does not say how far time is known", True),
    ("INSERT INTO kpid.source_partition (topic, partition, epoch, owner, state) VALUES ('t', 3, 1, '', 'stopped')", "t/3 is stopped", False),
    ("INSERT INTO kpid.gap (topic, partition, expected_offset, reason) VALUES ('t', 4, 0, 'lost')", "events are missing in t/4", False),
    (A_TICKET, "1 tickets are newer than their rows", False)]


@pytest.mark.parametrize("change, words, early_skips", STATES)
def test_Z2_what_must_hold_before_a_period_is_closed(db, change, words, early_skips):
    prepare(db, [plan(indicator())], [met("li", 1, 1)])
    try:
        db.rows(change)
        assert words in refusal(db, "appraisal.close('2026-03', 'Wu', 'x')")
        if early_skips:
            assert close(db, early=True)["early"] is True
            assert verify(db) == []
        else:
            assert words in refusal(db, "appraisal.close('2026-03', 'Wu', 'x', true)")
            assert db.rows("SELECT count(*) FROM appraisal.closing UNION ALL SELECT count(*) FROM appraisal.closed_row") == [(0,), (0,)]
    finally:
        db.rows("DELETE FROM kpid.source_partition; DELETE FROM kpid.gap; DELETE FROM kpid.ticket")
        db.refreshed()


def test_Z2_a_period_settles_for_the_greatest_settle_of_its_plans(db):
    year = datetime.datetime.now(datetime.timezone.utc).year
    prepare(db, [plan(indicator(), name="a", settle="8d", match={"project_id": ["x"]}), plan(indicator(), name="b", settle="30000d")], [met("li", 1, 1)])
    ends = datetime.datetime(2026, 4, 1) + datetime.timedelta(30000)
    assert f"2026-03 settles until {ends:%Y-%m-%d} 00:00:00 UTC" in refusal(db, "appraisal.close('2026-03', 'Wu', 'x')")
    text = refusal(db, "appraisal.close(%s, 'Wu', 'x')", f"{year + 1}-01")
    assert "settles until" in text and "ends at" in text  # all reasons at once
    assert close(db, early=True)["early"] is True


def test_Z2_a_period_is_closed_once(db):
    prepare(db, [plan(indicator())], [met("li", 1, 1)])
    close(db)
    assert "2026-03 was closed at" in refusal(db, "appraisal.close('2026-03', 'Wu', 'x', true)")
    assert "no plan with the cycle quarter" in refusal(db, "appraisal.close('2026-Q1', 'Wu', 'x', true)")
    assert "last:28d moves" in refusal(db, "appraisal.close('last:28d', 'Wu', 'x', true)")
    assert "name the person" in refusal(db, "appraisal.close('2026-02', '', 'x')")
    assert "give a reason" in refusal(db, "appraisal.close('2026-02', 'Wu', ' ')")
    assert "2026-02 has not been closed" in refusal(db, "appraisal.restate('2026-02', 'Wu', 'x')")
    for function in ("verify", "drift", "closed"):
        assert "2026-02 has not been closed" in refusal(db, f"appraisal.{function}('2026-02')")
        assert "is no period" in refusal(db, f"appraisal.{function}('soon')")


def test_Z2_two_at_once_close_a_period_once(db):
    prepare(db, [plan(indicator())], [met(f"a{n}", n % 7, 7) for n in range(300)])
    results = []

    def one():
        with contextlib.closing(db.pg.connect("kpid")) as connection:
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT appraisal.close('2026-03', 'Wu', 'x')")
                connection.commit()
                results.append("closed")
            except errors.ObjectNotInPrerequisiteState:
                results.append("refused")
    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["closed", "refused", "refused", "refused"] and verify(db) == []


@pytest.mark.parametrize("table", TABLES)
def test_Z3_rows_never_change_not_even_by_their_owner(db, table):
    ledger = case_mix()
    items = [{**{name: ledger[0][name] for name in KEYS}, "item": "x", "kind": "csat", "answered": 1, "perceived_sum": 1, "paired": 0, "gap_sum": 0}]
    prepare(db, [adjusted_plan()], ledger, items, [{"agent": "Li", "role": "", "since": None, "until": None, "login": "postgres"}],
            {("p", "agent", "Li", "by hand"): ("1", "1")})
    close(db)
    if table in ("adjustment", "appeal", "appeal_end"):
        adjust(db, {"points": "1"}, "Wang")
        db.rows("SELECT me.appeal('2026-03', NULL, NULL, NULL, 'wrong'); SELECT me.withdraw(max(appeal_no)) FROM appraisal.appeal")
    assert db.rows(f"SELECT count(*) > 0 FROM appraisal.{table}") == [(True,)]
    (column,) = db.rows("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attidentity = '' LIMIT 1", f"appraisal.{table}")[0]
    for sql in (f"UPDATE appraisal.{table} SET {column} = {column}", f"DELETE FROM appraisal.{table}", f"TRUNCATE appraisal.{table} CASCADE"):
        db.rows("SET ROLE kpid_owner")
        try:
            with pytest.raises(errors.ObjectNotInPrerequisiteState, match="never change"):
                db.rows(sql)
        finally:
            db.rows("RESET ROLE")


# ---- verify (Z3) ----

@pytest.mark.parametrize("change, found", [
    ("UPDATE appraisal.closed_card SET score = 99 WHERE subject = 'Li'", {("Li", "", "score"), ("", "", "digest")}),
    ("UPDATE appraisal.closed_indicator SET points = 1 WHERE subject = 'Wang' AND item_no = 1", {("Wang", "i", "points"), ("", "", "digest")}),
    ("UPDATE appraisal.closing SET digest = sha256('x')", {("", "", "digest")}),
    ("UPDATE appraisal.plan_revision SET json = json || ' '", {("", "", "revision")}),
    ("UPDATE appraisal.closed_pool SET above = above - 1 WHERE pool = '{enquiry,3}'", {("", "i", "reference")}),
    ("DELETE FROM appraisal.closed_card WHERE subject = 'Sun'; DELETE FROM appraisal.closed_indicator WHERE subject = 'Sun'", {("Sun", "", "score")}),
    ("UPDATE appraisal.closed_row SET resolution_within_sla = 0 WHERE agent_id = 'Zhao'", {("Zhao", "i", "value")}),
    ("UPDATE appraisal.closed_card SET by_hand = 3 WHERE version = 2", {("Li", "", "by_hand")})])
def test_Z3_verify_finds_what_somebody_changed(db, change, found):
    prepare(db, [adjusted_plan()], case_mix())
    close(db)
    adjust(db, {"points": "2.5"})
    assert verify(db) == []
    db.rows(f"SET session_replication_role = replica; {change}; RESET session_replication_role")
    assert found <= {(subject, of, field) for _, _, _, subject, _, of, field, _, _ in verify(db)}


# ---- late facts (Z4) ----

def test_Z4_a_late_event_changes_no_card(db):
    """The example of Z4: a timely resolution of Li arrives after the period was closed."""
    prepare(db, [adjusted_plan()], case_mix())
    close(db)
    before, cards = digests(db), latest(db)
    assert drift(db) == {}
    db.change_ledger("UPDATE kpid.ledger SET resolution_within_sla = 19 WHERE agent_id = 'Li' AND resolution_within_sla = 18")
    found, = drift(db).items()
    assert found[0] == ("p", "agent", "Li", "i")
    assert [found[1][name] for name in ("closed_above", "above", "closed_base", "base", "closed_adjusted", "adjusted", "closed_points", "points")] == [
        47, 48, 60, 60, F("0.807946"), F("0.824613"), F("13.4933"), F("15.5766")]
    assert found[1]["tickets"] == [ticket for (ticket,) in db.rows("SELECT ticket_id FROM kpid.ledger WHERE resolution_within_sla = 19")]
    assert (digests(db), latest(db), verify(db)) == (before, cards, [])


def test_Z4_an_unknown_stratum_takes_the_pool_that_it_would_fall_into(db):
    ledger = [met(agent, 5, 9, "repair", priority) for agent in "abc" for priority in ("1", "2")]  # pooled as repair
    ledger += [met(agent, 10, 20, "lift", "1") for agent in "abc"]
    then = prepare(db, [plan(indicator(adjust=["category", "priority"]))], ledger)
    close(db)
    late = [*ledger, met("a", 1, 2, "repair", "9"), met("b", 1, 2, "lift", "2"), met("c", 2, 2, "new", "")]
    db.fill_ledger(late)
    wanted = then.drift(frozen(db, then.revision, late))
    assert not differences(drift(db), wanted)
    reference = then.references["p", "i"]
    assert reference.share(("repair", "9")) == F(30, 54) and reference.share(("lift", "2")) == reference.share(("new", "")) == reference.rate()


def test_Z4_drift_follows_the_roster_of_now(db):
    plans = [plan(indicator(), name="desk", roles=["desk"]), plan(indicator(), name="rest")]
    ledger = [met("li", 3, 4), met("wang", 1, 2)]
    roster = [{"agent": "li", "role": "desk", "since": None, "until": None}]
    then = prepare(db, plans, ledger, roster=roster)
    close(db)
    db.rows("SELECT appraisal.replace_roster('[]', 'test')")
    found = drift(db)
    assert {key: (one["closed_n"], one["n"]) for key, one in found.items()} == {
        ("desk", "agent", "li", "i"): (4, 0), ("rest", "agent", "li", "i"): (0, 4)}
    assert not differences(found, then.drift(frozen(db, then.revision, ledger)))


def test_Z4_a_ticket_without_a_sum_counts_where_tickets_are_counted(db):
    plans = [plan(indicator(value="repeated", unit="count", better="down", score={"deduct": {"from": 0, "each": 1, "less": 2}}))]
    ledger = [ledger_row("li", ticket="T1", repeated=1)]
    then = prepare(db, plans, ledger)
    close(db)
    late = [*ledger, ledger_row("li", ticket="T2", opened=1)]
    db.fill_ledger(late)
    found = drift(db)
    assert [(one["closed_n"], one["n"], one["tickets"]) for one in found.values()] == [(1, 2, ["T2"])]
    assert not differences(found, then.drift(frozen(db, then.revision, late)))


# ---- adjustments (Z5) and restatement (Z7) ----

def card_of(db, subject="Li", **where):
    names = ("version", "base_score", "score", "low", "high", "grade", "by_hand")
    rows = db.rows(f"SELECT {', '.join(names)} FROM appraisal.closed_card WHERE subject = %s ORDER BY closing_no, version", subject)
    return [dict(zip(names, row)) for row in rows]


def test_Z5_adjustments_make_versions_and_change_no_other_card(db):
    then = prepare(db, [adjusted_plan()], case_mix())
    close(db)
    before, others = digests(db), [card_of(db, name) for name in ("Wang", "Zhao", "Sun")]
    ticket = db.rows("SELECT ticket_id FROM appraisal.closed_row WHERE agent_id = 'Li' AND resolution_measured = 30 AND resolution_within_sla = 18")[0][0]
    first = adjust(db, {"exclude": ticket, "indicator": "i"})
    wanted = then.card("p", "agent", "Li", excludes=[(ticket, "i")])
    assert (first["version"], first["score"], first["grade"]) == (2, wanted["score"], wanted["grade"]) and first["score"] != first["before"]
    assert adjust(db, {"points": "-10"})["score"] == then.card("p", "agent", "Li", excludes=[(ticket, "i")], by_hand=F(-10))["score"]
    assert adjust(db, {"points": "10"})["score"] == first["score"]
    undone = adjust(db, {"undo": int(first["adjustment"])})
    assert undone["score"] == first["before"]
    assert adjust(db, {"undo": int(undone["adjustment"])})["score"] == first["score"]
    assert [card["version"] for card in card_of(db)] == [1, 2, 3, 4, 5, 6]
    assert (digests(db), [card_of(db, name) for name in ("Wang", "Zhao", "Sun")], verify(db)) == (before, others, [])


@pytest.mark.parametrize("change, words", [
    ({"points": "10.01"}, "at most 10 points"), ({"points": "1.234"}, "at most two decimals"), ({"points": 0}, "other than 0"),
    ({"points": "NaN"}, "points are a number"), ({"points": 1, "exclude": "T"}, "has one of"), ({}, "has one of"), ([], "has one of"),
    ({"indicator": "i", "points": 1}, "has one of"), ({"grade": "A"}, "has one of"), ({"exclude": "nothing"}, "is not behind this card"),
    ({"exclude": "T1", "indicator": "by hand"}, "no indicator by hand that comes from tickets"), ({"undo": 99}, "does not exist"),
    ({"undo": "x"}, "does not exist")])
def test_Z5_malformed_adjustments(db, change, words):
    prepare(db, [adjusted_plan()], case_mix())
    close(db)
    assert words in refusal(db, "appraisal.adjust('2026-03', NULL, 'agent', 'Li', %s, 'Wu', 'x')", json.dumps(change))
    assert db.rows("SELECT count(*) FROM appraisal.adjustment") == [(0,)]


def test_Z5_an_adjustment_is_undone_once(db):
    prepare(db, [adjusted_plan()], case_mix())
    close(db)
    number = int(adjust(db, {"points": 1})["adjustment"])
    adjust(db, {"undo": number})
    assert "is undone already" in refusal(db, "appraisal.adjust('2026-03', 'p', 'agent', 'Li', %s, 'Wu', 'x')", json.dumps({"undo": number}))
    assert "does not exist" in refusal(db, "appraisal.adjust('2026-03', 'p', 'agent', 'Sun', %s, 'Wu', 'x')", json.dumps({"undo": number}))
    assert "has no such card" in refusal(db, "appraisal.adjust('2026-03', 'p', 'team', 'Li', '{\"points\": 1}', 'Wu', 'x')")
    assert "has not been closed" in refusal(db, "appraisal.adjust('2026-04', 'p', 'agent', 'Li', '{\"points\": 1}', 'Wu', 'x')")


def test_Z5_points_by_hand_move_the_interval_and_are_cut(db):
    prepare(db, [plan(indicator(), max_hand=60)], [met("li", 85, 100), met("wang", 80, 100)])
    close(db)
    base, = card_of(db, "li")
    assert adjust(db, {"points": "30.5"}, "li")["score"] == 100
    _, high = card_of(db, "li")
    assert (high["base_score"], high["high"], high["low"]) == (base["base_score"], 100, base["low"] + decimal.Decimal("30.5")) and high["grade"] == "A"
    ranks = {card["subject"]: (card["rank"], card["ranked"]) for card in latest(db)[0]["cards"]}
    assert ranks == {"li": (1, 2), "wang": (2, 2)}
    adjust(db, {"points": "-60"}, "li")
    assert {card["subject"]: card["rank"] for card in latest(db)[0]["cards"]} == {"li": 2, "wang": 1}
    assert db.rows("SELECT rank FROM appraisal.closed_card WHERE version = 1 ORDER BY subject") == [(1,), (2,)]  # as closed


def test_Z7_a_restatement_is_the_next_version_and_applies_adjustments_again(db):
    prepare(db, [adjusted_plan()], case_mix())
    close(db)
    adjust(db, {"points": "2"})
    adjust(db, {"points": "1"}, "Sun")
    before, old = digests(db), db.rows("SELECT * FROM appraisal.closed_card ORDER BY plan_no, subject, version")
    db.change_ledger("UPDATE kpid.ledger SET resolution_within_sla = 19 WHERE agent_id = 'Li' AND resolution_within_sla = 18;"
                     " DELETE FROM kpid.ledger WHERE agent_id = 'Sun'")
    summary = db.document("appraisal.restate('2026-03', 'He Lan', 'a late resolution')")
    assert [summary[name] for name in ("version", "closed_by", "adjustments")] == [2, "He Lan", 1] and len(summary["adjustments_without_card"]) == 1
    assert digests(db)[:1] == before and digests(db)[1][2] != before[0][2]
    assert db.rows("SELECT * FROM appraisal.closed_card WHERE closing_no = 1 ORDER BY plan_no, subject, version") == old
    li = db.rows("SELECT version, base_score, score FROM appraisal.closed_card WHERE closing_no = 2 AND subject = 'Li' ORDER BY 1")
    assert [version for version, *_ in li] == [1, 2] and li[1][2] == li[1][1] + 2 and li[0][1] == li[0][2]
    assert verify(db) == [] and drift(db) == {}
    assert "Li" in {card["subject"] for card in latest(db)[0]["cards"]}


def test_Z3_later_plans_and_rosters_do_not_matter(db):
    prepare(db, [adjusted_plan()], case_mix())
    close(db)
    before = digests(db)
    db.store_plan({"id": "next", "effective_from": "2026-02-01Z", "plans": [plan(indicator(), name="other")]})
    assert (verify(db), digests(db), drift(db)) == ([], before, {})
    assert db.document("appraisal.restate('2026-03', 'Wu', 'the plan of the period was stored late')")["revision"] == "next"
    assert verify(db) == [] and db.rows("SELECT announced_late FROM appraisal.closing ORDER BY version DESC LIMIT 1") == [(True,)]


# ---- manual entries (Z6) ----

def enter(db, above="9", base="10", subject="Li", of_plan=None, name="by hand", level="agent", key="2026-03"):
    return db.rows("SELECT appraisal.enter(%s, %s, %s, %s, %s, %s, %s, 'Wu Min', 'checked')", key, of_plan, level, subject, name, above, base)


def test_Z6_manual_entries_are_made_before_closing(db):
    prepare(db, [adjusted_plan(levels=["agent", "team"], min_n=1)], case_mix(),
            roster=[{"agent": "Sun", "role": "", "since": None, "until": None, "login": "postgres"}])
    enter(db, above="5")
    enter(db)
    enter(db, level="team", subject="north")
    card = next(card for card in db.preview()["plans"][0]["cards"] if card["subject"] == "Li")
    assert card["indicators"][1]["value"] == F("0.9") and (card["weight"], card["from_events"]) == (100, 25)
    for words, values in (("nobody enters values for himself", {"subject": "Sun"}), ("with an indicator i whose value is manual", {"name": "i"}),
                          ("with an indicator by hand", {"level": "project"}), ("with an indicator by hand", {"of_plan": "q"}),
                          ("base is not below 0", {"base": "-1"}), ("are numbers", {"above": "NaN"}), ("name the agent", {"subject": ""}),
                          ("last:28d moves", {"key": "last:28d"}), ("is no period", {"key": "x"})):
        with pytest.raises(Error, match=words):
            enter(db, **values)
    close(db)
    with pytest.raises(errors.CheckViolation, match="2026-03 is closed"):
        enter(db)
    assert verify(db) == [] and db.rows("SELECT login, entered_by FROM appraisal.manual_entry LIMIT 1") == [("postgres", "Wu Min")]
    db.rows("INSERT INTO appraisal.manual_entry (key, plan, level, subject, indicator, above, base, entered_by, why)"
            " VALUES ('2026-03', 'p', 'agent', 'Li', 'by hand', 1, 10, 'somebody', 'behind the back')")
    assert verify(db) == []  # what was entered is frozen


# ---- what reports see ----

def test_V1_the_report_has_cards_of_groups_and_none_of_persons(db):
    prepare(db, [plan(indicator(), levels=["agent", "team", "project"])], [
        met("li", 9, 10, team_id="north", project_id="a"), met("wang", 6, 10, team_id="south", project_id="a")])
    close(db)
    adjust(db, {"points": "-3"}, "north", "team")
    names = "level, subject, version, score, rank, ranked, from_events"
    assert db.rows(f"SELECT {names} FROM report.group_card ORDER BY level, subject") == [
        ("project", "a", 1, 25, 1, 1, 100), ("team", "north", 2, 97, 1, 2, 100), ("team", "south", 1, 0, 2, 2, 100)]
    assert verify(db) == []
