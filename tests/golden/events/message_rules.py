"""The rules for a single message (rules E), independent of the daemon and of tests/recompute; clear rather than fast.

classify() returns the outcome of a Kafka message: "event", "tombstone", "unknown_type" or the reason of its dead letter
(E5). It sees one message at a time, so it never returns "id_conflict" (see conflicts.jsonl) or "too_many".
content() returns the canonical text of E2, which distinguishes two events with the same identity.
"""
import base64
import datetime
import json
import math
import re
import sys
from fractions import Fraction

sys.set_int_max_str_digits(0)             # a score may have any number of digits

REASONS = ("too_large", "too_deep", "not_json", "not_an_object", "missing_field", "bad_time", "bad_value", "future",
           "id_conflict", "too_many")
MAX_BYTES, MAX_LEVELS, MAX_IDENTIFIER = 65536, 16, 256
FUTURE_US = 5 * 60 * 1_000_000
RESOLUTIONS = ("solved", "unsolved", "cancelled", "duplicate")
SCALES = {"csat": 5, "nps": 10, "ces": 7}
MAX_SCORE = 9 * 10**12
TOPIC_TYPE = {"ticket-opened": "ticket.opened", "ticket-closed": "ticket.closed", "survey": "survey.submitted"}

# The fields of each type (rule E2): name -> kind of value.
FIELDS = {
    "ticket.opened": {"opened_at": "past", "project_id": "id", "channel": "id", "category": "id", "priority": "id",
                      "team_id": "id", "agent_id": "id", "requester_ref": "id", "first_response_due_at": "time",
                      "resolution_due_at": "time"},
    "ticket.assigned": {"agent_id": "id", "team_id": "id"},
    "ticket.responded": {"agent_id": "id", "automatic": "bool"},
    "ticket.requester_replied": {},
    "ticket.arrived": {"agent_id": "id"},
    "ticket.paused": {"reason": "text"},
    "ticket.resumed": {"reason": "text"},
    "ticket.updated": {"project_id": "id", "category": "id", "priority": "id", "channel": "id", "requester_ref": "id",
                       "first_response_due_at": "time", "resolution_due_at": "time"},
    "ticket.resolved": {"agent_id": "id", "resolution": RESOLUTIONS},
    "ticket.closed": {"agent_id": "id", "resolution": RESOLUTIONS, "automatic": "bool", "opened_at": "past",
                      "first_response_at": "past", "resolved_at": "past"},
    "ticket.reopened": {"reason": "text"},
    "survey.submitted": {"survey_id": "id", "agent_id": "id", "kind": tuple(SCALES), "score": "number",
                         "scale_max": "number", "answers": "scores", "expected": "scores",
                         "answers_scale_max": "number"},
}
# F5: a null with a meaning.
NULL_MEANS = {"ticket.opened": {"agent_id", "project_id", "channel", "category", "priority", "team_id",
                                "requester_ref"},
              "ticket.assigned": {"agent_id", "team_id"},
              "ticket.updated": {"project_id", "channel", "category", "priority", "requester_ref"}}


class Number:
    """A JSON number with its text: for an identifier, 5 and 5.0 differ."""

    def __init__(self, text):
        if float(text) in (float("inf"), float("-inf")):
            raise ValueError("beyond a double's range")
        self.text = text

    def whole(self):
        return re.fullmatch(r"-?[0-9]{1,20}", self.text) is not None

    def millionths(self):
        """Rounded half up, from the decimal text. A value far below a millionth is 0, however small its exponent."""
        mantissa, _, exponent = self.text.lower().partition("e")
        digits = mantissa.lstrip("-").replace(".", "").lstrip("0")
        if not digits:
            return 0
        power = int(exponent or 0) - len(mantissa.partition(".")[2])
        if power + len(digits) < -10:
            return 0
        value = Fraction(int(digits)) * Fraction(10) ** (power + 6)
        return math.floor((-value if mantissa.startswith("-") else value) + Fraction(1, 2))


def is_score(value):
    return isinstance(value, Number) and abs(value.millionths()) <= MAX_SCORE * 1_000_000


class BadTime(Exception):
    pass


def deepest(raw):
    level = deep = 0
    in_string = escaped = False
    for byte in raw:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            level += 1
            deep = max(deep, level)
        elif byte in b"]}" and level:
            level -= 1
    return deep


def _pairs(pairs):
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("duplicate key")
    for k in keys:
        _check_text(k)
    for _, v in pairs:
        _check_value(v)
    return dict(pairs)


def _check_text(text):
    text.encode("utf-8")                      # a lone surrogate raises UnicodeEncodeError, a ValueError
    if "\0" in text:
        raise ValueError("NUL")


def _check_value(value):
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for v in value:
            _check_value(v)


def _no_constant(text):
    raise ValueError(text)


def strict_json(raw):
    text = raw.decode("utf-8")
    if text.startswith("\ufeff"):
        raise ValueError("byte order mark")
    value = json.loads(text, object_pairs_hook=_pairs, parse_float=Number, parse_int=Number,
                       parse_constant=_no_constant)
    _check_value(value)
    return value


FIRST_US = 631_152_000 * 1_000_000        # 1990-01-01T00:00:00Z
END_US = 7_289_654_400 * 1_000_000        # 2201-01-01T00:00:00Z
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
                  r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")


def microseconds(text):
    m = TIME.fullmatch(text)
    if not m:
        raise BadTime(text)
    year, month, day, hour, minute, second = (int(g) for g in m.groups()[:6])
    offset = 0
    if m.group(8):
        oh, om = int(m.group(9)), int(m.group(10))
        if oh > 23 or om > 59:
            raise BadTime(text)
        offset = (oh * 60 + om) * (1 if m.group(8) == "+" else -1)
    try:
        at = datetime.datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise BadTime(text)
    fraction = (m.group(7) or "")[:6].ljust(6, "0")
    delta = at - datetime.datetime(1970, 1, 1)
    us = (delta.days * 86400 + delta.seconds - offset * 60) * 1_000_000 + int(fraction)
    if not FIRST_US <= us < END_US:
        raise BadTime(text)
    return us


def short_type(text):
    return ".".join(text.split(".")[-2:])


def identifier(value):
    """Its text, or None if it is not an identifier. Here the empty text counts as one."""
    if isinstance(value, Number):
        return str(int(value.text)) if value.whole() else None
    if isinstance(value, str) and len(value.encode()) <= MAX_IDENTIFIER:
        return value
    return None


def unframed(value):
    return value[5:] if len(value) >= 5 and value[0] == 0 else value


def header(value):
    """The text of a header; bytes that are no text stay bytes, and so are no identifier and no time."""
    octets = value.encode("utf-8") if isinstance(value, str) else value
    try:
        return None if octets is None else octets if b"\0" in octets else octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets


def is_cloudevent(content_type):
    octets = content_type.encode("utf-8") if isinstance(content_type, str) else content_type or b""
    return octets[:23] == b"application/cloudevents"


def structured_data(body):
    """`data`, or the object that `data_base64` decodes to; False where that cannot be one."""
    text, data = body.get("data_base64"), body.get("data")
    if text is None:
        return data
    if data is not None or not isinstance(text, str):
        return False
    if not re.fullmatch("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text):
        return False
    octets = base64.b64decode(text)
    if deepest(octets) > MAX_LEVELS:
        return False
    try:
        data = strict_json(octets)
    except ValueError:
        return False
    return data if isinstance(data, dict) else False


def read(topic, headers, value, where="0/0"):
    """(envelope, data) of a message that is a JSON object; envelope["mode"] says how it came."""
    body = strict_json(unframed(value))
    if not isinstance(body, dict):
        raise TypeError("not an object")
    given = dict(headers or [])
    structured = is_cloudevent(given.get("content-type"))
    if not structured and ("ce_specversion" in given or "ce_type" in given):
        env = {k: header(given.get("ce_" + k)) for k in ("id", "source", "type", "time", "sequence")}
        return dict(env, mode="binary"), body
    if structured or "specversion" in body or ("type" in body and ("data" in body or "data_base64" in body)):
        env = {k: body.get(k) for k in ("id", "source", "type", "time", "sequence")}
        return dict(env, mode="structured"), structured_data(body)
    env = {k: body.get(k) for k in ("id", "source", "time", "sequence")}
    if env["id"] is None and body.get("event_id") != "":
        env["id"] = body.get("event_id")
    if env["id"] is None:
        env["id"] = topic + "/" + where
    if env["source"] is None:
        env["source"] = topic
    return dict(env, mode="bare", type=TOPIC_TYPE.get(topic)), body


def classify(topic, headers, value, now_us):
    if value is None:
        return "tombstone"
    if len(value) > MAX_BYTES:
        return "too_large"
    if deepest(unframed(value)) > MAX_LEVELS:
        return "too_deep"
    try:
        env, data = read(topic, headers, value)
    except TypeError:
        return "not_an_object"
    except ValueError:
        return "not_json"
    kind = env["type"]
    if isinstance(kind, str) and short_type(kind) not in FIELDS:
        return "unknown_type"
    found = _faults(env, data, now_us)
    return next((r for r in REASONS if r in found), "event")


def _faults(env, data, now_us):
    found = set()
    if any(env[k] is None for k in ("id", "source", "type", "time")) or data is None:
        found.add("missing_field")
    if not isinstance(data, dict):
        found.add("bad_value")
        data = {"ticket_id": "?", "score": Number("0")}      # the contents of data no longer matter
    if data.get("ticket_id") is None:
        found.add("missing_field")
    if env["type"] is not None and not isinstance(env["type"], str):
        found.add("bad_value")
    for value in (env["id"], env["source"], data.get("ticket_id")):
        if value is not None and not identifier(value):
            found.add("bad_value")
    if env["sequence"] is not None and identifier(env["sequence"]) is None:
        found.add("bad_value")

    def check_time(value, past):
        if value is None:
            return
        if not isinstance(value, str):
            found.add("bad_value")
            return
        try:
            at = microseconds(value)
        except BadTime:
            found.add("bad_time")
            return
        if past and at > now_us + FUTURE_US:
            found.add("future")

    check_time(env["time"], True)
    kind = short_type(env["type"]) if isinstance(env["type"], str) else None
    for name, what in FIELDS.get(kind, {}).items():
        value = data.get(name)
        if value is None:
            if name == "score":
                found.add("missing_field")
        elif what in ("past", "time"):
            check_time(value, what == "past")
        elif what == "id":
            if identifier(value) is None:
                found.add("bad_value")
        elif what == "bool":
            if not isinstance(value, bool):
                found.add("bad_value")
        elif what == "text":
            if not isinstance(value, str):
                found.add("bad_value")
        elif what == "number":
            if not is_score(value):
                found.add("bad_value")
        elif what == "scores":
            if not isinstance(value, dict) or not all(is_score(v) for v in value.values()):
                found.add("bad_value")
        elif value not in what:                              # a list of words
            found.add("bad_value")
    if kind == "survey.submitted" and not found & {"missing_field", "bad_value"}:
        top = data.get("scale_max")
        top = SCALES[data.get("kind") or "csat"] * 1_000_000 if top is None else top.millionths()
        if top <= 0 or not 0 <= data["score"].millionths() <= top:
            found.add("bad_value")
        if data.get("answers_scale_max") is not None:
            top = data["answers_scale_max"].millionths()
        items = [*(data.get("answers") or {}).values(), *(data.get("expected") or {}).values()]
        if top <= 0 or not all(0 <= score.millionths() <= top for score in items):
            found.add("bad_value")
    return found


def content(topic, headers, value):
    """The text of E2 of an event that classify() accepts."""
    env, data = read(topic, headers, value)
    kind = short_type(env["type"])
    out = {}
    for name, what in FIELDS[kind].items():
        if name not in data:
            continue
        v = data[name]
        if what == "id":
            v = None if v is None else identifier(v) or None
            if v is None and name not in NULL_MEANS.get(kind, ()):
                continue
        elif v is None:
            continue
        elif what in ("past", "time"):
            v = microseconds(v)
        elif what == "number":
            v = v.millionths()
        elif what == "scores":
            v = {k: s.millionths() for k, s in v.items()}
        out[name] = v
    at = microseconds(env["time"])
    if kind == "ticket.opened" and "opened_at" in out:
        at = out["opened_at"]
    sequence = identifier(env["sequence"]) if env["sequence"] is not None else ""
    return _canonical({"data": out, "occurred_at": at, "sequence": sequence, "type": kind})


def _canonical(v):
    if isinstance(v, dict):
        keys = sorted(v, key=lambda k: k.encode())
        return "{" + ",".join(_canonical(k) + ":" + _canonical(v[k]) for k in keys) + "}"
    if isinstance(v, str):
        return '"' + re.sub(r'[\x00-\x1f"\\]', lambda m: "\\" + m[0] if m[0] in '"\\' else "\\u%04x" % ord(m[0]),
                            v) + '"'
    return {None: "null", True: "true", False: "false"}[v] if v is None or isinstance(v, bool) else str(v)
