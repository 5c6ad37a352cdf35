"""A second program for appraisals: plan file, ledger, roster and manual entries in, cards out (rules I, R, J, Q and G).

It shares no code with kpid and is written from the rules in docs/appraisal.md. All numbers are exact fractions; only R and the
root of J1 and J3 round. tests/appraisal/test_random.py compares it with the SQL of kpid, row by row.

A row of the ledger is a dict with the columns of report.ledger, a survey item one with those of report.ledger_item.
"""
import datetime
import re
from fractions import Fraction

from exact import clip, number, root, rounded, wilson

KEYS = ("day", "ticket_id", "agent_id", "project_id", "team_id")
OF_LEVEL = {"agent": "agent_id", "team": "team_id", "project": "project_id"}
ITEM_SUMS = {"answered": 1, "perceived_sum": 10 ** 6, "paired": 1, "gap_sum": 10 ** 6}


# ---- periods (C) ----

def dates_of(key, today):
    """(cycle, first date, last date)."""
    if key == "last:28d":
        return "month", today - datetime.timedelta(27), today
    year = int(key[:4])
    if "Q" in key:
        first_month, months, cycle = int(key[-1]) * 3 - 2, 3, "quarter"
    elif "-" in key:
        first_month, months, cycle = int(key[5:]), 1, "month"
    else:
        first_month, months, cycle = 1, 12, "year"
    after = datetime.date(year + (first_month + months > 12), (first_month + months - 1) % 12 + 1, 1)
    return cycle, datetime.date(year, first_month, 1), after - datetime.timedelta(1)


# ---- the plan file (I) ----

def pattern_holds(pattern, text):
    """P1, where '' is a text that is absent."""
    if text == "":
        return pattern == ""
    return re.fullmatch(".*".join(map(re.escape, str(pattern).split("*"))), text, re.DOTALL) is not None


def match_holds(match, row):
    return all(any(pattern_holds(pattern, row[name]) for pattern in patterns) for name, patterns in (match or {}).items())


def parse_sum(text):
    """[(factor, column, dimension or None)]"""
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    terms, sign, at = [], 1, 0
    token = re.compile(r"\s*(?:(?P<sign>[-+])|(?:(?P<factor>\d+)\s*\*\s*)?(?P<column>[a-z_0-9]+)(?:\((?P<dimension>[^()]*)\))?)\s*")
    while at < len(text):
        found = token.match(text, at)
        assert found, text[at:]
        at = found.end()
        if found["sign"]:
            sign = -1 if found["sign"] == "-" else 1
        else:
            terms.append((sign * int(found["factor"] or 1), found["column"], found["dimension"]))
    return terms


def parse_value(text):
    """None for manual, else (above, under); under is None without a /. A / in a dimension's name does not count."""
    if text == "manual":
        return None
    depth, cut = 0, None
    for at, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "/" and depth == 0:
            cut = at
    return (parse_sum(text), None) if cut is None else (parse_sum(text[:cut]), parse_sum(text[cut + 1:]))


def roles_of(roster, agent, day):
    roles = {entry["role"] for entry in roster
             if entry["agent"] == agent and (entry["since"] is None or entry["since"] <= day)
             and (entry["until"] is None or day <= entry["until"])}
    return (roles - {""}) or {""}


def takes(plan, row, roster):
    if not match_holds(plan.get("match"), row):
        return False
    if "roles" not in plan or row["agent_id"] == "":
        return True
    return any(pattern_holds(pattern, role) for pattern in plan["roles"] for role in roles_of(roster, row["agent_id"], row["day"]))


def share_out(revision, cycle, rows, roster):
    """[(plan, its rows)] of the plans of a cycle (I2)."""
    shares = [(plan, []) for plan in revision["plans"] if cycle in plan["cycles"]]
    for row in rows:
        for plan, taken in shares:
            if takes(plan, row, roster):
                taken.append(row)
                break
    return shares


# ---- sums ----

class Ledger:
    """The rows of one plan, with the survey items of each."""

    def __init__(self, rows, items, servqual):
        self.rows = rows
        self.dimension_of = {item: name for name, names in servqual.items() for item in names}
        self.items_of = {}
        for item in items:
            self.items_of.setdefault(tuple(item[key] for key in KEYS), []).append(item)

    def items(self, row):
        return self.items_of.get(tuple(row[key] for key in KEYS), [])

    def column(self, row, name, dimension):
        if dimension is None:
            return row[name]
        return Fraction(sum(item[name] for item in self.items(row)
                            if self.dimension_of.get(item["item"], "") == dimension), ITEM_SUMS[name])

    def sum(self, rows, terms):
        return Fraction(sum(factor * self.column(row, name, dimension) for row in rows for factor, name, dimension in terms))


# ---- scoring (R) ----

def points_of(indicator, v):
    (kind, rule), = indicator["score"].items()
    up, weight = indicator["better"] == "up", number(indicator["weight"])
    if kind == "linear":
        zero, full = number(rule["zero"]), number(rule["full"])
        return rounded(weight * clip((v - zero) / (full - zero)), 4)
    if kind == "step":
        for step in rule["steps"]:
            if v >= number(step["at_least"]) if up else v <= number(step["at_most"]):
                return rounded(number(step["points"]), 4)
        return rounded(number(rule.get("else", 0)), 4)
    floor = number(rule.get("floor", 0))
    if "beyond" in rule and (v < number(rule["beyond"]) if up else v > number(rule["beyond"])):
        return rounded(floor, 4)
    distance = number(rule["from"]) - v if up else v - number(rule["from"])
    u = max(distance, Fraction(0)) / number(rule["each"])
    k = u.__floor__() if rule.get("count") == "whole" else u.__ceil__()
    return rounded(max(floor, weight - number(rule["less"]) * k), 4)


def stratum_of(row, adjust):
    def part(name):
        if name.startswith("category:"):
            return "/".join(row["category"].split("/")[:int(name.partition(":")[2])])
        return row[name]
    return tuple(part(name) for name in adjust)


class Reference:
    """The reference of one adjusted indicator (J2)."""

    def __init__(self, indicator, ledger):
        self.adjust = indicator["adjust"]
        self.above, self.under = parse_value(indicator["value"])
        self.ledger = ledger
        self.rows = [row for row in ledger.rows if match_holds(indicator.get("where"), row)]
        self.all = (ledger.sum(self.rows, self.above), ledger.sum(self.rows, self.under))
        self.pool_of = {}
        left = {stratum_of(row, self.adjust) for row in self.rows}
        for depth in range(len(self.adjust), -1, -1):
            pools = {}
            for stratum in left:
                pools.setdefault(stratum[:depth], []).append(stratum)
            for pool, strata in pools.items():
                rows = [row for row in self.rows if stratum_of(row, self.adjust) in strata]
                above, base = ledger.sum(rows, self.above), ledger.sum(rows, self.under)
                agents = {row["agent_id"] for row in rows} - {""}
                agents = [agent for agent in agents
                          if ledger.sum([row for row in rows if row["agent_id"] == agent], self.under) > 0]
                if depth == 0 or (base >= 30 and len(agents) >= 3):
                    for stratum in strata:
                        self.pool_of[stratum] = (pool, above, base)
                    left -= set(strata)

    def rate(self):
        return self.all[0] / self.all[1] if self.all[1] else None

    def expected(self, rows):
        """Σ n_s·p_s of some rows."""
        total, by_stratum = Fraction(0), {}
        for row in rows:
            by_stratum.setdefault(stratum_of(row, self.adjust), []).append(row)
        for stratum, those in by_stratum.items():
            n = self.ledger.sum(those, self.under)
            _, above, base = self.pool_of[stratum]
            if n:
                total += n * above / base
        return total

    def document(self, indicator):
        pools = {}
        for stratum, (pool, above, base) in self.pool_of.items():
            pools.setdefault((pool, above, base), []).append(list(stratum))
        return {"indicator": indicator["name"], "above": self.all[0], "base": self.all[1], "rate": rounded(self.rate(), 6),
                "pools": sorted(({"pool": list(pool), "strata": sorted(strata), "above": above, "base": base,
                                  "rate": rounded(above / base, 6) if base else None}
                                 for (pool, above, base), strata in pools.items()), key=lambda p: p["pool"])}


def judge(plan, indicator, ledger, rows, manual, reference):
    """One indicator of one card: a document, and what J3 and R6 need of it."""
    value, up = parse_value(indicator["value"]), indicator["better"] == "up"
    found = dict.fromkeys(("above", "base", "value", "expected", "adjusted", "points", "low", "high"))
    n, exact, adjusted, interval = Fraction(0), None, None, None
    rows = [row for row in rows if match_holds(indicator.get("where"), row)]
    if value is None:
        if manual is not None:
            found["above"], found["base"] = map(Fraction, manual)
            n = found["base"]
            exact = found["above"] / n if n else None
    elif rows or value[1] is None:
        found["above"] = ledger.sum(rows, value[0]) if rows else None
        if value[1] is None:
            n, exact = Fraction(len({row["ticket_id"] for row in rows})), found["above"] or Fraction(0)
        else:
            n = found["base"] = ledger.sum(rows, value[1])
            exact = found["above"] / n if n else None
            interval = wilson(found["above"], n) if indicator["unit"] == "percent" else None
            if reference is not None and n:
                expected = reference.expected(rows) / n
                found["expected"] = rounded(expected, 6)
                adjusted = exact - expected + reference.rate()
                adjusted = rounded(clip(adjusted) if indicator["unit"] == "percent" else adjusted, 6)
    found["name"], found["weight"], found["n"] = indicator["name"], number(indicator["weight"]), n
    found["value"], found["adjusted"] = rounded(exact, 6), adjusted
    v = found["value"] if adjusted is None else adjusted
    least = number(indicator.get("min_n", plan.get("min_n", 30)))
    found["status"] = "no_data" if n == 0 else "insufficient" if n < least else "scored"
    fall = rise = Fraction(0)
    if interval:
        found["low"], found["high"] = interval
    if found["status"] == "scored":
        found["points"] = points_of(indicator, v)
        if interval:
            ends = [points_of(indicator, clip(end + v - found["value"])) for end in interval]
            fall, rise = max(Fraction(0), found["points"] - min(ends)), max(Fraction(0), max(ends) - found["points"])
    limit = indicator.get("limit")
    limited = limit is not None and n >= 1 and (v < number(limit["beyond"]) if up else v > number(limit["beyond"]))
    return found, fall, rise, limit["grade"] if limited else None


def score_of(results):
    """R(100 · Σ points / Σ weights, 2) over the scored ones; None if none is."""
    scored = [result for result in results if result["status"] == "scored"]
    weight = sum((result["weight"] for result in scored), Fraction(0))
    return rounded(100 * sum(result["points"] for result in scored) / weight, 2) if scored else None


def make_card(plan, level, subject, judged, by_hand=Fraction(0)):
    results = [result for result, *_ in judged]
    weight = sum((result["weight"] for result in results if result["status"] == "scored"), Fraction(0))
    from_events = sum((result["weight"] for indicator, result in zip(plan["indicators"], results)
                       if result["status"] == "scored" and indicator["value"] != "manual"), Fraction(0))
    card = {"level": level, "subject": subject, "weight": weight, "from_events": from_events, "indicators": results, "status": "insufficient",
            **dict.fromkeys(("base_score", "score", "low", "high", "grade", "coefficient", "rank", "best", "worst", "ranked"))}
    dimensions = {}
    for indicator, result in zip(plan["indicators"], results):
        if "dimension" in indicator:
            dimensions.setdefault(indicator["dimension"], []).append(result)
    card["dimensions"] = [{"name": name, "score": score_of(those)} for name, those in dimensions.items()]
    if weight == 0 or weight < number(plan.get("min_weight", 60)):
        return card
    base = score_of(results)
    card.update(status="scored", base_score=base, score=clip(base + by_hand, 0, 100))
    fall, rise = (root(sum(squares)) for squares in zip(*((d ** 2, e ** 2) for _, d, e, _ in judged)))
    card["low"] = clip(rounded(base - 100 / weight * fall, 2) + by_hand, 0, 100)
    card["high"] = clip(rounded(base + 100 / weight * rise, 2) + by_hand, 0, 100)
    names = [grade["name"] for grade in plan["grades"]]
    at = next(i for i, grade in enumerate(plan["grades"]) if "at_least" not in grade or card["score"] >= number(grade["at_least"]))
    at = max([at, *(names.index(limit) for *_, limit in judged if limit is not None)])
    card["grade"] = names[at]
    if "coefficient" in plan["grades"][at]:
        card["coefficient"] = number(plan["grades"][at]["coefficient"])
    return card


def rank(cards):
    scored = [card for card in cards if card["score"] is not None]
    for card in scored:
        peers = [other for other in scored if other["level"] == card["level"]]
        card["ranked"] = len(peers)
        card["rank"] = 1 + sum(other["score"] > card["score"] for other in peers)
        card["best"] = 1 + sum(other["low"] > card["high"] for other in peers if other is not card)
        card["worst"] = len(peers) - sum(other["high"] < card["low"] for other in peers if other is not card)


# ---- gaps and flags (Q, G) ----

def gaps_of(ledger, rows):
    sums = {}
    for row in rows:
        for item in ledger.items(row):
            those = sums.setdefault(ledger.dimension_of.get(item["item"], ""), dict.fromkeys(ITEM_SUMS, Fraction(0)))
            for name, scale in ITEM_SUMS.items():
                those[name] += Fraction(item[name], scale)
    return [{"dimension": name, "answered": those["answered"], "paired": those["paired"],
             "perception": rounded(those["perceived_sum"] / those["answered"], 6) if those["answered"] else None,
             "gap": rounded(those["gap_sum"] / those["paired"], 6) if those["paired"] else None}
            for name, those in sorted(sums.items())]


def flag_of(flag, x, n, others_x, others_n):
    low = wilson(x, n)[0] if n > 0 else None
    raised = (n > 0 and x >= flag["min_count"] and others_n >= 30 and low > others_x / others_n)
    return {"name": flag["name"], "mark": x, "per": n, "others_mark": others_x, "others_per": others_n, "low": low, "raised": raised}


def flags_of(plan, ledger, agent):
    found = []
    for flag in plan.get("flags", []):
        sides = [[ledger.sum(rows, parse_sum(flag[side])) for side in ("mark", "per")] for rows in (
            [row for row in ledger.rows if row["agent_id"] == agent],
            [row for row in ledger.rows if row["agent_id"] not in ("", agent)])]
        found.append(flag_of(flag, *sides[0], *sides[1]))
    return found


# ---- everything ----

def appraise_plan(plan, ledger, manual):
    """manual: (level, subject, indicator) -> (above, base)."""
    references = {indicator["name"]: Reference(indicator, ledger) for indicator in plan["indicators"] if "adjust" in indicator}
    cards = []
    for level in plan.get("levels", ["agent"]):
        by_subject = {subject: [] for (of, subject, _) in manual if of == level}
        for row in ledger.rows:
            by_subject.setdefault(row[OF_LEVEL[level]], []).append(row)
        by_subject.pop("", None)
        for subject, rows in by_subject.items():
            judged = [judge(plan, indicator, ledger, rows, manual.get((level, subject, indicator["name"])),
                            references.get(indicator["name"])) for indicator in plan["indicators"]]
            card = make_card(plan, level, subject, judged)
            card["gaps"] = gaps_of(ledger, rows)
            card["flags"] = flags_of(plan, ledger, subject) if level == "agent" and rows else []
            cards.append(card)
    rank(cards)
    return {"name": plan["name"], "cards": cards,
            "reference": [references[indicator["name"]].document(indicator) for indicator in plan["indicators"]
                          if "adjust" in indicator and references[indicator["name"]].rows]}


def appraise(revision, cycle, rows, items=(), roster=(), manual=None):
    """rows: those of the period. manual: (plan, level, subject, indicator) -> (above, base)."""
    plans = []
    for plan, taken in share_out(revision, cycle, rows, roster):
        by_hand = {indicator["name"] for indicator in plan["indicators"] if indicator["value"] == "manual"}
        own = {key[1:]: entry for key, entry in (manual or {}).items() if key[0] == plan["name"] and key[3] in by_hand}
        plans.append(appraise_plan(plan, Ledger(taken, items, revision.get("servqual", {})), own))
    return plans
