"""Every example of docs/appraisal.md, by the SQL of kpid and by the second program."""
import datetime
import json
from fractions import Fraction

import pytest

from conftest import differences, expected, in_order, ledger_row
from exact import number, root, rounded, wilson
from second import flag_of, parse_value, pattern_holds, points_of

F = Fraction


def indicator(name="i", **values):
    return {"name": name, "kind": "process", "unit": "percent", "better": "up", "weight": 100,
            "value": "resolution_within_sla / resolution_measured", "score": {"linear": {"zero": "70%", "full": "90%"}}, **values}


def plan(*indicators, **values):
    return {"name": "p", "cycles": ["month"], "indicators": list(indicators), "min_n": 1,
            "grades": [{"name": "A", "at_least": 90, "coefficient": "1.2"}, {"name": "B", "at_least": 80, "coefficient": "1.0"},
                       {"name": "C", "at_least": 60, "coefficient": "0.8"}, {"name": "D", "coefficient": "0.5"}], **values}


def met(agent, m, base, category="", priority="", **values):
    return ledger_row(agent, category=category, priority=priority, resolution_within_sla=m, resolution_measured=base, **values)


def appraised(db, plans, ledger=(), items=(), roster=(), manual=None, key="2026-03", servqual=None):
    """The plans of the preview, which the second program confirms."""
    revision = {"id": "r", "plans": plans, **({"servqual": servqual} if servqual else {})}
    db.fill(ledger, items, roster, manual, key)
    found = in_order(db.preview({"revisions": [revision]}, key)["plans"])
    assert not differences(found, in_order(expected(db, revision, list(ledger), items, roster, manual, key)))
    return found


def cards_of(plans, level="agent"):
    return {card["subject"]: card for card in plans[0]["cards"] if card["level"] == level}


def value(db, sql, *values):
    return db.rows(f"SELECT {sql}", *values)[0][0]


# ---- I ----

@pytest.mark.parametrize("text, wanted", [('"0.85"', "0.85"), ('"95%"', "0.95"), ('"-12"', "-12"), ('"1h30m"', "5400"), ('"-15m"', "-900"),
                                          ("7", "7"), ('"0.5%"', "0.005"), ('"1d2h3m4s"', "93784")])
def test_I1_numbers(db, text, wanted):
    assert F(value(db, "appraisal.number(%s)", text)) == F(wanted) == number(text.strip('"') if '"' in text else int(text))


@pytest.mark.parametrize("pattern, text, holds", [
    ("", "", True), ("*", "", False), ("*", "a", True), ("a*", "ab", True), ("a%", "ab", False), ("a_", "ab", False), ("", "a", False),
    ("a\\*", "a\\b", True), ("*b*", "abc", True), ("a'b", "a'b", True), (7, "7", True), ("满*", "满意", True), ("a*", "A", False)])
def test_P1_patterns(db, pattern, text, holds):
    condition = value(db, "appraisal.pattern_sql('x.x', %s)", json.dumps([pattern]))
    assert db.rows(f"SELECT {condition.replace('%', '%%')} FROM (SELECT %s::text COLLATE \"C\" AS x) x", text) == [(holds,)]
    assert pattern_holds(pattern, text) is holds


def test_I2_rows_go_to_the_first_plan_whose_match_and_roles_hold(db):
    roster = [{"agent": "li", "role": "frontdesk", "since": None, "until": None}, {"agent": "wang", "role": "", "since": None, "until": None}]
    ledger = [met(agent, 1, 1, project_id=project) for agent in ("li", "wang", "new", "") for project in ("a-1", "b")]
    plans = appraised(db, [plan(indicator(), name="desk", match={"project_id": ["a-*"]}, roles=["frontdesk"], levels=["agent", "project"]),
                           plan(indicator(), name="no role", roles=[""]), plan(indicator(), name="rest")], ledger, roster=roster)
    assert [(one["name"], card["level"], card["subject"], card["indicators"][0]["n"]) for one in plans for card in one["cards"]] == [
        ("desk", "agent", "li", 1), ("desk", "project", "a-1", 2),  # nobody's row passes any roles
        ("no role", "agent", "new", 2), ("no role", "agent", "wang", 2), ("rest", "agent", "li", 1)]


def test_I2_both_ends_of_a_role_are_included(db):
    roster = [{"agent": "li", "role": "r", "since": datetime.date(2026, 3, 5), "until": datetime.date(2026, 3, 6)}]
    ledger = [met("li", 1, 1, day=f"2026-03-0{day}") for day in range(4, 8)]
    assert cards_of(appraised(db, [plan(indicator(), roles=["r"])], ledger, roster=roster))["li"]["indicators"][0]["n"] == 2


def test_I3_net_promoter_score(db):
    ledger = [ledger_row("li", nps_promoters=6, nps_detractors=1, nps_responses=10), ledger_row("li", nps_detractors=1, nps_responses=2)]
    card = cards_of(appraised(db, [plan(indicator(value="(nps_promoters - nps_detractors) / nps_responses", unit="score"))], ledger))["li"]
    assert card["indicators"][0]["value"] == F("0.333333")


def test_I4_the_base_without_a_quotient_is_distinct_tickets(db):
    ledger = [ledger_row("li", ticket="T1", repeated=1), ledger_row("li", ticket="T1", day="2026-03-06", repeated=1), ledger_row("li", ticket="T2")]
    one = indicator(value="repeated", unit="count", better="down", score={"deduct": {"from": 0, "each": 1, "less": 2}})
    found = cards_of(appraised(db, [plan(one)], ledger))["li"]["indicators"][0]
    assert (found["n"], found["value"], found["points"]) == (2, 2, 96)


def test_a_slash_in_a_dimension_is_no_quotient():
    assert parse_value("answered(a/b)") == ([(1, "answered", "a/b")], None)


# ---- R ----

@pytest.mark.parametrize("x, decimals, wanted", [
    ("0.5", 2, "0.5"), ("0.005", 2, "0.01"), ("-0.005", 2, "-0.01"), ("0.004999999999999999999", 2, "0.01"), ("0.00499999999999", 2, "0"),
    ("1.2345675", 6, "1.234568"), ("2.5", 2, "2.5"), ("0", 4, "0")])
def test_R0_rounds_half_away_from_zero(db, x, decimals, wanted):
    assert F(value(db, "appraisal.rounded(%s, %s)", x, decimals)) == rounded(F(x), decimals) == F(wanted)


def test_R0_a_half_made_of_quotients_rounds_up(db):
    """1/3 + 1/6 is a half, whatever the digits of its parts are."""
    found = value(db, "appraisal.rounded((appraisal.quotient(1, 3) + appraisal.quotient(1, 6)) * 0.01, 2)")
    assert F(found) == rounded((F(1, 3) + F(1, 6)) / 100, 2) == F("0.01")
    assert abs(F(value(db, "appraisal.quotient(1, 7)")) - F(1, 7)) < F(1, 10 ** 40)
    assert abs(F(value(db, "sqrt(round(2, 60))")) ** 2 - 2) < F(1, 10 ** 40) and abs(root(2) ** 2 - 2) < F(1, 10 ** 40)


STEPS = {"step": {"steps": [{"at_least": "98%", "points": 20}, {"at_least": "95%", "points": 15}], "else": 2}}
DEDUCT = {"from": "95%", "each": "1%", "less": 2, "beyond": "90%"}
POINTS = [({"linear": {"zero": "80%", "full": "95%"}}, "up", 30, "0.93", "26"),
          ({"linear": {"zero": "15m", "full": "5m"}}, "down", 10, "420", "8"),
          ({"linear": {"zero": "80%", "full": "95%"}}, "up", 30, "0.5", "0"), ({"linear": {"zero": "80%", "full": "95%"}}, "up", 30, "1", "30"),
          (STEPS, "up", 20, "0.98", "20"), (STEPS, "up", 20, "0.979999", "15"), (STEPS, "up", 20, "0.949999", "2"),
          *(({"deduct": DEDUCT}, "up", 20, v, started) for v, started in (
              ("0.95", "20"), ("0.949999", "18"), ("0.935", "16"), ("0.93", "16"), ("0.9", "10"), ("0.899999", "0"))),
          *(({"deduct": {**DEDUCT, "count": "whole"}}, "up", 20, v, whole) for v, whole in (
              ("0.95", "20"), ("0.949999", "20"), ("0.935", "18"), ("0.93", "16"), ("0.9", "10"), ("0.899999", "0"))),
          ({"deduct": {"from": 0, "each": 1, "less": 2, "floor": "3.5"}}, "down", 10, "9", "3.5")]


@pytest.mark.parametrize("score, better, weight, v, wanted", POINTS)
def test_R3_points(db, score, better, weight, v, wanted):
    one = indicator(better=better, weight=weight, score=score)
    (found,), = db.rows("SELECT appraisal.points(%s, u) FROM appraisal.rules_of(%s, 'month') AS u", v, json.dumps({"plans": [plan(one)]}))
    assert F(found) == points_of(one, F(v)) == F(wanted)


def test_R2_R4_what_is_not_scored_takes_its_weight_out(db):
    kinds = [indicator("good", weight=50), indicator("few", weight=30, value="csat_satisfied / csat_responses", min_n=5),
             indicator("none", weight=20, value="fcr_resolved / fcr_eligible", dimension="d")]
    ledger = [met("li", 8, 10), ledger_row("li", csat_satisfied=4, csat_responses=4), met("wang", 9, 10)]
    card = cards_of(appraised(db, [plan(*kinds, min_weight=50, dimensions=["d"])], ledger))["li"]
    assert [one["status"] for one in card["indicators"]] == ["scored", "insufficient", "no_data"]
    assert (card["score"], card["grade"], card["dimensions"]) == (50, "D", [{"name": "d", "score": None}])
    card = cards_of(appraised(db, [plan(*kinds, min_weight=51, dimensions=["d"])], ledger))["li"]
    assert (card["status"], card["score"], card["grade"], card["coefficient"]) == ("insufficient", None, None, None)


def test_R6_a_limit_lowers_the_grade_and_not_the_score(db):
    limited = indicator("repeats", value="repeated", weight=1, unit="count", better="down", limit={"beyond": 4, "grade": "C"},
                        score={"deduct": {"from": 4, "each": 1, "less": "0.01"}})
    for repeated, grade in ((4, "A"), (5, "C")):
        card = cards_of(appraised(db, [plan(indicator(weight=99), limited)], [met("li", 10, 10, repeated=repeated)]))["li"]
        assert card["score"] > 99 and card["grade"] == grade


def test_R7_groups_are_the_values_of_their_sums(db):
    ledger = [met("li", 1, 1, team_id="t"), met("wang", 2, 8, team_id="t"), met("", 0, 1, team_id="t")]
    plans = appraised(db, [plan(indicator(), levels=["agent", "team", "project"])], ledger, manual={("p", "team", "by hand", "i"): ("1", "1")})
    assert cards_of(plans, "team")["t"]["indicators"][0]["value"] == F("0.3")
    assert set(cards_of(plans, "team")) == {"t"} and not cards_of(plans, "project")  # i is not manual, so the entry makes no card
    plans = appraised(db, [plan(indicator(value="manual"), levels=["agent"])], ledger, manual={("p", "agent", "new", "i"): ("9", "10")})
    assert cards_of(plans)["new"]["score"] == 100 and cards_of(plans)["li"]["indicators"][0]["status"] == "no_data"


def test_R8_ranks_with_their_ranges(db):
    shares = {"a": 90, "b": 85, "c": 85, "d": 75}
    cards = cards_of(appraised(db, [plan(indicator())], [met(agent, share, 100) for agent, share in shares.items()]))
    assert [cards[agent]["rank"] for agent in shares] == [1, 2, 2, 4]
    cards = cards_of(appraised(db, [plan(indicator())], [met("a", 9900, 10000), met("b", 8000, 10000), met("c", 8010, 10000)]))
    assert [(cards[agent]["best"], cards[agent]["worst"]) for agent in "abc"] == [(1, 1), (2, 3), (2, 3)]


# ---- J ----

@pytest.mark.parametrize("above, n, low, high", [(47, 50, "0.8378", "0.9794"), (0, 10, "0", "0.2775"), (10, 10, "0.7225", "1"),
                                                 (9, 60, "0.0810", None)])
def test_J1_intervals(db, above, n, low, high):
    found = [F(x) for x in value(db, "appraisal.wilson(%s, %s)", above, n)]
    assert tuple(found) == wilson(above, n) and found[0] == F(low) and high in (None, str(float(found[1])).removesuffix(".0"))


def case_mix():
    return [met("Li", 18, 30, "repair/a", "1"), met("Li", 29, 30, "enquiry", "3"), met("Wang", 9, 10, "repair", "1"),
            met("Wang", 88, 90, "enquiry/b", "3"), met("Zhao", 40, 60, "repair", "1"), met("Zhao", 20, 20, "enquiry", "3"),
            met("", 1, 2, "enquiry", "3"), met("Sun", 3, 4, "lift", "1")]


def test_J2_case_mix(db):
    plans = appraised(db, [plan(indicator(weight=25, adjust=["category:1", "priority"]),
                                indicator("other", weight=75, value="manual"), min_weight=1)], case_mix())
    assert {agent: [card["indicators"][0][key] for key in ("value", "expected", "adjusted")] for agent, card in cards_of(plans).items()} == {
        "Li": [F("0.783333"), F("0.820915"), F("0.807946")], "Wang": [F("0.97"), F("0.941648"), F("0.873881")],
        "Zhao": [F("0.75"), F("0.745458"), F("0.850071")], "Sun": [F("0.75"), F("0.75"), F("0.845528")]}
    assert cards_of(plans)["Li"]["indicators"][0]["points"] == F("13.4933")
    reference, = plans[0]["reference"]
    assert (reference["above"], reference["base"]) == (208, 246)
    assert [(pool["pool"], pool["above"], pool["base"]) for pool in reference["pools"]] == [
        ([], 3, 4), (["enquiry", "3"], 138, 142), (["repair", "1"], 67, 100)]


def test_J2_one_more_in_time_by_the_same_reference():
    """The figures of Z4: a timely resolution of Li arrives after the reference was frozen."""
    expected_share = (30 * F(67, 100) + 30 * F(138, 142)) / 60
    adjusted = rounded(F(48, 60) - expected_share + F(208, 246), 6)
    assert (adjusted, points_of(indicator(weight=25), adjusted)) == (F("0.824613"), F("15.5766"))


def test_J2_strata_are_pooled_by_dropping_the_last_attribute(db):
    ledger = [met(agent, 5, 9, "repair", priority) for agent in "abc" for priority in ("1", "2")]  # 27 each, 54 together
    ledger += [met("a", 50, 90, "lift", "1"), met("b", 1, 2, "lift", "1"), met("", 1, 90, "lift", "1"), met("c", 1, 1)]
    plans = appraised(db, [plan(indicator(adjust=["category", "priority"]))], ledger)
    assert [(pool["pool"], pool["base"], len(pool["strata"])) for pool in plans[0]["reference"][0]["pools"]] == [
        ([], 183, 2), (["repair"], 54, 2)]


def test_J3_the_interval_of_a_score(db):
    card = cards_of(appraised(db, [plan(indicator(unit="percent"))], [met("li", 47, 50)]))["li"]
    # 0.94 earns all points, its low 0.8378 earns 100 · 0.1378/0.2
    assert (card["score"], card["low"], card["high"]) == (100, F("68.9"), 100)


# ---- Q and G ----

def test_Q2_gaps(db):
    row = ledger_row("li", csat_responses=3)
    keys = {key: row[key] for key in ("day", "ticket_id", "agent_id", "project_id", "team_id")}
    items = [{**keys, "item": item, "kind": kind, "answered": 1, "perceived_sum": perceived, "paired": paired, "gap_sum": gap}
             for item, kind, perceived, paired, gap in (("speed", "csat", 800_000, 1, -200_000), ("speed", "nps", 1_000_000, 1, 0),
                                                        ("wait", "csat", 600_000, 0, 0), ("else", "csat", 0, 0, 0))]
    one = indicator(value="perceived_sum(responsiveness) / answered(responsiveness)", unit="score")
    card = cards_of(appraised(db, [plan(one)], [row], items, servqual={"responsiveness": ["speed", "wait"]}))["li"]
    assert card["gaps"] == [{"dimension": "", "answered": 1, "perception": 0, "paired": 0, "gap": None},
                            {"dimension": "responsiveness", "answered": 3, "perception": F("0.8"), "paired": 2, "gap": F("-0.1")}]
    assert card["indicators"][0]["value"] == F("0.8")


FLAG = {"name": "last", "mark": "resolution_last_part", "per": "resolution_within_sla", "min_count": 5}


@pytest.mark.parametrize("x, n, others_x, others_n, raised", [
    (9, 60, 12, 240, True), (9, 60, 20, 240, False), (4, 20, 1, 240, False), (9, 60, 0, 29, False), (9, 60, 0, 30, True)])
def test_G1_flags(db, x, n, others_x, others_n, raised):
    ledger = [ledger_row("li", resolution_last_part=x, resolution_within_sla=n), ledger_row("", resolution_last_part=50, resolution_within_sla=50),
              ledger_row("wang", resolution_last_part=others_x, resolution_within_sla=others_n)]
    flag, = cards_of(appraised(db, [plan(indicator(), flags=[FLAG])], ledger))["li"]["flags"]
    assert flag["raised"] is raised and flag["raised"] == flag_of(FLAG, *map(F, (x, n, others_x, others_n)))["raised"]
    if x == 9:
        assert flag["low"] == F("0.0810")
