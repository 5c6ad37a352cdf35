"""F: the state of one ticket as a function of the set of its events and the policy revisions."""

from bisect import bisect_right

from clocks import Clock, Pause
from events import survey_scale
from policy import ATTRIBUTES, choose_revision
from times import SECOND

RANKS = {
    name: rank
    for rank, name in enumerate(
        [
            "ticket.opened", "ticket.updated", "ticket.assigned", "ticket.requester_replied", "ticket.responded",
            "ticket.arrived", "ticket.paused", "ticket.resumed", "ticket.resolved", "ticket.closed",
            "ticket.reopened", "survey.submitted",
        ]
    )
}  # fmt: skip

UNKNOWN, OPEN, PAUSED, RESOLVED, CLOSED = "unknown", "open", "paused", "resolved", "closed"
ACTIVE = (OPEN, PAUSED)
RESOLUTIONS_THAT_COUNT = ("solved", "unsolved")
ALL_ATTRIBUTES = (*ATTRIBUTES, "requester_ref")
PROMISED = {"first_response": "first_response_due_at", "resolution": "resolution_due_at"}


class Step:
    __slots__ = ("at", "sequence", "rank", "source", "id", "type", "data", "owner_first")

    def __init__(self, at, type, event, data, owner_first=False):
        self.at = at
        self.sequence = event.sequence
        self.rank = RANKS[type]
        self.source = event.source
        self.id = event.id
        self.type = type
        self.data = data
        self.owner_first = owner_first

    def order(self):
        return self.at, self.sequence, self.rank, self.source, self.id


def _only(data, *names):
    return {name: data[name] for name in names if name in data}


def steps_of(events):
    """F1-F3: (the opening step or None, all other steps in order)."""
    steps, closings = [], []
    for event in events:
        steps.append(Step(event.occurred_at, event.type, event, event.data))
        if event.type != "ticket.closed":
            continue
        closings.append(event)
        responded_at = event.data.get("first_response_at")
        if responded_at is not None and responded_at <= event.occurred_at:
            data = _only(event.data, "agent_id")
            steps.append(Step(responded_at, "ticket.responded", event, data, owner_first=True))
        resolved_at = event.data.get("resolved_at")
        if resolved_at is not None and resolved_at <= event.occurred_at:
            steps.append(Step(resolved_at, "ticket.resolved", event, _only(event.data, "agent_id", "resolution")))
    steps.sort(key=Step.order)

    opening = next((step for step in steps if step.type == "ticket.opened"), None)
    if opening is not None:
        steps.remove(opening)
    else:
        openers = [event for event in closings if "opened_at" in event.data]
        if openers:
            first = min(
                openers, key=lambda e: (e.data["opened_at"], e.occurred_at, e.sequence, e.source, e.id)
            )
            opening = Step(first.data["opened_at"], "ticket.opened", first, _only(first.data, "agent_id"))
    return opening, steps


class Cycle:
    def __init__(self, number, started_at, clock):
        self.number = number
        self.started_at = started_at
        self.clock = clock
        self.resolved_at = None
        self.resolver = None
        self.resolution = None
        self.counts = False  # as `resolved` in K
        self.working_time = None
        self.resolved_step = None
        self.closed_at = None
        self.closer = None


class Response:
    def __init__(self, at, agent, step, started_at):
        self.at = at
        self.agent = agent
        self.step = step
        self.started_at = started_at  # the due time of its clock
        self.working_time = None


class Survey:
    def __init__(self, at, agent, kind, score, scale):
        self.at = at
        self.agent = agent
        self.kind = kind
        self.score = score
        self.scale = scale


class Ticket:
    def __init__(self, ticket_id, revisions):
        self.ticket_id = ticket_id
        self.revisions = revisions
        self.revision = None
        self.policy = None
        self.state = UNKNOWN
        self.opened_at = None
        self.opened_by = None
        self.attributes = dict.fromkeys(ALL_ATTRIBUTES)
        self.promises = {}
        self.owner = None
        self.first_owner = None
        self.last_owner = None  # the last agent who owned it
        self.cycles = []
        self.pauses = []
        self.clocks = []
        self.latest = {}  # target -> its latest clock
        self.first_response = None
        self.arrived = False
        self.transfers = []  # (at, the agent it counts for, number of the step)
        self.reopenings = []  # (at, resolver of the previous cycle)
        self.last_resolver = None
        self.reply_after_end = None  # F13: the last reply while resolved or closed
        self.surveys = {}  # (cycle, kind) -> Survey
        self.last_csat = None
        self._n_step = 0
        self._history = []  # (at, owner, project) after each step

    # --- running the steps

    def fold(self, events):
        opening, steps = steps_of(events)
        if opening is not None:
            self._open(opening)
            self._note(opening.at)
        for step in steps:
            self._n_step += 1
            at = step.at if self.opened_at is None else max(step.at, self.opened_at)
            self._HANDLERS[step.type](self, at, step)
            self._note(at)
        return self

    def _note(self, at):
        self._history.append((at, self.owner, self.attributes["project_id"]))
        for clock in self.latest.values():
            clock.mark(at)

    def attributes_in_order(self):
        return (self.attributes[name] for name in ALL_ATTRIBUTES)

    def owner_and_project(self, at):
        """The state after all steps <= at."""
        n = bisect_right(self._history, at, key=lambda row: row[0])
        return self._history[n - 1][1:] if n else (None, None)

    @property
    def is_active(self):
        return self.state in ACTIVE

    @property
    def cycle(self):
        return self.cycles[-1] if self.cycles else None

    # --- owner, attributes, policy

    def _own(self, agent):
        self.owner = agent
        if agent is not None:
            self.last_owner = agent
            if self.first_owner is None:
                self.first_owner = agent

    def _assign(self, at, data):
        if "agent_id" not in data:
            return
        agent = data["agent_id"]
        if self.is_active and agent is not None and self.last_owner is not None and agent != self.last_owner:
            self.transfers.append((at, self.last_owner, self._n_step))
        self._own(agent)

    def _set_attributes(self, data):
        for name in ALL_ATTRIBUTES:
            if name in data:
                self.attributes[name] = data[name]
        for target, name in PROMISED.items():
            if name in data:
                self.promises[target] = data[name]

    def _match_policy(self):
        self.policy = self.revision.policy_for(self.attributes) if self.revision else None

    def _change(self, at, data):
        """S6."""
        self._set_attributes(data)
        self._match_policy()
        for clock in self.clocks:
            if clock.runs:
                clock.change(at, *self._judgement(clock))

    def _judgement(self, clock):
        target = self.policy.targets.get(clock.name) if self.policy else None
        promise = self.promises.get(clock.name) if clock.cycle == 1 else None
        return target, self.policy, promise

    # --- clocks

    def _start(self, name, at, n):
        former = []
        if name == "resolution":
            former = [(cycle.started_at, cycle.resolved_at) for cycle in self.cycles]
        clock = Clock(name, n, len(self.cycles) + (name == "resolution"), at, self.pauses, former)
        clock.judge_by(*self._judgement(clock))
        self.clocks.append(clock)
        self.latest[name] = clock
        return clock

    def _running(self, name):
        clock = self.latest.get(name)
        return clock if clock is not None and clock.runs else None

    def _start_cycle(self, at):
        number = len(self.cycles) + 1
        clock = self._start("resolution", at, number)
        self.cycles.append(Cycle(number, at, clock))
        for name in ("first_response", "arrival"):
            before = self.latest.get(name)
            if before is None:
                self._start(name, at, 1)
            elif before.lapsed:
                self._start(name, at, before.n + 1)
        self.state = OPEN

    # --- steps

    def _open(self, step):
        self.opened_at = step.at
        self.opened_by = step.data.get("agent_id")
        self._own(self.opened_by)
        self._set_attributes(step.data)
        self.revision = choose_revision(self.revisions, step.at)
        self._match_policy()
        self._start_cycle(step.at)

    def _opened_again(self, at, step):
        self._assign(at, step.data)
        self._change(at, step.data)

    def _updated(self, at, step):
        self._change(at, step.data)

    def _assigned(self, at, step):
        self._assign(at, step.data)
        if "team_id" in step.data:
            self._change(at, step.data)

    def _respond(self, at, agent):
        """F7, F10: a response by `agent`."""
        clock = self._running("next_response")
        if clock is not None:
            clock.stop(at, agent)
        if self.first_response is None:
            self.first_response = Response(at, agent, self._n_step, self.latest["first_response"].start)
            self.first_response.working_time = self.latest["first_response"].working_time(at)
            clock = self._running("first_response")
            if clock is not None:
                clock.stop(at, agent)

    def _responded(self, at, step):
        if not self.is_active or step.data.get("automatic", False):
            return
        named = step.data.get("agent_id")
        if step.owner_first:
            self._respond(at, named if self.owner is None else self.owner)
        else:
            self._respond(at, self.owner if named is None else named)

    def _arrived(self, at, step):
        if not self.is_active or self.arrived:
            return
        self.arrived = True
        clock = self._running("arrival")
        if clock is not None:
            clock.stop(at, self._agent(step))

    def _agent(self, step):
        return step.data.get("agent_id", self.owner)

    def _end_pause(self, at):
        if self.state == PAUSED:
            self.pauses[-1].end = at
            self.state = OPEN

    def _paused(self, at, step):
        if not self.is_active:
            return
        reason = step.data.get("reason", "")
        if self.state == PAUSED and self.pauses[-1].reason == reason:
            return
        self._end_pause(at)
        self.pauses.append(Pause(at, reason))
        self.state = PAUSED

    def _resumed(self, at, step):
        self._end_pause(at)

    def _requester_replied(self, at, step):
        if self.state in (RESOLVED, CLOSED):
            self.reply_after_end = at
        if not self.is_active:
            return
        if self.state == PAUSED and self.revision and self.pauses[-1].reason in self.revision.resume_on_reply:
            self._end_pause(at)
        if self.first_response is not None and self._running("next_response") is None:
            self._start_next_response(at)

    def _start_next_response(self, at):
        before = self.latest.get("next_response")
        self._start("next_response", at, before.n + 1 if before else 1)

    def _resolve(self, at, agent, resolution, automatic=False):
        """F10, and F11 for a closing; S5."""
        self._end_pause(at)
        self.state = RESOLVED
        cycle = self.cycle
        cycle.resolved_at = at
        cycle.resolver = agent
        cycle.resolution = resolution
        cycle.resolved_step = self._n_step
        if agent is not None:
            self.last_resolver = agent
        unanswered = automatic and self.first_response is None
        counts = resolution in RESOLUTIONS_THAT_COUNT
        cycle.counts = counts and not unanswered
        if counts and not automatic:
            self._respond(at, agent)
        if cycle.counts:
            cycle.working_time = cycle.clock.working_time(at)
            cycle.clock.stop(at, agent)
        for clock in self.clocks:
            if clock.runs:
                clock.end(at)

    def _resolved(self, at, step):
        if self.is_active:
            self._resolve(at, self._agent(step), step.data.get("resolution", "solved"))

    def _closed(self, at, step):
        if self.is_active:
            resolution = step.data.get("resolution", "solved")
            self._resolve(at, self._agent(step), resolution, step.data.get("automatic", False))
        if self.state == RESOLVED:
            self.state = CLOSED
            self.cycle.closed_at = at
            self.cycle.closer = self._agent(step)

    def _reopened(self, at, step):
        if self.state in (RESOLVED, CLOSED):
            self.reopenings.append((at, self.cycle.resolver))
            self._start_cycle(at)
            replied, self.reply_after_end = self.reply_after_end, None
            if replied is not None and at - replied <= 60 * SECOND and self.first_response is not None:
                self._start_next_response(at)

    def _surveyed(self, at, step):
        data = step.data
        agent = next((a for a in (data.get("agent_id"), self.last_resolver, self.owner) if a is not None), None)
        survey = Survey(at, agent, data.get("kind", "csat"), data["score"], survey_scale(data))
        self.surveys[len(self.cycles), survey.kind] = survey
        if survey.kind == "csat":
            self.last_csat = survey

    _HANDLERS = {
        "ticket.opened": _opened_again,
        "ticket.updated": _updated,
        "ticket.assigned": _assigned,
        "ticket.requester_replied": _requester_replied,
        "ticket.responded": _responded,
        "ticket.arrived": _arrived,
        "ticket.paused": _paused,
        "ticket.resumed": _resumed,
        "ticket.resolved": _resolved,
        "ticket.closed": _closed,
        "ticket.reopened": _reopened,
        "survey.submitted": _surveyed,
    }
