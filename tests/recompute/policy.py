"""P and S1: the policy file, its revisions, and which policy matches which attributes."""

import re
from fractions import Fraction

import strictjson
from clocks import ALWAYS
from events import MAX_WHOLE_DIGITS
from hours import WEEKDAYS, Hours, dates_of, minutes, weekdays_of, yearly_of, zone_exists
from times import DAY, HOUR, MINUTE, BadDuration, BadTime, parse_duration, parse_time

ATTRIBUTES = ("project_id", "channel", "category", "priority", "team_id")
TARGETS = ("first_response", "next_response", "arrival", "resolution")


class PolicyError(Exception):
    """All errors of a file: a list of (path, message)."""

    def __init__(self, faults):
        super().__init__("\n".join(f"{path}: {words}" for path, words in faults))
        self.faults = faults


class Target:
    """A policy's target for one kind of clock."""

    __slots__ = ("within", "calendar", "pause_on", "carries_on", "warnings", "escalations")

    def __init__(self, within, calendar=ALWAYS, pause_on=(), carries_on=False, warnings=(), escalations=()):
        self.within = within
        self.calendar = calendar
        self.pause_on = frozenset(pause_on)
        self.carries_on = carries_on
        self.warnings = tuple(warnings)  # ("ran", part of within) or ("before", time before it is due)
        self.escalations = tuple(escalations)  # time after the breach


class Policy:
    def __init__(self, name, match, targets):
        self.name = name
        self.match = {attribute: [_pattern(p) for p in patterns] for attribute, patterns in match.items()}
        self.targets = targets

    def holds(self, attributes):
        return all(
            any(matches(attributes.get(attribute)) for matches in patterns)
            for attribute, patterns in self.match.items()
        )


class _Faulty:
    """Replaces an invalid or missing calendar, so that the rest can still be checked."""

    def __init__(self, rests, working_day):
        self.rests = rests  # None: unknown
        self.working_day = working_day


_ABSENT = _Faulty(None, HOUR)


def _pattern(text):
    if text == "":
        return lambda value: value is None
    whole = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
    return lambda value: value is not None and whole.fullmatch(value) is not None


class Revision:
    def __init__(self, id, effective_from, resume_on_reply, policies):
        self.id = id
        self.effective_from = effective_from  # None: always in force
        self.resume_on_reply = frozenset(resume_on_reply)
        self.policies = policies

    def policy_for(self, attributes):
        return next((policy for policy in self.policies if policy.holds(attributes)), None)


def choose_revision(revisions, opened_at):
    """S1: the greatest effective_from <= opened_at."""
    usable = [r for r in revisions if r.effective_from is None or r.effective_from <= opened_at]
    return max(usable, key=lambda r: (r.effective_from is not None, r.effective_from or 0), default=None)


def falls_due(calendar, within):
    """Whether it is due before the year 2900 for every ticket that events can open, up to 2200."""
    after = parse_time("2200-12-31T00:00:00Z") + DAY
    busy = sum((end - start) % 1440 or 1440 for hours in calendar.weekly for start, end in hours)
    if not calendar.yearly and within <= 52 * busy * MINUTE:
        return True  # due within a year or two, so no hours need to be computed
    return calendar.advance(after, within) is not None


def load(path):
    with open(path, "rb") as file:
        return parse(file.read())


def parse(raw):
    try:
        document = strictjson.parse(raw)
    except strictjson.NotJson as error:
        raise PolicyError([("$", f"not JSON: {error}")]) from None
    reader = _Reader()
    revisions = reader.document(document)
    if reader.faults:
        raise PolicyError(reader.faults)
    return revisions


class _Reader:
    def __init__(self):
        self.faults = []

    def fault(self, path, words):
        self.faults.append((path, words))

    def object(self, path, value, required=(), optional=()):
        if not isinstance(value, dict):
            self.fault(path, "must be an object")
            return {}
        for key in value:
            if key not in required and key not in optional:
                self.fault(f"{path}.{key}", "unknown key")
        for key in required:
            if key not in value:
                self.fault(f"{path}.{key}", "is missing")
        return value

    def list(self, path, value):
        if not isinstance(value, list):
            self.fault(path, "must be a list")
            return []
        return value

    def words(self, path, value):
        """The texts of a list, each with its path."""
        words = []
        for i, word in enumerate(self.list(path, value)):
            if isinstance(word, str):
                words.append((f"{path}[{i}]", word))
            else:
                self.fault(f"{path}[{i}]", "must be a text")
        return words

    def plain_words(self, path, value):
        return [word for _, word in self.words(path, value)]

    def patterns(self, path, value):
        """A list of identifiers, so by E7 a whole number is its decimal text."""
        if isinstance(value, list):
            value = [
                str(int(v.text)) if isinstance(v, strictjson.Number) and v.is_whole() and v.digits() <= MAX_WHOLE_DIGITS else v
                for v in value
            ]
        return self.plain_words(path, value)

    def text(self, path, value):
        if not isinstance(value, str) or value == "":
            self.fault(path, "must be a text")
            return ""
        return value

    def document(self, value):
        body = self.object("$", value, ["revisions"])
        revisions = [
            self.revision(f"$.revisions[{i}]", revision)
            for i, revision in enumerate(self.list("$.revisions", body.get("revisions", [])))
        ]
        for i, revision in enumerate(revisions):
            for other in revisions[:i]:
                if other.effective_from == revision.effective_from:
                    self.fault(f"$.revisions[{i}].effective_from", "two revisions of one instant")
                if other.id == revision.id:
                    self.fault(f"$.revisions[{i}].id", "two revisions of one id")
        return revisions

    def revision(self, path, value):
        body = self.object(
            path, value, ["id", "policies"], ["effective_from", "resume_on_reply", "calendars"]
        )
        effective_from = None
        if "effective_from" in body:
            try:
                effective_from = parse_time(self.text(f"{path}.effective_from", body["effective_from"]))
            except BadTime as error:
                self.fault(f"{path}.effective_from", str(error))
        calendars = self.calendars(f"{path}.calendars", body.get("calendars", {}))
        policies = []
        for i, policy in enumerate(self.list(f"{path}.policies", body.get("policies", []))):
            at = f"{path}.policies[{i}]"
            if policies and not policies[-1].match:
                self.fault(at, "comes after a policy without match")
            policies.append(self.policy(at, policy, calendars))
        return Revision(
            self.text(f"{path}.id", body.get("id", "?")),
            effective_from,
            self.plain_words(f"{path}.resume_on_reply", body.get("resume_on_reply", [])),
            policies,
        )

    def calendars(self, path, value):
        """Name -> calendar, including the predefined `always`."""
        body = self.object(path, value, optional=value if isinstance(value, dict) else ())
        return {"always": ALWAYS} | {name: self.calendar(f"{path}.{name}", one) for name, one in body.items()}

    def calendar(self, path, value):
        n_faults = len(self.faults)
        if not isinstance(value, dict):
            self.fault(path, "must be an object")
            return _ABSENT
        if "always" in value:
            self.object(path, value, ["always"])
            if value["always"] is not True:
                self.fault(f"{path}.always", "must be true")
            return ALWAYS
        body = self.object(path, value, ["time_zone", "weekly"], ["working_day", "days"])
        zone = body.get("time_zone", "UTC")
        if not isinstance(zone, str) or not zone_exists(zone):
            self.fault(f"{path}.time_zone", "no such zone")
        working_day = None
        if "working_day" in body:
            working_day = self.duration(f"{path}.working_day", body["working_day"]) or HOUR
        week = self.week(f"{path}.weekly", body["weekly"]) if "weekly" in body else None
        dates, yearly = self.days(f"{path}.days", body.get("days", {}))
        if len(self.faults) > n_faults:
            return _Faulty(True, working_day)
        return Hours(zone, week, dates, working_day, yearly)

    def week(self, path, value):
        n_faults = len(self.faults)
        weekly = self.object(path, value, optional=value if isinstance(value, dict) else ())
        week = [None] * 7
        for key, hours in weekly.items():
            named, hours = weekdays_of(key), self.day(f"{path}.{key}", hours)
            if named is None:
                self.fault(f"{path}.{key}", "no day of the week")
            for day in named or []:
                if week[day] is not None:
                    self.fault(f"{path}.{key}", f"{WEEKDAYS[day]} is named twice")
                week[day] = hours
        if len(self.faults) == n_faults and not any(week):
            self.fault(path, "has no hours")
        return [hours or [] for hours in week]

    def days(self, path, value):
        """The dates and yearly days with hours of their own."""
        dates, yearly, taken = {}, {}, {}
        for key, hours in self.object(path, value, optional=value if isinstance(value, dict) else ()).items():
            hours = self.day(f"{path}.{key}", hours)
            if yearly_of(key):
                yearly[yearly_of(key)] = hours
            elif dates_of(key) is None:
                self.fault(f"{path}.{key}", "no date")
            else:
                taken[key] = dates_of(key)
                dates |= dict.fromkeys(dates_of(key), hours)
        # The error is at the later of two that overlap; if both begin together, at the one that is written later.
        ordered = sorted(taken, key=lambda key: taken[key].start)
        for i, key in enumerate(ordered):
            if any(taken[key].start in taken[other] for other in ordered[:i]):
                self.fault(f"{path}.{key}", "overlaps with other dates")
        return dates, yearly

    def day(self, path, value):
        hours = []
        for at, text in self.words(path, value):
            start, dash, end = text.partition("-")
            start, end = minutes(start), minutes(end)
            if not dash or start is None or end is None:
                self.fault(at, f"no hours: {text!r}")
                continue
            if start == end or (start, end) == (1440, 0):
                self.fault(at, "ends when it begins")
                continue
            runs_to = end if end > start else end + 1440
            if any(max(start, other[0]) < min(runs_to, other[2]) for other in hours):
                self.fault(at, "overlaps with others of its day")
            hours.append((start, end, runs_to))
        return [(start, end) for start, end, _ in hours]

    def policy(self, path, value, calendars):
        body = self.object(path, value, ["name", "targets"], ["match"])
        match = self.object(f"{path}.match", body.get("match", {}), optional=ATTRIBUTES)
        targets = self.object(f"{path}.targets", body.get("targets", {}), optional=TARGETS)
        return Policy(
            self.text(f"{path}.name", body.get("name", "?")),
            {key: self.patterns(f"{path}.match.{key}", patterns) for key, patterns in match.items()},
            {key: self.target(f"{path}.targets.{key}", target, calendars) for key, target in targets.items()},
        )

    def target(self, path, value, calendars):
        body = self.object(
            path, value, ["within", "calendar"], ["pause_on", "reopen", "warn_at", "escalate_after"]
        )
        calendar = _ABSENT
        if "calendar" in body:
            name = body["calendar"]
            calendar = calendars.get(name) if isinstance(name, str) else None
            if calendar is None:
                self.fault(f"{path}.calendar", "unknown calendar")
                calendar = _ABSENT
        within = self.within(f"{path}.within", body["within"], calendar) if "within" in body else None
        warnings = [
            self.warning(at, warning, within, calendar)
            for at, warning in self.words(f"{path}.warn_at", body.get("warn_at", []))
        ]
        escalations = [
            self.duration(at, text) for at, text in self.words(f"{path}.escalate_after", body.get("escalate_after", []))
        ]
        pause_on = self.plain_words(f"{path}.pause_on", body.get("pause_on", []))
        reopen = body.get("reopen", "restart")
        if reopen not in ("restart", "continue"):
            self.fault(f"{path}.reopen", "must be restart or continue")
        return Target(within, calendar, pause_on, reopen == "continue", warnings, escalations)

    def duration(self, path, text, working_day=None):
        """Returns None if it is invalid."""
        if not isinstance(text, str):
            return self.fault(path, "must be a text")
        try:
            return parse_duration(text, working_day)
        except BadDuration as error:
            return self.fault(path, str(error))

    def within(self, path, text, calendar):
        within = self.duration(path, text, calendar.working_day)
        if within is not None and calendar.rests and re.search(r"\dd", text):
            self.fault(path, "days of 24 hours on a calendar that rests")
        elif within is not None and isinstance(calendar, Hours) and not falls_due(calendar, within):
            self.fault(path, "never falls due")
        return within

    def warning(self, path, text, within, calendar):
        percent = re.fullmatch(r"(\d+(\.\d{1,3})?)%", text, re.ASCII)
        if percent:
            if not 0 < Fraction(percent[1]) < 100:
                self.fault(path, "at or outside 0-100 %")
            return "ran", within and int(within * Fraction(percent[1]) // 100)
        if not text.endswith(" before"):
            return self.fault(path, f"no warning: {text!r}")
        before = self.duration(path, text.removesuffix(" before"))
        if calendar is ALWAYS and within is not None and before is not None and before > within:
            self.fault(path, "longer than within")
        return "before", before
