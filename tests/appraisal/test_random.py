"""Random plans, ledgers, rosters and entries: the SQL and the second program agree on every value of every card.

KPID_APPRAISALS is the number of plans; with KPID_LONG it is 1,000. A failure shows its seed."""
import json
import os
import random

import generate
from conftest import differences, in_order, period_rows
from second import appraise

N_PLANS = int(os.environ.get("KPID_APPRAISALS", "1000" if "KPID_LONG" in os.environ else "60"))
PLANS_PER_LEDGER = 10


def check_tickets(db, revision, plans, rng):
    """The tickets behind an indicator of a card add up to what the card shows."""
    choices = [(plan["name"], card["level"], card["subject"], one) for plan in plans for card in plan["cards"] for one in card["indicators"]
               if one["above"] is not None]
    values = {(plan["name"], one["name"]): one["value"] for plan in revision["plans"] for one in plan["indicators"]}
    for plan, level, subject, one in rng.sample(choices, min(1, len(choices))):
        if values[plan, one["name"]] != "manual":
            (above, base), = db.rows("SELECT sum(above), sum(under) FROM appraisal.tickets('2026-03', %s, %s, %s, %s, %s)",
                                     plan, level, subject, one["name"], json.dumps({"revisions": [revision]}))
            assert (above, base) == (one["above"], one["base"] or 0), (plan, level, subject, one)


def test_random_plans_and_ledgers(db):
    n_cards, n_scored, n_adjusted, n_raised, files = 0, 0, 0, 0, []
    for seed in range(N_PLANS // PLANS_PER_LEDGER):
        rng = random.Random(seed)
        revisions = [generate.revision(rng, f"r{seed}-{i}") for i in range(PLANS_PER_LEDGER)]
        ledger, items = generate.ledger(rng)
        roster, manual = generate.roster(rng), generate.manual_entries(rng, revisions)
        db.fill(ledger, items, roster, manual)
        cycle, rows, surveyed = period_rows(db, ledger, items)
        for revision in revisions:
            plans = in_order(db.preview({"revisions": [revision]})["plans"])
            wrong = differences(plans, in_order(appraise(revision, cycle, rows, surveyed, roster, manual)))
            assert not wrong, f"seed {seed}, {revision['id']}: " + "\n".join(wrong[:20]) + f"\n{json.dumps(revision, ensure_ascii=False)}"
            cards = [card for plan in plans for card in plan["cards"]]
            check_tickets(db, revision, plans, rng)
            n_cards += len(cards)
            n_scored += sum(card["score"] is not None for card in cards)
            n_adjusted += sum(one["adjusted"] is not None for card in cards for one in card["indicators"])
            n_raised += sum(flag["raised"] for card in cards for flag in card["flags"])
        files += [{**revision, "effective_from": f"{1990 + n}-{seed % 12 + 1:02}-01T00:00:00Z"} for n, revision in enumerate(revisions)
                  if seed < 12]
    assert n_scored > N_PLANS and n_cards - n_scored > N_PLANS / 2 and n_adjusted > N_PLANS and n_raised > N_PLANS / 20, (
        n_cards, n_scored, n_adjusted, n_raised)
    (db.folder / "random.json").write_text(json.dumps({"revisions": files}))
    db.kpid("appraisal", "check", "random.json")
