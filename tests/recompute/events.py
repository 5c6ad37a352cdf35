"""E: turns one message into one event, or into the reason for its rejection."""

import base64

import strictjson
from strictjson import Number
from times import MINUTE, BadTime, parse_time

MAX_BYTES = 65_536
MAX_IDENTIFIER_BYTES = 256
MAX_WHOLE_DIGITS = 20
MAX_MILLIONTHS = 9_000_000_000_000_000_000
AHEAD = 5 * MINUTE
MAX_TICKET_EVENTS = 100_000

REASONS = (
    "too_large", "too_deep", "not_json", "not_an_object", "missing_field",
    "bad_time", "bad_value", "future", "id_conflict", "too_many",
)  # fmt: skip
TOMBSTONE = "tombstone"
UNKNOWN_TYPE = "unknown_type"

TOPIC_TYPES = {
    "ticket-opened": "ticket.opened",
    "ticket-closed": "ticket.closed",
    "survey": "survey.submitted",
}

RESOLUTIONS = ("solved", "unsolved", "cancelled", "duplicate")
DEFAULT_SCALE = {"csat": 5_000_000, "nps": 10_000_000, "ces": 7_000_000}

# The kinds of values. `clearable`: an identifier where null and "" mean "nobody" or "nothing" (F5).
CLEARABLE, IDENTIFIER, TEXT, BOOLEAN = "clearable", "identifier", "text", "boolean"
PAST_TIME, PROMISE, RESOLUTION, KIND = "past time", "promise", "resolution", "kind"
SCORE, SCORES = "score", "scores"

_PROMISES = {"first_response_due_at": PROMISE, "resolution_due_at": PROMISE}
_ATTRIBUTES = {name: CLEARABLE for name in ("project_id", "channel", "category", "priority")}

FIELDS = {
    "ticket.opened": {
        "opened_at": PAST_TIME, **_ATTRIBUTES, "team_id": CLEARABLE, "agent_id": CLEARABLE,
        "requester_ref": CLEARABLE, **_PROMISES,
    },
    "ticket.assigned": {"agent_id": CLEARABLE, "team_id": CLEARABLE},
    "ticket.responded": {"agent_id": IDENTIFIER, "automatic": BOOLEAN},
    "ticket.requester_replied": {},
    "ticket.arrived": {"agent_id": IDENTIFIER},
    "ticket.paused": {"reason": TEXT},
    "ticket.resumed": {"reason": TEXT},
    "ticket.updated": {**_ATTRIBUTES, "requester_ref": CLEARABLE, **_PROMISES},
    "ticket.resolved": {"agent_id": IDENTIFIER, "resolution": RESOLUTION},
    "ticket.closed": {
        "agent_id": IDENTIFIER, "resolution": RESOLUTION, "automatic": BOOLEAN,
        "opened_at": PAST_TIME, "first_response_at": PAST_TIME, "resolved_at": PAST_TIME,
    },
    "ticket.reopened": {"reason": TEXT},
    "survey.submitted": {
        "survey_id": IDENTIFIER, "agent_id": IDENTIFIER, "kind": KIND, "score": SCORE, "scale_max": SCORE,
        "answers": SCORES, "expected": SCORES, "answers_scale_max": SCORE,
    },
}  # fmt: skip


class Rejected(Exception):
    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Message:
    __slots__ = ("topic", "partition", "offset", "value", "headers")

    def __init__(self, topic, partition, offset, value, headers=()):
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.value = value
        self.headers = headers  # (name, value); the value may be bytes if it is not text, None is null


class Event:
    __slots__ = ("ticket_id", "source", "id", "type", "occurred_at", "sequence", "data")

    def identity(self):
        return self.ticket_id, self.source, self.id

    def content(self):
        """The canonical text of E2, compared by its UTF-8 bytes."""
        return _canonical(
            {"data": self.data, "occurred_at": self.occurred_at, "sequence": self.sequence, "type": self.type}
        ).encode()


def _canonical(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.translate(_ESCAPES) + '"'
    return "{" + ",".join(f"{_canonical(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"


_ESCAPES = {c: f"\\u{c:04x}" for c in range(0x20)} | {ord('"'): '\\"', ord("\\"): "\\\\"}


class _Envelope:
    """The parts of an event found in a message: values as parsed, None for absent or null."""

    def __init__(self, source, id, type, time, sequence, data):
        self.source = source
        self.id = id
        self.type = type
        self.time = time
        self.sequence = sequence
        self.data = data


_NO_TEXT = object()  # in place of a header value that is not text: has a wrong type wherever it is read


def _header_text(value):
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return _NO_TEXT
    return _NO_TEXT if value is not None and "\0" in value else value


def _says_structured(headers):
    """E1: whether the content type says that the value is a whole CloudEvent."""
    value = headers.get("content-type") or ""
    octets = value if isinstance(value, bytes) else value.encode()
    return octets.startswith(b"application/cloudevents")


def _structured_data(body):
    """E7: the object in `data`, or the decoded `data_base64`; None if neither is present, _NO_OBJECT if invalid."""
    encoded = body.get("data_base64")
    if encoded is None:
        return body.get("data")
    if body.get("data") is not None or not isinstance(encoded, str) or len(encoded) % 4 != 0:
        return _NO_OBJECT
    try:
        decoded = base64.b64decode(encoded, validate=True)
        data = None if strictjson.too_deep(decoded) else strictjson.parse(decoded)
    except ValueError:
        return _NO_OBJECT
    return data if isinstance(data, dict) else _NO_OBJECT


_NO_OBJECT = object()  # data that is present but is not an object


def _open_envelope(message, body, topic_types):
    headers = dict(message.headers)
    if not _says_structured(headers) and ("ce_specversion" in headers or "ce_type" in headers):
        names = "ce_source", "ce_id", "ce_type", "ce_time", "ce_sequence"
        return _Envelope(*(_header_text(headers.get(name)) for name in names), body)
    has_data = "data" in body or "data_base64" in body
    if _says_structured(headers) or "specversion" in body or ("type" in body and has_data):
        return _Envelope(
            *(body.get(name) for name in ("source", "id", "type", "time", "sequence")), _structured_data(body)
        )
    topic_type = topic_types.get(message.topic)
    source = body.get("source")
    id = body.get("id")
    if id is None:
        id = body.get("event_id")
        if id is None or id == "":
            id = f"{message.topic}/{message.partition}/{message.offset}"
    return _Envelope(
        message.topic if source is None else source, id, topic_type, body.get("time"), body.get("sequence"), body
    )


class _Reader:
    """Reads values and collects every error, so that the first one in the order of E5 can be reported."""

    def __init__(self, now):
        self.now = now
        self.faults = set()

    def fault(self, reason):
        self.faults.add(reason)

    def identifier(self, value):
        if isinstance(value, Number) and value.is_whole() and value.digits() <= MAX_WHOLE_DIGITS:
            return str(int(value.text))
        if not isinstance(value, str) or len(value.encode()) > MAX_IDENTIFIER_BYTES:
            return self.fault("bad_value")
        return value

    def required_identifier(self, value):
        if value is None:
            return self.fault("missing_field")
        text = self.identifier(value)
        if text == "":
            self.fault("bad_value")
        return text

    def time(self, value, past):
        if not isinstance(value, str):
            return self.fault("bad_value")
        try:
            at = parse_time(value)
        except BadTime:
            return self.fault("bad_time")
        if past and at > self.now + AHEAD:
            self.fault("future")
        return at

    def score(self, value):
        if not isinstance(value, Number):
            return self.fault("bad_value")
        millionths = value.millionths()
        if abs(millionths) > MAX_MILLIONTHS:
            return self.fault("bad_value")
        return millionths

    def scores(self, value):
        if not isinstance(value, dict):
            return self.fault("bad_value")
        return {item: self.score(score) for item, score in value.items()}

    def word(self, value, words):
        if not isinstance(value, str) or value not in words:
            return self.fault("bad_value")
        return value

    def typed(self, value, wanted):
        if not isinstance(value, wanted):
            return self.fault("bad_value")
        return value

    def field(self, kind, value):
        if kind is IDENTIFIER or kind is CLEARABLE:
            return self.identifier(value)
        if kind is PAST_TIME or kind is PROMISE:
            return self.time(value, past=kind is PAST_TIME)
        if kind is TEXT:
            return self.typed(value, str)
        if kind is BOOLEAN:
            return self.typed(value, bool)
        if kind is RESOLUTION:
            return self.word(value, RESOLUTIONS)
        if kind is KIND:
            return self.word(value, DEFAULT_SCALE)
        if kind is SCORE:
            return self.score(value)
        return self.scores(value)

    def data(self, type, body):
        """The listed fields of the type, without those that count as absent."""
        result = {}
        for name, kind in FIELDS[type].items():
            if name not in body:
                continue
            value = body[name]
            if kind is CLEARABLE and (value is None or value == ""):
                result[name] = None
            elif value is None or (kind is IDENTIFIER and value == ""):
                continue
            else:
                result[name] = self.field(kind, value)
        if type == "survey.submitted":
            self.survey(result)
        return result

    def survey(self, data):
        if "score" not in data:
            self.fault("missing_field")
        if self.faults - {"future"}:
            return
        scale = survey_scale(data)
        items_scale = data.get("answers_scale_max", scale)
        items = [*data.get("answers", {}).values(), *data.get("expected", {}).values()]
        if scale <= 0 or items_scale <= 0 or not 0 <= data["score"] <= scale:
            self.fault("bad_value")
        if any(not 0 <= score <= items_scale for score in items):
            self.fault("bad_value")


def survey_scale(data):
    return data.get("scale_max", DEFAULT_SCALE[data.get("kind", "csat")])


def known_type(text):
    """The type by its last two dotted parts (E4); None for a type that is not in the table."""
    name = ".".join(text.split(".")[-2:])
    return name if name in FIELDS else None


def decode(message, topic_types, now):
    """Message -> Event, TOMBSTONE or UNKNOWN_TYPE; raises Rejected."""
    if message.value is None:
        return TOMBSTONE
    if len(message.value) > MAX_BYTES:
        raise Rejected("too_large")
    framed = message.value[:1] == b"\0" and len(message.value) >= 5
    raw = message.value[5:] if framed else message.value
    if strictjson.too_deep(raw):
        raise Rejected("too_deep")
    try:
        body = strictjson.parse(raw)
    except strictjson.NotJson:
        raise Rejected("not_json") from None
    if not isinstance(body, dict):
        raise Rejected("not_an_object")

    envelope = _open_envelope(message, body, topic_types)
    reader = _Reader(now)
    type = None
    if envelope.type is None:
        reader.fault("missing_field")
    elif not isinstance(envelope.type, str):
        reader.fault("bad_value")
    else:
        type = known_type(envelope.type)
        if type is None:
            return UNKNOWN_TYPE

    event = Event()
    event.type = type
    event.source = reader.required_identifier(envelope.source)
    event.id = reader.required_identifier(envelope.id)
    event.sequence = "" if envelope.sequence is None else reader.identifier(envelope.sequence)
    if envelope.time is None:
        reader.fault("missing_field")
    else:
        event.occurred_at = reader.time(envelope.time, past=True)
    if envelope.data is None:
        reader.fault("missing_field")
    elif not isinstance(envelope.data, dict):
        reader.fault("bad_value")
    else:
        event.ticket_id = reader.required_identifier(envelope.data.get("ticket_id"))
        event.data = reader.data(type, envelope.data) if type else {}
    if reader.faults:
        raise Rejected(min(reader.faults, key=REASONS.index))
    if type == "ticket.opened":
        event.occurred_at = event.data.get("opened_at", event.occurred_at)
    return event


class Intake:
    """The set of events: duplicates and conflicts by E2, the dead letters, the counts."""

    def __init__(self, topic_types, now, max_ticket_events=MAX_TICKET_EVENTS):
        self.topic_types = topic_types
        self.now = now
        self.max_ticket_events = max_ticket_events
        self._n_events = {}  # by ticket
        self.messages = self.tombstones = self.unknown_type = self.duplicates = 0
        self.dead_letters = []  # (topic, partition, offset, reason)
        self._contents = {}  # identity -> {content: (event, coordinates of its first message)}

    def add(self, message):
        self.messages += 1
        coordinates = message.topic, message.partition, message.offset
        try:
            event = decode(message, self.topic_types, self.now)
        except Rejected as rejected:
            self.dead_letters.append((*coordinates, rejected.reason))
            return
        if event is TOMBSTONE:
            self.tombstones += 1
        elif event is UNKNOWN_TYPE:
            self.unknown_type += 1
        else:
            identity = event.identity()
            if identity not in self._contents:
                n_events = self._n_events.get(event.ticket_id, 0)
                if n_events >= self.max_ticket_events:
                    self.dead_letters.append((*coordinates, "too_many"))
                    return
                self._n_events[event.ticket_id] = n_events + 1
            contents = self._contents.setdefault(identity, {})
            content = event.content()
            if content in contents:
                self.duplicates += 1
            else:
                contents[content] = event, coordinates

    def events_by_ticket(self):
        tickets = {}
        for contents in self._contents.values():
            event, _ = contents[min(contents)]
            tickets.setdefault(event.ticket_id, []).append(event)
        return tickets

    def all_dead_letters(self):
        conflicts = []
        for contents in self._contents.values():
            for content in sorted(contents)[1:]:
                conflicts.append((*contents[content][1], "id_conflict"))
        return sorted(self.dead_letters + conflicts)

    def counts(self):
        by_reason = dict.fromkeys(REASONS, 0)
        for *_, reason in self.all_dead_letters():
            by_reason[reason] += 1
        return {
            "messages": self.messages,
            "applied": len(self._contents),
            "duplicates": self.duplicates,
            "tombstones": self.tombstones,
            "unknown_type": self.unknown_type,
            "dead_letters": by_reason,
        }
