"""Random plans, ledgers, adjustments and late facts: closed periods by the SQL and by the second program agree on everything.

KPID_APPRAISALS is the number of plans of test_random.py; a sixth of it is closed here. A failure shows its seed."""
import json
import os
import random
from fractions import Fraction

import generate
from closing import digest_of, in_force
from conftest import differences, in_order
from psycopg2 import errors
from second import appraise, rank
from test_closing import close, drift, frozen, latest, prepare, verify, without_reference

N_PLANS = int(os.environ.get("KPID_APPRAISALS", "1000" if "KPID_LONG" in os.environ else "60")) // 6
PLANS_PER_LEDGER = 5


def later(rng, ledger, items):
    """The facts after some time: changed, new and missing rows, and other attributes of whole tickets."""
    rows, surveyed = [dict(row) for row in ledger], [dict(item) for item in items]
    for row in rng.sample(rows, min(len(rows), rng.randint(0, 6))):
        change = rng.choice(("resolution_within_sla", "repeated", "category", "priority", "gone"))
        if change == "gone":
            rows.remove(row)
        elif change in row and isinstance(row[change], int):
            row[change] = row[change] + 1 if change == "repeated" else row["resolution_measured"] - row[change]
        else:
            row[change] = rng.choice(generate.ATTRIBUTES.get(change, ["x"]))
    rows += [{**generate.row(rng), "ticket_id": f"late{n}"} for n in range(rng.randint(0, 3))]
    return rows, surveyed


def adjust_some(db, rng, then, plans):
    """Adjusts some cards; returns {(plan, level, subject): its adjustments}."""
    made = {}
    cards = [(plan["name"], card["level"], card["subject"]) for plan in plans for card in plan["cards"]]
    for name, level, subject in rng.choices(cards, k=min(6, 2 * len(cards))) if cards else []:
        so_far = made.setdefault((name, level, subject), [])
        tickets = sorted({row["ticket_id"] for row in then.ledgers[name].rows if row[f"{level}_id"] == subject})
        kind = rng.choice(("exclude", "points", "undo"))
        if kind == "exclude" and tickets:
            names = [one["name"] for one in then.plans[name]["indicators"] if one["value"] != "manual"]
            change = {"exclude": rng.choice(tickets), "indicator": rng.choice([None, *names])}
        elif kind == "undo" and so_far:
            change = {"undo": rng.choice(so_far)["number"]}
        else:
            change = {"points": rng.choice(("-10", "2.5", "0.01", "-0.07"))}
        try:
            done = db.document("appraisal.adjust('2026-03', %s, %s, %s, %s, 'Wu', 'x')", name, level, subject, json.dumps(change))
        except errors.CheckViolation as error:  # undone or excluded already
            assert "already" in str(error), error
            continue
        so_far.append({**change, "number": int(done["adjustment"])})
    return made


def check_adjusted(db, then, plans, made):
    for (name, level, subject), adjustments in made.items():
        left = in_force(adjustments)
        excludes = [(one["exclude"], one["indicator"]) for one in left if "exclude" in one]
        by_hand = sum((Fraction(one["points"]) for one in left if "points" in one), Fraction(0))
        of = next(plan for plan in plans if plan["name"] == name)
        at, before = next((at, card) for at, card in enumerate(of["cards"]) if (card["level"], card["subject"]) == (level, subject))
        if adjustments:
            card = then.card(name, level, subject, excludes=excludes, by_hand=by_hand)
            of["cards"][at] = {**card, "gaps": before["gaps"], "flags": before["flags"]}
    for plan in plans:
        rank(plan["cards"])
    wrong = differences(latest(db), in_order(without_reference(plans)))
    assert not wrong, wrong[:20]


def test_random_closed_periods(db):
    n_drifted = n_adjusted = n_cards = 0
    for seed in range(max(1, N_PLANS // PLANS_PER_LEDGER)):
        rng = random.Random(f"closing {seed}")
        ledger, items = generate.ledger(rng)
        roster = generate.roster(rng)
        for n in range(PLANS_PER_LEDGER):
            place = f"seed {seed}, plan {n}"
            revision = generate.revision(rng, f"r{n}")
            manual = generate.manual_entries(rng, [revision])
            if not any("month" in plan["cycles"] for plan in revision["plans"]):
                continue
            then = prepare(db, revision["plans"], ledger, items, roster, manual, **{key: revision[key] for key in revision if key not in ("id", "plans")})
            plans = appraise(then.revision, "month", then.rows, then.items, roster, manual)
            summary = close(db)
            assert summary["digest"] == digest_of("2026-03", 1, plans), place
            wrong = differences(latest(db), in_order([{**plan, "reference": []} for plan in plans]))
            assert not wrong, f"{place}: " + "\n".join(wrong[:20])
            made = adjust_some(db, rng, then, plans)
            check_adjusted(db, then, plans, made)
            facts = later(rng, ledger, items)
            db.fill_ledger(*facts)
            found, wanted = drift(db), then.drift(frozen(db, then.revision, *facts, roster, manual))
            wrong = differences(found, wanted)
            assert not wrong, f"{place}: " + "\n".join(wrong[:20])
            assert verify(db) == [] and db.rows("SELECT encode(digest, 'hex') FROM appraisal.closing") == [(summary["digest"],)], place
            n_drifted, n_adjusted, n_cards = n_drifted + len(found), n_adjusted + sum(map(len, made.values())), n_cards + int(summary["cards"])
    assert n_drifted > N_PLANS and n_adjusted > N_PLANS and n_cards > N_PLANS, (n_drifted, n_adjusted, n_cards)

