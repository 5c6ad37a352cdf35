"""Checks the contract files against each other: asyncapi.yaml, its schemas and samples, and the corpora beside this
file.

Needs Debian's python3-pytest, python3-jsonschema and python3-yaml.
"""
import base64
import datetime
import functools
import json
import pathlib
import re
import sys

import jsonschema
import pytest
import yaml

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import make_rejects  # noqa: E402
import message_rules  # noqa: E402

API = (HERE.parents[2] / "deploy" / "asyncapi").resolve()
DOC = yaml.safe_load((API / "asyncapi.yaml").read_text(encoding="utf-8"))
SAMPLES = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted((API / "samples").glob("*.json"))}
NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
NOW_US = int((NOW - datetime.datetime(1970, 1, 1)).total_seconds() * 1_000_000)
TOPICS = {"ticket-opened", "ticket-closed", "survey", "ticket-activity", "kpid-alerts"}
EXPECT = {"event", "tombstone", "unknown_type"} | set(message_rules.REASONS) - {"id_conflict", "too_many"}

# Rules that a schema cannot express, or that Python's validator reads differently: byte lengths, 5.0 is no whole
# number,
# leap years, rounding to millionths, scale_max against score, the year in UTC, NUL, that `event_id` beside `id` and
# `ce_specversion` are ignored; in Python `$` also matches before a final line end.
BEYOND_SCHEMAS = {
    "id-258-bytes-of-3", "id-257-bytes", "ticket-id-type-5.0", "agent-id-type-5.0", "ticket-id-type-1e3",
    "agent-id-type-1e3", "id-type-5.0", "time-feb-29", "time-promise-feb-29-2100", "time-line-end-after",
    "score-own-scale-over", "score-own-scale-smaller", "score-under-half-millionth",
    "score-minus-under-half-millionth", "score-scale-under-half-millionth", "score-answers-item-rounded",
    "score-answers-own-scale-over", "score-scale-9e12-over", "score-many-digits-top",
    "score-minus-half-millionth", "id-minus-zero-decimal", "bare-event-id-beside-id", "time-1990-written-1989",
    "time-1989-written-1990", "time-2201-written-2200", "time-promise-2200-written-2201", "header-not-read",
    "score-items-own-scale-over", "score-items-own-scale-expected-over", "score-items-smaller-scale",
    "score-items-scale-under-half-millionth", "score-items-scale-9e12-over",
    "base64-line-break", "base64-duplicate-key", "base64-17-levels",
    "header-nul-ce_id", "header-nul-ce_source", "header-nul-ce_type", "header-nul-ce_sequence",
}


def lines(name):
    with open(HERE / name, encoding="utf-8") as f:
        return [json.loads(text) for text in f]


def ids(case):
    return case["name"]


REJECTS = lines("rejects.jsonl")
CONFLICTS = lines("conflicts.jsonl")


@functools.lru_cache(maxsize=None)
def loaded(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def inline(node, base):
    """node with every $ref replaced by its target; base is the file that contains node."""
    if isinstance(node, list):
        return [inline(v, base) for v in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {k: inline(v, base) for k, v in node.items()}
    name, _, pointer = node["$ref"].partition("#")
    path = (base.parent / name).resolve() if name else base
    assert path.is_file() and API.resolve() in path.parents, node["$ref"]
    target = loaded(path)
    for part in pointer.strip("/").split("/") if pointer.strip("/") else []:
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return inline(target, path)


def validator(schema, base=API / "asyncapi.yaml"):
    return jsonschema.Draft202012Validator(inline(schema, base))


@functools.lru_cache(maxsize=None)
def schema_of(name):
    """The validator of one schema file, or of `file.json#/a/part`."""
    return validator({"$ref": name if "#" in name else name + ".json"}, API.resolve() / "schemas" / "common.json")


def now_text(text):
    def at(match):
        return (NOW + datetime.timedelta(minutes=int(match.group(1)))).strftime("%Y-%m-%dT%H:%M:%SZ")
    return re.sub(r"\{\{NOW([+-][0-9]+)m\}\}", at, text)


def value_of(case):
    if "value" in case:
        assert "{{NOW" in case["value"]
        return now_text(case["value"]).encode()
    return None if case["value_b64"] is None else base64.b64decode(case["value_b64"], validate=True)


def headers_of(case):
    return [(name, base64.b64decode(value["b64"], validate=True) if isinstance(value, dict) else value)
            for name, value in case.get("headers", ())]


def message_of(sample):
    """The AsyncAPI message that a sample belongs to."""
    stem, mode = sample.rsplit(".", 1)
    if stem.startswith("kpid.alert."):
        return "Alert" + stem.split(".")[2].capitalize()
    kind = message_rules.TOPIC_TYPE[stem] if mode == "bare" else ".".join(stem.split(".")[:2])
    camel = "".join(part.capitalize() for part in re.split("[._]", kind))
    return camel + {"structured": "", "binary": "Binary", "bare": "Bare"}[mode]


# --- asyncapi.yaml -----------------------------------------------------------------------------------------------------

def test_document_has_what_asyncapi_3_requires():
    assert DOC["asyncapi"] == "3.0.0"
    assert DOC["info"]["title"] and DOC["info"]["version"]
    assert {c["address"] for c in DOC["channels"].values()} == TOPICS
    for channel in DOC["channels"].values():
        assert channel["messages"]
        assert channel["bindings"]["kafka"]["topic"] == channel["address"]


def test_operations_cover_every_message_of_every_channel():
    named = set()
    for operation in DOC["operations"].values():
        channel = operation["channel"]["$ref"]
        sends = channel == "#/channels/kpidAlerts"
        assert operation["action"] == ("send" if sends else "receive")
        for message in operation["messages"]:
            assert message["$ref"].startswith(channel + "/messages/")
            named.add(message["$ref"])
    assert named == {"#/channels/%s/messages/%s" % (c, m)
                     for c, channel in DOC["channels"].items() for m in channel["messages"]}
    used = {ref.rsplit("/", 1)[1] for ref in named}
    assert used == set(DOC["components"]["messages"])


def test_every_reference_leads_somewhere():
    inline(DOC, API / "asyncapi.yaml")
    for path in (API / "schemas").glob("*.json"):
        inline(json.loads(path.read_text(encoding="utf-8")), path.resolve())


def test_every_type_has_a_schema_and_messages():
    have = {p.stem for p in (API / "schemas").glob("*.json")}
    assert have == set(message_rules.FIELDS) | {"common", "cloudevent", "alert"}
    named = {m["name"] for m in DOC["components"]["messages"].values()}
    for kind in message_rules.FIELDS:
        assert {kind, kind + ".binary"} <= named


@pytest.mark.parametrize("kind", sorted(message_rules.FIELDS))
def test_schema_lists_the_fields_of_the_type(kind):
    schema = json.loads((API / "schemas" / (kind + ".json")).read_text(encoding="utf-8"))
    assert set(schema["properties"]) == set(message_rules.FIELDS[kind]) | {"ticket_id"}


def test_every_message_has_a_kafka_key():
    traits = DOC["components"]["messageTraits"]
    for message in DOC["components"]["messages"].values():
        assert any("key" in traits[t["$ref"].rsplit("/", 1)[1]]["bindings"]["kafka"] for t in message["traits"])


def test_examples_are_the_samples():
    examples = {}
    for key, message in DOC["components"]["messages"].items():
        for example in message.get("examples", ()):
            assert message_of(example["name"]) == key
            examples[example["name"]] = ({"headers": example["headers"], "data": example["payload"]}
                                         if "headers" in example else example["payload"])
    assert examples == SAMPLES


# --- schemas and samples -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", sorted((API / "schemas").glob("*.json")), ids=lambda p: p.stem)
def test_schema_is_a_schema(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(inline(schema, path.resolve()))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_sample_validates(name):
    message = DOC["components"]["messages"][message_of(name)]
    sample = SAMPLES[name]
    if name.endswith(".binary"):
        validator(message["headers"]).validate(sample["headers"])
        sample = sample["data"]
    validator(message["payload"]).validate(sample)


@pytest.mark.parametrize("name", sorted(n for n in SAMPLES if not n.startswith("kpid.")))
def test_sample_is_an_event(name):
    sample, headers, topic = SAMPLES[name], None, name.split(".")[0]
    if name.endswith(".binary"):
        headers, sample = list(sample["headers"].items()), sample["data"]
    assert message_rules.classify(topic, headers, json.dumps(sample).encode(), NOW_US) == "event"


def test_every_type_has_samples():
    of = {message_of(name) for name in SAMPLES}
    for key in DOC["components"]["messages"]:
        assert key in of or (key.endswith("Binary") and key[:-len("Binary")] in of), key


@pytest.mark.parametrize("name", sorted(n for n in SAMPLES if n.startswith("kpid.")))
def test_both_states_of_an_alert_agree(name):
    assert SAMPLES[name]["type"] == "kpid.alert." + SAMPLES[name]["data"]["state"]


def test_an_alert_is_not_an_event():
    for name in SAMPLES:
        if name.startswith("kpid."):
            message = json.dumps(SAMPLES[name]).encode()
            assert message_rules.classify("kpid-alerts", None, message, NOW_US) == "unknown_type"


# --- rejects.jsonl -----------------------------------------------------------------------------------------------------

def test_corpus_is_the_output_of_its_program():
    assert make_rejects.main() == (HERE / "rejects.jsonl").read_text(encoding="utf-8")


def test_corpus_covers_every_reason():
    assert len(REJECTS) >= 150
    for expect in EXPECT:
        assert sum(case["expect"] == expect for case in REJECTS) >= 5, expect
    assert sum(case["id_conflict"] for case in CONFLICTS) >= 5


def test_corpus_names_and_identities_are_unique():
    names = [case["name"] for case in REJECTS + CONFLICTS]
    assert len(set(names)) == len(names)
    seen = set()
    for number, case in enumerate(REJECTS):
        if case["expect"] != "event":
            continue
        env, data = message_rules.read(case["topic"], headers_of(case), value_of(case), "0/%d" % number)
        key = tuple(message_rules.identifier(v) for v in (data["ticket_id"], env["source"], env["id"]))
        assert key not in seen, case["name"]
        seen.add(key)


@pytest.mark.parametrize("case", REJECTS, ids=ids)
def test_reject(case):
    assert set(case) - {"headers", "value", "value_b64"} == {"name", "topic", "expect", "why"}
    assert ("value" in case) != ("value_b64" in case)
    assert case["topic"] in TOPICS and case["expect"] in EXPECT and case["why"]
    for key, value in case.get("headers", ()):
        assert isinstance(key, str) and (value is None or isinstance(value, str) or set(value) == {"b64"})
    assert message_rules.classify(case["topic"], headers_of(case), value_of(case), NOW_US) == case["expect"]


def plain_data(body):
    """The data of a structured message. A schema sees only the string data_base64, so it is decoded here; None: not
    JSON."""
    encoded = body.get("data_base64")
    if encoded is None:
        return body["data"]
    try:
        return json.loads(base64.b64decode(encoded))
    except ValueError:
        return None


@pytest.mark.parametrize("case", [c for c in REJECTS if c["expect"] in (
    "event", "missing_field", "bad_time", "bad_value")], ids=ids)
def test_schemas_agree_with_the_rules(case):
    value = value_of(case)
    body = json.loads(message_rules.unframed(value))
    given = dict(headers_of(case))
    try:
        structured = message_rules.is_cloudevent(given.get("content-type"))
        if not structured and ("ce_specversion" in given or "ce_type" in given):
            kind = given.get("ce_type") or "ticket.assigned"
            kind = kind if message_rules.short_type(str(kind)) in message_rules.FIELDS else "ticket.assigned"
            schema_of("../asyncapi.yaml#/components/schemas/cloudEventHeaders").validate(given)
            schema_of(message_rules.short_type(kind)).validate(body)
        elif structured or "specversion" in body or ("type" in body and {"data", "data_base64"} & set(body)):
            schema_of("cloudevent").validate(body)
            schema_of(message_rules.short_type(body["type"])).validate(plain_data(body))
        elif case["topic"] in message_rules.TOPIC_TYPE:
            schema_of("common.json#/$defs/bare").validate(body)
            schema_of(message_rules.TOPIC_TYPE[case["topic"]]).validate(body)
        else:
            raise jsonschema.ValidationError("bare JSON on a topic without a type")
        valid = True
    except jsonschema.ValidationError:
        valid = False
    if case["name"] in BEYOND_SCHEMAS:
        assert valid != (case["expect"] == "event"), "the schemas can express it: remove it from the list"
    else:
        assert valid == (case["expect"] == "event")


# --- conflicts.jsonl: E1, E2 -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", CONFLICTS, ids=ids)
def test_conflict(case):
    assert set(case) - {"rejected", "identities"} == {"name", "messages", "keep", "id_conflict", "why"}
    texts, identities, rejected = {}, set(), []
    for number, message in enumerate(case["messages"]):
        value = message["value"].encode()
        if message_rules.classify(message["topic"], message.get("headers"), value, NOW_US) != "event":
            rejected.append(number)
            continue
        env, data = message_rules.read(message["topic"], message.get("headers"), value)
        key = tuple(message_rules.identifier(v) for v in (data["ticket_id"], env["source"], env["id"]))
        identities.add(key)
        texts[number] = (key, message_rules.content(message["topic"], message.get("headers"), value).encode())
    assert rejected == case.get("rejected", [])
    assert len(identities) == case.get("identities", 1)
    assert len(set(texts.values())) - len(identities) == case["id_conflict"]
    mine = texts[case["keep"]]
    assert mine == min(text for text in texts.values() if text[0] == mine[0])


def test_nothing_here_names_the_machine():
    for path in [p for d in (API, HERE) for p in d.rglob("*") if p.is_file() and "__pycache__" not in p.parts]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w/])/(home|root|tmp|mnt)/", text), path
