"""P and S1: the policy file, its revisions, and which policy holds for which attributes."""

import re

import strictjson
from clocks import ALWAYS
from times import DAY, BadDuration, BadTime, parse_duration, parse_time

ATTRIBUTES = ("project_id", "channel", "category", "priority", "team_id")
TARGETS = ("first_response", "next_response", "arrival", "resolution")


class PolicyError(Exception):
    """All faults of a file at once: a list of (path, words)."""

    def __init__(self, faults):
        super().__init__("\n".join(f"{path}: {words}" for path, words in faults))
        self.faults = faults


class Target:
    """What a policy asks of one clock."""

    __slots__ = ("within", "calendar", "pause_on", "carries_on")

    def __init__(self, within, calendar=ALWAYS, pause_on=(), carries_on=False):
        self.within = within
        self.calendar = calendar
        self.pause_on = frozenset(pause_on)
        self.carries_on = carries_on


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


def _pattern(text):
    if text == "":
        return lambda value: value is None
    whole = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
    return lambda value: value is not None and whole.fullmatch(value) is not None


class Revision:
    def __init__(self, id, effective_from, resume_on_reply, policies):
        self.id = id
        self.effective_from = effective_from  # None: for ever back
        self.resume_on_reply = frozenset(resume_on_reply)
        self.policies = policies

    def policy_for(self, attributes):
        return next((policy for policy in self.policies if policy.holds(attributes)), None)


def choose_revision(revisions, opened_at):
    """S1: the greatest effective_from <= opened_at."""
    usable = [r for r in revisions if r.effective_from is None or r.effective_from <= opened_at]
    return max(usable, key=lambda r: (r.effective_from is not None, r.effective_from or 0), default=None)


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
        words = self.list(path, value)
        if not all(isinstance(word, str) for word in words):
            self.fault(path, "must hold texts only")
            return []
        return words

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
                self.fault(at, "stands after a policy without match")
            policies.append(self.policy(at, policy, calendars))
        return Revision(
            self.text(f"{path}.id", body.get("id", "?")),
            effective_from,
            self.words(f"{path}.resume_on_reply", body.get("resume_on_reply", [])),
            policies,
        )

    def calendars(self, path, value):
        """Name -> calendar; None for one that this program cannot reckon with yet."""
        calendars = {}
        for name, calendar in self.object(path, value, optional=value if isinstance(value, dict) else ()).items():
            calendars[name] = ALWAYS if calendar == {"always": True} else None
        return calendars

    def policy(self, path, value, calendars):
        body = self.object(path, value, ["name", "targets"], ["match"])
        match = self.object(f"{path}.match", body.get("match", {}), optional=ATTRIBUTES)
        targets = self.object(f"{path}.targets", body.get("targets", {}), optional=TARGETS)
        return Policy(
            self.text(f"{path}.name", body.get("name", "?")),
            {key: self.words(f"{path}.match.{key}", patterns) for key, patterns in match.items()},
            {key: self.target(f"{path}.targets.{key}", target, calendars) for key, target in targets.items()},
        )

    def target(self, path, value, calendars):
        body = self.object(
            path, value, ["within", "calendar"], ["pause_on", "reopen", "warn_at", "escalate_after"]
        )
        for key in ("warn_at", "escalate_after"):
            if key in body:
                self.fault(f"{path}.{key}", "not reckoned with yet")
        name = body.get("calendar", "")
        calendar = calendars.get(name) if isinstance(name, str) else None
        if calendar is None and "calendar" in body:
            known = isinstance(name, str) and name in calendars
            self.fault(f"{path}.calendar", "not reckoned with yet" if known else "unknown calendar")
        within = DAY
        try:
            within = parse_duration(self.text(f"{path}.within", body.get("within", "1d")))
        except BadDuration as error:
            self.fault(f"{path}.within", str(error))
        reopen = body.get("reopen", "restart")
        if reopen not in ("restart", "continue"):
            self.fault(f"{path}.reopen", "must be restart or continue")
        return Target(
            within, calendar, self.words(f"{path}.pause_on", body.get("pause_on", [])), reopen == "continue"
        )
