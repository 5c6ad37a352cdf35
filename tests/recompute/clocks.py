"""S2-S6 and S9: one clock, judged from its start, its target, the pauses and its end."""


class Always:
    """The calendar that always runs. Other calendars implement the same two methods."""

    rests = False
    working_day = None

    def elapsed(self, begin, end):
        """How much of [begin, end) is inside the calendar."""
        return end - begin

    def advance(self, begin, amount):
        """The earliest instant at which `amount` has run since `begin`."""
        return begin + amount


ALWAYS = Always()

NONE, PENDING, MET, BREACHED = "none", "pending", "met", "breached"
DEADLINE, POLICY_CHANGE = "deadline", "policy_change"


class Pause:
    __slots__ = ("begin", "end", "reason")

    def __init__(self, begin, reason, end=None):
        self.begin = begin
        self.end = end
        self.reason = reason


def _listed(pauses, target):
    return [pause for pause in pauses if pause.reason in target.pause_on]


def run_time(begin, end, target, pauses):
    """How long a clock of this target runs in [begin, end)."""
    if end <= begin:
        return 0
    total = target.calendar.elapsed(begin, end)
    for pause in _listed(pauses, target):
        stop = min(end, end if pause.end is None else pause.end)
        start = max(begin, pause.begin)
        if start < stop:
            total -= target.calendar.elapsed(start, stop)
    return total


def run_out(begin, amount, target, pauses, end=None):
    """The earliest instant at which `amount` has run since `begin`; None during an open pause. With `end`, pauses
    count only up to that instant."""
    at, left = begin, amount
    for pause in _listed(pauses, target):
        pause_end = end if pause.end is None else pause.end
        if pause_end is not None and pause_end <= at:
            continue
        ran = target.calendar.elapsed(at, max(at, pause.begin))
        if ran >= left:
            break
        left -= ran
        if pause_end is None:
            return None
        at = pause_end
    return target.calendar.advance(at, left)


class _Epoch:
    """The state of a clock from an instant on, after all steps up to it, until the next."""

    __slots__ = ("at", "applied_at", "target", "promise", "pauses")

    def __init__(self, clock, at):
        self.at = at
        self.applied_at = clock.applied_at
        self.target = clock.target
        self.promise = clock.promise
        self.pauses = [(pause.begin, pause.end, pause.reason) for pause in clock.pauses]


class Clock:
    """Runs from `start` until it is stopped (answered) or ends with its cycle (S5).

    `former` holds the (start, resolved_at) of all earlier cycles, for a target that continues. `promise` is a due
    time that replaces the target's. Once breached or over, the due time does not change.
    """

    def __init__(self, name, n, cycle, start, pauses, former=()):
        self.name = name
        self.n = n
        self.cycle = cycle
        self.start = start
        self.pauses = pauses
        self.former = tuple(former)
        self.target = None
        self.policy = None
        self.promise = None
        self.over_at = None
        self.agent = None  # who stopped it
        self.lapsed = False  # S5 ended it as `none`
        self.cause = None
        self.breached_at = None
        self._due_at = None  # fixed once breached or over
        self._verdict = None  # fixed once over
        self.applied_at = start  # when the current policy began to apply
        self._epochs = []

    # --- the due time

    @property
    def runs(self):
        return self.over_at is None

    @property
    def is_judged(self):
        """Whether there is anything to judge it by."""
        return self.target is not None or self.promise is not None

    @property
    def due_at(self):
        fixed = self.breached_at is not None or not self.runs
        return self._due_at if fixed else self._reckon()

    def _used(self):
        if not self.target.carries_on:
            return 0
        return sum(run_time(begin, end, self.target, self.pauses) for begin, end in self.former)

    def _reckon(self, end=None):
        if self.promise is not None:
            return max(self.promise, self.start)
        if self.target is None:
            return None
        left = self.target.within - self._used()
        if left <= 0:
            return self.start
        return run_out(self.start, left, self.target, self.pauses, end)

    # --- events

    def judge_by(self, target, policy, promise):
        """At its start: its target and promise."""
        self.target, self.policy, self.promise = target, policy, promise

    def change(self, at, target, policy, promise):
        """S6: attributes or a promise change at `at`."""
        self._settle(at)
        if not self.runs or self.breached_at is not None:
            return
        if policy is not self.policy:  # two policies may have the same name
            self.applied_at = at
        self.judge_by(target, policy, promise)
        due_at = self._reckon()
        if due_at is not None and due_at < at:
            self._breach(due_at, at, POLICY_CHANGE)

    def stop(self, at, agent):
        """S4: the awaited event happens."""
        self.agent = agent
        self._finish(at, MET if self.is_judged else NONE)

    def end(self, at):
        """S5: its cycle ends before the clock is stopped."""
        self._finish(at, NONE)
        self.lapsed = self._verdict == NONE

    def _finish(self, at, verdict_in_time):
        self._settle(at)
        if self.breached_at is None:
            self._due_at = self._reckon(end=at)
        self._verdict = verdict_in_time if self.breached_at is None else BREACHED
        self.over_at = at

    def _settle(self, at):
        """Whether it was breached by `at`."""
        due_at = self.due_at
        if self.runs and self.breached_at is None and due_at is not None and due_at < at:
            self._breach(due_at, due_at, DEADLINE)

    def _breach(self, due_at, at, cause):
        self._due_at, self.breached_at, self.cause = due_at, at, cause

    def settle(self, as_of):
        """After all steps: the part that depends on the watermark (S4, K4)."""
        self._settle(as_of)

    # --- warnings and escalations

    def mark(self, at):
        """After a step at `at`: its state from then on."""
        if not self.runs or self.breached_at is not None:
            return
        if self._epochs and self._epochs[-1].at == at:
            self._epochs.pop()
        self._epochs.append(_Epoch(self, at))

    def warnings(self):
        """S8: the instants of all warnings, including those still to come if nothing more happens."""
        found, done, applied_at = [], set(), None
        changed = self.breached_at if self.cause == POLICY_CHANGE else None  # no warnings after a breach
        ends = [epoch.at for epoch in self._epochs[1:]] + [self.over_at if changed is None else changed]
        for epoch, end in zip(self._epochs, ends):
            came_to_apply = epoch.applied_at != applied_at
            if came_to_apply:
                done, applied_at = set(), epoch.applied_at
            for i, (kind, amount) in enumerate(epoch.target.warnings if epoch.target else ()):
                if i in done:
                    continue
                at = self._ran_at(epoch, amount) if kind == "ran" else self._before_at(epoch, amount)
                if at is None:
                    continue
                if at < applied_at and (kind == "ran" or came_to_apply):
                    done.add(i)  # it was due before the policy began to apply: skipped for good
                    continue
                at = max(at, epoch.at)
                due_at = self._due_in(epoch)
                if (end is None or at < end) and (due_at is None or at <= due_at):
                    done.add(i)
                    found.append(at)
        return found

    def _used_in(self, epoch):
        if not epoch.target.carries_on:
            return 0
        return sum(run_time(begin, end, epoch.target, self.pauses) for begin, end in self.former)

    def _run_out_in(self, epoch, amount):
        pauses = [Pause(begin, reason, end) for begin, end, reason in epoch.pauses]
        return run_out(self.start, amount, epoch.target, pauses)

    def _ran_at(self, epoch, part):
        """When it has run for a part of `within`; time under a promise does not count."""
        if epoch.promise is not None:
            return None
        left = part - self._used_in(epoch)
        if left <= 0:
            return self.start if left == 0 else self.start - 1
        return self._run_out_in(epoch, left)

    def _due_in(self, epoch):
        if epoch.promise is not None:
            return max(epoch.promise, self.start)
        left = epoch.target.within - self._used_in(epoch)
        return self.start if left <= 0 else self._run_out_in(epoch, left)

    def _before_at(self, epoch, before):
        due_at = self._due_in(epoch)
        return None if due_at is None else due_at - before

    def first_warning(self, as_of):
        """The first one that is due."""
        return min((at for at in self.warnings() if at < as_of), default=None)

    def level(self, as_of):
        if not self.is_breached(as_of) or self.target is None:
            return 0
        instants = [self.breached_at + after for after in self.target.escalations]
        return sum(at < as_of and (self.runs or at < self.over_at) for at in instants)

    # --- results; valid after settle()

    def working_time(self, at):
        """How long it ran until `at`, without the time outside its calendar and in pauses."""
        if self.target is None or self.promise is not None:
            return at - self.start
        return run_time(self.start, at, self.target, self.pauses)

    def is_breached(self, as_of):
        return self.breached_at is not None and (not self.runs or self.breached_at < as_of)

    def verdict(self, as_of):
        if not self.runs:
            return self._verdict
        if self.is_breached(as_of):
            return BREACHED
        return PENDING if self.is_judged else NONE

    def us_left(self, as_of):
        """S9, `seconds_left`: running time, below zero when late; for a promise by the wall clock."""
        if self.promise is not None:
            return max(self.promise, self.start) - as_of
        return self.target.within - self._used() - run_time(self.start, as_of, self.target, self.pauses)

    def live_state(self, as_of):
        """S9."""
        if self.is_breached(as_of):
            return BREACHED
        if self.promise is None and any(pause.end is None for pause in _listed(self.pauses, self.target)):
            return "paused"
        warnings = self.warnings()
        if warnings:
            return "at_risk" if min(warnings) < as_of else PENDING
        if self.promise is not None:
            ran, whole = as_of - self.start, self.due_at - self.start
        else:
            ran, whole = self._used() + run_time(self.start, as_of, self.target, self.pauses), self.target.within
        return "at_risk" if as_of >= self.start and ran * 5 > whole * 4 else PENDING
