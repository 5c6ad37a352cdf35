"""The tables of the report as CSV: NULL is empty, the empty text is quoted."""

import hashlib
import json
import os
from collections import Counter

import kpi
from clocks import NONE

TICKET = (
    "ticket_id,project_id,channel,category,priority,team_id,requester_ref,agent_id,first_owner_id,responder_id,"
    "resolver_id,opened_at,first_response_at,resolved_at,closed_at,state,cycle,reopen_count,transfer_count,"
    "first_response_due_at,first_response_verdict,resolution_due_at,resolution_verdict,csat_score_micros,"
    "csat_scale_max_micros,policy,policy_version,first_response_working_us,resolution_working_us"
)
TICKET_CYCLE = "ticket_id,cycle,started_at,resolved_at,closed_at,resolver_id,closer_id,resolution,due_at,verdict,working_us"
ALERT = (
    "alert_id,ticket_id,target,n,state,level,due_at,breached_at,cause,owner_at_breach,project_id,policy,"
    "policy_version,resolved_at,delivery"
)
SLA_LIVE = "ticket_id,target,n,due_at,state,owner"
US_LEFT = "ticket_id,target,n,us_left"
DEAD_LETTER = "topic,partition,offset,reason"


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "t" if value else "f"
    text = str(value)
    if text == "" or any(c in text for c in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write(directory, name, header, rows):
    with open(os.path.join(directory, name), "w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        for row in rows:
            file.write(",".join(map(_cell, row)) + "\n")


def ticket_row(ticket, as_of):
    cycle = ticket.cycle
    response = ticket.first_response
    csat = ticket.last_csat
    latest = ticket.latest.get("first_response")
    return (
        ticket.ticket_id,
        *ticket.attributes_in_order(),
        ticket.owner,
        ticket.first_owner,
        response and response.agent,
        cycle and cycle.resolver,
        ticket.opened_at,
        response and response.at,
        cycle and cycle.resolved_at,
        cycle and cycle.closed_at,
        ticket.state,
        len(ticket.cycles),
        len(ticket.reopenings),
        len(ticket.transfers),
        latest and latest.due_at,
        latest.verdict(as_of) if latest else NONE,
        cycle and cycle.clock.due_at,
        cycle.clock.verdict(as_of) if cycle else NONE,
        csat and csat.score,
        csat and csat.scale,
        ticket.policy and ticket.policy.name,
        ticket.revision and ticket.revision.id,
        response and response.working_time,
        cycle and cycle.working_time,
    )


def cycle_rows(ticket, as_of):
    for cycle in ticket.cycles:
        yield (
            ticket.ticket_id, cycle.number, cycle.started_at, cycle.resolved_at, cycle.closed_at, cycle.resolver,
            cycle.closer, cycle.resolution, cycle.clock.due_at, cycle.clock.verdict(as_of), cycle.working_time,
        )  # fmt: skip


def alert_id(ticket_id, target, n):
    return hashlib.sha256(f"{ticket_id}/{target}/{n}".encode()).hexdigest()[:32]


def alert_rows(ticket, as_of, shadow):
    for clock in ticket.clocks:
        breached = clock.is_breached(as_of)
        warned_at = clock.first_warning(as_of)
        if not breached and warned_at is None:
            continue
        if breached:
            state = "breached" if clock.runs else "resolved"
        else:
            state = "warning" if clock.runs and clock.is_judged else "averted"
        owner, project = ticket.owner_and_project(clock.breached_at if breached else warned_at)
        of_breach = (clock.breached_at, clock.cause, clock.over_at) if breached else (None, None, None)
        breached_at, cause, resolved_at = of_breach
        yield (
            alert_id(ticket.ticket_id, clock.name, clock.n), ticket.ticket_id, clock.name, clock.n, state,
            clock.level(as_of), clock.due_at, breached_at, cause, owner, project, clock.policy and clock.policy.name,
            ticket.revision and ticket.revision.id, resolved_at, "shadow" if project in shadow else "normal",
        )  # fmt: skip


def live_rows(ticket, as_of):
    for clock in ticket.clocks:
        if clock.runs and clock.is_judged:
            yield ticket.ticket_id, clock.name, clock.n, clock.due_at, clock.live_state(as_of), ticket.owner


def left_rows(ticket, as_of):
    for clock in ticket.clocks:
        if clock.runs and clock.is_judged:
            yield ticket.ticket_id, clock.name, clock.n, clock.us_left(as_of)


class Report:
    def __init__(self, as_of, fcr_window, shadow=()):
        self.as_of = as_of
        self.fcr_window = fcr_window
        self.shadow = frozenset(shadow)
        self.tickets, self.cycles, self.alerts, self.live, self.left = [], [], [], [], []
        self.backlog = Counter()
        self.kpis = kpi.Kpis()

    def add(self, ticket):
        as_of = self.as_of
        for clock in ticket.clocks:
            clock.settle(as_of)
        self.tickets.append(ticket_row(ticket, as_of))
        self.cycles.extend(cycle_rows(ticket, as_of))
        self.alerts.extend(alert_rows(ticket, as_of, self.shadow))
        self.live.extend(live_rows(ticket, as_of))
        self.left.extend(left_rows(ticket, as_of))
        if ticket.is_active:
            self.backlog[kpi.NOBODY if ticket.owner is None else ticket.owner] += 1
        kpi.contribute(self.kpis, ticket, as_of, self.fcr_window)

    def write(self, directory, intake):
        os.makedirs(directory, exist_ok=True)
        _write(directory, "ticket.csv", TICKET, sorted(self.tickets, key=lambda row: row[0]))
        _write(directory, "ticket_cycle.csv", TICKET_CYCLE, sorted(self.cycles, key=lambda row: row[:2]))
        _write(directory, "agent_kpi_5m.csv", ",".join(("agent_id", "time", *kpi.COLUMNS)), self.kpis.rows())
        _write(directory, "alert.csv", ALERT, sorted(self.alerts, key=lambda row: row[0]))
        _write(directory, "backlog.csv", "agent_id,backlog", sorted(self.backlog.items()))
        _write(directory, "sla_live.csv", SLA_LIVE, sorted(self.live, key=lambda row: row[:3]))
        _write(directory, "sla_live_left.csv", US_LEFT, sorted(self.left, key=lambda row: row[:3]))
        _write(directory, "dead_letter.csv", DEAD_LETTER, intake.all_dead_letters())
        with open(os.path.join(directory, "counts.json"), "w", encoding="utf-8") as file:
            json.dump(intake.counts(), file, indent=2, sort_keys=True)
            file.write("\n")
