"""The second program for closed periods (rules Z): digest, adjusted cards, drift. Written from the rules in docs/appraisal.md."""
import hashlib
from fractions import Fraction

from second import OF_LEVEL, Ledger, Reference, judge, make_card, match_holds, parse_value, share_out, stratum_of


# ---- the digest ----

CARD = ("status", "weight", "from_events", "base_score", "score", "low", "high", "grade", "coefficient", "rank", "best", "worst", "ranked")
INDICATOR = ("name", "above", "base", "n", "value", "expected", "adjusted", "status", "points", "weight", "low", "high")


def decimal_text(x):
    """A fraction as a decimal, without zeros at its end."""
    x, places = Fraction(x), 0
    while (x * 10 ** places).denominator != 1:
        places += 1
        assert places < 100, x
    digits = str(abs(x.numerator * 10 ** places // x.denominator)).rjust(places + 1, "0")
    return ("-" if x < 0 else "") + (digits[:-places] + "." + digits[-places:] if places else digits)


def field(value):
    if value is None:
        return "\\N"
    if not isinstance(value, str):
        return decimal_text(value)
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def digest_of(key, version, plans):
    """plans: of appraise(), in the order of the revision; of a version of a closed period the cards as closed."""
    lines = []
    for plan in plans:
        for card in sorted(plan["cards"], key=lambda card: (card["level"].encode(), card["subject"].encode())):
            begin = [key, version, plan["name"], card["level"], card["subject"]]
            lines.append(["card", *begin, *(card[name] for name in CARD)])
            lines += [["indicator", *begin, *(one[name] for name in INDICATOR)] for one in card["indicators"]]
    text = "".join("\t".join(map(field, line)) + "\n" for line in lines)
    return hashlib.sha256(text.encode()).hexdigest()


# ---- frozen periods ----

class FrozenReference:
    """A reference for facts that came later (Z4)."""

    def __init__(self, reference):
        self.reference, self.ledger = reference, None
        self.pools = {pool: (above, base) for pool, above, base in reference.pool_of.values()}

    def rate(self):
        return self.reference.rate()

    def share(self, stratum):
        if stratum in self.reference.pool_of:
            _, above, base = self.reference.pool_of[stratum]
            if base:
                return above / base
        for depth in range(len(stratum) - 1, -1, -1):
            above, base = self.pools.get(stratum[:depth], (0, 0))
            if base:
                return above / base
        return self.rate()

    def expected(self, rows):
        return sum((self.ledger.sum([row], self.reference.under) * self.share(stratum_of(row, self.reference.adjust)) for row in rows
                    if self.ledger.sum([row], self.reference.under)), Fraction(0))


class Frozen:
    """The rows of a period as its plans took them, and what follows from them."""

    def __init__(self, revision, cycle, rows, items, roster, manual):
        self.revision, self.cycle, self.manual, self.rows, self.items = revision, cycle, manual or {}, rows, items
        self.ledgers = {plan["name"]: Ledger(taken, items, revision.get("servqual", {}))
                        for plan, taken in share_out(revision, cycle, rows, roster)}
        self.plans = {plan["name"]: plan for plan in revision["plans"] if cycle in plan["cycles"]}
        self.references = {(name, one["name"]): FrozenReference(Reference(one, self.ledgers[name]))
                           for name, plan in self.plans.items() for one in plan["indicators"] if "adjust" in one}

    def card(self, name, level, subject, ledger=None, excludes=(), by_hand=Fraction(0)):
        """One card by the frozen reference. excludes: (ticket, indicator or None). ledger: of later rows, instead of the frozen ones."""
        plan, ledger = self.plans[name], ledger or self.ledgers[name]
        rows = [row for row in ledger.rows if row[OF_LEVEL[level]] == subject]
        judged = []
        for one in plan["indicators"]:
            left = [row for row in rows if not any(row["ticket_id"] == ticket and of in (None, one["name"]) for ticket, of in excludes)]
            reference = self.references.get((name, one["name"]))
            if reference is not None:
                reference.ledger = ledger
                reference = reference if reference.rate() is not None else None
            entry = self.manual.get((name, level, subject, one["name"])) if one["value"] == "manual" else None
            judged.append(judge(plan, one, ledger, left, entry, reference))
        return make_card(plan, level, subject, judged, by_hand)

    def ticket_sums(self, name, one):
        """(level, subject, ticket) -> {stratum: (above, under)} of an indicator."""
        (above, under), ledger = parse_value(one["value"]), self.ledgers[name]
        found = {}
        for row in ledger.rows:
            if not match_holds(one.get("where"), row):
                continue
            stratum = stratum_of(row, one.get("adjust", ()))
            for level in self.plans[name].get("levels", ["agent"]):
                if row[OF_LEVEL[level]]:
                    strata = found.setdefault((level, row[OF_LEVEL[level]], row["ticket_id"]), {})
                    sums = strata.get(stratum, (Fraction(0), Fraction(0)))
                    strata[stratum] = (sums[0] + ledger.sum([row], above), sums[1] + (ledger.sum([row], under) if under else 0))
        if under is not None:  # what adds nothing to a quotient does not count
            found = {key: {stratum: sums for stratum, sums in strata.items() if any(sums)} for key, strata in found.items()}
        return found

    def drift(self, later):
        """{(plan, level, subject, indicator): what appraisal.drift() shows}, against a Frozen of the facts of now."""
        found = {}
        for name, plan in self.plans.items():
            for one in plan["indicators"]:
                if one["value"] == "manual":
                    continue
                then, now = self.ticket_sums(name, one), later.ticket_sums(name, one)
                for level, subject, ticket in then.keys() | now.keys():
                    if then.get((level, subject, ticket), {}) != now.get((level, subject, ticket), {}):
                        found.setdefault((name, level, subject, one["name"]), set()).add(ticket)
        return {key: self.drifted(later, *key, sorted(tickets, key=str.encode)) for key, tickets in found.items()}

    def drifted(self, later, name, level, subject, indicator, tickets):
        of = OF_LEVEL[level]

        def of_card(ledger):
            entered = any(key[:3] == (name, level, subject) for key in self.manual if self.is_manual(key))
            exists = entered or any(row[of] == subject for row in ledger.rows)
            if not exists:
                return {**dict.fromkeys(("above", "base", "value", "adjusted", "points")), "n": 0}, None
            card = self.card(name, level, subject, ledger)
            return next(one for one in card["indicators"] if one["name"] == indicator), card["score"]
        (then, score_then), (now, score_now) = of_card(self.ledgers[name]), of_card(later.ledgers[name])
        return {"tickets": tickets, "closed_score": score_then, "score": score_now,
                **{f"closed_{key}": then[key] for key in ("above", "base", "n", "value", "adjusted", "points")},
                **{key: now[key] for key in ("above", "base", "n", "value", "adjusted", "points")}}

    def is_manual(self, key):
        name, _, _, indicator = key
        return any(one["name"] == indicator and one["value"] == "manual" for one in self.plans.get(name, {"indicators": []})["indicators"])


def in_force(adjustments):
    """Those that no undo in force undoes. Each is a dict with number, and one of exclude (ticket, indicator), points and undo."""
    undone = set()
    for one in sorted(adjustments, key=lambda one: -one["number"]):
        if "undo" in one and one["number"] not in undone:
            undone.add(one["undo"])
    return [one for one in adjustments if one["number"] not in undone and "undo" not in one]
