"""A front desk in which everything happens that a page of kpid appraisal report shows."""
import json
import os
import random

from conftest import ROOT, ledger_row
from second import KEYS

MONTHS = ["2026-01", "2026-02", "2026-03"]
KEY = MONTHS[-1]
AGENTS = ["li.na", "陈工", '<b>&"Wu\'s"', "=cmd()", *(f"agent{n:02}" for n in range(20))]
FEW = [f"few{n}" for n in range(4)]  # of a plan of their own, too few to compare
TEAMS = ["north", "south"]
PROJECTS = ["garden", "harbour"]
EXCLUDED, COSTLY = "2026-03-li.na-0", "2026-03-li.na-1"
APPEAL = "the lift was <i>out of order</i>"
ITEMS = ["uniform", "counter", "kept_word", "speed", "skill", "manner", "parking"]


def plan_file():
    """The sample plan, and another one for the few."""
    with open(os.path.join(ROOT, "deploy", "appraisal", "frontdesk.json"), encoding="utf-8") as file:
        revision = json.load(file)["revisions"][0]
    share = {"name": "in time", "kind": "process", "unit": "percent", "better": "up", "weight": 60,
             "value": "resolution_within_sla / resolution_measured", "score": {"linear": {"zero": "50%", "full": "100%"}}}
    time = {"name": "time to answer", "kind": "outcome", "unit": "seconds", "better": "down", "weight": 40, "min_n": 1,
            "value": "first_response_seconds_sum / responded", "score": {"step": {"steps": [
                {"at_most": "15m", "points": 40}, {"at_most": "1h", "points": 20}]}}}
    few = {"name": "few", "roles": ["few"], "cycles": ["month"], "indicators": [share, time], "min_weight": 90,
           "grades": [{"name": "good", "at_least": 80}, {"name": "fair"}]}
    return {**revision, "effective_from": "2025-12-01T00:00:00Z", "plans": [*revision["plans"], few]}


def ticket(rng, agent, month, n, skill):
    """What one ticket adds. The first of li.na are late, so that it is known which cost most."""
    def hit(share):
        return int(rng.random() < share)
    in_time = 0 if agent == "li.na" and n < 3 else hit(skill)
    team = TEAMS[(*AGENTS, *FEW).index(agent) % 2]
    row = dict(first_response_measured=1, first_response_within_sla=hit(skill + 0.04), resolution_measured=1, resolution_within_sla=in_time,
               csat_responses=1, csat_satisfied=hit(0.97), responded=1, first_response_us_sum=rng.randint(1, 3600) * 1000000,
               resolved=1, resolution_last_part=in_time if agent == "li.na" and n < 20 else 0, opened=1)
    return ledger_row(agent, day=f"{month}-{n % 28 + 1:02}", ticket=f"{month}-{agent}-{n}", project_id=PROJECTS[n % 2], team_id=team,
                      category=rng.choice(("repair/water", "repair/lift", "enquiry", "complaint/noise")), priority=str(n % 3), **row)


def rows():
    rng = random.Random(18)
    ledger = []
    for month in MONTHS:
        for i, agent in enumerate(AGENTS):
            ledger += [ticket(rng, agent, month, n, 0.83 if agent == "li.na" else 0.80 + i % 10 * 0.02) for n in range(34 + i * 3)]
        for i, agent in enumerate(FEW):
            ledger += [ticket(rng, agent, month, n, 0.7 + i * 0.1) for n in range(3 if i == 0 else 40)]
    items = [{**{key: row[key] for key in KEYS}, "item": item, "kind": "csat", "answered": 1, "perceived_sum": rng.randint(3, 5) * 200000,
              "paired": int(item != "manner"), "gap_sum": rng.choice((-200000, 0)) if item != "manner" else 0}
             for row in ledger if row["agent_id"] == "li.na" for item in ITEMS]
    return ledger, items


def roster():
    return [{"agent": agent, "role": "few" if agent in FEW else "frontdesk", "team_id": TEAMS[i % 2], "since": None, "until": None,
             "login": "lina" if agent == "li.na" else "", "leads": ""} for i, agent in enumerate((*AGENTS, *FEW))]


def build(db):
    """Three closed months. The last one has entries, an appeal of each kind and adjustments."""
    ledger, items = rows()
    manual = {("front desk", "agent", agent, "records complete"): (48 - n % 4, 50) for n, agent in enumerate(AGENTS)}
    db.fill(ledger, items, roster(), manual)
    db.store_plan(plan_file())
    db.refreshed()
    for month in MONTHS:
        db.kpid("appraisal", "close", month, "--by", "Wu Min", "--why", "the month is over", user="boss")
    act(db)


def act(db):
    def run(*arguments, user):
        return db.kpid("appraisal", *arguments, user=user).stdout.split()
    number = run("appeal", KEY, "--indicator", "resolved in time", "--ticket", EXCLUDED, "--text", APPEAL, user="lina")[1]
    run("decide", number, "accept", "--exclude", EXCLUDED, "--indicator", "resolved in time", "--by", "He Lan", "--why", "not her fault",
        user="judge")
    number = run("appeal", KEY, "--text", "too strict", user="lina")[1]
    run("decide", number, "reject", "--by", "He Lan", "--why", "by the rules", user="judge")
    run("withdraw", run("appeal", KEY, "--text", "a mistake", user="lina")[1], user="lina")
    run("adjust", KEY, "li.na", "--points", "-2.5", "--by", "Wu Min", "--why", "agreed", user="boss")
    number, = (one for (one,) in db.rows("SELECT max(adjustment_no) FROM appraisal.adjustment"))
    run("adjust", KEY, "li.na", "--undo", str(number), "--by", "Wu Min", "--why", "an error", user="boss")
    run("adjust", KEY, "li.na", "--points", "1.25", "--by", "Wu Min", "--why", "helped the <others>", user="boss")
    run("appeal", KEY, "--indicator", "satisfied", "--text", "waits", user="lina")
