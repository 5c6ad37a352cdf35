"""Cards from the sums per month and from what these do not cover: notes that are not merged, roles that change within a month, loose
days, tickets of several months. All by the second program."""
import datetime
import json
import random

import generate
import pytest
from conftest import differences, expected, in_order, ledger_row

FIRST = datetime.date(2026, 1, 1)
COUNTS = {"name": "p", "cycles": ["month", "quarter", "year"], "levels": ["agent", "team", "project"], "min_n": 1, "min_weight": 1,
          "indicators": [{"name": "i", "kind": "outcome", "unit": "count", "better": "up", "weight": 100, "value": "resolved",
                          "score": {"linear": {"zero": 0, "full": 10}}}],
          "grades": [{"name": "A"}]}


def by_months(db, tables):
    """As before a merge: half of the sums are notes."""
    for table, key in tables:
        columns = "month, level, subject, places, n" if table == "ledger_reach" else "*"
        db.rows(f"WITH taken AS (DELETE FROM kpid.{table} t WHERE hashtext({key}) % 2 = 0 RETURNING *)"
                f" INSERT INTO kpid.{table}_change SELECT {columns} FROM taken")


def bases(plans):
    return {(card["level"], card["subject"]): card["indicators"][0]["n"] for plan in plans for card in plan["cards"]}


@pytest.mark.parametrize("seed", range(2))
def test_random_periods(db, seed):
    """A year of rows; months, quarters, a year and the last 28 days of several days."""
    rng = random.Random(seed)
    revisions = [generate.revision(rng, f"r{n}") for n in range(3)]
    for revision in revisions:
        for plan in revision["plans"]:
            plan["cycles"] = ["month", "quarter", "year"]
    ledger, items = generate.ledger(rng)
    while len(ledger) < 150:
        ledger, items = generate.ledger(rng)
    moved = {row["day"]: FIRST + datetime.timedelta(rng.randrange(200)) for row in ledger}
    for row in (*ledger, *items):
        row["day"] = moved[row["day"]]
    roster = [{**one, **{end: moved.get(one[end]) for end in ("since", "until")}} for one in generate.roster(rng)]
    roster = [one for one in roster if not one["since"] or not one["until"] or one["since"] <= one["until"]]
    db.fill(ledger, items, roster)
    by_months(db, [("ledger_month", "agent_id || priority"), ("ledger_item_month", "agent_id || item"), ("ledger_reach", "places::text")])
    assert db.rows("SELECT count(*) > 0 FROM kpid.ledger_month_change, kpid.ledger_reach_change") == [(True,)]
    n_scored = 0
    for key, today in (("2026-03", None), ("2026-Q1", None), ("2026", None), ("last:28d", "2026-03-15"), ("last:28d", "2026-02-28"),
                       ("last:28d", "2026-05-02")):
        if today:
            db.refreshed(f"{today} 12:00Z")
        day = datetime.date.fromisoformat(today) if today else None
        for revision in revisions:
            plans = in_order(db.preview({"revisions": [revision]}, key)["plans"])
            wrong = differences(plans, in_order(expected(db, revision, ledger, items, roster, None, key, day)))
            assert not wrong, (f"seed {seed}, {key} {today}, {revision['id']}: " + "\n".join(wrong[:20])
                               + f"\n{json.dumps(revision, ensure_ascii=False)}")
            n_scored += sum(card["score"] is not None for plan in plans for card in plan["cards"])
    assert n_scored > 20


def test_I4_a_ticket_counts_once(db):
    """Among days, agents, teams and months; and only by the rows that the plan takes."""
    def row(agent, day, ticket, team="north", **values):
        return ledger_row(agent, day, ticket, project_id="p1", team_id=team, resolved=1, **values)
    ledger = [row("li", "2026-03-01", "A"), row("li", "2026-03-02", "A"), row("wang", "2026-03-02", "A"), row("", "2026-03-03", "A"),
              row("li", "2026-03-04", "A", "south"), row("li", "2026-04-01", "A"),
              row("wang", "2026-03-10", "B"), row("sun", "2026-03-12", "B"),
              row("sun", "2026-03-12", "C", "south")]
    revision = {"id": "r", "plans": [{**COUNTS, "roles": ["desk"]}]}
    roster = [{"agent": agent, "role": "desk", "since": since, "until": until} for agent, since, until in (
        ("li", None, None), ("wang", None, "2026-03-09"), ("sun", "2026-03-12", None))]
    db.fill(ledger, (), roster)
    march = bases(db.preview({"revisions": [revision]})["plans"])
    # B counts for the team by the row of sun, who has the role since that day; wang had it no longer.
    assert march == {("agent", "li"): 1, ("agent", "wang"): 1, ("agent", "sun"): 2,
                     ("team", "north"): 2, ("team", "south"): 2, ("project", "p1"): 3}
    assert bases(db.preview({"revisions": [revision]}, "2026")["plans"])["agent", "li"] == 1
