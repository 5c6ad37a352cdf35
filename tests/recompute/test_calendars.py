"""S7, P2 and P: calendars, and the clocks of S2-S6 on them. One small example for each rule, and S7 by its letter."""

import json
import os
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

import policy
from hours import Hours, dates_of, day_number, weekdays_of, yearly_of, zone_exists
from test_recompute import HERE, ev, opened, target
from test_recompute import run as run_at_t0
from times import DAY, HOUR, MINUTE, format_time, parse_time

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = tuple(WEEK)


def span(text):
    start, end = text.split("-")
    return tuple(int(t[:2]) * 60 + int(t[3:]) for t in (start, end))


def hours(zone, weekly, days=None, yearly=None):
    """weekly: the same list for every day, or weekday -> list."""
    week = weekly if isinstance(weekly, dict) else dict.fromkeys(EVERY_DAY, weekly)
    dates = {day_number(date): [span(t) for t in texts] for date, texts in (days or {}).items()}
    year = {yearly_of(day): [span(t) for t in texts] for day, texts in (yearly or {}).items()}
    return Hours(zone, [[span(t) for t in week.get(day, [])] for day in WEEK], dates, yearly=year)


def open_between(calendar, begin, end):
    """The merged intervals of UTC in [begin, end), as texts."""
    begin, end = parse_time(begin), parse_time(end)
    found, at = [], begin
    while (starts := calendar.advance(at, 1) - 1) < end:
        ends = starts + 1
        step = DAY
        while step:  # until its first interruption
            while calendar.elapsed(ends, ends + step) == step:
                ends += step
            step //= 2
        found.append(f"{format_time(starts)[5:16]}/{format_time(ends)[5:16]}")
        at = ends
    return found


# --- S7


def test_S7_several_intervals_and_the_date_on_which_they_begin():
    calendar = hours("Asia/Shanghai", {"mon": ["08:30-12:00", "13:30-17:30"], "tue": ["22:00-24:00"], "wed": ["00:00-06:00"]})
    assert open_between(calendar, "2026-01-05T00:00:00Z", "2026-01-09T00:00:00Z") == [
        "01-05T00:30/01-05T04:00", "01-05T05:30/01-05T09:30", "01-06T14:00/01-06T22:00",
    ]  # fmt: skip


def test_S7_days_replace_the_week():
    office = {day: ["09:00-17:00"] for day in WEEK[:5]}
    days = {"2026-10-01": [], "2026-10-03": ["10:00-12:00"], "2026-10-02": ["09:00-10:00", "11:00-12:00"]}
    assert open_between(hours("UTC", office, days), "2026-09-30T00:00:00Z", "2026-10-06T00:00:00Z") == [
        "09-30T09:00/09-30T17:00", "10-02T09:00/10-02T10:00", "10-02T11:00/10-02T12:00", "10-03T10:00/10-03T12:00",
        "10-05T09:00/10-05T17:00",
    ]  # fmt: skip


def test_S7_hours_over_midnight_do_not_vanish():
    calendar = hours("UTC", {"mon": ["08:00-12:00", "22:00-06:00"], "wed": ["20:00-00:00"], "fri": ["24:00-06:00"]})
    assert open_between(calendar, "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z") == [
        "01-05T08:00/01-05T12:00", "01-05T22:00/01-06T06:00", "01-07T20:00/01-08T00:00", "01-10T00:00/01-10T06:00",
    ]  # fmt: skip


def test_S7_a_night_belongs_whole_to_the_date_on_which_it_begins():
    calendar = hours("UTC", ["22:00-06:00"], {"2026-01-06": [], "2026-01-08": ["23:00-01:00"]})
    assert open_between(calendar, "2026-01-05T12:00:00Z", "2026-01-10T12:00:00Z") == [
        "01-05T22:00/01-06T06:00", "01-07T22:00/01-08T06:00", "01-08T23:00/01-09T01:00", "01-09T22:00/01-10T06:00",
    ]  # fmt: skip


def test_S7_a_night_and_the_next_morning_are_a_union():
    calendar = hours("UTC", ["05:00-09:00", "22:00-06:00"])
    assert open_between(calendar, "2026-01-05T12:00:00Z", "2026-01-06T12:00:00Z") == ["01-05T22:00/01-06T09:00"]


def test_P4_yearly_days_and_their_precedence():
    calendar = hours("UTC", ["09:00-10:00"], {"2026-12-25": ["11:00-12:00"]}, {"12-25": [], "02-29": []})
    assert open_between(calendar, "2026-12-24T00:00:00Z", "2026-12-26T00:00:00Z") == [
        "12-24T09:00/12-24T10:00", "12-25T11:00/12-25T12:00"]
    assert open_between(calendar, "2027-12-24T00:00:00Z", "2027-12-26T00:00:00Z") == ["12-24T09:00/12-24T10:00"]
    assert open_between(calendar, "2028-02-28T00:00:00Z", "2028-03-01T00:00:00Z") == ["02-28T09:00/02-28T10:00"]
    assert open_between(calendar, "2027-02-28T00:00:00Z", "2027-03-01T00:00:00Z") == ["02-28T09:00/02-28T10:00"]


def test_P4_keys():
    assert weekdays_of("mon-fri") == [0, 1, 2, 3, 4] and weekdays_of("sun-thu") == [6, 0, 1, 2, 3]
    assert weekdays_of("tue-tue") == weekdays_of("tue") == [1]
    assert [weekdays_of(key) for key in ("", "-", "mon-", "-fri", "mon-fri-sun", "Mon", "mon - fri")] == [None] * 7
    assert list(dates_of("2026-12-31/2027-01-01")) == [day_number("2026-12-31"), day_number("2027-01-01")]
    assert [dates_of(key) for key in ("2026-10-07/2026-10-01", "2026-10-01/", "/2026-10-01", "12-25")] == [None] * 4
    assert yearly_of("02-29") == (2, 29) and yearly_of("12-25") == (12, 25)
    assert [yearly_of(key) for key in ("02-30", "13-01", "2-29", "2026-02-28")] == [None] * 4


def test_S7_24_00_joins_the_next_date():
    calendar = hours("Asia/Kathmandu", ["00:00-24:00"])
    assert calendar.elapsed(parse_time("2026-01-05T00:00:00Z"), parse_time("2026-02-05T00:00:00Z")) == 31 * DAY


@pytest.mark.parametrize(
    "zone, weekly, begin, end, wanted",
    [
        # Berlin skips 02:00-03:00 of 2026-03-29 (01:00Z) ...
        ("Europe/Berlin", "01:00-05:00", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", ["03-29T00:00/03-29T03:00"]),
        ("Europe/Berlin", "02:30-04:00", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", ["03-29T01:30/03-29T02:00"]),
        ("Europe/Berlin", "01:00-02:30", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", ["03-29T00:00/03-29T01:30"]),
        ("Europe/Berlin", "02:15-02:45", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", ["03-29T01:15/03-29T01:45"]),
        ("Europe/Berlin", "02:00-03:00", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", []),
        # ... and repeats 02:00-03:00 of 2026-10-25 (00:00Z, 01:00Z).
        ("Europe/Berlin", "02:30-02:45", "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z", ["10-25T00:30/10-25T01:45"]),
        ("Europe/Berlin", "01:00-02:00", "2026-10-24T22:00:00Z", "2026-10-25T12:00:00Z", ["10-24T23:00/10-25T01:00"]),
        ("Europe/Berlin", "03:00-04:00", "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z", ["10-25T02:00/10-25T03:00"]),
        ("America/New_York", "00:30-01:30", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", ["11-01T04:30/11-01T06:30"]),
        # Lord Howe by half an hour: skips 02:00-02:30 of 2026-10-04 (15:30Z), repeats 01:30-02:00 of 2026-04-05
        # (14:30Z).
        ("Australia/Lord_Howe", "02:10-03:00", "2026-10-03T12:00:00Z", "2026-10-04T00:00:00Z", ["10-03T15:40/10-03T16:00"]),
        ("Australia/Lord_Howe", "01:40-01:50", "2026-04-04T12:00:00Z", "2026-04-05T00:00:00Z", ["04-04T14:40/04-04T15:20"]),
        # Havana at midnight: skips 00:00-01:00 of 2026-03-08 (05:00Z), repeats that of 2024-11-03 (04:00Z, 05:00Z).
        ("America/Havana", "23:00-24:00", "2026-03-08T00:00:00Z", "2026-03-08T12:00:00Z", ["03-08T04:00/03-08T05:00"]),
        ("America/Havana", "00:00-02:00", "2026-03-08T00:00:00Z", "2026-03-08T12:00:00Z", ["03-08T05:00/03-08T06:00"]),
        ("America/Havana", "00:00-01:00", "2026-03-08T00:00:00Z", "2026-03-08T12:00:00Z", []),
        ("America/Havana", "23:00-24:00", "2024-11-03T00:00:00Z", "2024-11-03T12:00:00Z", ["11-03T03:00/11-03T04:00"]),
        ("America/Havana", "00:00-00:30", "2024-11-03T00:00:00Z", "2024-11-03T12:00:00Z", ["11-03T04:00/11-03T05:30"]),
        # Each end of a night follows the zone's rules for its own date.
        ("Europe/Berlin", "22:00-06:00", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", ["03-28T21:00/03-29T04:00"]),
        ("Europe/Berlin", "04:00-02:30", "2026-03-28T03:00:00Z", "2026-03-29T02:00:00Z", ["03-28T03:00/03-29T01:30"]),
        ("Europe/Berlin", "04:00-02:30", "2026-10-24T02:00:00Z", "2026-10-25T03:00:00Z", ["10-24T02:00/10-25T01:30"]),
        # Of two midnights an end of 00:00 is the second, 24:00 the first (above).
        ("America/Havana", "22:00-00:00", "2024-11-03T00:00:00Z", "2024-11-03T12:00:00Z", ["11-03T02:00/11-03T05:00"]),
        ("America/Havana", "22:00-00:00", "2026-03-08T00:00:00Z", "2026-03-08T12:00:00Z", ["03-08T03:00/03-08T05:00"]),
        ("America/Havana", "22:00-00:30", "2026-03-08T00:00:00Z", "2026-03-08T12:00:00Z", ["03-08T03:00/03-08T05:30"]),
        # Apia skipped 2011-12-30: its hours move forward by the day, to those of the 31st.
        ("Pacific/Apia", "09:00-10:00", "2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z",
         ["12-29T19:00/12-29T20:00", "12-30T19:00/12-30T20:00"]),
    ],
)  # fmt: skip
def test_S7_changes_of_clocks(zone, weekly, begin, end, wanted):
    assert open_between(hours(zone, [weekly]), begin, end) == wanted


def test_S7_union():
    """02:15-02:45 moves to 03:15-03:45, which are working hours already."""
    calendar = hours("Europe/Berlin", {"sun": ["02:15-02:45", "03:00-03:20"]})
    day = parse_time("2026-03-29T00:00:00Z"), parse_time("2026-03-30T00:00:00Z")
    assert calendar.elapsed(*day) == 45 * MINUTE
    assert open_between(calendar, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z") == ["03-29T01:00/03-29T01:45"]
    inside = hours("Europe/Berlin", {"sun": ["02:10-02:20", "03:00-04:00"]})
    assert open_between(inside, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z") == ["03-29T01:00/03-29T02:00"]


def test_S7_any_iana_zone():
    for name in ("Europe/Berlin", "Asia/Calcutta", "Etc/GMT+5", "UTC", "America/Argentina/Ushuaia"):
        assert zone_exists(name)
    for name in ("", "Mars/Olympus", "europe/berlin", "Europe", "../UTC", "right/UTC", "posix/UTC", "localtime", "+08:00"):
        assert not zone_exists(name)


def _instants_of(zone, base, wall):
    """All instants, in whole minutes, with the local time `wall`; if there is none, the one by S7."""
    around = [base + timedelta(minutes=m) for m in range(-2 * 1440, 3 * 1440)]
    walls = [(u, u.astimezone(zone).replace(tzinfo=None)) for u in around]
    found = [u for u, shown in walls if shown == wall]
    if found:
        return found
    before = max(u for u, shown in walls if shown < wall)  # the last minute before the gap
    after = before + timedelta(minutes=1)
    gap = after.astimezone(zone).utcoffset() - before.astimezone(zone).utcoffset()
    return [u for u, shown in walls if shown == wall + gap and u >= after][:1]


@pytest.mark.parametrize("seed", range(8))
def test_S7_by_its_letter(seed):
    """Each minute around a clock change, compared with a search for the instants of the local times."""
    r = random.Random(f"calendar {seed}")
    name, around = (
        ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"), ("America/New_York", "2026-03-08"),
        ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2026-10-04"), ("America/Havana", "2026-03-08"),
        ("America/Havana", "2024-11-03"), ("Africa/Casablanca", "2026-02-15"),
    )[seed]  # fmt: skip
    zone = ZoneInfo(name)
    midnight = datetime.fromisoformat(around)
    dates = [midnight.date() + timedelta(days=d) for d in (-1, 0, 1)]
    days = {}
    for date in dates:
        cuts = sorted(r.sample([*range(0, 241, 5), *range(1200, 1441, 20)], 2 * r.randrange(1, 5)))
        texts = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in zip(cuts[::2], cuts[1::2])]
        if cuts[-1] < 1440:  # a night that overlaps the first hours of the next date
            texts.append(f"{cuts[-1] // 60:02}:{cuts[-1] % 60:02}-0{r.randrange(4)}:{r.randrange(0, 60, 5):02}")
        days[date.isoformat()] = texts
    calendar = hours(name, {"mon": []}, days)

    worked = set()
    for date in dates:
        wall = datetime.combine(date, datetime.min.time())
        base = wall.replace(tzinfo=timezone.utc)
        for start, end in map(span, days[date.isoformat()]):
            first = _instants_of(zone, base, wall + timedelta(minutes=start))[0]
            later = end if end > start else end + 1440
            last = _instants_of(zone, base, wall + timedelta(minutes=later))[0 if end == 1440 else -1]
            while first < last:
                worked.add(first)
                first += timedelta(minutes=1)

    begin = midnight.replace(tzinfo=timezone.utc) - timedelta(days=1, hours=12)
    minutes = [begin + timedelta(minutes=m) for m in range(4 * 1440)]
    us = lambda u: (u - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    ran, at_run = 0, {}
    for u in minutes:
        assert calendar.elapsed(us(u), us(u) + MINUTE) == (MINUTE if u in worked else 0), u
        assert calendar.elapsed(us(begin), us(u)) == ran * MINUTE
        if u in worked:
            ran += 1
            at_run[ran] = us(u) + MINUTE
    for amount, at in at_run.items():
        assert calendar.advance(us(begin), amount * MINUTE) == at  # the earliest such instant
        assert calendar.advance(us(begin), amount * MINUTE - 1) == at - 1


def test_S7_laid_out_in_any_order():
    """Answers do not depend on how far apart the questions are, or on their order."""
    ask = [parse_time(t) for t in ("2060-06-01T00:00:00Z", "2001-01-01T00:00:00Z", "2026-03-29T00:30:00Z")]
    calendar = hours("Europe/Berlin", {day: ["02:30-04:00"] for day in WEEK})
    for at in ask:
        fresh = hours("Europe/Berlin", {day: ["02:30-04:00"] for day in WEEK})
        assert calendar.elapsed(at, at + 400 * DAY) == fresh.elapsed(at, at + 400 * DAY)
        assert calendar.advance(at, 7 * HOUR + 1) == fresh.advance(at, 7 * HOUR + 1)


# --- S2-S6 and S9 on calendars; T0 is a Monday, 2026-01-05 08:00 UTC

OFFICE = {"time_zone": "UTC", "working_day": "7h", "weekly": {
    **{day: ["08:00-12:00", "13:00-16:00"] for day in WEEK[:5]}, "sat": [],
}}  # fmt: skip


def office(within="2h", calendar=OFFICE, name="resolution", **more):
    body = {
        "id": "r", "calendars": {"office": calendar},
        "policies": [{"name": "p", "targets": {name: {"within": within, "calendar": "office", **more}}}],
    }  # fmt: skip
    return policy.parse(json.dumps({"revisions": [body]}).encode())


def clock(text, *events, p, at="2026-02-01T00:00:00Z", name="resolution"):
    """One clock of a ticket opened at `text`; `events` in minutes after T0."""
    minutes = (parse_time(text) - parse_time("2026-01-05T08:00:00Z")) // MINUTE
    result = run_at_t0(opened(minutes), *events, p=p, as_of=parse_time(at))
    return result.folded["T"].latest[name]


def due(*args, **more):
    found = clock(*args, **more).due_at
    return found and format_time(found)


@pytest.mark.parametrize(
    "start, within, wanted",
    [
        ("2026-01-05T08:00:00Z", "2h", "2026-01-05T10:00:00Z"),
        ("2026-01-05T08:00:00Z", "4h", "2026-01-05T12:00:00Z"),  # the earliest instant: not 13:00
        ("2026-01-05T08:00:00Z", "4h1s", "2026-01-05T13:00:01Z"),
        ("2026-01-05T12:30:00Z", "1s", "2026-01-05T13:00:01Z"),
        ("2026-01-09T15:30:00Z", "2h", "2026-01-12T09:30:00Z"),
        ("2026-01-10T15:30:00Z", "2h", "2026-01-12T10:00:00Z"),
        ("2026-01-09T15:59:00Z", "1m", "2026-01-09T16:00:00Z"),
        ("2026-01-05T08:00:00Z", "1wd", "2026-01-05T16:00:00Z"),
        ("2026-01-05T10:00:00Z", "2wd", "2026-01-07T10:00:00Z"),
        ("2026-01-05T10:00:00Z", "1wd2h30m", "2026-01-06T13:30:00Z"),
        ("2026-01-05T10:00:00Z", "100wd", "2026-05-25T10:00:00Z"),
    ],
)
def test_S3_due_on_a_calendar(start, within, wanted):
    assert due(start, p=office(within)) == wanted


def test_S3_calendar_and_pauses_intersect():
    pause = lambda a, b: (ev("paused", a, reason="c"), ev("resumed", b))
    p = office("4h", pause_on=["c"])
    assert due("2026-01-05T08:00:00Z", *pause(60, 120), p=p) == "2026-01-05T14:00:00Z"
    assert due("2026-01-05T08:00:00Z", *pause(230, 310), p=p) == "2026-01-05T13:20:00Z"  # 11:50-13:10: 20 minutes of it
    assert due("2026-01-05T08:00:00Z", *pause(241, 299), p=p) == "2026-01-05T12:00:00Z"  # during lunch, and due before
    assert due("2026-01-05T09:00:00Z", *pause(241, 299), p=p) == "2026-01-05T14:00:00Z"  # during lunch: nothing is lost
    assert due("2026-01-05T08:00:00Z", ev("paused", 60, reason="c"), p=p) is None
    assert due("2026-01-05T08:00:00Z", ev("paused", 241, reason="c"), p=p) == "2026-01-05T12:00:00Z"


def test_S3_pauses_count_up_to_the_end():
    p = office("4h", pause_on=["c"])
    events = (ev("paused", 60, reason="c"), ev("resolved", 25 * 60), ev("closed", 30 * 60))
    stopped = clock("2026-01-05T08:00:00Z", *events, p=p)
    assert format_time(stopped.due_at) == "2026-01-06T12:00:00Z"  # 3 hours were left at 09:00 of the next day
    assert stopped.verdict(0) == "met"


def test_S2_promise_replaces_the_calendar():
    result = run_at_t0(opened(resolution_due_at="2026-01-10T03:00:00Z"), p=office())
    assert format_time(result.ticket["resolution_due_at"]) == "2026-01-10T03:00:00Z"


def test_S2_continue_on_a_calendar():
    """Over lunch and the night no time runs; the second cycle starts with 3 h 30 min."""
    events = (ev("resolved", 5.5 * 60), ev("reopened", 30 * 60))
    assert due("2026-01-05T09:00:00Z", *events, p=office("5h", reopen="continue")) == "2026-01-06T15:30:00Z"
    assert due("2026-01-05T09:00:00Z", *events, p=office("5h")) == "2026-01-07T11:00:00Z"
    used_up = office("3h30m", reopen="continue")
    assert due("2026-01-05T09:00:00Z", *events, p=used_up) == "2026-01-06T14:00:00Z"


def test_S6_change_of_policy_changes_the_calendar():
    body = {
        "id": "r", "calendars": {"office": OFFICE, "night": {"time_zone": "UTC", "weekly": {"mon": ["16:00-24:00"]}}},
        "policies": [
            {"name": "night", "match": {"priority": ["1"]}, "targets": {"resolution": target("2h", calendar="night")}},
            {"name": "day", "targets": {"resolution": target("6h", calendar="office")}},
        ],
    }  # fmt: skip
    p = policy.parse(json.dumps({"revisions": [body]}).encode())
    assert due("2026-01-05T08:00:00Z", ev("updated", 60, priority="1"), p=p) == "2026-01-05T18:00:00Z"
    back = (ev("updated", 60, priority="1"), ev("updated", 120, priority="2"))
    assert due("2026-01-05T08:00:00Z", *back, p=p) == "2026-01-05T15:00:00Z"
    late = clock("2026-01-05T08:00:00Z", ev("updated", 24 * 60, priority="1"), p=p)
    assert (late.cause, format_time(late.breached_at), late.policy.name) == ("deadline", "2026-01-05T15:00:00Z", "day")


def test_S9_outside_the_calendar_is_not_paused():
    p = office("5h")
    state = lambda at, *events: clock("2026-01-05T08:00:00Z", *events, p=p, at=at).live_state(parse_time(at))
    assert state("2026-01-05T12:30:00Z") == "pending"  # exactly 80 % of it
    assert state("2026-01-05T13:00:01Z") == "at_risk"
    assert state("2026-01-05T14:00:00Z") == "at_risk"
    assert state("2026-01-05T14:00:01Z") == "breached"
    paused = office("5h", pause_on=["c"])
    found = clock("2026-01-05T08:00:00Z", ev("paused", 30, reason="c"), p=paused)
    assert found.live_state(parse_time("2026-01-05T12:30:00Z")) == "paused"


def test_S9_seconds_left_run_as_the_clock_runs():
    left = lambda at, *events, **more: clock("2026-01-05T08:00:00Z", *events, **more).us_left(parse_time(at))
    assert left("2026-01-05T09:00:00Z", p=office("5h")) == 4 * HOUR
    assert left("2026-01-05T12:30:00Z", p=office("5h")) == HOUR
    assert left("2026-01-06T07:59:00Z", p=office("5h")) == -2 * HOUR  # late by working time as well
    assert left("2026-01-01T00:00:00Z", p=office("5h")) == 5 * HOUR
    paused = (ev("paused", 30, reason="c"),)
    assert left("2026-01-05T15:00:00Z", *paused, p=office("5h", pause_on=["c"])) == 4 * HOUR + 30 * MINUTE
    again = (ev("resolved", 60), ev("reopened", 120))
    assert left("2026-01-05T11:00:00Z", *again, p=office("5h", reopen="continue")) == 3 * HOUR
    promised = run_at_t0(opened(resolution_due_at="2026-01-10T03:00:00Z"), p=office())
    assert promised.folded["T"].latest["resolution"].us_left(parse_time("2026-01-10T02:00:00Z")) == HOUR


# --- P


def without_ellipses(body):
    return {key: value for key, value in body.items() if value is not Ellipsis}


def faults(c=OFFICE, **changes):
    """The paths below `$.revisions[0]` of a revision with one calendar `c` and one target on it; `...` removes a
    key."""
    asks = without_ellipses({"within": "2h", "calendar": "c", **changes})
    body = {"id": "r", "calendars": {"c": c}, "policies": [{"name": "p", "targets": {"resolution": asks}}]}
    try:
        policy.parse(json.dumps({"revisions": [body]}).encode())
    except policy.PolicyError as error:
        short = lambda path: path.removeprefix("$.revisions[0].").replace("policies[0].targets.resolution.", "~.")
        return sorted(short(path) for path, _ in error.faults)
    return []


def changed(**changes):
    return without_ellipses({**OFFICE, **changes})


@pytest.mark.parametrize(
    "calendar, wanted",
    [
        (OFFICE, []),
        (changed(time_zone="Mars/Olympus"), ["calendars.c.time_zone"]),
        (changed(time_zone=8), ["calendars.c.time_zone"]),
        (changed(time_zone=...), ["calendars.c.time_zone"]),
        (changed(weekly=...), ["calendars.c.weekly"]),
        (changed(weekly={}), ["calendars.c.weekly"]),
        (changed(weekly={"mon": [], "tue": []}), ["calendars.c.weekly"]),
        (changed(weekly={"mon": ["09:00-10:00", "13:00-13:00"]}), ["calendars.c.weekly.mon[1]"]),
        (changed(weekly={"mon": ["00:00-00:00", "24:00-24:00"]}), ["calendars.c.weekly.mon[0]", "calendars.c.weekly.mon[1]"]),
        (changed(weekly={"mon": ["22:00-06:00", "00:00-08:00"]}), []),
        (changed(weekly={"mon": ["20:00-02:00", "22:00-06:00"]}), ["calendars.c.weekly.mon[1]"]),
        (changed(weekly={"mon": ["20:00-02:00", "23:00-24:00"]}), ["calendars.c.weekly.mon[1]"]),
        (changed(weekly={"mon-fri": ["09:00-10:00"]}), []),
        (changed(weekly={"mon-fri": ["09:00-10:00"], "wed": []}), ["calendars.c.weekly.wed"]),
        (changed(weekly={"fri-mon": ["09:00-10:00"], "sun": ["x"]}), ["calendars.c.weekly.sun", "calendars.c.weekly.sun[0]"]),
        (changed(weekly={"mon-fry": ["09:00-10:00"]}), ["calendars.c.weekly.mon-fry"]),
        (changed(days={"2026-10-01/2026-10-07": [], "12-25": [], "02-29": []}), []),
        (changed(days={"2026-10-01/2026-10-07": [], "2026-10-07": []}), ["calendars.c.days.2026-10-07"]),
        (changed(days={"2026-10-07/2026-10-01": []}), ["calendars.c.days.2026-10-07/2026-10-01"]),
        (changed(days={"02-30": []}), ["calendars.c.days.02-30"]),
        (changed(weekly=[]), ["calendars.c.weekly"]),
        (changed(weekly={"monday": ["09:00-10:00"], "mon": ["09:00-10:00"]}), ["calendars.c.weekly.monday"]),
        (changed(weekly={"mon": "09:00-10:00"}), ["calendars.c.weekly.mon"]),
        (changed(weekly={"mon": ["09:00-12:00", 5]}), ["calendars.c.weekly.mon[1]"]),
        (changed(weekly={"mon": ["09:00-12:00", "12:00-13:00", "11:59-12:30"]}), ["calendars.c.weekly.mon[2]"]),
        (changed(weekly={"mon": ["09:00-12:00", "12:00-13:00"]}), []),
        (changed(weekly={"mon": ["13:00-14:00", "09:00-12:00"]}), []),
        (changed(weekly={"mon": ["9:00-12:00"]}), ["calendars.c.weekly.mon[0]"]),
        (changed(weekly={"mon": ["09:00-12:60"]}), ["calendars.c.weekly.mon[0]"]),
        (changed(weekly={"mon": ["09:00-24:01"]}), ["calendars.c.weekly.mon[0]"]),
        (changed(weekly={"mon": ["09:00"]}), ["calendars.c.weekly.mon[0]"]),
        (changed(weekly={"mon": ["09:00 - 12:00"]}), ["calendars.c.weekly.mon[0]"]),
        (changed(weekly={"mon": ["00:00-24:00"]}), []),
        (changed(days={"2026-02-29": []}), ["calendars.c.days.2026-02-29"]),
        (changed(days={"2026-W40-1": []}), ["calendars.c.days.2026-W40-1"]),
        (changed(days={"20261001": []}), ["calendars.c.days.20261001"]),
        (changed(days={"2026-10-01": ["09:00-11:00", "10:00-12:00"]}), ["calendars.c.days.2026-10-01[1]"]),
        (changed(days={"2026-10-01": None}), ["calendars.c.days.2026-10-01"]),
        (changed(days=None), ["calendars.c.days"]),
        (changed(working_day="7.5h"), ["calendars.c.working_day"]),
        (changed(working_day="1wd"), ["calendars.c.working_day"]),
        (changed(working_day=7), ["calendars.c.working_day"]),
        (changed(holidays=[]), ["calendars.c.holidays"]),
        ({"always": True, "time_zone": "UTC"}, ["calendars.c.time_zone"]),
        ({"always": False}, ["calendars.c.always"]),
        (None, ["calendars.c"]),
        (
            changed(time_zone="?", weekly={"mon": ["x"]}, days={"x": ["y"]}, working_day="z", colour=1),
            [
                "calendars.c.colour", "calendars.c.days.x", "calendars.c.days.x[0]", "calendars.c.time_zone",
                "calendars.c.weekly.mon[0]", "calendars.c.working_day",
            ],
        ),
    ],
)  # fmt: skip
def test_P_calendar_errors(calendar, wanted):
    assert faults(calendar) == wanted


@pytest.mark.parametrize(
    "changes, wanted",
    [
        (dict(within="1wd"), []),
        (dict(within="1d"), ["~.within"]),
        (dict(within="2h1d"), ["~.within"]),
        (dict(within="1wd1d"), ["~.within"]),
        (dict(within="1d", calendar="always"), []),
        (dict(within="1wd", calendar="always"), ["~.within"]),
        (dict(within="1253wd"), []),  # 8771 of the 8784 hours of 366 days
        (dict(within="1255wd"), ["~.within"]),
        (dict(within="1wd1wd"), ["~.within"]),
        (dict(within=None), ["~.within"]),
        (dict(within=...), ["~.within"]),
        (dict(calendar="nowhere"), ["~.calendar"]),
        (dict(calendar="nowhere", within="1wd"), ["~.calendar"]),
        (dict(calendar=["c"]), ["~.calendar"]),
        (dict(calendar=...), ["~.calendar"]),
    ],
)
def test_P2_within_on_calendars(changes, wanted):
    assert faults(**changes) == wanted


def test_target_that_never_falls_due():
    one_minute = {"mon": ["00:00-00:01"]}
    assert faults(changed(weekly=one_minute), within="8000h") == ["~.within"]
    assert faults(changed(weekly=one_minute), within="8h") == []
    never = {f"{month:02}-{day:02}": [] for month in range(1, 13) for day in range(1, 32) if yearly_of(f"{month:02}-{day:02}")}
    assert len(never) == 366 and faults(changed(days=never)) == ["~.within"]
    del never["02-29"]
    assert faults(changed(days=never)) == []  # leap days that are not Sundays are working days


def test_P2_wd_needs_a_working_day():
    assert faults(changed(working_day=...), within="2wd") == ["~.within"]
    assert faults(changed(working_day=...), within="2h") == []


def test_P_a_faulty_calendar_is_one_fault():
    """Whatever uses it is still checked as far as possible."""
    assert faults(changed(time_zone="?"), within="2wd") == ["calendars.c.time_zone"]
    assert faults(changed(working_day="?"), within="2wd") == ["calendars.c.working_day"]
    assert faults(changed(time_zone="?"), within="1d") == ["calendars.c.time_zone", "~.within"]


@pytest.mark.parametrize("name", ["policy.sample.json", "policy.calendars.json"])
def test_P_sample_files(name):
    assert policy.load(os.path.join(HERE, "..", "..", "deploy", name))


def test_E7_P1_a_number_in_a_match():
    p = ({"name": "a", "match": {"priority": [1, "x*"]}, "targets": {}},)
    assert run_at_t0(opened(priority="1"), p=p).ticket["policy"] == "a"
    assert run_at_t0(opened(priority="2"), p=p).ticket["policy"] is None
    for wrong in (1.0, True, None, 10**20):
        with pytest.raises(policy.PolicyError, match=r"match.priority\[0\]"):
            run_at_t0(opened(), p=({"name": "a", "match": {"priority": [wrong]}, "targets": {}},))
