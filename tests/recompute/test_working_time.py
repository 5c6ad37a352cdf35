"""Working time and elapsed time: how long a clock ran until the first response, and until each resolution."""

import json

import policy
from test_calendars import OFFICE
from test_recompute import at, ev, opened, plain, run, target, when
from times import HOUR, MINUTE

# T0 is Monday, 08:00 UTC, and the office works 8-12 and 13-16.
TWO_HOURS = target("2h", calendar="office")


def on_office(*more_policies, **targets):
    body = {
        "id": "r", "calendars": {"office": OFFICE},
        "policies": [*more_policies, {"name": "office", "targets": targets}],
    }  # fmt: skip
    return policy.parse(json.dumps({"revisions": [body]}).encode())


def both(result):
    return result.ticket["first_response_working_us"], result.ticket["resolution_working_us"]


def test_working_time_is_in_the_hours_of_the_calendar():
    p = on_office(first_response=TWO_HOURS, resolution=TWO_HOURS)
    result = run(opened(), ev("responded", 4.5 * 60, agent_id="a"), ev("resolved", 24 * 60, agent_id="b"), p=p)
    assert both(result) == (4 * HOUR, 7 * HOUR)
    assert result.kpi("first_response_us_sum") == {("a", 270): 4 * HOUR + 30 * MINUTE}
    assert result.kpi("first_response_working_us_sum") == {("a", 270): 4 * HOUR}
    assert result.kpi("resolution_us_sum") == {("b", 1440): 24 * HOUR}
    assert result.kpi("resolution_working_us_sum") == {("b", 1440): 7 * HOUR}


def test_working_time_outside_the_hours_is_none_and_no_null():
    p = on_office(first_response=TWO_HOURS, resolution=TWO_HOURS)
    assert both(run(opened(-60), ev("resolved", -30), p=p)) == (0, 0)


def test_working_time_leaves_out_listed_pauses_alone():
    p = on_office(resolution={**TWO_HOURS, "pause_on": ["c"]})
    pauses = (
        ev("paused", 30, reason="c"), ev("resumed", 90), ev("paused", 100), ev("resumed", 110),
        ev("paused", 230, reason="c"), ev("resumed", 310),
    )  # fmt: skip
    result = run(opened(), *pauses, ev("resolved", 330), p=p)
    assert result.cycles[0]["working_us"] == (330 - 60 - 60 - 20) * MINUTE  # of the last pause 60 minutes are lunch
    in_a_pause = run(opened(), ev("paused", 30, reason="c"), ev("resolved", 90), p=p)
    assert both(in_a_pause) == (90 * MINUTE, 30 * MINUTE)


def test_working_time_by_the_wall_without_target_or_under_a_promise():
    assert both(run(opened(), ev("resolved", 24 * 60))) == (24 * HOUR, 24 * HOUR)
    assert both(run(opened(), ev("resolved", 24 * 60), p=on_office(arrival=TWO_HOURS))) == (24 * HOUR, 24 * HOUR)
    p = on_office(first_response=TWO_HOURS, resolution=TWO_HOURS)
    assert both(run(opened(resolution_due_at=when(5)), ev("resolved", 24 * 60), p=p)) == (7 * HOUR, 24 * HOUR)


def test_working_time_of_each_cycle_from_its_start():
    p = on_office(resolution={**TWO_HOURS, "reopen": "continue"})
    events = (opened(), ev("resolved", 60, agent_id="a"), ev("reopened", 180), ev("resolved", 310, agent_id="b"))
    result = run(*events, p=p)
    assert [cycle["working_us"] for cycle in result.cycles] == [HOUR, 70 * MINUTE]  # time used in earlier cycles is not included
    assert result.ticket["resolution_working_us"] == 70 * MINUTE
    assert result.kpi("resolution_working_us_sum") == {("a", 60): HOUR, ("b", 310): 70 * MINUTE}
    again = run(*events, ev("reopened", 400), p=p)
    assert again.ticket["resolution_working_us"] is None
    assert again.ticket["first_response_working_us"] == HOUR


def test_working_time_is_null_where_nothing_counts():
    p = on_office(first_response=TWO_HOURS, resolution=TWO_HOURS)
    for end in (ev("resolved", 60, resolution="duplicate"), ev("closed", 60, automatic=True)):
        result = run(opened(), end, p=p)
        assert both(result) == (None, None) and result.cycles[0]["working_us"] is None
        assert result.kpi("resolution_working_us_sum") == {}
    assert both(run(opened(), p=p)) == both(run(ev("closed", 1), p=p)) == (None, None)


def test_working_time_of_a_first_response_in_a_later_cycle():
    p = on_office(first_response=TWO_HOURS)
    lapsed = (opened(), ev("resolved", 60, resolution="cancelled"), ev("reopened", 180), ev("responded", 310))
    assert run(*lapsed, p=p).ticket["first_response_working_us"] == 70 * MINUTE
    # Its clock was breached in cycle 1, so it is not a new one: it runs from the opening.
    breached = (opened(), ev("resolved", 150, resolution="cancelled"), ev("reopened", 180), ev("responded", 310))
    result = run(*breached, p=p)
    assert (result.ticket["first_response_verdict"], both(result)) == ("breached", (250 * MINUTE, None))


def test_working_time_by_the_target_that_judges_the_clock():
    """By the target in force at the end; for a breached clock by that at the breach (S6)."""
    always = {"name": "always", "match": {"priority": ["1"]}, "targets": {"resolution": target("30h")}}
    p = on_office(always, resolution=TWO_HOURS)
    stop = ev("resolved", 24 * 60)
    assert both(run(opened(priority="1"), stop, p=p))[1] == 24 * HOUR
    assert both(run(opened(), ev("updated", 60, priority="1"), stop, p=p))[1] == 24 * HOUR
    assert both(run(opened(), ev("updated", 180, priority="1"), stop, p=p))[1] == 7 * HOUR


def test_working_time_does_not_depend_on_as_of():
    p = (plain(resolution=target("1h", pause_on=["c"])),)
    events = (opened(), ev("paused", 10, reason="c"), ev("resumed", 20), ev("resolved", 90))
    assert {both(run(*events, p=p, as_of=at(n))) for n in (0, 15, 70, 600)} == {(90 * MINUTE, 80 * MINUTE)}
