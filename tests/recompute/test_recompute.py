"""One small example for each rule; the name says which."""

import base64
import csv
import io
import itertools
import json
import os
import random
import re
import subprocess
import sys

import pytest

import events
import policy
import strictjson
import tables
from clocks import Always
from events import Intake, Message, Rejected, decode
from fold import Ticket
from times import DAY, MINUTE, BadDuration, BadTime, format_time, parse_duration, parse_time

HERE = os.path.dirname(os.path.abspath(__file__))
T0 = parse_time("2026-01-05T08:00:00Z")
NOW = parse_time("2026-06-01T00:00:00Z")
AS_OF = T0 + 300 * DAY // 10
_ids = itertools.count(1)


def at(minutes):
    return T0 + round(minutes * MINUTE)


def ev(type, minutes, **data):
    """An event `minutes` after T0; `_id`, `_source`, `_seq` go to the envelope."""
    envelope = {"id": data.pop("_id", f"e{next(_ids)}"), "source": data.pop("_source", "/s")}
    if "_seq" in data:
        envelope["sequence"] = data.pop("_seq")
    full = type if type.startswith("survey.") else "ticket." + type
    data.setdefault("ticket_id", "T")
    return {**envelope, "specversion": "1.0", "type": full, "time": format_time(at(minutes)), "data": data}


def opened(minutes=0, **data):
    return ev("opened", minutes, **data)


def survey(minutes, score, **data):
    return ev("survey.submitted", minutes, score=score, **data)


def when(minutes):
    return format_time(at(minutes))


def policies(*policy_list, **revision):
    body = {"id": "r", "calendars": {"always": {"always": True}}, "policies": list(policy_list), **revision}
    return policy.parse(json.dumps({"revisions": [body]}).encode())


def target(within, **more):
    return {"within": within, "calendar": "always", **more}


def plain(**targets):
    return {"name": "plain", "targets": {k: v if isinstance(v, dict) else target(v) for k, v in targets.items()}}


class Result:
    def __init__(self, messages, revisions, as_of, shadow, fcr_window=7 * DAY):
        self.intake = Intake(events.TOPIC_TYPES, NOW)
        for i, message in enumerate(messages):
            if not isinstance(message, Message):
                value = message if isinstance(message, bytes) else json.dumps(message).encode()
                message = Message("ingest:x", 0, i, value)
            self.intake.add(message)
        report = tables.Report(as_of, fcr_window, shadow)
        self.folded = {k: Ticket(k, revisions).fold(v) for k, v in self.intake.events_by_ticket().items()}
        for ticket in self.folded.values():
            report.add(ticket)
        self.report = report

    def table(self, header, rows):
        return [dict(zip(header.split(","), row)) for row in rows]

    @property
    def ticket(self):
        return self.table(tables.TICKET, self.report.tickets)[0]

    @property
    def cycles(self):
        return self.table(tables.TICKET_CYCLE, self.report.cycles)

    @property
    def alerts(self):
        return self.table(tables.ALERT, self.report.alerts)

    @property
    def live(self):
        return {row["target"]: row for row in self.table(tables.SLA_LIVE, self.report.live)}

    def kpi(self, column):
        header = ",".join(("agent_id", "time", *tables.kpi.COLUMNS))
        rows = self.table(header, self.report.kpis.rows())
        return {(row["agent_id"], (row["time"] - T0) // MINUTE): row[column] for row in rows if row[column]}


def run(*messages, p=(), as_of=AS_OF, shadow=()):
    return Result(messages, policies(*p) if isinstance(p, tuple) else p, as_of, shadow)


def reason(value, **headers):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    try:
        return decode(Message("topic", 0, 7, raw, list(headers.items())), events.TOPIC_TYPES, NOW)
    except Rejected as rejected:
        return rejected.reason


def is_event(outcome):
    return isinstance(outcome, events.Event)


# --- E


def test_E1_bare_identity():
    def identity(**body):
        value = json.dumps({"ticket_id": "T", "time": when(0), **body}).encode()
        return decode(Message("ticket-opened", 1, 2, value), events.TOPIC_TYPES, NOW).identity()

    assert identity() == ("T", "ticket-opened", "ticket-opened/1/2")
    assert identity(source="/x", event_id="e") == ("T", "/x", "e")
    assert identity(event_id="e", id="i") == ("T", "ticket-opened", "i")
    assert identity(event_id=False, id="i") == ("T", "ticket-opened", "i")
    assert identity(event_id="") == identity(id=None, source=None) == ("T", "ticket-opened", "ticket-opened/1/2")
    assert identity(event_id="e", type="ticket.closed") == ("T", "ticket-opened", "e")
    for wrong in ({"id": ""}, {"source": ""}, {"event_id": 0.5}, {"id": {}, "event_id": "e"}):
        with pytest.raises(Rejected, match="bad_value"):
            identity(**wrong)


def test_E1_binary_mode_and_frame():
    headers = {"ce_type": "ticket.opened", "ce_id": "1", "ce_source": "/s", "ce_time": when(3), "ce_sequence": "9"}
    event = reason(b"\0\0\0\0\x05" + b'{"ticket_id":"T"}', **headers)
    assert (event.identity(), event.occurred_at, event.sequence) == (("T", "/s", "1"), at(3), "9")


def test_E5_headers_that_are_not_text():
    headers = {"ce_type": "ticket.opened", "ce_id": "1", "ce_source": "/s", "ce_time": when(3), "ce_sequence": "9"}
    for name in headers:
        for value in ("a\0b", b"\xff", b"\xed\xa0\x80"):
            assert reason({"ticket_id": "T"}, **{**headers, name: value}) == "bad_value"
    assert is_event(reason({"ticket_id": "T"}, **headers, ce_subject=b"\xff"))
    assert reason({"ticket_id": "T"}, **{**headers, "ce_id": b"\xff", "ce_time": None}) == "missing_field"
    assert reason({"ticket_id": "T"}, **{**headers, "ce_id": b"\xff", "ce_time": "soon"}) == "bad_time"


def test_E1_bare_on_a_topic_without_one_type():
    assert reason({"ticket_id": "T", "time": when(0)}) == "missing_field"
    assert reason({"ticket_id": "T", "time": when(0), "type": "ticket.opened"}) == "missing_field"
    assert reason({"ticket_id": "T", "time": when(0), "type": "nothing.known"}) == "missing_field"


def test_E2_duplicate_and_conflict():
    small, large = opened(_id="a", agent_id="a"), opened(_id="a", agent_id="b")
    for order in itertools.permutations([small, large, large, small]):
        result = run(*order)
        assert result.ticket["agent_id"] == "a"
        assert result.intake.duplicates == 2
        assert [row[3] for row in result.intake.all_dead_letters()] == ["id_conflict"]
        assert result.intake.all_dead_letters()[0][2] == order.index(large)


def test_E2_canonical_content():
    event = reason(
        ev("opened", 0, agent_id="", priority=1, requester_ref='\n"\\é', category=None, first_response_due_at=None)
    )
    expected = (
        '{"data":{"agent_id":null,"category":null,"priority":"1","requester_ref":"\\u000a\\"\\\\é"},'
        f'"occurred_at":{T0},"sequence":"","type":"ticket.opened"}}'
    )
    assert event.content() == expected.encode()
    event = reason(survey(0, 2.5, answers={"b": 1, "a": 0.1}, agent_id=""))
    assert b'"data":{"answers":{"a":100000,"b":1000000},"score":2500000}' in event.content()


def test_E3_opened_at_is_the_time():
    assert run(opened(5, opened_at=when(1))).ticket["opened_at"] == at(1)


def test_E4_unknown_type():
    assert reason({"type": "ticket.exploded", "data": 5}) == events.UNKNOWN_TYPE
    assert is_event(reason({**opened(), "type": "com.acme.ticket.opened"}))


@pytest.mark.parametrize(
    "value, wanted",
    [
        (b"[" * 65_537, "too_large"),
        (b"[" * 17, "too_deep"),
        (b"]" * 9 + b"[" * 17, "too_deep"),
        (b'{"a":' + b"[" * 15 + b"]" * 15 + b"}", "missing_field"),
        (b'{"a":"' + b"[" * 30 + b'"}', "missing_field"),
        (b"", "not_json"),
        (b"{} x", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":1e999}', "not_json"),
        (b'{"a":1' + b"0" * 309 + b"}", "not_json"),
        (b'{"a":1' + b"0" * 308 + b"}", "missing_field"),
        (b'{"a":1,"\\u0061":1}', "not_json"),
        (b'{"a":"\\u0000"}', "not_json"),
        (b'{"a":"\\\\u0000"}', "missing_field"),
        (b'{"a":"\\udc00"}', "not_json"),
        (b'{"a":"\\ud83d\\ude00"}', "missing_field"),
        (b'{"a":"\xff"}', "not_json"),
        (b'{"a":01}', "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b"5", "not_an_object"),
    ],
)
def test_E5_json(value, wanted):
    assert reason(value) == wanted


@pytest.mark.parametrize(
    "changes, wanted",
    [
        ({"id": None, "time": "x"}, "missing_field"),
        ({"id": ""}, "bad_value"),
        ({"time": 5}, "bad_value"),
        ({"time": "x", "data": 5}, "bad_time"),
        ({"data": 5}, "bad_value"),
        ({"data": None}, "missing_field"),
        ({"type": 5}, "bad_value"),
        ({"id": "é" * 129}, "bad_value"),
        ({"id": 5.0}, "bad_value"),
        ({"id": -(10**20)}, "bad_value"),
        ({"time": None, "data": {"ticket_id": "T", "opened_at": when(0)}}, "missing_field"),
        ({"id": 10**20}, "bad_value"),
        ({"data": {"ticket_id": ""}}, "bad_value"),
        ({"data": {}}, "missing_field"),
        ({"time": "2026-06-01T00:05:00.000001Z"}, "future"),
        ({"data": {"ticket_id": "T", "opened_at": "2026-07-01T00:00:00Z"}}, "future"),
        ({"data": {"ticket_id": "T", "opened_at": "2026-07-01T00:00:00Z", "agent_id": 0.5}}, "bad_value"),
    ],
)
def test_E5_fields(changes, wanted):
    assert reason({**opened(), **changes}) == wanted


def test_E5_future_boundary_and_promise():
    assert is_event(reason({**opened(), "time": "2026-06-01T00:05:00Z"}))
    assert is_event(reason(opened(resolution_due_at="2027-01-01T00:00:00Z")))


def test_E5_survey_values():
    assert reason(ev("survey.submitted", 0)) == "missing_field"
    assert reason(survey(0, 5.1)) == "bad_value"
    assert reason(survey(0, -1)) == "bad_value"
    assert reason(survey(0, 0, scale_max=0)) == "bad_value"
    assert reason(survey(0, 1, kind="smile")) == "bad_value"
    assert reason(ev("closed", 0, resolution="")) == "bad_value"
    assert is_event(reason(survey(0, 5.0000004)))
    assert is_event(reason(survey(0, 9e12, scale_max=9e12)))
    assert reason(survey(0, 1, scale_max=9.1e12)) == "bad_value"


@pytest.mark.parametrize("name", ["answers", "expected"])
def test_E5_items_are_scores(name):
    for items in ({"a": 5.1}, {"a": 4, "b": -1}, {"a": None}, {"a": "4"}):
        assert reason(survey(0, 1, **{name: items})) == "bad_value"
    assert reason(survey(0, 1, scale_max=3, **{name: {"a": 4}})) == "bad_value"
    assert is_event(reason(survey(0, 1, kind="nps", **{name: {"a": 10, "": 0, "n" * 300: 0.5}})))


@pytest.mark.parametrize("name", ["answers", "expected"])
def test_E6_items_have_their_own_scale(name):
    assert is_event(reason(survey(0, 1, scale_max=1, answers_scale_max=5, **{name: {"a": 5}})))
    assert reason(survey(0, 1, scale_max=1, answers_scale_max=5, **{name: {"a": 6}})) == "bad_value"
    assert reason(survey(0, 4, answers_scale_max=3, **{name: {"a": 4}})) == "bad_value"
    assert reason(survey(0, 6, answers_scale_max=10, **{name: {"a": 6}})) == "bad_value"
    assert is_event(reason(survey(0, 4, answers_scale_max=None, **{name: {"a": 5}})))
    assert reason(survey(0, 4, answers_scale_max=0)) == "bad_value"
    assert reason(survey(0, 4, answers_scale_max="5")) == "bad_value"
    assert b'"answers_scale_max":2500000' in reason(survey(0, 1, answers_scale_max=2.5)).content()


def test_E5_rejected_takes_no_identity():
    result = run(opened(_id="a", agent_id=1.5), opened(_id="a"))
    assert result.intake.counts()["applied"] == 1
    assert result.intake.counts()["dead_letters"]["id_conflict"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T08:00:00", "2026-02-29T08:00:00Z", "2026-01-05T24:00:00Z", "2026-01-05T08:00:60Z",
        "1989-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "2026-01-05T08:00Z", "2026-01-05T08:00:00+24:00",
        "2026-01-05T08:00:00,5Z", "", " 2026-01-05T08:00:00Z",
    ],
)  # fmt: skip
def test_E5_bad_time(text):
    with pytest.raises(BadTime):
        parse_time(text)


def test_E6_scales_and_millionths():
    assert strictjson.Number("0.0000005").millionths() == 1
    assert strictjson.Number("0.00000049").millionths() == 0
    assert strictjson.Number("-0.0000005").millionths() == 0
    assert strictjson.Number("25e-1").millionths() == 2_500_000
    assert strictjson.Number("1e-999999999999").millionths() == 0
    assert run(survey(0, 3)).ticket["csat_scale_max_micros"] == 5_000_000


def test_E1_content_type_makes_a_message_structured():
    headers = {"ce_type": "ticket.closed", "ce_id": "other", "content-type": b"application/cloudevents+json"}
    assert reason(opened(), **headers).type == "ticket.opened"
    assert reason({"ticket_id": "T", "time": when(0)}, **headers) == "missing_field"
    assert reason([opened()], **{"content-type": "application/cloudevents-batch+json"}) == "not_an_object"
    binary = {"ce_type": "ticket.closed", "ce_id": "1", "ce_source": "s", "ce_time": when(0)}
    assert is_event(reason({"ticket_id": "T"}, **binary, **{"content-type": "application/json"}))


def test_E7_data_base64_is_data():
    def encoded(octets, **changes):
        event = {**opened(), "data_base64": base64.b64encode(octets).decode(), **changes}
        return reason({name: value for name, value in event.items() if name != "data" or "data" in changes})

    assert encoded(b'{"ticket_id":20,"agent_id":"a"}').data == {"agent_id": "a"}
    assert encoded(b'{"ticket_id":20}', data={"ticket_id": 20}) == "bad_value"
    assert encoded(b'{"ticket_id":20}', data_base64=None) == "missing_field"
    for octets in (b"", b"null", b"[]", b"{", b'{"a":1,"a":2}', b'{"a":' + b"[" * 16 + b"]" * 16 + b"}"):
        assert encoded(octets) == "bad_value"
    for text in ("e30", "e30==", "e30=\n", "e3_-", "{}", 5):
        assert encoded(b"", data_base64=text) == "bad_value"


def test_E7_snowflake_ids():
    assert reason(opened(ticket_id=1827364550192837465, agent_id=10**20 - 1)).ticket_id == "1827364550192837465"
    assert reason(opened(agent_id=-(10**20 - 1))).data["agent_id"] == "-99999999999999999999"
    assert reason(opened(agent_id=10**20)) == "bad_value"


def test_F5_requester_ref_is_updated_and_cleared():
    assert run(opened(requester_ref="r"), ev("updated", 1, requester_ref="s")).ticket["requester_ref"] == "s"
    assert run(opened(requester_ref="r"), ev("updated", 1, requester_ref=None)).ticket["requester_ref"] is None
    assert run(opened(requester_ref="r"), ev("updated", 1, priority="1")).ticket["requester_ref"] == "r"


def test_E7_identifiers_and_times():
    result = run(opened(ticket_id=5, priority=1), ev("assigned", 1, ticket_id="5", agent_id="a"))
    assert (result.ticket["ticket_id"], result.ticket["priority"], result.ticket["agent_id"]) == ("5", "1", "a")
    assert reason(opened(ticket_id=-5)).ticket_id == "-5"
    assert reason(json.dumps(opened(ticket_id=1)).replace(": 1}", ": -0}").encode()).ticket_id == "0"
    assert parse_time("2026-01-05t16:00:00.1234569+08:00") == T0 + 123_456
    assert parse_time("2026-01-05 08:00:00z") == T0


def _corpus(name):
    with open(os.path.join(HERE, "..", "golden", "events", name), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _corpus_message(case):
    if "value" in case:
        value = re.sub(r"{{NOW([+-]\d+)m}}", lambda m: format_time(NOW + int(m[1]) * MINUTE), case["value"]).encode()
    else:
        value = None if case["value_b64"] is None else base64.b64decode(case["value_b64"])
    headers = [
        (name, base64.b64decode(text["b64"]) if isinstance(text, dict) else text)
        for name, text in case.get("headers", ())
    ]
    return Message(case["topic"], 0, 0, value, headers)


@pytest.mark.parametrize("case", _corpus("rejects.jsonl"), ids=lambda case: case["name"])
def test_E5_corpus(case):
    try:
        outcome = decode(_corpus_message(case), events.TOPIC_TYPES, NOW)
    except Rejected as rejected:
        outcome = rejected.reason
    assert ("event" if is_event(outcome) else outcome) == case["expect"]


@pytest.mark.parametrize("case", _corpus("conflicts.jsonl"), ids=lambda case: case["name"])
def test_E2_corpus(case):
    intake = Intake(events.TOPIC_TYPES, NOW)
    for message in case["messages"]:
        intake.add(_corpus_message(message))
    counts = intake.counts()
    assert counts["dead_letters"]["id_conflict"] == case["id_conflict"]
    assert sum(counts["dead_letters"].values()) - case["id_conflict"] == len(case.get("rejected", ()))
    assert counts["applied"] == case.get("identities", 1)
    kept = [event.content() for tickets in intake.events_by_ticket().values() for event in tickets]
    assert decode(_corpus_message(case["messages"][case["keep"]]), events.TOPIC_TYPES, NOW).content() in kept


# --- F


def test_F1_order_by_time_sequence_rank_source_id():
    a, b = dict(agent_id="a"), dict(agent_id="b")
    assert run(opened(), ev("assigned", 1, _seq="10", **a), ev("assigned", 1, _seq="2", **b)).ticket["agent_id"] == "b"
    assert run(opened(), ev("assigned", 1, _source="/z", **a), ev("assigned", 1, **b)).ticket["agent_id"] == "a"
    assert run(opened(), ev("assigned", 1, _id="2", **a), ev("assigned", 1, _id="1", **b)).ticket["agent_id"] == "a"
    assert run(opened(), ev("resolved", 1), ev("closed", 1), ev("reopened", 1)).ticket["state"] == "open"
    assert run(opened(), ev("resolved", 1), ev("reopened", 1, _seq="")).ticket["cycle"] == 2


def test_F1_the_order_of_arrival_is_nothing():
    events_ = [opened(), ev("assigned", 1, agent_id="a"), ev("paused", 2), ev("responded", 3), ev("closed", 4)]
    wanted = run(*events_).ticket
    for order in itertools.permutations(events_):
        assert run(*order).ticket == wanted


def test_F2_opening_goes_first():
    result = run(ev("responded", 1, agent_id="a"), opened(5))
    assert result.ticket["first_response_at"] == at(5)
    assert result.kpi("first_response_us_sum") == {}


def test_F2_second_opened_updates_and_assigns():
    result = run(opened(agent_id="a"), ev("closed", 1), opened(2, agent_id="b", priority="2", requester_ref="r"))
    ticket = result.ticket
    assert (ticket["state"], ticket["agent_id"], ticket["priority"], ticket["requester_ref"]) == ("closed", "b", "2", "r")
    assert (ticket["opened_at"], ticket["transfer_count"]) == (T0, 0)


def test_F3_closing_implies_response_and_resolution():
    close = ev("closed", 9, agent_id="c", automatic=True, first_response_at=when(2), resolved_at=when(5))
    ticket = run(opened(agent_id="a"), close).ticket
    assert (ticket["first_response_at"], ticket["responder_id"]) == (at(2), "a")
    assert (ticket["resolved_at"], ticket["resolver_id"], ticket["closed_at"]) == (at(5), "c", at(9))
    assert run(opened(), close).ticket["responder_id"] == "c"


def test_F3_not_after_the_closing():
    result = run(opened(), ev("closed", 9, automatic=True, first_response_at=when(10), resolved_at=when(9.5)))
    assert result.ticket["first_response_at"] is None
    assert result.ticket["resolved_at"] == at(9)


def test_F3_closing_opens():
    result = run(ev("closed", 9, agent_id="c", opened_at=when(1)), ev("closed", 8, agent_id="d", opened_at=when(2)))
    assert (result.ticket["opened_at"], result.ticket["first_owner_id"]) == (at(1), "c")
    assert run(ev("closed", 9, opened_at=when(1)), opened(3)).ticket["opened_at"] == at(3)


def test_F4_unknown():
    result = run(ev("assigned", 0, agent_id="a"), ev("updated", 1, priority="1"), ev("closed", 2), survey(3, 4))
    ticket = result.ticket
    assert (ticket["state"], ticket["cycle"], ticket["agent_id"], ticket["priority"]) == ("unknown", 0, "a", "1")
    assert ticket["policy_version"] is None and ticket["first_response_verdict"] == "none"
    assert result.kpi("csat_responses") == {("a", 0): 1}
    assert result.kpi("closed") == {} and not result.cycles and not result.report.backlog


def test_F5_attributes_and_nobody():
    result = run(opened(agent_id="a", priority="1", channel="app"), ev("updated", 1, priority="", category="c"))
    assert (result.ticket["priority"], result.ticket["channel"], result.ticket["category"]) == (None, "app", "c")
    assert run(opened(agent_id="a"), ev("assigned", 1, agent_id="")).ticket["agent_id"] is None
    assert run(opened(agent_id="a"), ev("assigned", 1, team_id="t")).ticket["agent_id"] == "a"
    assert run(opened(agent_id="a"), ev("responded", 1, agent_id="")).ticket["responder_id"] == "a"


def test_F6_transfer():
    result = run(
        opened(agent_id="a"), ev("assigned", 1, agent_id=None), ev("assigned", 2, agent_id="a"),
        ev("assigned", 3, agent_id=None), ev("assigned", 4, agent_id="b"), ev("assigned", 5, agent_id="b"),
    )  # fmt: skip
    assert result.kpi("transferred_out") == {("a", 0): 1}
    assert result.ticket["transfer_count"] == 1
    result = run(opened(agent_id="a"), ev("resolved", 1), ev("assigned", 2, agent_id="b"), ev("reopened", 3))
    assert (result.ticket["transfer_count"], result.ticket["agent_id"]) == (0, "b")


def test_F7_first_response():
    result = run(opened(agent_id="o"), ev("responded", 1, automatic=True), ev("responded", 2), ev("responded", 3))
    assert (result.ticket["first_response_at"], result.ticket["responder_id"]) == (at(2), "o")
    assert run(opened(), ev("closed", 1, automatic=True), ev("responded", 2)).ticket["first_response_at"] is None


def test_F8_arrival():
    result = run(opened(), ev("arrived", 6, agent_id="x"), ev("arrived", 7), p=(plain(arrival="10m"),))
    assert result.kpi("arrival_within_sla") == {("x", 5): 1}


def test_F9_pauses():
    p = policies(plain(resolution="1h"), resume_on_reply=["customer"])
    assert run(opened(), ev("paused", 1), p=p).ticket["state"] == "paused"
    assert run(opened(), ev("paused", 1), ev("requester_replied", 2), p=p).ticket["state"] == "paused"
    assert run(opened(), ev("paused", 1, reason="customer"), ev("requester_replied", 2), p=p).ticket["state"] == "open"
    result = run(opened(), ev("paused", 1), ev("paused", 2), ev("paused", 3, reason="x"), ev("resumed", 4), p=p)
    assert [(x.begin, x.end, x.reason) for x in result.folded["T"].pauses] == [
        (at(1), at(3), ""),
        (at(3), at(4), "x"),
    ]


def test_F10_resolution():
    result = run(opened(agent_id="a"), ev("paused", 1), ev("resolved", 2), ev("resolved", 3, resolution="unsolved"))
    assert (result.ticket["state"], result.ticket["resolved_at"], result.ticket["resolver_id"]) == ("resolved", at(2), "a")
    assert result.cycles[0]["resolution"] == "solved"
    assert (result.ticket["first_response_at"], result.ticket["responder_id"]) == (at(2), "a")
    assert run(opened(), ev("resolved", 2, resolution="cancelled")).ticket["first_response_at"] is None


def test_F11_closing():
    result = run(opened(agent_id="a"), ev("closed", 1, agent_id="c"), ev("closed", 2))
    assert (result.ticket["resolver_id"], result.ticket["closed_at"]) == ("c", at(1))
    assert result.kpi("resolved") == {("c", 0): 1}
    result = run(opened(agent_id="a"), ev("closed", 1, automatic=True))
    assert result.ticket["resolved_at"] == at(1) and result.kpi("resolved") == {} and result.kpi("responded") == {}
    result = run(opened(agent_id="a"), ev("responded", 1), ev("closed", 2, automatic=True))
    assert result.kpi("resolved") == {("a", 0): 1}


def test_F12_reopening():
    result = run(opened(), ev("reopened", 1), ev("resolved", 2, agent_id="r"), ev("reopened", 3))
    assert (result.ticket["cycle"], result.ticket["reopen_count"], result.ticket["state"]) == (2, 1, "open")
    assert result.kpi("reopened") == {("r", 0): 1}


def test_F13_next_response():
    p = (plain(next_response="5m"),)
    replied = ev("requester_replied", 2)
    assert "next_response" not in run(opened(), replied, p=p).live
    result = run(
        opened(), ev("responded", 1), replied, ev("requester_replied", 3), ev("responded", 4, agent_id="x"),
        ev("requester_replied", 5), p=p, as_of=at(6),
    )  # fmt: skip
    assert (result.live["next_response"]["n"], result.live["next_response"]["due_at"]) == (2, at(10))
    assert result.kpi("next_response_within_sla") == {("x", 0): 1}


def test_F13_a_reply_that_reopens():
    p = (plain(next_response="5m"),)
    done = (opened(), ev("responded", 1), ev("closed", 2))

    def start(*events):
        clock = run(*done, *events, p=p, as_of=at(6)).live.get("next_response")
        return clock and clock["due_at"] - 5 * MINUTE

    assert start(ev("requester_replied", 3), ev("reopened", 4)) == at(4)
    assert start(ev("requester_replied", 4), ev("reopened", 4)) == at(4)
    assert start(ev("requester_replied", 3), survey(3.2, 5), ev("reopened", 4)) == at(4)
    assert start(ev("requester_replied", 3), ev("reopened", 4.01)) is None
    assert start(ev("requester_replied", 3), ev("reopened", 3.5), ev("closed", 3.6), ev("reopened", 3.7)) is None


def test_F14_surveys():
    result = run(
        opened(agent_id="o"), survey(1, 1), survey(2, 5, kind="nps"), ev("resolved", 3, agent_id="r"), survey(4, 4),
        survey(5, 3), ev("reopened", 6), survey(7, 5, agent_id="n"),
    )  # fmt: skip
    assert result.kpi("csat_responses") == {("r", 5): 1, ("n", 5): 1}
    assert result.kpi("csat_score_micros_sum") == {("r", 5): 600_000, ("n", 5): 1_000_000}
    assert result.kpi("nps_detractors") == {("o", 0): 1}
    assert result.ticket["csat_score_micros"] == 5_000_000


def test_F15_current_cycle():
    result = run(opened(), ev("closed", 1), ev("reopened", 2), p=(plain(resolution="1h"),))
    assert result.ticket["resolved_at"] is result.ticket["closed_at"] is result.ticket["resolver_id"] is None
    assert [(c["cycle"], c["started_at"], c["verdict"]) for c in result.cycles] == [(1, T0, "met"), (2, at(2), "breached")]


# --- S


def test_S1_revision_by_opening():
    body = lambda id, **more: {
        "id": id, "calendars": {"always": {"always": True}}, "policies": [plain(resolution="1h")], **more,
    }  # fmt: skip
    revisions = policy.parse(
        json.dumps({"revisions": [body("b", effective_from=when(10)), body("a", effective_from=when(5))]}).encode()
    )
    version = lambda minutes: run(opened(minutes), p=revisions).ticket["policy_version"]
    assert (version(4), version(5), version(9), version(10)) == (None, "a", "a", "b")


def test_S1_shadow_project_at_the_breach():
    result = run(
        opened(project_id="p"), ev("updated", 10, project_id="q"), p=(plain(resolution="10m"),), shadow=["q"]
    )
    assert (result.alerts[0]["delivery"], result.alerts[0]["project_id"]) == ("shadow", "q")


def test_S2_promise_replaces_the_target():
    p = (plain(resolution=target("10m", pause_on=[""])),)
    result = run(opened(resolution_due_at=when(30)), ev("paused", 1), p=p, as_of=at(2))
    assert result.live["resolution"]["due_at"] == at(30)
    assert result.live["resolution"]["state"] == "pending"
    assert run(opened(5, resolution_due_at=when(1)), as_of=at(6)).ticket["resolution_due_at"] == at(5)
    result = run(opened(resolution_due_at=when(30)), ev("resolved", 1), ev("reopened", 2), p=p, as_of=at(3))
    assert result.ticket["resolution_due_at"] == at(12)


def test_S2_restart_and_continue():
    story = [opened(), ev("resolved", 4), ev("reopened", 10)]
    due = lambda **more: run(*story, p=(plain(resolution=target("5m", **more)),), as_of=at(11)).ticket["resolution_due_at"]
    assert due() == due(reopen="restart") == at(15)
    assert due(reopen="continue") == at(11)
    used_up = (plain(resolution=target("4m", reopen="continue")),)
    assert run(*story, p=used_up).ticket["resolution_due_at"] == at(10)


def test_S2_first_response_starts_again_where_it_lapsed():
    story = [opened(), ev("resolved", 1, resolution="cancelled"), ev("reopened", 4), ev("responded", 6, agent_id="x")]
    for p in ((), (plain(first_response="5m"),)):
        assert run(*story, p=p).kpi("first_response_us_sum") == {("x", 5): 2 * MINUTE}
    result = run(*story[:3], p=(plain(first_response="5m"),))
    assert [(a["target"], a["n"], a["due_at"]) for a in result.alerts] == [("first_response", 2, at(9))]
    breached_before = run(*story, p=(plain(first_response="30s"),))
    assert breached_before.ticket["first_response_verdict"] == "breached"
    assert breached_before.kpi("first_response_us_sum") == {("x", 5): 6 * MINUTE}


def test_S3_pauses():
    p = (plain(resolution=target("10m", pause_on=["c"])),)
    due = lambda *more: run(opened(), *more, p=p, as_of=at(9)).ticket["resolution_due_at"]
    assert due(ev("paused", 4, reason="c")) is None
    assert due(ev("paused", 10, reason="c")) == at(10)
    assert due(ev("paused", 4)) == at(10)
    assert due(ev("paused", 4, reason="c"), ev("resumed", 6)) == at(12)
    assert due(ev("paused", 4, reason="c"), ev("resolved", 20), ev("closed", 30)) == at(26)


def test_S4_boundaries():
    p = (plain(first_response="5m"),)
    assert run(opened(), ev("responded", 5), p=p).ticket["first_response_verdict"] == "met"
    assert run(opened(), ev("responded", 5.0001), p=p).ticket["first_response_verdict"] == "breached"
    assert run(opened(), p=p, as_of=at(5)).ticket["first_response_verdict"] == "pending"
    assert run(opened(), p=p, as_of=at(5) + 1).ticket["first_response_verdict"] == "breached"


def test_S5_a_cycle_ends():
    p = (plain(first_response="5m", arrival="5m", resolution="5m"),)
    at_due = run(opened(), ev("resolved", 5, resolution="duplicate"), p=p)
    assert at_due.ticket["first_response_verdict"] == at_due.ticket["resolution_verdict"] == "none"
    assert at_due.ticket["resolution_due_at"] == at(5) and not at_due.alerts
    late = run(opened(), ev("closed", 6, automatic=True), p=p)
    assert {(a["target"], a["state"], a["resolved_at"]) for a in late.alerts} == {
        (name, "resolved", at(6)) for name in ("first_response", "arrival", "resolution")
    }


def test_S6_change_of_attributes():
    p = (
        {"name": "fast", "match": {"priority": ["1"]}, "targets": {"resolution": target("5m")}},
        plain(resolution="20m"),
    )
    result = run(opened(), ev("updated", 8, priority="1"), p=p)
    assert result.alerts[0] | dict(cause="policy_change", due_at=at(5), breached_at=at(8), policy="fast") == result.alerts[0]
    result = run(opened(), ev("updated", 5, priority="1"), p=p)
    assert result.alerts[0]["cause"] == "deadline"
    result = run(opened(priority="1"), ev("updated", 5, priority="2"), p=p, as_of=at(6))
    assert (result.ticket["resolution_due_at"], result.ticket["policy"]) == (at(20), "plain")
    result = run(opened(priority="1"), ev("updated", 6, priority="2"), p=p)
    assert (result.alerts[0]["breached_at"], result.alerts[0]["policy"]) == (at(5), "fast")


def test_S6_later_promise_keeps_the_pauses_out():
    result = run(opened(), ev("updated", 3, first_response_due_at=when(2)), as_of=at(4))
    assert (result.alerts[0]["cause"], result.alerts[0]["due_at"], result.alerts[0]["breached_at"]) == (
        "policy_change", at(2), at(3),
    )  # fmt: skip


def test_S6_policy_without_the_target():
    p = ({"name": "one", "match": {"priority": ["1"]}, "targets": {}}, plain(resolution="20m"))
    result = run(opened(), ev("updated", 8, priority="1"), p=p)
    assert result.ticket["resolution_verdict"] == "none" and result.ticket["resolution_due_at"] is None
    assert not result.live and not result.alerts


def test_S9_live_states():
    p = (plain(resolution=target("10m", pause_on=["c"])),)
    state = lambda as_of, *more: run(opened(), *more, p=p, as_of=at(as_of)).live["resolution"]["state"]
    assert (state(8), state(8.1), state(10), state(10.1)) == ("pending", "at_risk", "at_risk", "breached")
    assert state(9, ev("paused", 4, reason="c")) == "paused"
    assert state(9, ev("paused", 4, reason="c"), ev("resumed", 6)) == "pending"


# --- K


def test_K_breach_goes_to_the_owner_then():
    p = (plain(first_response="5m"),)
    result = run(opened(agent_id="a"), ev("assigned", 5, agent_id="b"), ev("assigned", 6, agent_id="c"), p=p)
    assert result.kpi("first_response_measured") == {("b", 5): 1}
    assert result.kpi("first_response_within_sla") == {}


def test_K_opened_and_backlog():
    result = run(opened(agent_id="a"), ev("assigned", 6, agent_id=""))
    assert result.kpi("opened") == {("a", 0): 1}
    assert dict(result.report.backlog) == {"": 1}


def test_K_first_contact_resolution():
    base = [opened(agent_id="a"), ev("responded", 1), ev("resolved", 3)]
    resolved = lambda *more: run(*base, *more).kpi("fcr_resolved") == {("a", 0): 1}
    assert resolved()
    assert resolved(ev("assigned", 0.5, agent_id="b"), ev("assigned", 0.6, agent_id="a"))
    assert run(*base, ev("assigned", 2, agent_id="b")).kpi("fcr_resolved") == {}
    assert not resolved(ev("reopened", 3 + 7 * 24 * 60))
    assert resolved(ev("reopened", 3.001 + 7 * 24 * 60))
    assert run(opened(), ev("resolved", 1, resolution="unsolved")).kpi("fcr_eligible") == {}


def test_K_survey_boundaries():
    assert run(survey(0, 4)).kpi("csat_satisfied") == {("", 0): 1}
    assert run(survey(0, 3.999999)).kpi("csat_satisfied") == {}
    assert run(survey(0, 4.5, kind="nps", scale_max=5)).kpi("nps_promoters") == {("", 0): 1}
    assert run(survey(0, 6, kind="nps")).kpi("nps_detractors") == {("", 0): 1}
    assert run(survey(0, 2, kind="ces", scale_max=3)).kpi("ces_score_micros_sum") == {("", 0): 666_667}


def test_K4_events_after_as_of_are_folded():
    result = run(opened(), ev("responded", 9), p=(plain(first_response="5m"),), as_of=at(1))
    assert result.ticket["first_response_verdict"] == "breached"


# --- A


def test_A1_key_and_state():
    result = run(opened(agent_id="a"), p=(plain(resolution="5m"),))
    alert = result.alerts[0]
    assert alert["alert_id"] == tables.alert_id("T", "resolution", 1) and len(alert["alert_id"]) == 32
    assert (alert["state"], alert["level"], alert["owner_at_breach"], alert["resolved_at"]) == ("breached", 0, "a", None)


# --- P


@pytest.mark.parametrize(
    "pattern, value, holds",
    [
        ("lift/*", "lift/x", True), ("lift/*", "lift", False), ("*", "x\n", True), ("*", None, False),
        ("", None, True), ("", "x", False), ("a.c", "abc", False), ("*b*", "abc", True),
    ],
)  # fmt: skip
def test_P1_patterns(pattern, value, holds):
    assert policy.Policy("p", {"category": [pattern]}, {}).holds({"category": value}) is holds


def test_P1_first_policy_wins():
    p = ({"name": "a", "match": {"priority": ["1", "2"], "channel": [""]}, "targets": {}}, plain(resolution="1h"))
    assert run(opened(priority=2), p=p).ticket["policy"] == "a"
    assert run(opened(priority=2, channel="app"), p=p).ticket["policy"] == "plain"


def test_P2_durations():
    assert parse_duration("1h30m") == 90 * MINUTE
    assert parse_duration("366d") == 366 * DAY
    for bad in ("", "0s", "367d", "1h1h", "1.5h", "1wd", "h", "1 h", "-1h"):
        with pytest.raises(BadDuration):
            parse_duration(bad)


def test_P2_all_faults_at_once():
    body = {
        "id": "r", "calendars": {"always": {"always": True}}, "colour": 1,
        "policies": [plain(resolution="1x", arrival=target("1h", warn_at=["100%"])), plain()],
    }  # fmt: skip
    with pytest.raises(policy.PolicyError) as error:
        policy.parse(json.dumps({"revisions": [body]}).encode())
    assert {path for path, _ in error.value.faults} == {
        "$.revisions[0].colour",
        "$.revisions[0].policies[0].targets.resolution.within",
        "$.revisions[0].policies[0].targets.arrival.warn_at[0]",
        "$.revisions[0].policies[1]",
    }


def test_P3_no_policy_but_a_promise():
    assert run(opened()).ticket["resolution_verdict"] == "none"
    assert run(opened(resolution_due_at=when(1)), ev("resolved", 1)).ticket["resolution_verdict"] == "met"


# --- all together


def test_calendar_is_two_methods():
    assert (Always().elapsed(3, 10), Always().advance(3, 7)) == (7, 10)


def test_csv_cells():
    assert [tables._cell(x) for x in (None, "", "a,b", 'q"', True, 5)] == ["", '""', '"a,b"', '"q"""', "t", "5"]


def test_any_order_gives_the_same_tables(tmp_path):
    def call(*words):
        subprocess.run([sys.executable, *map(str, words)], check=True, cwd=tmp_path)

    call(f"{HERE}/generate", "--seed", 5, "--tickets", 150, "--policy-out", "p.json", "--out", "a.ndjson")
    lines = (tmp_path / "a.ndjson").read_bytes().splitlines(keepends=True)
    (tmp_path / "b").mkdir()
    random.Random(1).shuffle(lines)
    (tmp_path / "b" / "a.ndjson").write_bytes(b"".join(lines))
    for out, path in (("out1", "a.ndjson"), ("out2", "b/a.ndjson")):
        call(
            f"{HERE}/recompute", "--policy", "p.json", "--shadow", "p1", "--as-of", when(15),
            "--read-at", "2026-02-01T00:00:00Z", "--out", out, path,
        )  # fmt: skip
    for name in sorted(os.listdir(tmp_path / "out1")):
        first, second = ((tmp_path / out / name).read_text() for out in ("out1", "out2"))
        if name == "dead_letter.csv":  # the lines have moved
            first, second = (sorted(row["reason"] for row in csv.DictReader(io.StringIO(t))) for t in (first, second))
        assert first == second, name
    counts = json.loads((tmp_path / "out1" / "counts.json").read_text())
    others = counts["duplicates"] + counts["tombstones"] + counts["unknown_type"]
    assert counts["messages"] == counts["applied"] + others + sum(counts["dead_letters"].values())
