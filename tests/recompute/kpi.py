"""K: the contributions of a ticket, by agent and 5-minute bucket."""

from collections import defaultdict

from clocks import BREACHED, MET
from times import MINUTE

BUCKET = 5 * MINUTE
NOBODY = ""

COLUMNS = (
    "opened", "responded", "first_response_measured", "first_response_within_sla", "first_response_us_sum",
    "resolved", "resolution_measured", "resolution_within_sla", "resolution_us_sum",
    "arrival_measured", "arrival_within_sla", "next_response_measured", "next_response_within_sla",
    "closed", "reopened", "fcr_eligible", "fcr_resolved", "transferred_out",
    "csat_responses", "csat_satisfied", "csat_score_micros_sum",
    "nps_responses", "nps_promoters", "nps_detractors", "ces_responses", "ces_score_micros_sum",
    "first_response_working_us_sum", "resolution_working_us_sum",
)  # fmt: skip


class Kpis:
    """Sums by agent and bucket."""

    def __init__(self):
        self._rows = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))

    def add(self, agent, at, **amounts):
        row = self._rows[NOBODY if agent is None else agent, at - at % BUCKET]
        for column, amount in amounts.items():
            row[column] += amount

    def rows(self):
        for (agent, time), row in sorted(self._rows.items()):
            if any(row.values()):
                yield (agent, time, *row.values())


def contribute(kpis, ticket, as_of, fcr_window):
    for survey in ticket.surveys.values():
        _survey(kpis, survey)
    if ticket.opened_at is None:
        return
    kpis.add(ticket.opened_by, ticket.opened_at, opened=1)
    response = ticket.first_response
    if response is not None:
        kpis.add(
            response.agent, response.at, responded=1, first_response_us_sum=response.at - response.started_at,
            first_response_working_us_sum=response.working_time,
        )  # fmt: skip
    for clock in ticket.clocks:
        _measure(kpis, ticket, clock, as_of)
    for cycle in ticket.cycles:
        if cycle.counts:
            kpis.add(
                cycle.resolver, cycle.resolved_at, resolved=1, resolution_us_sum=cycle.resolved_at - cycle.started_at,
                resolution_working_us_sum=cycle.working_time,
            )  # fmt: skip
        if cycle.closed_at is not None:
            kpis.add(cycle.closer, cycle.closed_at, closed=1)
    for at, resolver in ticket.reopenings:
        kpis.add(resolver, at, reopened=1)
    for at, agent, _ in ticket.transfers:
        kpis.add(agent, at, transferred_out=1)
    _first_contact(kpis, ticket, fcr_window)


def _measure(kpis, ticket, clock, as_of):
    verdict = clock.verdict(as_of)
    if verdict == MET:
        kpis.add(clock.agent, clock.over_at, **{f"{clock.name}_measured": 1, f"{clock.name}_within_sla": 1})
    elif verdict == BREACHED:
        owner, _ = ticket.owner_and_project(clock.breached_at)
        kpis.add(owner, clock.breached_at, **{f"{clock.name}_measured": 1})


def _first_contact(kpis, ticket, window):
    cycle = ticket.cycles[0]
    if not (cycle.counts and cycle.resolution == "solved"):
        return
    handed_over = any(ticket.first_response.step < step < cycle.resolved_step for _, _, step in ticket.transfers)
    came_back = any(at <= cycle.resolved_at + window for at, _ in ticket.reopenings)
    resolved = 0 if handed_over or came_back else 1
    kpis.add(cycle.resolver, cycle.resolved_at, fcr_eligible=1, fcr_resolved=resolved)


def ratio_micros(score, scale):
    """score/scale in millionths, rounded half up."""
    return (2 * score * 1_000_000 + scale) // (2 * scale)


def _survey(kpis, survey):
    score, scale = survey.score, survey.scale
    if survey.kind == "csat":
        satisfied = int(score * 10 >= scale * 8)
        kpis.add(
            survey.agent, survey.at,
            csat_responses=1, csat_satisfied=satisfied, csat_score_micros_sum=ratio_micros(score, scale),
        )  # fmt: skip
    elif survey.kind == "nps":
        promoter, detractor = int(score * 10 >= scale * 9), int(score * 10 <= scale * 6)
        kpis.add(survey.agent, survey.at, nps_responses=1, nps_promoters=promoter, nps_detractors=detractor)
    else:
        kpis.add(survey.agent, survey.at, ces_responses=1, ces_score_micros_sum=ratio_micros(score, scale))
