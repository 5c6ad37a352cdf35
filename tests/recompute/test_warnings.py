"""S8, S9 by warnings, A and P: warnings, escalations and the rows of alerts. One small example for each rule."""

import json

import pytest

import policy
import tables
from clocks import DEADLINE, POLICY_CHANGE
from test_calendars import OFFICE, faults
from test_recompute import T0, at, ev, opened, plain, run, target, when
from times import HOUR, MINUTE

def warns(*warn_at, within="10m", name="resolution", **more):
    """A policy without match whose target warns."""
    return plain(**{name: target(within, warn_at=list(warn_at), **more)})


def matched(priority, policy_of_target, name=None):
    return {**policy_of_target, "name": name or f"of {priority}", "match": {"priority": [priority]}}


def instants(*events, p, name="resolution", n=None):
    """Minutes after T0 of all warnings of a clock, including future ones."""
    result = run(*events, p=p if isinstance(p, (list, tuple)) else (p,), as_of=T0 + 1)
    clocks = [clock for clock in result.folded["T"].clocks if clock.name == name and clock.n == (n or clock.n)]
    return sorted({(moment - T0) / MINUTE for clock in clocks for moment in clock.warnings()})


def on_office(within, *warn_at, **more):
    asks = {"within": within, "calendar": "office", "warn_at": list(warn_at), **more}
    body = {"id": "r", "calendars": {"office": OFFICE}, "policies": [{"name": "p", "targets": {"resolution": asks}}]}
    return policy.parse(json.dumps({"revisions": [body]}).encode())


def alert(*events, p, as_of, shadow=()):
    """The one row, or None."""
    rows = run(*events, p=p if isinstance(p, (list, tuple)) else (p,), as_of=at(as_of), shadow=shadow).alerts
    assert len(rows) <= 1
    return rows[0] if rows else None


def picked(row, *names):
    return tuple(row[name] for name in names)


# --- S8: the instants


def test_S8_part_of_within():
    assert instants(opened(), p=warns("80%", "50%")) == [5, 8]
    assert instants(opened(), p=warns("99%", within="1s")) == [0.99 / 60]
    odd = run(opened(), p=(warns("33%", within="1s"),)).folded["T"].latest["resolution"]
    assert odd.target.warnings == (("ran", 330_000),)


def test_S8_a_part_is_run_as_the_clock_runs():
    p = warns("80%", pause_on=["c"])
    pause = (ev("paused", 3, reason="c"), ev("resumed", 7))
    assert instants(opened(), *pause, p=p) == [12]
    assert instants(opened(), pause[0], p=p) == []
    assert instants(opened(), ev("paused", 8, reason="c"), p=p) == [8]  # it had run by then
    result = run(opened(), p=on_office("5h", "80%", "90%"), as_of=at(1))
    clock = result.folded["T"].latest["resolution"]
    assert [moment - T0 for moment in clock.warnings()] == [4 * HOUR, 5 * HOUR + 30 * MINUTE]


def test_S8_before_it_is_due_by_the_wall():
    assert instants(opened(), p=warns("2m before", "10m before")) == [0, 8]
    result = run(opened(), p=on_office("4h30m", "1h before", "2h before"), as_of=at(1))  # due 13:30, at lunch from 12:00
    clock = result.folded["T"].latest["resolution"]
    assert [(moment - T0) / HOUR for moment in clock.warnings()] == [4.5, 3.5]


def test_S8_by_the_steps_up_to_then():
    """A pause moves the due time away before the instant; a pause after it undoes nothing."""
    p = warns("4m before", pause_on=["c"])
    pause = lambda a, b: (ev("paused", a, reason="c"), ev("resumed", b))
    assert instants(opened(), *pause(3, 5), p=p) == [8]
    assert instants(opened(), *pause(7, 9), p=p) == [6]
    assert instants(opened(), ev("paused", 3, reason="c"), p=p) == []


def test_S8_a_step_at_the_instant_is_among_the_steps_up_to_it():
    p = warns("4m before", pause_on=["c"])
    assert instants(opened(), ev("paused", 6, reason="c"), p=p) == []
    assert instants(opened(), ev("paused", 6, reason="c"), ev("resumed", 8), p=p) == [8]
    assert instants(opened(), ev("paused", 6, reason="c"), ev("resumed", 6.5), p=p) == [6.5]
    assert instants(opened(), ev("resolved", 6), p=p) == []


def test_S8_skipped_when_it_has_stopped_by_then():
    for p in (warns("80%"), warns("2m before")):
        assert instants(opened(), ev("resolved", 7.9), p=p) == []
        assert instants(opened(), ev("resolved", 8), p=p) == []
        assert instants(opened(), ev("resolved", 8.1), p=p) == [8]
        assert instants(opened(), ev("resolved", 9, resolution="cancelled"), p=p) == [8]


def test_S8_skipped_for_good_before_the_start():
    """Due at 10:00, the day before: the warning was due at the start, and a pause of zero length does not bring it
    back."""
    p = on_office("2h", "3h before")
    clock = run(opened(), p=p, as_of=at(1)).folded["T"].latest["resolution"]
    assert clock.warnings() == []
    exactly = run(opened(), p=on_office("2h", "2h before"), as_of=at(1)).folded["T"].latest["resolution"]
    assert exactly.warnings() == [T0]
    nearer = [opened(resolution_due_at=when(5)), ev("updated", 1, resolution_due_at=when(3))]
    assert instants(*nearer, p=warns("6m before")) == []
    assert instants(*nearer, p=warns("4m before")) == [1]


def test_S8_skipped_for_good_before_the_policy_came_to_apply():
    slow = plain(resolution="1h")
    for quick in (warns("50%"), warns("5m before")):
        p = (matched("1", quick), slow)
        assert instants(opened(), ev("updated", 4, priority="1"), p=p) == [5]
        assert instants(opened(), ev("updated", 5, priority="1"), p=p) == [5]
        assert instants(opened(), ev("updated", 6, priority="1"), p=p) == []
    # In contrast: a step that changes the policy gives no warnings for the past; a step under the same policy does.
    p = (matched("1", warns("5m before")), slow)
    promised = (opened(priority="1", resolution_due_at=when(30)), ev("updated", 6, resolution_due_at=when(8)))
    assert instants(*promised, p=p) == [6]
    assert instants(promised[0], ev("updated", 6, resolution_due_at=when(8), priority="2"), p=p) == []


def test_S8_a_step_that_advances_a_warning_warns_at_that_step():
    p = warns("5m before", pause_on=["c"])
    assert instants(opened(resolution_due_at=when(30)), ev("updated", 3, resolution_due_at=when(6)), p=p) == [3]


def test_S8_in_a_pause_there_is_no_due_time_to_hold():
    """From none to one is nearer: it warns when the pause ends, also for an instant that lies in the pause."""
    office = target("2h", calendar="office", warn_at=["150m before"], pause_on=["c"])
    body = {
        "id": "r", "calendars": {"office": OFFICE},
        "policies": [
            {"name": "p", "match": {"priority": ["1"]}, "targets": {"resolution": office}},
            {"name": "q", "targets": {"resolution": {**office, "warn_at": []}}},
        ],
    }  # fmt: skip
    p = policy.parse(json.dumps({"revisions": [body]}).encode())

    def found(*events):
        return [(x - T0) / MINUTE for x in run(*events, p=p, as_of=at(11)).folded["T"].latest["resolution"].warnings()]

    pause = (ev("paused", -50, reason="c"), ev("resumed", 10))  # T0 is when the office opens; due at 120, or at 130
    assert found(opened(-60, priority="1")) == [-30]
    assert found(opened(-20, priority="1")) == []
    assert found(opened(-60, priority="1"), *pause) == [10]
    assert found(opened(-60), ev("updated", -10, priority="1")) == []
    assert found(opened(-60), *pause, ev("updated", -10, priority="1")) == [10]


def test_S8_once_due_no_later_step_undoes_it():
    p = (matched("1", warns("50%", "3m before")), plain(arrival="1h", resolution="1h"))
    later = (ev("updated", 6, priority="2"),)
    assert instants(opened(priority="1"), *later, p=p) == [5]
    assert instants(opened(priority="1"), ev("updated", 8, priority="2"), p=p) == [5, 7]
    assert instants(opened(), ev("updated", 6, resolution_due_at=when(600)), p=warns("5m before")) == [5]


def test_S8_a_policy_that_applies_again_warns_again():
    p = (matched("1", warns("50%", "2m before")), plain(resolution="1h"))
    events = (ev("updated", 6, priority="2"), ev("updated", 7, priority="1"))
    assert instants(opened(priority="1"), *events, p=p) == [5, 8]
    away = (ev("updated", 3, priority="2"), ev("updated", 7, priority="1"))
    assert instants(opened(priority="1"), *away, p=p) == [8]  # 50 % is before it last began to apply


def test_S8_policies_of_one_name_are_two():
    quick = warns("5m before", within="12m")
    p = (matched("1", quick, "same"), {**warns("5m before"), "name": "same"})
    assert instants(opened(), ev("updated", 1, priority="1"), p=p) == [7]
    assert instants(opened(priority="1"), ev("updated", 6, priority="2"), p=p) == []


def test_S8_of_several_steps_at_one_instant_the_last_decides():
    p = warns("4m before", pause_on=["c"])
    blink = (ev("paused", 6, reason="c"), ev("resumed", 6))
    assert instants(opened(), *blink, p=p) == [6]
    p = (matched("1", warns("50%")), plain(resolution="1h"))
    through = (ev("updated", 5, priority="1", _seq="1"), ev("updated", 5, priority="2", _seq="2"))
    assert instants(opened(), *through, p=p) == []


def test_S8_nothing_is_warned_of_after_the_breach():
    p = (matched("1", warns("90%", within="5m")), warns("90%"))
    assert instants(opened(), ev("updated", 8, priority="1"), p=p) == []  # breached at 8, by the change
    assert instants(opened(), ev("paused", 12), ev("resolved", 20), p=warns("90%")) == [9]


def test_S2_S8_a_promise_keeps_the_before_warnings_alone():
    p = warns("50%", "2m before")
    assert instants(opened(resolution_due_at=when(6)), p=p) == [4]
    assert instants(opened(), ev("updated", 3, resolution_due_at=when(60)), p=p) == [58]
    assert instants(opened(), ev("updated", 5.5, resolution_due_at=when(60)), p=p) == [5, 58]
    assert instants(opened(resolution_due_at=when(6)), p=plain(arrival="1h")) == []
    assert instants(opened(5, resolution_due_at=when(1)), p=p) == []  # due at its start, so before the policy applied


def test_S2_S8_parts_that_ran_in_earlier_cycles():
    again = (ev("resolved", 4), ev("reopened", 20))
    p = warns("30%", "40%", "60%", reopen="continue")
    assert instants(opened(), *again, p=p, n=2) == [20, 22]
    assert instants(opened(), *again, p=warns("30%", "40%"), n=2) == [23, 24]
    used_up = warns("50%", "1m before", within="4m", reopen="continue")
    assert instants(opened(), *again, p=used_up, n=2) == []


@pytest.mark.parametrize("name", ["first_response", "arrival", "next_response", "resolution"])
def test_S8_every_clock(name):
    events = (opened(), ev("responded", 0.5), ev("requester_replied", 1)) if name == "next_response" else (opened(),)
    start = 1 if name == "next_response" else 0
    assert instants(*events, p=warns("50%", "1m before", name=name), name=name) == [start + 5, start + 9]


# --- S8: escalations


def level(*events, p, as_of):
    row = alert(*events, p=p, as_of=as_of)
    return row and row["level"]


def test_S8_escalations_after_the_breach():
    p = warns(escalate_after=["1m", "4m"])
    assert [level(opened(), p=p, as_of=n) for n in (10, 10.5, 11, 11.1, 14, 14.1)] == [None, 0, 0, 1, 1, 2]


def test_S8_escalations_by_the_wall_and_while_not_stopped():
    p = warns(escalate_after=["1m", "4m"], pause_on=["c"])
    assert level(opened(), ev("paused", 10.5, reason="c"), p=p, as_of=30) == 2
    assert level(opened(), ev("resolved", 14), p=p, as_of=30) == 1
    assert level(opened(), ev("resolved", 14.1), p=p, as_of=30) == 2
    assert level(opened(), ev("resolved", 14.1), p=p, as_of=12) == 1
    office = run(opened(), p=on_office("4h", escalate_after=["30m"]), as_of=T0 + 4 * HOUR + 31 * MINUTE)
    assert office.alerts[0]["level"] == 1  # at lunch


def test_S8_escalations_from_the_instant_of_the_change():
    p = (matched("1", warns(within="2m", escalate_after=["3m"])), plain(resolution="1h"))
    events = (opened(), ev("updated", 8, priority="1"))
    assert [level(*events, p=p, as_of=n) for n in (8, 8.1, 11, 11.1)] == [None, 0, 0, 1]


def test_S2_S8_escalations_of_a_promise():
    """By the policy that the attributes match at the breach; a later one changes nothing."""
    p = (matched("1", warns(escalate_after=["1m"])), warns(escalate_after=["1m", "2m", "3m"]))
    promised = opened(priority="1", resolution_due_at=when(5))
    assert level(promised, p=p, as_of=60) == 1
    assert level(promised, ev("updated", 4, priority="2"), p=p, as_of=60) == 3
    assert level(promised, ev("updated", 6, priority="2"), p=p, as_of=60) == 1
    assert level(opened(resolution_due_at=when(5)), p=plain(arrival="2h"), as_of=60) == 0


# --- S9


def test_S9_at_risk_by_warnings():
    state = lambda n, p, *events: run(opened(), *events, p=(p,), as_of=at(n)).live["resolution"]["state"]
    assert [state(n, warns("50%")) for n in (4, 5, 5.1, 10, 10.1)] == ["pending"] * 2 + ["at_risk"] * 2 + ["breached"]
    assert state(9.5, warns("99%")) == "pending"  # past 80 %, but a warning is to come
    assert state(8, warns()) == "pending" and state(8.1, warns()) == "at_risk"
    away = (ev("updated", 6, resolution_due_at=when(600)),)
    assert state(7, warns("5m before"), *away) == "at_risk"  # any warning was due
    p = warns("50%", pause_on=["c"])
    assert state(7, p, ev("paused", 6, reason="c")) == "paused"


def test_S9_where_no_warning_could_come():
    """80 % of it then: a promise with parts only, or only skipped warnings."""
    promised = lambda n: run(opened(resolution_due_at=when(10)), p=(warns("50%"),), as_of=at(n)).live["resolution"]["state"]
    assert (promised(6), promised(8), promised(8.1)) == ("pending", "pending", "at_risk")
    p = (matched("1", warns("50%")), plain(resolution="1h"))
    skipped = lambda n: run(opened(), ev("updated", 6, priority="1"), p=p, as_of=at(n)).live["resolution"]["state"]
    assert (skipped(8), skipped(8.1)) == ("pending", "at_risk")


# --- A


def test_A1_one_row_per_clock_that_was_warned_or_breached():
    p = plain(first_response=target("10m", warn_at=["50%"]), arrival="7m", resolution=target("1h", warn_at=["50%"]))
    rows = run(opened(), p=(p,), as_of=at(8)).alerts
    assert {(row["target"], row["state"]) for row in rows} == {("first_response", "warning"), ("arrival", "breached")}
    assert {row["alert_id"] for row in rows} == {tables.alert_id("T", name, 1) for name in ("first_response", "arrival")}


def test_A1_numbers_of_clocks():
    p = plain(next_response=target("5m", warn_at=["20%"]), resolution=target("5m", warn_at=["20%"]))
    events = (
        opened(), ev("responded", 0.5), ev("requester_replied", 10), ev("responded", 12), ev("requester_replied", 20),
        ev("resolved", 22), ev("reopened", 30),
    )  # fmt: skip
    rows = run(*events, p=(p,), as_of=at(32)).alerts
    assert sorted((row["target"], row["n"], row["state"]) for row in rows) == [
        ("next_response", 1, "averted"), ("next_response", 2, "averted"), ("resolution", 1, "resolved"),
        ("resolution", 2, "warning"),
    ]  # fmt: skip


def test_A2_states():
    p = warns("50%")
    state = lambda as_of, *events: (alert(opened(), *events, p=p, as_of=as_of) or {}).get("state")
    assert [state(n) for n in (5, 5.1, 10, 10.1)] == [None, "warning", "warning", "breached"]
    assert state(60, ev("resolved", 4)) is None
    assert state(60, ev("resolved", 10)) == "averted"
    assert state(60, ev("resolved", 7, resolution="cancelled")) == "averted"
    assert state(60, ev("resolved", 11)) == "resolved"
    assert state(60, ev("resolved", 11, resolution="cancelled")) == "resolved"
    assert state(60, ev("resolved", 11), ev("closed", 12)) == "resolved"


def test_A2_left_without_a_target_in_time():
    p = (matched("1", plain(arrival="2h")), warns("50%"))
    events = (opened(), ev("updated", 7, priority="1"))
    row = alert(*events, p=p, as_of=60)
    assert picked(row, "state", "due_at", "breached_at", "policy") == ("averted", None, None, "of 1")
    row = alert(*events, ev("updated", 9, priority="2"), p=p, as_of=9.5)
    assert picked(row, "state", "due_at", "policy") == ("warning", at(10), "plain")


def test_A4_columns_of_a_warning():
    p = (matched("1", warns("50%")), warns(within="1h"))
    events = (
        opened(priority="1", agent_id="a", project_id="p"), ev("assigned", 5, agent_id="b"),
        ev("updated", 6, project_id="q", priority="2"), ev("assigned", 7, agent_id="c"),
    )  # fmt: skip
    row = alert(*events, p=p, as_of=8)
    assert picked(row, "state", "level", "owner_at_breach", "project_id") == ("warning", 0, "b", "p")
    assert picked(row, "due_at", "breached_at", "cause", "resolved_at") == (at(60), None, None, None)
    assert picked(row, "policy", "policy_version") == ("plain", "r")  # the current one, not the one that warned


def test_A4_columns_of_a_breach():
    p = (matched("1", warns("50%", escalate_after=["1m"])), warns(within="1h"))
    events = (
        opened(priority="1", agent_id="a", project_id="p"), ev("assigned", 10, agent_id="b"),
        ev("updated", 11, project_id="q", priority="2"), ev("assigned", 12, agent_id="c"),
    )  # fmt: skip
    row = alert(*events, ev("resolved", 13), p=p, as_of=60)
    assert picked(row, "state", "level", "owner_at_breach", "project_id") == ("resolved", 1, "b", "p")
    assert picked(row, "due_at", "breached_at", "cause", "resolved_at") == (at(10), at(10), DEADLINE, at(13))
    assert picked(row, "policy", "policy_version") == ("of 1", "r")


def test_A4_owner_at_the_instant_of_the_change():
    p = (matched("1", warns(within="2m")), warns("50%", within="12m"))
    events = (opened(agent_id="a"), ev("assigned", 7, agent_id="b"), ev("updated", 8, priority="1"))
    row = alert(*events, ev("assigned", 9, agent_id="c"), p=p, as_of=60)
    assert picked(row, "owner_at_breach", "cause", "breached_at", "due_at") == ("b", POLICY_CHANGE, at(8), at(2))


def test_S1_A4_shadow_of_a_warning():
    p = warns("50%")
    moved = (opened(project_id="p"), ev("updated", 6, project_id="q"))
    delivery = lambda as_of, shadow: alert(*moved, p=p, as_of=as_of, shadow=[shadow])["delivery"]
    assert (delivery(7, "p"), delivery(7, "q")) == ("shadow", "normal")  # at the warning
    assert (delivery(11, "p"), delivery(11, "q")) == ("normal", "shadow")  # at the breach
    assert alert(opened(), p=p, as_of=7, shadow=[""])["delivery"] == "normal"


def test_S8_a_breach_is_due_after_its_instant():
    assert alert(opened(), p=warns(), as_of=10) is None
    assert alert(opened(), p=warns("50%"), as_of=5) is None
    # K4: a known stop decides, regardless of as_of.
    assert alert(opened(), ev("resolved", 12), p=warns(), as_of=1)["state"] == "resolved"


# --- P


@pytest.mark.parametrize(
    "changes, wanted",
    [
        (dict(warn_at=["1%", "99%", "2h before", "1h30m before"]), []),
        (dict(warn_at=["0%"]), ["~.warn_at[0]"]),
        (dict(warn_at=["50%", "100%"]), ["~.warn_at[1]"]),
        (dict(warn_at=["150%", "-5%", "1000%"]), ["~.warn_at[0]", "~.warn_at[1]", "~.warn_at[2]"]),
        (dict(warn_at=["5.5%", "0.001%", "99.999%"]), []),
        (dict(warn_at=["0.000%", "100.001%", "5.5000%", "5.%", ".5%"]), [f"~.warn_at[{i}]" for i in range(5)]),
        (dict(warn_at=["5,5%", "%", "50", "2h", "before", " before", "2h after", ""]), [f"~.warn_at[{i}]" for i in range(8)]),
        (dict(warn_at=["0h before", "1wd before", "367d before"]), [f"~.warn_at[{i}]" for i in range(3)]),
        (dict(warn_at=["1d before"]), []),
        (dict(warn_at="50%"), ["~.warn_at"]),
        (dict(warn_at=[50]), ["~.warn_at[0]"]),
        (dict(warn_at=["3h before"]), []),  # on a calendar with hours it may be longer than within
        (dict(warn_at=["2h before"], calendar="always"), []),
        (dict(warn_at=["2h1s before"], calendar="always"), ["~.warn_at[0]"]),
        (dict(warn_at=["3d before"], calendar="always", within="2x"), ["~.within"]),
        (dict(escalate_after=["1h", "4h", "1d"]), []),
        (dict(escalate_after=["0s", "1wd", "x", 5]), [f"~.escalate_after[{i}]" for i in range(4)]),
        (dict(escalate_after="1h"), ["~.escalate_after"]),
        (dict(warn_after=["1h"]), ["~.warn_after"]),
    ],
)
def test_P_faults_of_warnings_and_escalations(changes, wanted):
    assert faults(**changes) == wanted


def test_P_nothing_asked_for():
    assert faults(warn_at=[], escalate_after=[], pause_on=[]) == []
