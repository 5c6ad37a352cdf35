"""Random plans, ledgers, rosters and manual entries, with small numbers so that bounds and ties are met often."""
import datetime
import random

from second import KEYS, OF_LEVEL

AGENTS = ["", "li", "wang", "zhao", "sun", "chen"]
TEAMS = ["", "north", "south"]
PROJECTS = ["", "binjiang-1", "binjiang-2", "garden"]
CHANNELS = ["", "phone", "app"]
CATEGORIES = ["", "repair", "repair/water", "repair/water/tap", "complaint/noise", "enquiry"]
PRIORITIES = ["", "1", "2"]
ATTRIBUTES = {"project_id": PROJECTS, "team_id": TEAMS, "channel": CHANNELS, "category": CATEGORIES, "priority": PRIORITIES}
PATTERNS = {"project_id": ["binjiang-*", "garden", "*", "", "*-1"], "team_id": ["north", "s*", ""], "channel": ["phone", "*p*", ""],
            "category": ["repair/*", "repair*", "complaint/*", "", "*/water*"], "priority": ["1", 2, "", "*"]}
ROLES = ["", "frontdesk", "repair/lift", "repair/water"]
ROLE_PATTERNS = ["frontdesk", "repair/*", "", "*"]
ITEMS = ["uniform", "counter", "speed", "skill", "odd"]
SERVQUAL = {"tangibles": ["uniform", "counter"], "a/b - c": ["speed"], "有形性": ["skill"]}
DAYS = [datetime.date(2026, 2, 28) + datetime.timedelta(n) for n in range(35)]  # and a day before and after March


def some(rng, values, most=3):
    return rng.sample(values, rng.randint(1, min(most, len(values))))


def match(rng):
    return {name: some(rng, PATTERNS[name], 2) for name in some(rng, list(PATTERNS), 2)}


def one_sum(rng, columns, servqual, minus=True):
    terms = []
    for n in range(rng.choice((1, 1, 1, 2, 3))):
        column = rng.choice(columns)
        if servqual and rng.random() < 0.15:
            column = f"{rng.choice(('answered', 'perceived_sum', 'paired', 'gap_sum') if minus else ('answered', 'paired'))}" \
                     f"({rng.choice(list(servqual))})"
        factor = rng.choice(("", "", "", "2 * ", "3*"))
        sign = "" if n == 0 else rng.choice((" + ", " - ", "-") if minus else (" + ", "+"))
        terms.append(sign + factor + column)
    return "".join(terms) if len(terms) == 1 else "(" + "".join(terms) + ")"


def text_of(rng, hundredths):
    """A number of hundredths, in one of its spellings."""
    if hundredths % 100 == 0 and rng.random() < 0.5:
        return hundredths // 100
    sign = "-" if hundredths < 0 else ""
    whole, part = divmod(abs(hundredths), 100)
    return rng.choice((f"{sign}{abs(hundredths)}%", f"{sign}{whole}.{part:02}"))


def distinct(rng, n, low, high):
    return sorted(rng.sample(range(low, high), n), reverse=True)


def score(rng, up, weight, high):
    """weight is in hundredths, high the top of the usual values in hundredths."""
    kind = rng.choice(("linear", "step", "deduct"))
    if kind == "linear":
        best, worst = distinct(rng, 2, 0, high)
        zero, full = (worst, best) if up else (best, worst)
        return {"linear": {"zero": text_of(rng, zero), "full": text_of(rng, full)}}
    if kind == "step":
        n = min(rng.randint(1, 4), weight)
        bounds = distinct(rng, n, 0, high)
        points = distinct(rng, n, 1, weight + 1)
        if not up:
            bounds.reverse()
        rule = {"steps": [{"at_least" if up else "at_most": text_of(rng, bound), "points": text_of(rng, earned)}
                          for bound, earned in zip(bounds, points)]}
        if rng.random() < 0.5:
            rule["else"] = text_of(rng, rng.randint(0, points[-1]))
        return {"step": rule}
    start = rng.randrange(0, high)
    rule = {"from": text_of(rng, start), "each": text_of(rng, rng.choice((1, 3, 5, 100))), "less": text_of(rng, rng.choice((50, 200, 33)))}
    if rng.random() < 0.5:
        rule["count"] = rng.choice(("started", "whole"))
    if rng.random() < 0.5:
        rule["beyond"] = text_of(rng, start + (-1 if up else 1) * rng.randrange(0, high))
    if rng.random() < 0.5:
        rule["floor"] = text_of(rng, rng.randint(0, weight))
    return {"deduct": rule}


QUOTIENTS = [("first_response_within_sla", "first_response_measured"), ("resolution_within_sla", "resolution_measured"),
             ("csat_satisfied", "csat_responses"), ("fcr_resolved", "fcr_eligible")]
SUMMED = ["opened", "resolved", "reopened", "repeated", "parked", "eased", "requester_replies", "first_response_seconds_sum",
          "csat_score_sum", "accept_seconds_sum", "resolution_last_part", "resolution_measured"]


def indicator(rng, name, weight, plan, servqual):
    up = rng.random() < 0.6
    kind = rng.choice(("quotient", "quotient", "quotient", "odd quotient", "sum", "manual"))
    found = {"name": name, "kind": rng.choice(("process", "outcome")), "unit": rng.choice(("percent", "percent", "seconds", "score", "count")),
             "better": "up" if up else "down", "weight": text_of(rng, weight)}
    high = 130
    if kind == "quotient":
        found["value"] = " / ".join(rng.choice(QUOTIENTS))
    elif kind == "odd quotient":
        found["value"] = f"{one_sum(rng, SUMMED, servqual)}/ {one_sum(rng, SUMMED, servqual, rng.random() < 0.5)}"
        high = 400
    elif kind == "sum":
        found["value"] = one_sum(rng, SUMMED, servqual)
        high = 3000
    else:
        found["value"] = "manual"
    if "-" not in found["value"].partition("/")[2].replace("a/b - c", "") and kind.endswith("quotient") and rng.random() < 0.6:
        found["adjust"] = some(rng, ["project_id", "team_id", "channel", "category", "category:1", "category:2", "priority"])
    if rng.random() < 0.3:
        found["where"] = match(rng)
    if rng.random() < 0.4:
        found["min_n"] = rng.choice((0, 1, 5, 20))
    if plan.get("dimensions") and rng.random() < 0.7:
        found["dimension"] = rng.choice(plan["dimensions"])
    if rng.random() < 0.3:
        found["limit"] = {"beyond": text_of(rng, rng.randrange(high)), "grade": rng.choice(plan["grades"])["name"]}
    found["score"] = score(rng, up, weight, high)
    return found


def one_plan(rng, name, servqual):
    bounds = distinct(rng, rng.randint(0, 4), 1, 9999)
    plan = {"name": name, "cycles": some(rng, ["month", "quarter", "year"]) if rng.random() < 0.2 else ["month"],
            "grades": [{"name": f"g{i}", "at_least": text_of(rng, bound), "coefficient": text_of(rng, rng.randrange(150))}
                       for i, bound in enumerate(bounds)] + [{"name": "last"}]}
    if rng.random() < 0.7:
        plan["levels"] = some(rng, list(OF_LEVEL))
    if rng.random() < 0.8:
        plan["min_n"] = rng.choice((1, 3, 10))
    if rng.random() < 0.8:
        plan["min_weight"] = rng.choice((0, 20, 50))
    if rng.random() < 0.5:
        plan["dimensions"] = some(rng, ["timeliness", "quality", "manner"])
    n = rng.randint(1, 5)
    cuts = [0, *sorted(rng.sample(range(1, 10000), n - 1)), 10000]
    plan["indicators"] = [indicator(rng, f"i{i}", cuts[i + 1] - cuts[i], plan, servqual) for i in range(n)]
    if rng.random() < 0.5:
        plan["flags"] = [{"name": f"f{i}", "mark": one_sum(rng, SUMMED, servqual).strip("()"), "per": one_sum(rng, SUMMED, None).strip("()"),
                          "min_count": rng.randint(0, 4)} for i in range(rng.randint(1, 2))]
        for flag in plan["flags"]:
            flag["mark"] = flag["mark"] + ")" if flag["mark"].count("(") > flag["mark"].count(")") else flag["mark"]
    return plan


def revision(rng, name):
    servqual = dict(some(rng, list(SERVQUAL.items()))) if rng.random() < 0.5 else {}
    found = {"id": name, "plans": []}
    if servqual:
        found["servqual"] = servqual
    n = rng.randint(1, 3)
    for i in range(n):
        plan = one_plan(rng, f"p{i}", servqual)
        if i < n - 1 or rng.random() < 0.4:  # one that takes everybody makes later ones unreachable
            if rng.random() < 0.6:
                plan["match"] = match(rng)
            if rng.random() < 0.6 or "match" not in plan:
                plan["roles"] = some(rng, ROLE_PATTERNS, 2)
        found["plans"].append(plan)
    return found


def row(rng):
    found = {"day": rng.choice(DAYS), "ticket_id": f"T{rng.randrange(200)}", "agent_id": rng.choice(AGENTS),
             **{name: rng.choice(values) for name, values in ATTRIBUTES.items()}}
    for above, under in QUOTIENTS:
        found[under] = rng.choice((0, 0, 1, 1, 2, 5))
        found[above] = rng.randint(0, found[under]) if found[under] else 0
    for name in ("opened", "resolved", "reopened", "repeated", "parked", "eased", "requester_replies", "resolution_last_part"):
        found[name] = rng.choice((0, 0, 0, 1, 1, 2))
    found["first_response_us_sum"] = rng.choice((0, 1, 2_000_000, rng.randrange(10 ** 8)))
    found["accept_us_sum"] = rng.choice((0, 333_333, rng.randrange(10 ** 7)))
    found["csat_score_micros_sum"] = rng.choice((0, 333_333, 800_000, 1_000_000))
    return found


def item(rng, of):
    paired = rng.randint(0, 1)
    return {**{key: of[key] for key in KEYS}, "item": rng.choice(ITEMS), "kind": rng.choice(("csat", "nps", "ces")), "answered": 1,
            "perceived_sum": rng.choice((0, 333_333, 800_000, 1_000_000)), "paired": paired,
            "gap_sum": paired * rng.choice((-200_000, 0, 333_333, -1_000_000))}


def ledger(rng):
    """(rows, items) with distinct keys. The rows have the columns of kpid.ledger."""
    rows = {tuple(found[key] for key in KEYS): found for found in (row(rng) for _ in range(rng.choice((0, 5, 40, 150, 300))))}
    items = {}
    for key, of in rows.items():
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            found = item(rng, of)
            items[(*key, found["item"], found["kind"])] = found
    return list(rows.values()), list(items.values())


def roster(rng):
    found = []
    for agent in AGENTS[1:] + ["gone"]:
        for _ in range(rng.choice((0, 1, 1, 2))):
            first, last = sorted(rng.choices(DAYS, k=2))
            found.append({"agent": agent, "role": rng.choice(ROLES), "since": rng.choice((None, first)), "until": rng.choice((None, last))})
    return found


def manual_entries(rng, revisions):
    """(plan, level, subject, indicator) -> (above, base), as texts."""
    found = {}
    names = {(plan["name"], one["name"]) for of in revisions for plan in of["plans"] for one in plan["indicators"]}
    for plan, name in sorted(names):
        for level, subjects in (("agent", AGENTS[1:] + ["new"]), ("team", TEAMS[1:]), ("project", PROJECTS[1:])):
            for subject in subjects:
                if rng.random() < 0.4:
                    found[plan, level, subject, name] = (rng.choice(("0", "3", "9.5", "30", "-2")), rng.choice(("0", "10", "30", "40.25")))
    return found
