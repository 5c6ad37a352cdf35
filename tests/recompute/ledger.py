"""The ledger (rules L in docs/appraisal.md), written from the rules: tickets -> rows, items."""

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import kpi
from clocks import BREACHED, MET, run_time
from fold import ACTIVE, PAUSED, UNKNOWN, Ticket, steps_of
from times import DAY, MINUTE

OWN = (
    "accepted", "accept_us_sum", "first_owned", "first_owned_kept", "first_owned_measured", "first_owned_within_sla",
    "callback_done", "repeated", "first_response_last_part", "resolution_last_part", "requester_replies", "parked", "eased",
)  # fmt: skip
COLUMNS = (*kpi.COLUMNS, *OWN)


class Settings:
    """L5"""

    callback_within = 7 * DAY
    repeat_within = 30 * DAY
    last_part = Fraction(5, 100)
    parked_after = 30 * MINUTE
    eased_after = Fraction(80, 100)


def first_instant(day, zone):
    """C2: the first instant whose local date is not before this one, by bisection over the two days around it."""
    low = datetime(day.year, day.month, day.day, tzinfo=timezone.utc) - timedelta(days=1, hours=12)
    minutes = 3 * 24 * 60
    # Local dates may go back over midnight, so the first of the quarters of an hour counts, then the minute in it.
    for quarter in range(0, minutes, 15):
        if (low + timedelta(minutes=quarter)).astimezone(zone).date() >= day:
            for minute in range(quarter - 15, quarter + 1):
                if (low + timedelta(minutes=minute)).astimezone(zone).date() >= day:
                    return low + timedelta(minutes=minute)
    raise AssertionError(day)


class Days:
    def __init__(self, zone):
        self.zone = zone
        self.starts = {}

    def start(self, day):
        if day not in self.starts:
            self.starts[day] = first_instant(day, self.zone)
        return self.starts[day]

    def of(self, us):
        """L1: the date in whose span the 5-minute bucket starts."""
        at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=us - us % kpi.BUCKET)
        day = at.astimezone(self.zone).date()
        while self.start(day) > at:
            day -= timedelta(days=1)
        while self.start(day + timedelta(days=1)) <= at:
            day += timedelta(days=1)
        return day


class LedgerTicket(Ticket):
    """A ticket that remembers what the ledger needs of each step."""

    def __init__(self, ticket_id, revisions, settings=Settings):
        super().__init__(ticket_id, revisions)
        self.settings = settings
        self.places = []  # (at, project, team) after each step
        self.backlog = []  # (at, whether it is open or paused) after each step
        self.acceptance = None
        self.first_owned_at = None
        self.all_surveys = []  # (cycle, at)
        self.counted = {}  # (cycle, kind) -> (Survey, data)
        self.replies = []  # (at, owner)
        self.stays = []  # [at, owner, end] of replies during a pause
        self.eases = []  # (at, owner)

    def fold(self, events):
        opening, steps = steps_of(events)
        if opening is not None:
            self._open(opening)
            self._note(opening.at)
            made_by_closing = not any(event.type == "ticket.opened" for event in events)
            self._after(opening.at, opening, made_by_closing)
        for step in steps:
            self._n_step += 1
            at = step.at if self.opened_at is None else max(step.at, self.opened_at)
            self._HANDLERS[step.type](self, at, step)
            self._note(at)
            self._after(at, step, False)
        return self

    def _after(self, at, step, made_by_closing):
        self.places.append((at, self.attributes["project_id"], self.attributes["team_id"]))
        live = self.state in ACTIVE
        self.backlog.append((at, live))
        if self.first_owned_at is None and self.first_owner is not None:
            self.first_owned_at = at
        names = step.type in ("ticket.opened", "ticket.assigned") and step.data.get("agent_id") is not None
        if self.acceptance is None and names and live and not made_by_closing:
            self.acceptance = (at, self.owner)
        if self.state != PAUSED:
            for stay in self.stays:
                if stay[2] is None:
                    stay[2] = at
        if step.type == "ticket.requester_replied" and live:
            self.replies.append((at, self.owner))
            if self.state == PAUSED:
                self.stays.append([at, self.owner, None])
        if step.type == "survey.submitted":
            self.all_surveys.append((len(self.cycles), at))
            kind = step.data.get("kind", "csat")
            self.counted[len(self.cycles), kind] = (self.surveys[len(self.cycles), kind], step.data)

    def _change(self, at, data):
        running = [clock for clock in self.clocks if clock.runs and clock.is_judged and clock.breached_at is None]
        before = []
        for clock in running:
            due = clock._reckon()
            if due is not None and due < at:
                continue  # breached
            before.append((clock, due, use(clock, at)))
        super()._change(at, data)
        for clock, due, (used, whole) in before:
            if used < self.settings.eased_after * whole:
                continue
            if not clock.is_judged:
                self.eases.append((at, self.owner))
                continue
            later = clock._reckon()
            if due is not None and later is not None and later > due:
                self.eases.append((at, self.owner))

    def place(self, at):
        """L3"""
        n = bisect_right(self.places, at, key=lambda row: row[0])
        return self.places[n - 1][1:] if n else (None, None)


def use(clock, at):
    """What a clock has used at `at`, of what."""
    if clock.promise is not None:
        return at - clock.start, max(clock.promise, clock.start) - clock.start
    return clock._used() + run_time(clock.start, at, clock.target, clock.pauses), clock.target.within


class Rows:
    """Takes contributions as kpi.Kpis does."""

    def __init__(self, days):
        self.days = days
        self.rows = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
        self.buckets = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
        self.ticket = None

    def add(self, agent, at, **amounts):
        project, team = self.ticket.place(at)
        who = (self.ticket.ticket_id, agent or "", project or "", team or "")
        for row in (self.rows[self.days.of(at), *who], self.buckets[at - at % kpi.BUCKET, *who]):
            for column, amount in amounts.items():
                row[column] += amount


def own_measures(rows, ticket, as_of):
    settings = ticket.settings
    if ticket.state == UNKNOWN:
        return
    if ticket.acceptance is not None:
        at, owner = ticket.acceptance
        rows.add(owner, at, accepted=1, accept_us_sum=at - ticket.opened_at)
    first = ticket.cycles[0]
    if first.counts and ticket.first_owned_at is not None and ticket.first_owned_at <= first.resolved_at:
        transferred = any(at <= first.resolved_at for at, _, _ in ticket.transfers)
        kept = not transferred and first.resolver == ticket.first_owner
        rows.add(ticket.first_owner, first.resolved_at, first_owned=1, first_owned_kept=int(kept))
    for clock in ticket.clocks:
        _clock(rows, ticket, clock, as_of, settings)
    for cycle in ticket.cycles:
        called = any(number == cycle.number and cycle.resolved_at <= at <= cycle.resolved_at + settings.callback_within
                     for number, at in ticket.all_surveys) if cycle.counts else False
        if called:
            rows.add(cycle.resolver, cycle.resolved_at, callback_done=1)
    for at, owner in ticket.replies:
        rows.add(owner, at, requester_replies=1)
    for at, owner, end in ticket.stays:
        if end is not None and end - at > settings.parked_after:
            rows.add(owner, at, parked=1)
    for at, owner in ticket.eases:
        rows.add(owner, at, eased=1)


def _clock(rows, ticket, clock, as_of, settings):
    verdict = clock.verdict(as_of)
    if verdict not in (MET, BREACHED):
        return
    at = clock.over_at if verdict == MET else clock.breached_at
    met = int(verdict == MET)
    if clock.name == "resolution" and clock.cycle == 1 and ticket.first_owned_at is not None and ticket.first_owned_at <= at:
        rows.add(ticket.first_owner, at, first_owned_measured=1, first_owned_within_sla=met)
    if met and clock.name in ("first_response", "resolution"):
        used, whole = use(clock, clock.over_at)
        if whole - used <= settings.last_part * whole:
            rows.add(clock.agent, at, **{f"{clock.name}_last_part": 1})


def _root(ticket):
    category = ticket.attributes["category"]
    return None if category is None else category.split("/")[0]


def _repeated(rows, tickets, settings):
    solved = defaultdict(list)
    for ticket in tickets:
        key = ticket.attributes["requester_ref"], ticket.attributes["project_id"], _root(ticket)
        for cycle in ticket.cycles:
            if cycle.counts and cycle.resolution == "solved":
                solved[key].append((cycle.resolved_at, ticket.ticket_id.encode(), cycle.number, cycle.resolver))
    for ticket in tickets:
        key = ticket.attributes["requester_ref"], ticket.attributes["project_id"], _root(ticket)
        if ticket.opened_at is None or key[0] is None:
            continue
        t = ticket.opened_at
        found = [entry for entry in solved[key]
                 if entry[1] != ticket.ticket_id.encode() and t - settings.repeat_within <= entry[0] < t]
        if found:
            rows.ticket = ticket
            rows.add(max(found, key=lambda entry: entry[:3])[3], t, repeated=1)


def half_away(fraction):
    """In millionths, rounded half away from zero."""
    scaled = abs(fraction) * 1_000_000
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return whole if fraction >= 0 else -whole


def ledger(tickets, as_of_each, fcr_window, zone, settings=Settings):
    """(rows: key -> column -> value, items: key -> (answered, perceived, paired, gap), buckets: as rows, per 5 minutes).
    Tickets: folded LedgerTickets. as_of_each(ticket): as of when it is judged."""
    rows = Rows(Days(zone))
    items = defaultdict(lambda: [0, 0, 0, 0])
    for ticket in tickets:
        rows.ticket = ticket
        as_of = as_of_each(ticket)
        for clock in ticket.clocks:
            clock.settle(as_of)
        kpi.contribute(rows, ticket, as_of, fcr_window)
        own_measures(rows, ticket, as_of)
        for survey, data in ticket.counted.values():
            _items(items, rows.days, ticket, survey, data)
    _repeated(rows, tickets, settings)
    used, used_buckets = ({key: row for key, row in table.items() if any(row.values())} for table in (rows.rows, rows.buckets))
    return used, dict(items), used_buckets


def backlog(tickets):
    """By how much the number of open or paused tickets changes in each 5 minutes."""
    changes = defaultdict(int)
    for ticket in tickets:
        before = False
        for at, is_in in ticket.backlog:
            changes[at - at % kpi.BUCKET] += is_in - before
            before = is_in
    return {at: change for at, change in changes.items() if change != 0}


def _items(items, days, ticket, survey, data):
    project, team = ticket.place(survey.at)
    scale = data.get("answers_scale_max", survey.scale)
    for item, answer in data.get("answers", {}).items():
        key = (days.of(survey.at), ticket.ticket_id, survey.agent or "", project or "", team or "", item, survey.kind)
        into = items[key]
        into[0] += 1
        into[1] += half_away(Fraction(answer, scale))
        if item in data.get("expected", {}):
            into[2] += 1
            into[3] += half_away(Fraction(answer - data["expected"][item], scale))


TARGETS = ("first_response", "next_response", "arrival", "resolution")


def _group_numbers(row):
    """What the board shows of projects and teams."""
    return [row["opened"], row["responded"], row["resolved"], *(sum(row[f"{target}_{what}"] for target in TARGETS) for what in ("within_sla", "measured")),
            row["csat_responses"], row["csat_score_micros_sum"]]


def as_json(rows, items, buckets, changes):
    """Lists of lists, sorted: the key and the columns in order."""
    return {"rows": sorted([str(key[0]), *key[1:], *(row[column] for column in COLUMNS)] for key, row in rows.items()),
            "items": sorted([str(key[0]), *key[1:], *values] for key, values in items.items()),
            "buckets": sorted([*key, *_group_numbers(row)] for key, row in buckets.items() if any(_group_numbers(row))),
            "backlog": sorted(changes.items())}
