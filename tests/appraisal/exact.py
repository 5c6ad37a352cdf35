"""Exact numbers: R of rule R0, roots, Wilson's interval (J1), and the numbers of a plan file (I1). Written from the rules."""
import math
import re
from fractions import Fraction

Z = Fraction("1.959964")
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def rounded(x, decimals):
    """R(x, decimals); None stays None."""
    if x is None:
        return None
    x = Fraction(x)
    cut = math.floor(abs(x) * 10 ** decimals + Fraction(1, 2) + Fraction(1, 10 ** (20 - decimals)))
    return Fraction(cut if x >= 0 else -cut, 10 ** decimals)


def root(x):
    """The square root, cut after 50 decimals."""
    x = Fraction(x)
    return Fraction(math.isqrt(x.numerator * 10 ** 100 // x.denominator), 10 ** 50)


def clip(x, low=0, high=1):
    return max(Fraction(low), min(Fraction(high), x))


def wilson(above, n):
    """(low, high) of J1; None without a base."""
    if n <= 0:
        return None
    p = clip(Fraction(above) / n)
    middle = p + Z ** 2 / (2 * n)
    spread = Z * root(p * (1 - p) / n + Z ** 2 / (4 * n * n))
    scale = 1 + Z ** 2 / n
    return rounded(clip((middle - spread) / scale), 4), rounded(clip((middle + spread) / scale), 4)


def number(value):
    if isinstance(value, int):
        return Fraction(value)
    sign, text = (-1, value[1:]) if value.startswith("-") else (1, value)
    if text.endswith("%"):
        return sign * Fraction(text[:-1]) / 100
    if text[-1] in SECONDS:
        return Fraction(sign * sum(int(n) * SECONDS[unit] for n, unit in re.findall(r"(\d+)([dhms])", text)))
    return sign * Fraction(text)
