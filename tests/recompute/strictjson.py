"""JSON by the rules of E5: stricter than the json module of the standard library."""

import json
import re
import sys

sys.set_int_max_str_digits(0)  # a long number is a valid number

MAX_DEPTH = 16

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class NotJson(ValueError):
    pass


class Number:
    """A JSON number with its original text."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

    def is_whole(self):
        return not any(c in self.text for c in ".eE")

    def digits(self):
        return len(self.text.lstrip("-"))

    def millionths(self):
        """The value in whole millionths, rounded half up, from the decimal text (E6)."""
        mantissa, _, exponent = self.text.lower().partition("e")
        whole, _, fraction = mantissa.partition(".")
        digits = int(whole + fraction)
        if whole.startswith("-"):
            digits = -abs(digits)
        if digits == 0:
            return 0
        shift = int(exponent or 0) - len(fraction) + 6
        if shift >= 0:
            return digits * 10**shift
        if -shift > len(whole) + len(fraction) + 1:
            return 0
        unit = 10**-shift
        return (2 * digits + unit) // (2 * unit)


def too_deep(raw):
    """Whether there are more than 16 levels of brackets, counted on the bytes outside strings."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKENS.finditer(raw):
        first = token.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in b"]}":
            depth = max(0, depth - 1)
    return False


def _number(text):
    if float(text) in (float("inf"), float("-inf")):
        raise NotJson("a number beyond a double's range")
    return Number(text)


def _constant(text):
    raise NotJson(text)


def _object(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotJson("a key twice")
    return result


def _check_text(text):
    for c in text:
        if c == "\0" or "\ud800" <= c <= "\udfff":
            raise NotJson("NUL or a lone surrogate")


def _check_texts(value):
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_texts(item)


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant, strict=True
)


def parse(raw):
    """bytes -> value with numbers as Number; raises NotJson for everything that E5 calls not_json."""
    try:
        text = raw.decode("utf-8", "strict")
        value = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None
    if _SUSPECT_ESCAPE.search(text):
        _check_texts(value)
    return value
