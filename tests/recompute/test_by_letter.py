"""Checks S2-S9, A and the working time minute by minute, by the letter of the rules.

The steps of random tickets are at whole minutes. Each minute is examined: what was known from the steps up to then,
whether the clock ran, what held. The fold decides which steps act and which policy matches; the state of a clock is
derived here without the arithmetic of clocks.py and hours.py. KPID_LONG=1 takes more tickets.
"""

import json
import os
import random

import pytest

import policy
import tables
from clocks import BREACHED, DEADLINE, MET, NONE, PENDING, POLICY_CHANGE
from events import TOPIC_TYPES, Intake, Message
from fold import Ticket
from test_recompute import NOW, T0, ev
from times import MINUTE, format_time

N_SEEDS = 1500 if os.environ.get("KPID_LONG") else 150
HORIZON = 8 * 1440 + 400  # short hours, the same every day
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


# --- random policies and tickets; minutes count from T0, which is 08:00 UTC


def spans(r):
    """Random hours that are the same every day, as minutes after 08:00."""
    cuts = sorted(r.sample(range(0, 121), 2 * r.randrange(1, 7)))
    return list(zip(cuts[::2], cuts[1::2]))


def clock_face(minute):
    return f"{8 + minute // 60:02}:{minute % 60:02}"


def random_target(r, calendars):
    calendar = r.choice(["always", *calendars])
    target = {"within": r.choice([5, 5, 10, 10, 20]), "calendar": calendar}
    most = target["within"] if calendar == "always" else 30
    target["warn_at"] = [
        r.choice([("ran", r.choice([20, 40, 60, 80])), ("before", r.randrange(1, most + 1))])
        for _ in range(r.choice([0, 0, 1, 1, 2, 3]))
    ]
    target["escalate_after"] = [r.randrange(1, 15) for _ in range(r.choice([0, 1, 2]))]
    target["pause_on"] = r.choice([[], ["c"], ["c", ""]])
    target["reopen"] = r.choice(["restart", "continue"])
    return target


def random_policies(r):
    calendars = {name: spans(r) for name in ("a", "b")}
    names = ("first_response", "next_response", "arrival", "resolution")
    policies = [
        {
            "name": f"p{i}", **({"match": {"priority": [priority]}} if priority else {}),
            "targets": {name: random_target(r, calendars) for name in names if r.random() < 0.85},
        }
        for i, priority in enumerate(["1", "2", None])
    ]  # fmt: skip
    return calendars, policies


def policy_file(calendars, policies):
    def written(target):
        warn_at = [f"{n}%" if kind == "ran" else f"{n}m before" for kind, n in target["warn_at"]]
        return target | {
            "within": f"{target['within']}m", "warn_at": warn_at,
            "escalate_after": [f"{n}m" for n in target["escalate_after"]],
        }  # fmt: skip

    body = {
        "id": "r", "resume_on_reply": ["c"],
        "calendars": {
            name: {"time_zone": "UTC", "weekly": {d: [f"{clock_face(a)}-{clock_face(b)}" for a, b in of] for d in WEEK}}
            for name, of in calendars.items()
        },
        "policies": [
            one | {"targets": {name: written(target) for name, target in one["targets"].items()}} for one in policies
        ],
    }  # fmt: skip
    return policy.parse(json.dumps({"revisions": [body]}).encode())


def random_events(r):
    def promise():
        return {} if r.random() < 0.7 else {f"{r.choice(['first_response', 'resolution'])}_due_at": r.randrange(0, 50)}

    def some(type, minute):
        data = {
            "opened": lambda: {"priority": r.choice(["1", "2", "3"]), "agent_id": "a", **promise()},
            "updated": lambda: {**({"priority": r.choice(["1", "2", "3"])} if r.random() < 0.8 else {}), **promise()},
            "assigned": lambda: {"agent_id": r.choice(["a", "b", None])},
            "paused": lambda: {"reason": r.choice(["c", "c", "c", "", "x"])},
            "resolved": lambda: {"resolution": r.choice(["solved", "solved", "unsolved", "cancelled"])},
            "closed": lambda: {"automatic": r.random() < 0.5},
            "responded": lambda: {"automatic": r.random() < 0.2},
        }.get(type, dict)()
        return minute, type, data

    minutes = sorted(r.sample(range(1, 70), r.randrange(0, 12)))
    types = (
        "updated updated updated updated paused paused paused resumed resumed resumed responded requester_replied "
        "requester_replied arrived resolved resolved closed reopened reopened assigned assigned"
    ).split()
    return [some("opened", 0), *(some(r.choice(types), minute) for minute in minutes)]


# --- by the letter


class Story:
    """The ticket after each step; the state of a minute is that after all steps up to it."""

    def __init__(self, seed):
        r = random.Random(f"letter {seed}")
        self.calendars, policies = random_policies(r)
        self.revisions = policy_file(self.calendars, policies)
        self.targets = {one["name"]: one["targets"] for one in policies}
        self.events = random_events(r)
        self.as_of = r.choice([r.randrange(0, 90), r.randrange(0, 90), 24 * 60 - 5, 24 * 60 + r.randrange(120)])
        self.steps = [(minute, self.fold(i + 1)) for i, (minute, *_) in enumerate(self.events)]

    def fold(self, n):
        intake = Intake(TOPIC_TYPES, NOW)
        for i, (minute, type, data) in enumerate(self.events[:n]):
            data = {k: _moment(v) if k.endswith("_due_at") else v for k, v in data.items()}
            intake.add(Message("x", 0, i, json.dumps(ev(type, minute, _id=f"e{i}", **data)).encode()))
        return Ticket("T", self.revisions).fold(intake.events_by_ticket()["T"])

    @property
    def whole(self):
        return self.steps[-1][1]

    def at(self, minute):
        """There are no two steps in one minute."""
        return next((ticket for at, ticket in reversed(self.steps) if at <= minute), None)


def _moment(minute):
    return format_time(T0 + minute * MINUTE)


def _minute(at):
    return None if at is None else (at - T0) // MINUTE


class Letter:
    """One clock, minute by minute."""

    def __init__(self, story, clock):
        self.story = story
        self.name, self.n, self.cycle = clock.name, clock.n, clock.cycle
        self.start, self.over = _minute(clock.start), _minute(clock.over_at)
        self.warned, self.due = set(), None
        self.breached, self.cause, self.breached_by = None, None, None
        self.look()

    # what is known at a minute

    def target(self, minute):
        ticket = self.story.at(minute)
        return self.story.targets[ticket.policy.name].get(self.name)

    def promise(self, minute):
        return _minute(self.story.at(minute).promises.get(self.name)) if self.cycle == 1 else None

    def paused_until(self, target, minute, by):
        """Until when it is paused at a minute, known from the steps up to `by`; None if it is not in a listed
        pause."""
        for pause in self.story.at(by).pauses:
            end = HORIZON if pause.end is None else _minute(pause.end)
            if pause.reason in target["pause_on"] and _minute(pause.begin) <= minute < end:
                return end
        return None

    def runs(self, target, minute, by):
        of_day = minute % 1440
        open_ = target["calendar"] == "always" or any(
            a <= of_day < b for a, b in self.story.calendars[target["calendar"]]
        )
        return open_ and self.paused_until(target, minute, by) is None

    def ran(self, target, begin, end, by):
        return sum(self.runs(target, minute, by) for minute in range(begin, end))

    def used(self, target, by):
        if self.name != "resolution" or target["reopen"] == "restart":
            return 0
        cycles = self.story.at(by).cycles[: self.cycle - 1]
        return sum(self.ran(target, _minute(c.started_at), _minute(c.resolved_at), by) for c in cycles)

    def due_by(self, by, ended=None):
        """`due_at` known from the steps up to `by`."""
        target, promise = self.target(by), self.promise(by)
        if promise is not None:
            return max(promise, self.start)
        if target is None:
            return None
        ran, minute = self.used(target, by), self.start
        while ran < target["within"]:
            until = self.paused_until(target, minute, by)
            if until == HORIZON and ended is None:
                return None
            if until == HORIZON and minute < ended:
                minute = ended
                continue
            heeded = target if until != HORIZON else {**target, "pause_on": []}  # pauses after its end do not count
            ran, minute = ran + self.runs(heeded, minute, by), minute + 1
        return minute

    # minute by minute

    def look(self):
        applied, done, before, due, policy_then = None, None, None, None, None
        ran, ran_for = 0, None
        for now in range(self.start, HORIZON):
            if due is not None and due < now:
                return self.breach(due, due, DEADLINE, now - 1)
            if now == self.over:
                self.due = self.due_by(now - 1, ended=now)
                return
            stepped = before is None or self.story.at(now) is not before
            if stepped:
                before, due = self.story.at(now), self.due_by(now)
                judged_anew = now > self.start and self.judgement(now) != self.judgement(now - 1)
                if judged_anew and due is not None and due < now:
                    return self.breach(due, now, POLICY_CHANGE, now)
            self.due = due
            if due is None and self.over is None and now > self.story.steps[-1][0]:
                return  # nothing happens by itself
            target = self.target(now)
            if before.policy is not policy_then or applied is None:
                policy_then, applied, done = before.policy, now, {}
                for i, (kind, amount) in enumerate(target["warn_at"] if target else ()):
                    if kind == "before" and due is not None and due - amount < applied:
                        done[i] = "it held before the policy came to apply"
                    if kind == "ran":
                        at_once = self.used(target, now) + self.ran(target, self.start, now, now)
                        a_minute_ago = at_once - self.runs(target, now - 1, now) if now > self.start else None
                        part = amount * target["within"] // 100
                        if at_once > part or (at_once == part and (a_minute_ago is not None and a_minute_ago >= part)):
                            done[i] = "it lies before the policy came to apply"
            if target is None:
                continue
            if stepped or ran_for is not target:
                ran, ran_for = self.used(target, now) + self.ran(target, self.start, now, now), target
            else:
                ran += self.runs(target, now - 1, now)
            for i, (kind, amount) in enumerate(target["warn_at"]):
                if i in done:
                    continue
                if kind == "before":
                    holds = due is not None and now >= due - amount
                else:
                    holds = self.promise(now) is None and ran >= amount * target["within"] // 100
                if holds:
                    done[i] = "warned"
                    self.warned.add(now)

    def judgement(self, minute):
        return self.story.at(minute).policy, self.promise(minute)

    def breach(self, due, at, cause, by):
        self.due, self.breached, self.cause, self.breached_by = due, at, cause, by

    # the final results, at as_of

    def is_breached(self):
        return self.breached is not None and (self.over is not None or self.breached < self.story.as_of)

    def verdict(self):
        if self.is_breached():
            return BREACHED
        judged = self.target_or_promise()
        if self.over is None:
            return PENDING if judged else NONE
        return None  # met or none: by S4 and S5, as in the fold

    def target_or_promise(self):
        return any(judge is not None for judge in self.judges())

    def judges(self):
        """(target, promise) that judge it now; those of a breach are kept."""
        by = self.breached_by if self.breached is not None else HORIZON if self.over is None else self.over
        return self.target(by), self.promise(by)

    def level(self):
        target, _ = self.judges()
        if not self.is_breached() or target is None:
            return 0
        instants = [self.breached + after for after in target["escalate_after"]]
        return sum(at < self.story.as_of and (self.over is None or at < self.over) for at in instants)

    def alert(self):
        due_warnings = [at for at in self.warned if at < self.story.as_of]
        if self.is_breached():
            state, seen = ("breached" if self.over is None else "resolved"), self.breached
        elif due_warnings:
            state = "warning" if self.over is None and self.target_or_promise() else "averted"
            seen = min(due_warnings)
        else:
            return None
        breached = self.breached if self.is_breached() else None
        cause = self.cause if self.is_breached() else None
        owner = self.story.at(seen).owner
        return state, self.level(), self.due, breached, cause, owner, self.over if self.is_breached() else None

    def live_state(self):
        as_of = self.story.as_of
        if self.is_breached():
            return "breached"
        target, promise = self.judges()
        if promise is None and self.story.whole.state == "paused":
            if self.story.whole.pauses[-1].reason in target["pause_on"]:
                return "paused"
        if self.warned:
            return "at_risk" if min(self.warned) < as_of else "pending"
        if promise is not None:
            ran, whole = as_of - self.start, self.due - self.start
        else:
            ran, whole = self.used(target, HORIZON) + self.ran(target, self.start, as_of, HORIZON), target["within"]
        return "at_risk" if as_of >= self.start and ran / whole > 0.8 else "pending"

    def left(self):
        target, promise = self.judges()
        as_of = self.story.as_of
        if promise is not None:
            return self.due - as_of
        return target["within"] - self.used(target, HORIZON) - self.ran(target, self.start, as_of, HORIZON)

    def working(self, until):
        """From its start, as it ran; by the wall clock without a target."""
        target, promise = self.judges()
        if target is None or promise is not None:
            return until - self.start
        return self.ran(target, self.start, until, HORIZON)


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_working_time_by_the_minute(seed):
    story = Story(seed)
    ticket = story.whole
    for cycle in ticket.cycles:
        if cycle.counts:
            wanted = Letter(story, cycle.clock).working(_minute(cycle.resolved_at)) * MINUTE
            assert cycle.working_time == wanted, f"seed {seed}, cycle {cycle.number}"
        else:
            assert cycle.working_time is None
    response = ticket.first_response
    if response is not None:
        started = [c for c in ticket.clocks if c.name == "first_response" and c.start <= response.at][-1]
        assert response.started_at == started.start
        wanted = Letter(story, started).working(_minute(response.at)) * MINUTE
        assert response.working_time == wanted, f"seed {seed}, first response"


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_S_and_A_by_their_letter(seed):
    story = Story(seed)
    ticket, as_of = story.whole, T0 + story.as_of * MINUTE
    for clock in ticket.clocks:
        clock.settle(as_of)
    rows = [dict(zip(tables.ALERT.split(","), row)) for row in tables.alert_rows(ticket, as_of, ())]
    alerts = {(row["target"], row["n"]): row for row in rows}
    for clock in ticket.clocks:
        letter = Letter(story, clock)
        about = f"seed {seed}, {clock.name} {clock.n}"
        assert {_minute(at) for at in clock.warnings()} == letter.warned, about
        assert clock.is_breached(as_of) == letter.is_breached(), about
        if letter.verdict() is not None:
            assert clock.verdict(as_of) == letter.verdict(), about
        else:
            assert clock.verdict(as_of) in (MET, NONE), about
        assert _minute(clock.due_at) == letter.due, about
        row = alerts.pop((clock.name, clock.n), None)
        found = row and (
            row["state"], row["level"], _minute(row["due_at"]), _minute(row["breached_at"]), row["cause"],
            row["owner_at_breach"], _minute(row["resolved_at"]),
        )  # fmt: skip
        assert found == letter.alert(), about
        if clock.runs and clock.is_judged:
            assert clock.live_state(as_of) == letter.live_state(), about
            assert clock.us_left(as_of) == letter.left() * MINUTE, about
    assert not alerts
