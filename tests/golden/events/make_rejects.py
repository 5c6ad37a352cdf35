#!/usr/bin/env python3
"""Writes rejects.jsonl, the corpus of malformed and borderline messages. Run it after a change here; a test checks that
the file is up to date. The value of a header is a text, null, or {"b64": …} for bytes that are not text.

Every line has its own identity and ticket, so the whole corpus can also be sent to one daemon. `why` begins with "By the
letter" where the rules leave room and the corpus takes them literally.
"""
import base64
import json
import pathlib


HERE = pathlib.Path(__file__).parent
TIME = "2024-05-06T09:00:00Z"
SCHEMA_ID = b"\x00\x00\x00\x00\x2a"
KEEP = object()
lines = []


class Raw(str):
    """A literal piece of JSON, kept as it is."""


def dumps(value):
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k, ensure_ascii=False) + ":" + dumps(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dumps(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def line(name, expect, why, topic="ticket-activity", headers=None, value=None, template=None):
    out = {"name": name, "topic": topic}
    if headers is not None:
        out["headers"] = [[k, {"b64": base64.b64encode(v).decode()} if isinstance(v, bytes) else v]
                          for k, v in headers]
    if template is not None:
        out["value"] = template
    else:
        out["value_b64"] = None if value is None else base64.b64encode(value).decode()
    out.update(expect=expect, why=why)
    lines.append(out)


def fields(base, over):
    """base updated with over; KEEP as a value in over removes the field."""
    merged = dict(base, **over)
    return {k: v for k, v in merged.items() if v is not KEEP}


def envelope(name, kind="ticket.assigned", data=None, **over):
    need = {"ticket_id": "T-" + name}
    if kind == "ticket.assigned":
        need["agent_id"] = "A-17"
    if kind == "survey.submitted":
        need["score"] = 4
    body = {"specversion": "1.0", "id": name, "source": "/desk", "type": kind, "time": TIME}
    body["data"] = fields(need, data or {})
    return fields(body, over)


OUT = KEEP


def s(name, expect, why, kind="ticket.assigned", data=None, topic="ticket-activity", **over):
    """A structured message; text with {{NOW...}} becomes a template."""
    text = dumps(envelope(name, kind, data, **over))
    if "{{NOW" in text:
        line(name, expect, why, topic, template=text)
    else:
        line(name, expect, why, topic, value=text.encode())


def raw(name, expect, why, value, topic="ticket-activity", headers=None):
    line(name, expect, why, topic, headers, value if isinstance(value, bytes) else value.encode())


def b(name, expect, why, headers=None, data=None, value=None, kind="ticket.assigned", topic="ticket-activity"):
    """A binary message, without the headers whose value is KEEP."""
    base = {"ce_specversion": "1.0", "ce_id": name, "ce_source": "/desk", "ce_type": kind, "ce_time": TIME}
    head = [[k, v] for k, v in fields(base, headers or {}).items()]
    if value is None:
        value = dumps(fields({"ticket_id": "T-" + name}, data or {}))
    line(name, expect, why, topic, head, value if isinstance(value, bytes) else value.encode())


def bare(name, expect, why, topic, **over):
    need = {"event_id": name, "ticket_id": "T-" + name, "time": TIME}
    if topic == "survey":
        need["score"] = 4
    raw(name, expect, why, dumps(fields(need, over)), topic)


def inside(name, literal):
    """A structured message whose data has the unknown field x with this literal, as bytes."""
    return dumps(envelope(name, data={"x": Raw("@@")})).encode().split(b"@@"), literal


def x(name, expect, why, literal):
    (before, after), lit = inside(name, literal)
    raw(name, expect, why, before + (lit if isinstance(lit, bytes) else lit.encode()) + after)


def nested(levels, opening="[", closing="]"):
    return opening * levels + closing * levels


def padded(name, size, **kw):
    text = dumps(envelope(name, data={"note": "@@"}, **kw)).encode()
    return text.replace(b"@@", b"p" * (size - len(text) + 2))


def build():
    # --- the ordinary ways in ----------------------------------------------------------------------------------
    s("structured-plain", "event", "A CloudEvent in structured mode.")
    s("structured-no-specversion", "event", "`type` and `data` together are enough to be structured.", specversion=OUT)
    s("structured-long-type", "event", "The last two dotted parts decide (E4).", type="com.acme.ticket.assigned")
    s("structured-empty-parts-before", "event", "The last two dotted parts decide, whatever precedes them.",
      type="..ticket.assigned")
    s("structured-unknown-fields", "event", "Unknown fields pass, of whatever form.",
      data={"flat": "3-1201", "photos": [{"n": 1}, None, True]}, subject="报修", traceparent="00-ab-cd-01")
    s("structured-other-topic", "event", "A topic may carry several types.", topic="ticket-opened")
    s("structured-specversion-0.3", "event", "By the letter: no rule looks at the value of specversion.",
      specversion="0.3")
    s("structured-long-known-type", "event", "By the letter: `type` is no identifier, it has no limit of 256 bytes.",
      type="a." * 200 + "ticket.assigned")
    b("binary-plain", "event", "A CloudEvent in binary mode.", data={"agent_id": "A-17"})
    b("binary-type-header-only", "event", "`ce_type` alone makes it binary.", headers={"ce_specversion": OUT})
    b("binary-id-of-digits", "event", "Headers are text, digits too.", headers={"ce_id": "90210", "ce_sequence": "007"})
    b("binary-type-and-data-inside", "event", "Headers win: `type` and `data` in the value are unknown fields.",
      data={"type": "x", "data": {"ticket_id": "other"}})
    bare("bare-opened", "event", "Bare JSON on a mapped topic.", "ticket-opened", category="repair/plumbing")
    bare("bare-closed", "event", "Bare JSON on a mapped topic.", "ticket-closed", automatic=False)
    bare("bare-survey", "event", "Bare JSON on a mapped topic.", "survey", survey_id="Q-1")
    bare("bare-no-event-id", "event", "Without `id` and `event_id`: topic/partition/offset (E1).", "ticket-opened",
         event_id=OUT)
    bare("bare-own-id-and-source", "event", "Bare JSON may name `id` and `source`.", "ticket-opened",
         id="bare-own-id", source="/erp")
    bare("bare-id-null", "event", "Null is missing, so `event_id` it is.", "ticket-opened", id=None)
    bare("bare-event-id-null", "event", "Null is missing: topic/partition/offset it is.", "ticket-opened", event_id=None)
    bare("bare-event-id-empty", "event", "As if absent: topic/partition/offset it is.", "ticket-closed", event_id="")
    bare("bare-event-id-beside-id", "event", "`id` is there, so `event_id` is not asked.", "ticket-opened",
         id="bare-event-id-beside-id", event_id=False)
    bare("bare-source-null", "event", "Null is missing: the topic's name it is.", "ticket-closed", source=None)
    bare("bare-source-number", "event", "`source` is an identifier.", "ticket-closed", source=30)
    bare("bare-type-null", "event", "`type` without `data` and `specversion` is bare: an unknown field.",
         "ticket-opened", type=None)
    bare("bare-type-other", "event", "The topic alone decides: no reopening but an opening, `agent_id` is looked at.",
         "ticket-opened", type="ticket.reopened", agent_id=7)
    bare("bare-type-number", "event", "An unknown field, of whatever form.", "ticket-closed", type=5)
    bare("bare-event-id-number", "event", "A whole number where an identifier is due.", "ticket-opened",
         event_id=20240506001)
    bare("bare-type-but-no-data", "event", "`type` without `data` and `specversion` is bare: an unknown field.",
         "ticket-opened", type="报修")
    bare("bare-data-but-no-type", "event", "`data` without `type` and `specversion` is bare: an unknown field.",
         "ticket-closed", data={"rooms": 2})
    bare("bare-other-headers", "event", "Bare.", "survey", kind="ces", score=7)
    lines[-1]["headers"] = [["content-type", "application/json"], ["ce_id", "stray"]]
    lines[-1]["why"] = "Only `ce_specversion` or `ce_type` makes it binary; a stray `ce_id` does not."
    raw("whitespace-around", "event", "JSON may be surrounded by blanks, tabs and line ends.",
        " \t\r\n" + dumps(envelope("whitespace-around")) + "\n\n")

    # --- the content type, data_base64, batches --------------------------------------------------------------------
    def typed(name, expect, why, content_type, value, ce=True):
        head = [["ce_specversion", "1.0"], ["ce_type", "ticket.opened"], ["ce_id", "other"]] if ce else []
        raw(name, expect, why, value, headers=head + [["content-type", content_type]])

    for name, content_type in (("json", "application/cloudevents+json"), ("bytes", b"application/cloudevents+json"),
                               ("charset", "application/cloudevents+json; charset=UTF-8"),
                               ("alone", "application/cloudevents")):
        typed("content-type-" + name, "event", "Structured, whatever other headers it has (E1).", content_type,
              dumps(envelope("content-type-" + name)))
    typed("content-type-without-ce", "event", "Structured.", "application/cloudevents+json",
          dumps(envelope("content-type-without-ce")), ce=False)
    typed("content-type-no-specversion", "missing_field", "Structured, and so `type` is due in the value.",
          "application/cloudevents+json", dumps(fields(envelope("content-type-no-specversion"),
                                                       {"specversion": KEEP, "type": KEEP})))
    raw("content-type-mapped-topic", "missing_field", "Structured, and no bare JSON of the topic's type.",
        dumps({"event_id": "content-type-mapped-topic", "ticket_id": "T-content-type-mapped-topic", "time": TIME}),
        "ticket-opened", [["content-type", "application/cloudevents+json"]])
    typed("content-type-other-case", "event", "By the letter: texts are compared by bytes, so the headers count.",
          "Application/CloudEvents+json", dumps({"ticket_id": "T-content-type-other-case"}))
    lines[-1]["headers"] += [["ce_id", "content-type-other-case"], ["ce_source", "/desk"], ["ce_time", TIME]]
    b("content-type-of-data", "event", "Another content type says nothing.", headers={"content-type": "application/json"})
    b("content-type-null", "event", "A header of null says nothing.", headers={"content-type": None})
    b("content-type-odd-bytes", "event", "Bytes that are no text say nothing.", headers={"content-type": b"\xff\xfe"})
    b("content-type-last-counts", "event", "As Kafka's clients do: the last header of a name counts.")
    lines[-1]["headers"] = [["content-type", "application/cloudevents+json"], *lines[-1]["headers"],
                            ["content-type", "application/json"]]
    typed("batch", "not_an_object", "Batched mode is not read.", "application/cloudevents-batch+json",
          "[" + dumps(envelope("batch")) + "]", ce=False)
    typed("batch-empty", "not_an_object", "Batched mode is not read.", "application/cloudevents-batch+json", "[]",
          ce=False)
    typed("batch-of-one-object", "event", "By the letter: the content type makes it structured, and it is an object.",
          "application/cloudevents-batch+json", dumps(envelope("batch-of-one-object")), ce=False)

    def encoded(name, expect, why, coded, **over):
        text = base64.b64encode(coded).decode() if isinstance(coded, bytes) else coded
        raw("base64-" + name, expect, why, dumps(fields(envelope("base64-" + name),
                                                        {"data": KEEP, "data_base64": text, **over})))

    def ticket(name, more=""):
        return ('{"ticket_id":"T-base64-%s"%s}' % (name, more)).encode()

    encoded("plain", "event", "What it decodes to is the data (E7).", ticket("plain", ',"agent_id":7'))
    for n in range(3):
        name = "padding-%d" % n
        size = len(ticket(name)) % 3
        encoded(name, "event", "With the padding that its length asks for.", ticket(name) + b" " * ((n - size) % 3))
    encoded("no-specversion", "event", "`type` and `data_base64` are structured, as `type` and `data` are.",
            ticket("no-specversion"), specversion=KEEP)
    encoded("null-data", "event", "Null is missing.", ticket("null-data"), data=None)
    encoded("slash-escaped", "event", "Any JSON string: some writers escape the slash.",
            Raw('"' + base64.b64encode(ticket("slash-escaped", ',"x":"???>>>"')).decode().replace("/", "\\/") + '"'))
    assert "\\/" in base64.b64decode(lines[-1]["value_b64"]).decode()
    encoded("blanks-inside", "event", "JSON may be surrounded by blanks.", b" \n" + ticket("blanks-inside") + b" ")
    encoded("beside-data", "bad_value", "Both fields.", ticket("beside-data"), data={"ticket_id": "T-base64-beside-data"})
    encoded("null", "missing_field", "Null is missing, and so is `data`.", None)
    encoded("null-both", "missing_field", "Both are missing.", None, data=None)
    s("base64-null-beside-data", "event", "Null is missing.", data_base64=None)
    encoded("empty", "bad_value", "No bytes are no JSON.", "")
    encoded("number", "bad_value", "Not base64.", 7)
    encoded("object", "bad_value", "Not base64.", Raw("{}"))
    encoded("not-base64", "bad_value", "Not base64.", "{}")
    encoded("cut", "bad_value", "Not base64: the padding is missing.", base64.b64encode(b'{"a":1}').decode()[:-1])
    encoded("padding-too-long", "bad_value", "Not base64.", "e30==")
    encoded("padding-alone", "bad_value", "Not base64.", "====")
    encoded("padding-within", "bad_value", "Not base64.", "e3==e30=")
    encoded("url-alphabet", "bad_value", "By the letter: base64, and not its alphabet for addresses.",
            base64.urlsafe_b64encode(ticket("url-alphabet", ',"x":"???>>>"')).decode())
    encoded("line-break", "bad_value", "By the letter: there is nothing between the characters.",
            base64.encodebytes(ticket("line-break")).decode())
    encoded("not-json", "bad_value", "It decodes to no JSON.", b"ticket")
    encoded("array", "bad_value", "It decodes to no object.", b"[{}]")
    encoded("null-inside", "bad_value", "It decodes to no object.", b"null")
    encoded("duplicate-key", "bad_value", "No JSON, as E5 has it.", ticket("duplicate-key", ',"a":1,"a":2'))
    encoded("not-utf8", "bad_value", "No JSON, as E5 has it.", ticket("not-utf8")[:-1] + b',"x":"\xff"}')
    encoded("16-levels", "event", "16 levels in what it decodes to.",
            ticket("16-levels", ',"x":' + nested(15)))
    encoded("17-levels", "bad_value", "By the letter: `too_deep` counts the bytes of the message; so deep is no data.",
            ticket("17-levels", ',"x":' + nested(16)))
    encoded("twice", "bad_value", "It decodes to base64, not to JSON.", base64.b64encode(ticket("twice")))
    encoded("missing-ticket-id", "missing_field", "`ticket_id` is due in the data.", b"{}")
    encoded("bad-time-before", "bad_time", "First `bad_time`, then `bad_value`.", "!", time="soon")
    encoded("missing-before", "missing_field", "First `missing_field`, then `bad_value`.", "!", source=KEEP)
    b("base64-binary", "event", "In binary mode it is an unknown field.", data={"data_base64": "!"})
    bare("base64-bare", "event", "Without `type` it is an unknown field of bare JSON.", "ticket-opened",
         data_base64="!")

    # --- what other SDKs send ----------------------------------------------------------------------------------------
    s("sdk-no-seconds", "bad_time", "RFC 3339 has seconds.", time="2026-03-12T19:42Z")
    s("sdk-offset-without-colon", "bad_time", "RFC 3339 has a colon.", time="2024-03-12T19:42:10.000+0800")
    s("sdk-zone-name", "bad_time", "RFC 3339 has no names of zones.", time="2024-03-12T19:42:10.54America/Los_Angeles")
    s("sdk-gmt", "bad_time", "RFC 3339 has no names of zones.", time="2024-03-12T19:42:10.37GMT")
    s("sdk-milliseconds", "bad_value", "A time is a text.", time=1710272530000)
    s("sdk-data-as-text", "bad_value", "`data` of a wrong type.", data={})
    lines[-1]["value_b64"] = base64.b64encode(dumps(dict(
        envelope("sdk-data-as-text"), data='{"ticket_id":"T-sdk-data-as-text"}')).encode()).decode()

    # --- tombstones and Schema Registry frames -------------------------------------------------------------------
    for topic in ("ticket-activity", "ticket-opened", "survey"):
        line("tombstone-" + topic, "tombstone", "A null value.", topic)
    line("tombstone-with-headers", "tombstone", "A null value, whatever its headers.", "ticket-activity",
         [["ce_specversion", "1.0"], ["ce_type", "ticket.opened"]])
    line("tombstone-unknown-type", "tombstone", "A null value comes before its type.", "ticket-activity",
         [["ce_type", "com.acme.invoice.paid"]])
    raw("value-empty", "not_json", "No bytes are no JSON, and no tombstone either.", b"")
    raw("frame-structured", "event", "A Schema Registry frame is skipped.",
        SCHEMA_ID + dumps(envelope("frame-structured")).encode())
    raw("frame-bare", "event", "A Schema Registry frame is skipped in every mode.",
        SCHEMA_ID + b'{"event_id":"frame-bare","ticket_id":"T-frame-bare","time":"2024-05-06T09:00:00Z"}',
        "ticket-opened")
    b("frame-binary", "event", "A Schema Registry frame is skipped in every mode.",
      value=SCHEMA_ID + b'{"ticket_id":"T-frame-binary"}')
    raw("frame-id-of-brackets", "event", "The bytes of the frame count for no level.",
        b"\x00[[[[" + dumps(envelope("frame-id-of-brackets", data={"x": Raw(nested(14))})).encode())
    raw("frame-id-of-quotes", "too_deep", "A quote in the frame opens no string.",
        b'\x00\x00\x00\x00"' + dumps(envelope("frame-id-of-quotes", data={"x": Raw(nested(15))})).encode())
    raw("frame-alone", "not_json", "Nothing after the frame.", SCHEMA_ID)
    raw("frame-cut", "not_json", "A frame is five bytes; a NUL is no JSON.", b"\x00\x00\x00")
    raw("frame-twice", "not_json", "One frame is skipped, not two.",
        SCHEMA_ID * 2 + dumps(envelope("frame-twice")).encode())
    raw("frame-avro", "not_json", "Avro after the frame.", SCHEMA_ID + b"\x0eT-00123\x02\x0cA-17\x00")
    raw("frame-other-magic", "not_json", "Only 0x00 opens a frame.",
        b"\x01\x00\x00\x00\x2a" + dumps(envelope("frame-other-magic")).encode())
    raw("frame-null", "not_an_object", "The text null after a frame.", SCHEMA_ID + b"null")
    raw("frame-bom", "not_json", "A byte order mark after the frame.",
        SCHEMA_ID + b"\xef\xbb\xbf" + dumps(envelope("frame-bom")).encode())

    # --- too_large -----------------------------------------------------------------------------------------------
    raw("size-65536", "event", "Exactly 65,536 bytes.", padded("size-65536", 65536))
    raw("size-65537", "too_large", "One byte more.", padded("size-65537", 65537))
    text = dumps(envelope("size-65537-blanks")).encode()
    raw("size-65537-blanks", "too_large", "Blanks count.", text.ljust(65537))
    raw("size-unknown-type", "too_large", "Size comes before type.",
        padded("size-unknown-type", 65537, kind="com.acme.meter.read"))
    raw("size-in-bytes", "too_large", "Bytes count, not characters.",
        dumps(envelope("size-in-bytes", data={"note": "漏" * 21845})))
    raw("size-65537-brackets", "too_large", "Size comes before depth.", b"[" * 65537)
    raw("size-65536-frame", "event", "Exactly 65,536 bytes, five of a Schema Registry frame.",
        SCHEMA_ID + padded("size-65536-frame", 65531))
    raw("size-65537-frame", "too_large", "The bytes of the frame count.",
        SCHEMA_ID + padded("size-65537-frame", 65532))
    raw("size-65536-garbage", "not_json", "Not too large, no JSON.", b"x" * 65536)

    # --- too_deep ------------------------------------------------------------------------------------------------
    x("depth-16", "event", "Envelope 1, data 2, 14 arrays: 16 levels.", nested(14))
    x("depth-17", "too_deep", "17 levels.", nested(15))
    x("depth-16-objects", "event", "Objects and arrays count alike.", '{"a":' * 7 + nested(7) + "}" * 7)
    x("depth-17-objects", "too_deep", "Objects and arrays count alike.", '{"a":' * 15 + "1" + "}" * 15)
    s("depth-16-extension", "event", "Outside data only the envelope precedes it.", ext=Raw(nested(15)))
    s("depth-17-extension", "too_deep", "Outside data too.", ext=Raw(nested(16)))
    b("depth-16-binary", "event", "In binary mode data is the outermost object.", data={"x": Raw(nested(15))})
    b("depth-17-binary", "too_deep", "In binary mode data is the outermost object.", data={"x": Raw(nested(16))})
    bare("depth-16-bare", "event", "Bare: the object is level 1.", "ticket-opened", x=Raw(nested(15)))
    bare("depth-17-bare", "too_deep", "Bare: the object is level 1.", "ticket-opened", x=Raw(nested(16)))
    x("depth-wide", "event", "Wide is not deep.", "[" + ",".join(["[{}]"] * 200) + "]")
    x("depth-in-string", "event", "Brackets in strings do not count.", '"' + "[{" * 40 + '"')
    x("depth-in-string-escaped-quote", "event", "An escaped quote does not end the string.",
      '"\\"' + "[" * 40 + '\\""')
    x("depth-after-escaped-backslash", "too_deep", "An escaped backslash does not escape the quote.",
      '["\\\\",' + nested(14) + "]")
    x("depth-in-key", "event", "Brackets in keys do not count.", '{"' + "[" * 40 + '":1}')
    raw("depth-never-closed", "too_deep", "Counted on the raw bytes, before parsing.", "[" * 17)
    raw("depth-16-never-closed", "not_json", "16 levels, no JSON.", "[" * 16)
    raw("depth-objects-without-keys", "too_deep", "Counted on the raw bytes, before parsing.", "{" * 17)
    raw("depth-closing-first", "too_deep", "A closing bracket with none open counts for nothing.",
        "]}" * 20 + nested(17))
    raw("depth-closing-first-16", "not_json", "A closing bracket with none open counts for nothing.",
        "]}" * 20 + nested(16))
    raw("depth-wrong-closing", "not_json", "Any closing bracket closes one level: never more than 16.",
        "[" * 16 + "}" + "[")
    raw("depth-in-trailing-text", "too_deep", "Trailing text counts.",
        dumps(envelope("depth-in-trailing-text")) + "[" * 17)
    raw("depth-after-nul", "too_deep", "A NUL does not end the count.", b"{}\x00" + b"[" * 17)
    raw("depth-bad-utf8", "too_deep", "Depth comes before UTF-8.", b"\xff" + b"[" * 17)
    raw("depth-in-open-string", "not_json", "A string that never ends hides its brackets.", '{"a":"' + "[" * 30)
    raw("depth-string-over-line-end", "not_json", "A raw line end does not end a string for the count.",
        '{"a":"\n' + "[" * 30 + '"}')
    raw("depth-backslash-outside", "not_json", "Outside strings a backslash escapes nothing: the quote opens a string.",
        '\\"' + "[" * 30)
    s("depth-unknown-type", "too_deep", "Depth comes before type.", kind="com.acme.meter.read",
      data={"x": Raw(nested(15))})

    # --- not_json: structure ---------------------------------------------------------------------------------------
    for name, text, why in (
            ("text", "hello", "No JSON at all."),
            ("cut", dumps(envelope("cut"))[:-2], "Cut off."),
            ("blanks", " \n ", "Nothing but blanks."),
            ("single-quotes", "{'ticket_id':'T1'}", "Single quotes."),
            ("bare-key", '{ticket_id:"T1"}', "A key without quotes."),
            ("trailing-comma", '{"ticket_id":"T1",}', "A trailing comma."),
            ("comment", '{"ticket_id":"T1"/*x*/}', "A comment."),
            ("python-literals", '{"ticket_id":"T1","automatic":True}', "True is not true."),
            ("missing-colon", '{"ticket_id" "T1"}', "No colon."),
            ("mismatch", '{"a":[1}]', "Brackets that cross."),
            ("two-objects", dumps(envelope("two-objects")) * 2, "Trailing text: a second object."),
            ("ndjson", dumps(envelope("ndjson-1")) + "\n" + dumps(envelope("ndjson-2")) + "\n", "Two lines."),
            ("trailing-bracket", dumps(envelope("trailing-bracket")) + "}", "Trailing text."),
            ("trailing-comma-after", dumps(envelope("trailing-comma-after")) + ",", "Trailing text."),
            ("form-feed", "\f" + dumps(envelope("form-feed")), "A form feed is no white space of JSON."),
            ("no-break-space", "\u00a0" + dumps(envelope("no-break-space")), "Nor is a no-break space."),
            ("xml", "<ticket id='T1'/>", "XML.")):
        raw("json-" + name, "not_json", why, text)
    raw("json-bom", "not_json", "A byte order mark.", b"\xef\xbb\xbf" + dumps(envelope("json-bom")).encode())
    raw("json-utf16le", "not_json", "UTF-16.", dumps(envelope("json-utf16le")).encode("utf-16-le"))
    raw("json-utf16be", "not_json", "UTF-16.", dumps(envelope("json-utf16be")).encode("utf-16-be"))
    raw("json-gb18030", "not_json", "GB 18030 is no UTF-8.",
        dumps(envelope("json-gb18030", data={"note": "厨房漏水"})).encode("gb18030"))
    raw("json-gzip", "not_json", "Compressed by the producer.",
        bytes.fromhex("1f8b08000000000000ffabae0500bf9d53a902000000"))

    # --- not_json: duplicate keys ----------------------------------------------------------------------------------
    x("dup-nested", "not_json", "Duplicate keys, in a field that nobody knows.", '{"a":1,"a":2}')
    x("dup-same-value", "not_json", "Duplicate keys, the same value.", '{"a":1,"a":1}')
    x("dup-in-array", "not_json", "Duplicate keys in an object in an array.", '[{},{"k":[],"j":0,"k":[]}]')
    x("dup-escaped", "not_json", "Duplicate keys, one by an escape.", '{"a":1,"\\u0061":2}')
    x("dup-escaped-both", "not_json", "Duplicate keys, both by escapes.", '{"\\u00e9":1,"\u00e9":2}')
    x("dup-escaped-slash", "not_json", "\\/ is /.", '{"a/b":1,"a\\/b":2}')
    x("dup-surrogate-pair", "not_json", "A pair of escapes is the same character.", '{"\\ud83d\\ude00":1,"😀":2}')
    x("dup-empty-key", "not_json", "The empty key twice.", '{"":1,"":2}')
    raw("dup-ticket-id", "not_json", "Duplicate keys in data.",
        dumps(envelope("dup-ticket-id")).replace('"agent_id"', '"ticket_id"'))
    raw("dup-time", "not_json", "Duplicate keys in the envelope.",
        dumps(envelope("dup-time")).replace('"specversion":"1.0"', '"time":"2024-05-06T09:00:00Z"'))
    x("dup-case", "event", "Keys that differ in case are two.", '{"a":1,"A":2}')
    x("dup-siblings", "event", "The same key in two objects.", '[{"a":1},{"a":2}]')
    x("dup-normal-forms", "event", "Texts are compared by bytes: two ways to write é.",
      '{"\u00e9":1,"e\u0301":2}')

    # --- not_json: numbers -----------------------------------------------------------------------------------------
    for name, literal, ok, why in (
            ("1e308", "1e308", True, "In a double's range."),
            ("1e309", "1e309", False, "Beyond a double's range."),
            ("minus-1e309", "-1e309", False, "Beyond a double's range."),
            ("max", "1.7976931348623157e308", True, "The greatest double."),
            ("past-max", "1.7976931348623159e308", False, "It would round to infinity."),
            ("huge-exponent", "1e99999999999999999999", False, "Beyond a double's range."),
            ("zero-huge-exponent", "0e999999", True, "It is zero."),
            ("tiny", "1e-400", True, "By the letter: too small is rounded to zero, not out of range."),
            ("20-digits", "12345678901234567890", True, "A whole number of 20 digits in an unknown field."),
            ("int64-over", "9223372036854775808", True, "2^63 in an unknown field."),
            ("309-digits", "1" + "0" * 308, True, "1e308, written out."),
            ("310-digits", "1" + "0" * 309, False, "1e309, written out."),
            ("many-decimals", "0." + "1" * 400, True, "Digits after the point are no matter of range."),
            ("minus-zero", "-0", True, "A number of JSON."),
            ("leading-zero", "007", False, "Leading zeros."),
            ("leading-zero-decimal", "00.5", False, "Leading zeros."),
            ("minus-leading-zero", "-01", False, "Leading zeros."),
            ("plus", "+1", False, "A plus sign."),
            ("point-first", ".5", False, "No digit before the point."),
            ("point-last", "5.", False, "No digit after the point."),
            ("exponent-empty", "1e", False, "No digits of the exponent."),
            ("minus-alone", "-", False, "No digits."),
            ("hex", "0x10", False, "Hexadecimal."),
            ("nan", "NaN", False, "No number of JSON."),
            ("infinity", "-Infinity", False, "No number of JSON."),
            ("underscore", "1_000", False, "No number of JSON.")):
        x("number-" + name, "event" if ok else "not_json", why, literal)
    s("number-score-1e309", "not_json", "Range comes before the score.", "survey.submitted", {"score": Raw("1e309")})
    s("number-ticket-id-leading-zero", "not_json", "Leading zeros.", data={"ticket_id": Raw("007")})

    # --- not_json: strings -----------------------------------------------------------------------------------------
    for name, literal, ok, why in (
            ("pair", '"\\ud83d\\ude00"', True, "A surrogate pair."),
            ("pair-upper-case", '"\\uD83D\\uDE00"', True, "A surrogate pair, digits in upper case."),
            ("lone-high", '"\\ud83d"', False, "A lone surrogate."),
            ("lone-low", '"\\ude00"', False, "A lone surrogate."),
            ("high-then-text", '"\\ud83dx"', False, "A lone surrogate."),
            ("high-then-escape", '"\\ud83d\\u0041"', False, "A lone surrogate."),
            ("pair-reversed", '"\\ude00\\ud83d"', False, "Low before high."),
            ("high-high-low", '"\\ud83d\\ud83d\\ude00"', False, "A lone surrogate before a pair."),
            ("lone-in-key", '{"\\udfff":1}', False, "A lone surrogate in a key."),
            ("escaped-nul", '"a\\u0000b"', False, "NUL by an escape."),
            ("escaped-nul-key", '{"\\u0000":1}', False, "NUL in a key."),
            ("escaped-backslash-u0000", '"\\\\u0000"', True, "A backslash and five characters, no NUL."),
            ("escaped-control", '"\\u0001\\t\\n\\b\\f"', True, "Control characters by escapes."),
            ("raw-tab", '"a\tb"', False, "A raw control character in a string."),
            ("raw-line-end", '"a\nb"', False, "A raw control character in a string."),
            ("raw-1f", '"\x1f"', False, "A raw control character in a string."),
            ("raw-7f", '"\x7f"', True, "U+007F may be raw."),
            ("raw-2028", '"\u2028"', True, "U+2028 may be raw."),
            ("noncharacter", '"\uffff\ufdd0"', True, "Noncharacters are UTF-8."),
            ("escaped-noncharacter", '"\\uffff"', True, "Noncharacters may be escaped."),
            ("bom-inside", '"\ufeff"', True, "U+FEFF inside a string is a character."),
            ("escape-unknown", '"\\x41"', False, "No such escape."),
            ("escape-quote", '"\\\'"', False, "No such escape."),
            ("escape-short", '"\\u12"', False, "Four digits are due."),
            ("escape-bad-digit", '"\\u12g4"', False, "No hexadecimal digit."),
            ("escape-sign", '"\\u+041"', False, "No hexadecimal digit."),
            ("open", '"abc', False, "A string that never ends.")):
        x("string-" + name, "event" if ok else "not_json", why, literal)
    x("string-raw-nul", "not_json", "A raw NUL in a string.", b'"a\x00b"')
    raw("nul-after", "not_json", "A NUL after the object.", dumps(envelope("nul-after")).encode() + b"\x00")
    raw("nul-between", "not_json", "A NUL between tokens.", b'{"ticket_id":\x00"T1"}')
    s("string-nul-ticket-id", "not_json", "NUL in an identifier is no JSON first.", data={"ticket_id": Raw('"T\\u0000"')})
    for name, octets, why in (
            ("overlong-nul", b"\xc0\x80", "Overlong."),
            ("overlong-slash", b"\xc0\xaf", "Overlong."),
            ("overlong-three", b"\xe0\x80\xaf", "Overlong."),
            ("overlong-four", b"\xf0\x82\x82\xac", "Overlong."),
            ("surrogate", b"\xed\xa0\x80", "A surrogate in UTF-8."),
            ("cesu", b"\xed\xa0\xbd\xed\xb8\x80", "A pair of surrogates in UTF-8."),
            ("past-10ffff", b"\xf4\x90\x80\x80", "Past U+10FFFF."),
            ("ff", b"\xff", "No byte of UTF-8."),
            ("continuation", b"\x80", "A continuation byte alone."),
            ("cut", b"\xe6\xbc", "A sequence cut off by the quote."),
            ("latin1", b"caf\xe9", "Latin-1.")):
        x("utf8-" + name, "not_json", why, b'"' + octets + b'"')
    x("utf8-10ffff", "event", "U+10FFFF.", b'"\xf4\x8f\xbf\xbf"')
    raw("utf8-outside", "not_json", "Bad UTF-8 outside a string.", b"\xc3" + dumps(envelope("utf8-outside")).encode())

    # --- not_an_object ---------------------------------------------------------------------------------------------
    for name, text in (("array", "[]"), ("array-of-event", "[" + dumps(envelope("array-of-event")) + "]"),
                       ("string", '"ticket.opened"'), ("number", "5"), ("null", "null"), ("true", "true")):
        raw("object-" + name, "not_an_object", "JSON, but no object.", text)
    raw("object-null-mapped", "not_an_object", "The text null is no tombstone.", "null", "ticket-opened")
    b("object-array-binary", "not_an_object", "It comes before `bad_value` of data.", value="[1]")
    b("object-null-binary", "not_an_object", "It comes before `missing_field` of data.", value="null")

    # --- unknown types ---------------------------------------------------------------------------------------------
    s("unknown-plain", "unknown_type", "Not in the table.", kind="com.acme.invoice.paid")
    s("unknown-case", "unknown_type", "Texts are compared by bytes.", kind="Ticket.Assigned")
    s("unknown-version-suffix", "unknown_type", "The last two parts are assigned.v2.", kind="ticket.assigned.v2")
    s("unknown-trailing-dot", "unknown_type", "The last part is empty.", kind="ticket.assigned.")
    s("unknown-one-part", "unknown_type", "One part only.", kind="assigned")
    s("unknown-longer-part", "unknown_type", "The last two parts are helpticket.assigned.", kind="helpticket.assigned")
    s("unknown-survey-prefix", "unknown_type", "survey.opened is not in the table.", kind="survey.opened")
    s("unknown-blank", "unknown_type", "A blank makes it another text.", kind=" ticket.assigned")
    s("unknown-empty", "unknown_type", "By the letter: the empty text is a type that is not in the table.", kind="")
    s("unknown-no-id", "unknown_type", "Whatever its fields.", kind="com.acme.invoice.paid", id=OUT, source=None,
      time=OUT)
    s("unknown-no-data", "unknown_type", "Whatever its fields.", kind="com.acme.invoice.paid", data={}, **{})
    lines[-1]["value_b64"] = base64.b64encode(
        b'{"specversion":"1.0","id":"unknown-no-data","type":"com.acme.invoice.paid"}').decode()
    s("unknown-bad-time", "unknown_type", "Whatever its fields.", kind="com.acme.invoice.paid", time="yesterday")
    s("unknown-bad-values", "unknown_type", "Whatever its fields.", kind="com.acme.invoice.paid", id=True,
      source="", data={"ticket_id": Raw("5.0")})
    s("unknown-future", "unknown_type", "Whatever its fields.", kind="com.acme.invoice.paid", time="{{NOW+60m}}")
    s("unknown-mapped-topic", "unknown_type", "A structured message has its own type, whatever the topic maps to.",
      kind="com.acme.invoice.paid", topic="ticket-opened")
    raw("unknown-bare-with-type-and-data", "unknown_type", "`type` and `data` together are structured.",
        '{"ticket_id":"T1","type":"报修","data":{"room":"3-1201"}}', "ticket-opened")
    b("unknown-binary", "unknown_type", "Not in the table.", kind="com.acme.invoice.paid")
    b("unknown-binary-no-id", "unknown_type", "Whatever its fields.", kind="com.acme.invoice.paid",
      headers={"ce_id": OUT, "ce_source": OUT, "ce_time": "soon"}, data={"ticket_id": OUT})
    raw("unknown-dup-key", "not_json", "JSON comes before type.",
        '{"specversion":"1.0","type":"com.acme.invoice.paid","a":1,"a":2}')
    raw("unknown-cut", "not_json", "JSON comes before type.", '{"specversion":"1.0","type":"com.acme.invoice.paid"')

    # --- missing_field ---------------------------------------------------------------------------------------------
    for field in ("id", "source", "type", "time", "data"):
        over = {field: OUT}
        env = {k: v for k, v in envelope("x").items() if k != field}
        env["id" if field != "id" else "n"] = "missing-" + field
        raw("missing-" + field, "missing_field", "`%s` is missing." % field, dumps(env))
        env = dict(envelope("x"), id="null-" + field)
        env[field] = None
        raw("null-" + field, "missing_field", "`%s` is null, and null is missing." % field, dumps(env))
    for field in ("ce_id", "ce_source", "ce_type", "ce_time"):
        b("missing-" + field, "missing_field", "`%s` is missing." % field, headers={field: OUT})
    b("null-ce_source", "missing_field", "A header of null is missing.", headers={"ce_source": None})
    s("missing-ticket-id", "missing_field", "`ticket_id` is missing.", data={"ticket_id": OUT})
    s("null-ticket-id", "missing_field", "`ticket_id` is null.", data={"ticket_id": None})
    s("ticket-id-in-envelope", "missing_field", "`ticket_id` is due in data.", data={"ticket_id": OUT}, ticket_id="T1",
      subject="T1")
    b("missing-ticket-id-binary", "missing_field", "`ticket_id` is missing.", data={"ticket_id": OUT})
    b("binary-structured-inside", "missing_field", "The headers make it binary: `ticket_id` is not at the top.",
      value=dumps(envelope("binary-structured-inside")))
    s("missing-type-mapped-topic", "missing_field", "The topic's type is for bare JSON only.", topic="ticket-opened",
      type=OUT)
    s("missing-id-event-id", "missing_field", "`event_id` is for bare JSON only.", id=OUT,
      data={"event_id": "missing-id-event-id"})
    s("missing-time-opened-at", "missing_field", "By the letter: `time` is due, with `opened_at` too.",
      kind="ticket.opened", time=OUT, data={"opened_at": TIME})
    bare("bare-missing-time", "missing_field", "`time` is missing.", "ticket-closed", time=OUT)
    bare("bare-null-time", "missing_field", "`time` is null.", "survey", time=None)
    bare("bare-missing-time-opened-at", "missing_field", "By the letter: `time` is due, with `opened_at` too.",
         "ticket-opened", time=OUT, opened_at=TIME)
    bare("bare-missing-ticket-id", "missing_field", "`ticket_id` is missing.", "ticket-opened", ticket_id=OUT)
    bare("bare-missing-score", "missing_field", "`score` of a survey is missing.", "survey", score=OUT)
    bare("bare-unmapped-topic", "missing_field", "The topic maps to no type.", "ticket-activity")
    bare("bare-unmapped-topic-type", "missing_field", "`type` without `data` is bare, and the topic maps to no type.",
         "ticket-activity", type="ticket.assigned")
    bare("bare-unmapped-topic-unknown-type", "missing_field",
         "`type` without `data` is bare, and the topic maps to no type, whatever `type` says.", "ticket-activity",
         type="com.acme.invoice.paid")
    bare("bare-unmapped-topic-bad-time", "missing_field", "First `missing_field` (the type), then `bad_time`.",
         "ticket-activity", type=5, time="soon")
    raw("bare-empty-object", "missing_field", "Nothing in it.", "{}", "ticket-opened")
    s("missing-score", "missing_field", "`score` of a survey is missing.", "survey.submitted", {"score": OUT})
    s("null-score", "missing_field", "`score` of a survey is null.", "survey.submitted", {"score": None})
    s("score-elsewhere", "event", "Only a survey needs a score.", "ticket.closed", {"score": None})
    s("order-missing-before-time", "missing_field", "First `missing_field`, then `bad_time`.", time="yesterday",
      data={"ticket_id": OUT})
    s("order-missing-before-value", "missing_field", "First `missing_field`, then `bad_value`.", source=OUT,
      data={"agent_id": True})
    s("order-missing-score-before-time", "missing_field", "First `missing_field`, then `bad_time`.",
      "survey.submitted", {"score": None}, time="2024-02-30T00:00:00Z")
    s("order-missing-id-data-array", "missing_field", "First `missing_field` (`id`), then `bad_value` (`data`).",
      id=OUT, data={}, source="/desk")
    lines[-1]["value_b64"] = base64.b64encode(
        b'{"specversion":"1.0","source":"/desk","type":"ticket.assigned","time":"2024-05-06T09:00:00Z","data":[]}'
    ).decode()
    s("order-missing-type-number-id", "missing_field", "First `missing_field`, then `bad_value` of `type`.", type=5,
      id=OUT)

    # --- times -----------------------------------------------------------------------------------------------------
    good = (
        ("z", "2024-05-06T09:00:00Z", "RFC 3339."),
        ("lower-t", "2024-05-06t09:00:00Z", "Lower-case t."),
        ("lower-z", "2024-05-06T09:00:00z", "Lower-case z."),
        ("space", "2024-05-06 09:00:00Z", "A space."),
        ("space-lower-z", "2024-05-06 09:00:00.5z", "A space and a lower-case z."),
        ("offset", "2024-05-06T17:00:00+08:00", "An offset."),
        ("offset-minus-zero", "2024-05-06T09:00:00-00:00", "-00:00 is a zone."),
        ("offset-max", "2024-05-06T09:00:00+23:59", "The greatest offset."),
        ("offset-min", "2024-05-06T09:00:00-23:59", "The least offset."),
        ("offset-45", "2024-05-06T09:00:00+05:45", "Nepal."),
        ("fraction-1", "2024-05-06T09:00:00.1Z", "One digit."),
        ("fraction-6", "2024-05-06T09:00:00.123456Z", "Six digits."),
        ("fraction-7", "2024-05-06T09:00:00.1234569Z", "Digits past the sixth are cut, not rounded."),
        ("fraction-9-nines", "2024-05-06T09:00:59.999999999Z", "Cut: no :60 comes of it."),
        ("fraction-40", "2024-05-06T09:00:00." + "1" * 40 + "Z", "Cut, however many."),
        ("1990", "1990-01-01T00:00:00Z", "The first instant."),
        ("1990-written-1989", "1989-12-31T20:00:00-04:00", "The range is of UTC: the first instant."),
        ("leap-day", "2024-02-29T23:59:59Z", "A leap year."),
        ("leap-day-2000", "2000-02-29T00:00:00Z", "2000 was a leap year."),
        ("midnight", "2024-05-06T00:00:00Z", "Hour 0."),
        ("last-second", "2023-12-31T23:59:59.999999Z", "The last microsecond of a year."))
    bad = (
        ("empty", "", "No time."),
        ("word", "yesterday", "No time."),
        ("date-only", "2024-05-06", "No time of day."),
        ("no-zone", "2024-05-06T09:00:00", "No zone."),
        ("no-zone-fraction", "2024-05-06T09:00:00.123", "No zone."),
        ("no-seconds", "2024-05-06T09:00Z", "RFC 3339 has seconds."),
        ("basic", "20240506T090000Z", "ISO 8601 basic form."),
        ("week-date", "2024-W19-1T09:00:00Z", "ISO 8601 week date."),
        ("slashes", "2024/05/06T09:00:00Z", "Slashes."),
        ("underscore", "2024-05-06_09:00:00Z", "T, t or a space."),
        ("two-spaces", "2024-05-06  09:00:00Z", "One space."),
        ("rfc2822", "Mon, 06 May 2024 09:00:00 +0000", "RFC 2822."),
        ("epoch-text", "1714986000", "Seconds since 1970."),
        ("short-month", "2024-5-06T09:00:00Z", "Two digits."),
        ("short-hour", "2024-05-06T9:00:00Z", "Two digits."),
        ("year-5-digits", "12024-05-06T09:00:00Z", "Four digits."),
        ("year-sign", "+2024-05-06T09:00:00Z", "No sign."),
        ("year-0000", "0000-01-01T00:00:00Z", "Before 1990."),
        ("1970", "1970-01-01T00:00:00Z", "Before 1990."),
        ("1989", "1989-12-31T23:59:59Z", "Before 1990."),
        ("1989-written-1990", "1990-01-01T07:59:59.999999+08:00", "The range is of UTC: before 1990."),
        ("2201", "2201-01-01T00:00:00Z", "After 2200; `bad_time` comes before `future`."),
        ("2201-written-2200", "2200-12-31T20:00:00-04:00", "The range is of UTC: after 2200."),
        ("9999", "9999-12-31T23:59:59Z", "After 2200."),
        ("month-00", "2024-00-06T09:00:00Z", "Impossible month."),
        ("month-13", "2024-13-06T09:00:00Z", "Impossible month."),
        ("day-00", "2024-05-00T09:00:00Z", "Impossible day."),
        ("day-32", "2024-05-32T09:00:00Z", "Impossible day."),
        ("april-31", "2024-04-31T09:00:00Z", "Impossible day."),
        ("feb-30", "2024-02-30T09:00:00Z", "Impossible day."),
        ("feb-29", "2023-02-29T09:00:00Z", "No leap year."),
        ("hour-24", "2024-05-06T24:00:00Z", "Impossible hour."),
        ("hour-25", "2024-05-06T25:00:00Z", "Impossible hour."),
        ("minute-60", "2024-05-06T09:60:00Z", "Impossible minute."),
        ("second-60", "2024-05-06T09:00:60Z", ":60."),
        ("second-60-leap", "2016-12-31T23:59:60Z", ":60, though a leap second was there."),
        ("second-61", "2024-05-06T09:00:61Z", "Impossible second."),
        ("fraction-empty", "2024-05-06T09:00:00.Z", "A point without digits."),
        ("fraction-comma", "2024-05-06T09:00:00,5Z", "A comma."),
        ("offset-24", "2024-05-06T09:00:00+24:00", "Impossible offset."),
        ("offset-minute-60", "2024-05-06T09:00:00+08:60", "Impossible offset."),
        ("offset-no-colon", "2024-05-06T09:00:00+0800", "No colon."),
        ("offset-hour-only", "2024-05-06T09:00:00+08", "No minutes."),
        ("offset-short", "2024-05-06T09:00:00+8:00", "Two digits."),
        ("offset-space", "2024-05-06T09:00:00 +08:00", "A space before the offset."),
        ("offset-unicode-minus", "2024-05-06T09:00:00\u221208:00", "No hyphen."),
        ("zone-name", "2024-05-06T09:00:00 UTC", "A name is no zone here."),
        ("zone-both", "2024-05-06T09:00:00Z+08:00", "Trailing text."),
        ("zone-bracket", "2024-05-06T09:00:00Z[Asia/Shanghai]", "RFC 9557 is not RFC 3339."),
        ("blank-before", " 2024-05-06T09:00:00Z", "A blank before."),
        ("blank-after", "2024-05-06T09:00:00Z ", "A blank after."),
        ("line-end-after", "2024-05-06T09:00:00Z\n", "A line end after."),
        ("full-width-digits", "２０２４-05-06T09:00:00Z", "Other digits than 0 to 9."),
        ("minus-digit", "2024-05-06T-9:00:00Z", "No digit."))
    for name, text, why in good:
        s("time-" + name, "event", why, time=text)
    for name, text, why in bad:
        s("time-" + name, "bad_time", why, time=text)
    b("time-header-space", "event", "Headers are read alike.", headers={"ce_time": "2024-05-06 09:00:00z"})
    b("time-header-bad", "bad_time", "Headers are read alike.", headers={"ce_time": "2024-05-06T09:00:60Z"})
    b("time-header-empty", "bad_time", "An empty header is there, and is no time.", headers={"ce_time": ""})
    for name, octets in (("nul", "a\0b"), ("bad-utf8", b"a\xff"), ("surrogate", b"\xed\xa0\x80"),
                         ("cut", b"\xe6\xbc")):
        for field in ("ce_id", "ce_source", "ce_type", "ce_time", "ce_sequence"):
            b("header-%s-%s" % (name, field), "bad_value", "A header that is no text.", headers={field: octets})
    b("header-not-read", "event", "Headers that are not read may hold anything.",
      headers={"ce_specversion": b"\xff", "ce_subject": "a\0b", "traceparent": b"\x80"})
    b("header-missing-before-bad", "missing_field", "First `missing_field`, then `bad_value`.",
      headers={"ce_id": b"\xff", "ce_source": OUT})
    b("header-time-before-bad", "bad_time", "First `bad_time`, then `bad_value`.",
      headers={"ce_id": b"\xff", "ce_time": "soon"})
    b("header-unknown-type", "unknown_type", "Whatever its fields.", kind="com.acme.invoice.paid",
      headers={"ce_id": b"\xff"})
    b("header-twice", "event", "Of two headers of a name the last counts.")
    lines[-1]["headers"].insert(0, ["ce_time", "soon"])
    b("header-twice-null", "missing_field", "Of two headers of a name the last counts.")
    lines[-1]["headers"].append(["ce_source", None])
    bare("time-bare-bad", "bad_time", "No zone.", "ticket-opened", time="2024-05-06 09:00:00")
    for kind, field in (("ticket.opened", "opened_at"), ("ticket.opened", "first_response_due_at"),
                        ("ticket.opened", "resolution_due_at"), ("ticket.updated", "resolution_due_at"),
                        ("ticket.closed", "opened_at"), ("ticket.closed", "first_response_at"),
                        ("ticket.closed", "resolved_at")):
        s("time-%s-%s" % (kind, field), "bad_time", "Every time of the event is looked at.", kind,
          {field: "2024-02-30T00:00:00Z"})
    s("time-opened-at-empty", "bad_time", "By the letter: an empty text is a time gone wrong, not absent.",
      "ticket.opened", {"opened_at": ""})
    s("time-opened-at-null", "event", "By the letter: null is missing, and it may be.", "ticket.opened",
      {"opened_at": None, "first_response_due_at": None})
    s("time-of-other-type", "event", "`opened_at` is no field of an assignment: unknown fields pass.",
      data={"opened_at": "yesterday", "resolved_at": 5})
    s("time-promise-2200", "event", "A promise may lie far ahead.", "ticket.opened",
      {"resolution_due_at": "2200-06-30T00:00:00Z"})
    s("time-promise-2200-written-2201", "event", "The range is of UTC: the last microsecond of 2200.", "ticket.opened",
      {"resolution_due_at": "2201-01-01T07:59:59.999999+08:00"})
    s("time-promise-2201", "bad_time", "Not beyond 2200.", "ticket.opened",
      {"resolution_due_at": "2201-01-01T00:00:00Z"})
    s("time-promise-feb-29-2100", "bad_time", "2100 is no leap year.", "ticket.updated",
      {"first_response_due_at": "2100-02-29T00:00:00Z"})
    for name, value in (("number", 1714986000), ("true", True), ("array", [TIME]), ("object", {"at": TIME})):
        s("time-type-" + name, "bad_value", "A time of the wrong JSON type.", time=value)
    s("time-opened-at-number", "bad_value", "A time of the wrong JSON type.", "ticket.opened",
      {"opened_at": 1714986000000})
    s("order-time-before-value", "bad_time", "First `bad_time`, then `bad_value`.", time="2024-05-06",
      data={"ticket_id": ""})
    s("order-time-before-value-2", "bad_time", "`time` is a number (`bad_value`), `opened_at` a `bad_time`.",
      "ticket.opened", {"opened_at": "2024-05-06"}, time=1714986000)
    raw("order-time-before-data", "bad_time", "First `bad_time`, then `bad_value` of `data`.",
        '{"specversion":"1.0","id":"order-time-before-data","source":"/desk","type":"ticket.assigned",'
        '"time":"2024-05-06","data":"x"}')

    # --- bad_value: identifiers ------------------------------------------------------------------------------------
    s("id-256", "event", "256 bytes.", data={"ticket_id": "T" * 256})
    s("id-257", "bad_value", "257 bytes.", data={"ticket_id": "T" * 257})
    s("id-256-bytes-of-3", "event", "85 characters of three bytes and one more: 256 bytes.",
      data={"agent_id": "张" * 85 + "a"})
    s("id-258-bytes-of-3", "bad_value", "86 characters, 258 bytes.", data={"agent_id": "张" * 86})
    s("id-257-bytes", "bad_value", "256 characters, 257 bytes.", "ticket.opened", {"project_id": "p" * 255 + "é"})
    s("id-256-escaped", "event", "Counted after the escapes are read.",
      data={"agent_id": Raw('"' + "\\u0061" * 256 + '"')})
    s("id-257-escaped", "bad_value", "Counted after the escapes are read.",
      data={"agent_id": Raw('"' + "\\u0061" * 257 + '"')})
    s("id-256-event-id", "event", "256 bytes.", id="e" * 256)
    s("id-257-event-id", "bad_value", "257 bytes.", id="e" * 257)
    s("id-257-source", "bad_value", "257 bytes.", source="/" + "s" * 256)
    b("id-257-header", "bad_value", "Headers are read alike.", headers={"ce_id": "e" * 257})
    b("id-empty-header", "bad_value", "Headers are read alike.", headers={"ce_source": ""})
    s("sequence-257", "bad_value", "`sequence` is read as an identifier.", sequence="0" * 257)
    for kind, field in (("ticket.opened", "channel"), ("ticket.opened", "category"), ("ticket.opened", "priority"),
                        ("ticket.opened", "team_id"), ("ticket.opened", "requester_ref"),
                        ("ticket.updated", "project_id"), ("ticket.updated", "requester_ref"),
                        ("ticket.arrived", "agent_id"),
                        ("ticket.closed", "agent_id"), ("survey.submitted", "survey_id")):
        s("id-257-%s-%s" % (kind, field), "bad_value", "257 bytes.", kind, {field: "x" * 257})
    s("id-empty", "bad_value", "An empty `id`.", id="")
    s("source-empty", "bad_value", "An empty `source`.", source="")
    s("ticket-id-empty", "bad_value", "An empty `ticket_id`.", data={"ticket_id": ""})
    bare("bare-id-empty", "bad_value", "An empty `id`.", "ticket-opened", id="")
    bare("bare-source-empty", "bad_value", "An empty `source`.", "ticket-opened", source="")
    bare("bare-id-beside-event-id", "bad_value", "`id` is there, so it counts.", "ticket-opened", id=True)
    bare("bare-ticket-id-empty", "bad_value", "An empty `ticket_id`.", "survey", ticket_id="")
    s("ticket-id-blank", "event", "A blank is not empty.", data={"ticket_id": " "})
    s("ticket-id-odd", "event", "Any text will do.", data={"ticket_id": "报修/2024\u000b;--'\"\\"})
    s("id-18-digits", "event", "A whole number of 18 digits.", data={"ticket_id": 999999999999999999})
    s("id-19-digits", "event", "A snowflake id, as numbers have it.", data={"ticket_id": 1827364550192837465})
    s("id-19-digits-past-64-bits", "event", "Read digit by digit: no type of the machine limits it.",
      data={"ticket_id": 9999999999999999999})
    s("id-20-digits", "event", "A whole number of 20 digits.", data={"ticket_id": 99999999999999999999})
    s("id-21-digits", "bad_value", "21 digits: JSON all right, no identifier.",
      data={"ticket_id": 100000000000000000000})
    s("id-minus-20-digits", "event", "The sign is no digit.", data={"ticket_id": -99999999999999999999})
    s("id-minus-21-digits", "bad_value", "21 digits.", data={"ticket_id": -100000000000000000000})
    s("id-snowflakes-everywhere", "event", "Wherever an identifier may be.", "ticket.opened",
      {"priority": 1827364550192837001, "agent_id": 1827364550192837002, "requester_ref": 1827364550192837003},
      id=1827364550192837004, source=1827364550192837005, sequence=1827364550192837006)
    bare("bare-event-id-snowflake", "event", "Wherever an identifier may be.", "ticket-opened",
         event_id=1827364550192837465)
    s("id-minus-zero", "event", "-0 is a whole number.", data={"agent_id": Raw("-0")})
    s("id-minus-zero-decimal", "bad_value", "-0.0 is no whole number.", data={"agent_id": Raw("-0.0")})
    s("id-minus-everywhere", "event", "Negative whole numbers are whole numbers.", "ticket.opened",
      {"priority": -1, "agent_id": -2}, id=-3, source=-4, sequence=-5)
    s("id-zero", "event", "0 is a whole number, and not empty.", data={"ticket_id": 0})
    s("id-number-envelope", "event", "`id` and `source` are identifiers.", id=42, source=7)
    s("priority-number", "event", "`\"priority\": 1` (E7).", "ticket.opened", {"priority": 1, "project_id": 30})
    s("sequence-number", "event", "So is `sequence`.", sequence=12)
    s("sequence-null", "event", "As if absent.", sequence=None)
    s("sequence-empty", "event", "As if absent.", sequence="")
    s("sequence-true", "bad_value", "No identifier.", sequence=True)
    s("sequence-20-digits", "event", "20 digits.", sequence=99999999999999999999)
    s("sequence-21-digits", "bad_value", "21 digits.", sequence=100000000000000000000)
    for name, value in (("5.0", Raw("5.0")), ("1e3", Raw("1e3")), ("half", Raw("0.5")), ("true", True),
                        ("false", False), ("array", ["T1"]), ("object", {"id": "T1"}), ("empty-object", {})):
        s("ticket-id-type-" + name, "bad_value", "Neither a text nor a whole number.", data={"ticket_id": value})
        s("agent-id-type-" + name, "bad_value", "Neither a text nor a whole number.", data={"agent_id": value})
    s("id-type-true", "bad_value", "Neither a text nor a whole number.", id=True)
    s("id-type-5.0", "bad_value", "Neither a text nor a whole number.", id=Raw("5.0"))
    s("source-type-object", "bad_value", "Neither a text nor a whole number.", source={})
    bare("bare-event-id-type", "bad_value", "Neither a text nor a whole number.", "ticket-opened", event_id=False)
    for name, value in (("number", 5), ("true", True), ("array", ["ticket.assigned"]), ("object", {})):
        s("type-type-" + name, "bad_value", "`type` is a text.", type=value)
    s("agent-null-assigned", "event", "Null means nobody (F5).", data={"agent_id": None, "team_id": None})
    s("agent-empty-assigned", "event", "The empty text means nobody (F5).", data={"agent_id": "", "team_id": ""})
    s("agent-null-elsewhere", "event", "As if absent.", "ticket.resolved", {"agent_id": None})
    s("agent-empty-elsewhere", "event", "As if absent.", "ticket.responded", {"agent_id": ""})
    s("attributes-cleared", "event", "Null and the empty text clear an attribute (F5).", "ticket.updated",
      {"project_id": None, "category": "", "priority": None, "channel": ""})
    s("survey-id-empty", "event", "As if absent.", "survey.submitted", {"survey_id": "", "agent_id": None})
    s("agent-id-of-other-type", "event", "`agent_id` is no field of a pause: unknown fields pass.", "ticket.paused",
      {"agent_id": Raw("5.5"), "resolution": "whatever"})
    s("agent-id-of-reply", "event", "`agent_id` is no field of a reply: unknown fields pass.",
      "ticket.requester_replied", {"agent_id": "x" * 300})

    # --- bad_value: data, words, booleans, reasons -----------------------------------------------------------------
    for name, text in (("array", "[]"), ("text", '"x"'), ("number", "5"), ("true", "true"),
                       ("json-text", '"{\\"ticket_id\\":\\"T1\\"}"')):
        raw("data-type-" + name, "bad_value", "`data` is an object.",
            '{"specversion":"1.0","id":"data-%s","source":"/desk","type":"ticket.assigned","time":"%s","data":%s}'
            % (name, TIME, text))
    raw("data-type-survey", "bad_value", "`data` of a wrong type, not a missing score.",
        '{"specversion":"1.0","id":"data-survey","source":"/desk","type":"survey.submitted","time":"%s","data":[4]}'
        % TIME)
    for word in ("solved", "unsolved", "cancelled", "duplicate"):
        s("resolution-" + word, "event", "A listed word.", "ticket.resolved", {"resolution": word})
    for name, value in (("other", "fixed"), ("case", "Solved"), ("spelling", "canceled"), ("blank", "solved "),
                        ("number", 1), ("true", True), ("array", ["solved"])):
        s("resolution-bad-" + name, "bad_value", "Not a listed word.", "ticket.resolved", {"resolution": value})
    s("resolution-bad-closed", "bad_value", "Not a listed word.", "ticket.closed", {"resolution": "已解决"})
    s("resolution-empty", "bad_value", "By the letter: the empty text is not a listed word, and no identifier.",
      "ticket.resolved", {"resolution": ""})
    s("resolution-null", "event", "By the letter: null is missing, and it may be.", "ticket.closed",
      {"resolution": None})
    for word, score in (("csat", 5), ("nps", 10), ("ces", 7)):
        s("kind-" + word, "event", "A listed word, at the top of its default scale.", "survey.submitted",
          {"kind": word, "score": score})
        s("kind-over-" + word, "bad_value", "Past the default scale (E6).", "survey.submitted",
          {"kind": word, "score": score + 1})
    for name, value in (("other", "stars"), ("case", "CSAT"), ("number", 5), ("empty", "")):
        s("kind-bad-" + name, "bad_value", "Not a listed word.", "survey.submitted", {"kind": value})
    s("kind-null", "event", "By the letter: null is missing, csat it is.", "survey.submitted",
      {"kind": None, "score": 5})
    for name, value in (("text", "true"), ("number", 1), ("zero", 0), ("array", [])):
        s("automatic-bad-" + name, "bad_value", "`automatic` is true or false.", "ticket.responded",
          {"automatic": value})
    s("automatic-bad-closed", "bad_value", "`automatic` is true or false.", "ticket.closed", {"automatic": "no"})
    s("automatic-null", "event", "By the letter: null is missing, and it may be.", "ticket.closed",
      {"automatic": None})
    for name, value in (("long", "等配件" * 500), ("empty", ""), ("null", None), ("odd", "🛠 \t\"x\"")):
        s("reason-" + name, "event", "`reason` is free text.", "ticket.paused", {"reason": value})
    s("reason-number", "bad_value", "By the letter: free text is a text, and no identifier.", "ticket.paused",
      {"reason": 7})
    s("reason-object", "bad_value", "`reason` is a text.", "ticket.reopened", {"reason": {"code": 7}})
    s("reason-array", "bad_value", "`reason` is a text.", "ticket.resumed", {"reason": []})

    # --- bad_value: scores -----------------------------------------------------------------------------------------
    for name, score, more, ok, why in (
            ("zero", 0, {}, True, "0 is in the scale."),
            ("minus-zero", Raw("-0.0"), {}, True, "It is 0."),
            ("top", 5, {}, True, "5 of 5."),
            ("top-decimal", Raw("5.0"), {}, True, "5 of 5."),
            ("top-exponent", Raw("50e-1"), {}, True, "5 of 5."),
            ("half", Raw("4.5"), {}, True, "Scores may be fractions."),
            ("over", Raw("5.1"), {}, False, "Past the scale."),
            ("over-default", 6, {}, False, "Past csat's default scale."),
            ("negative", -1, {}, False, "Below 0."),
            ("negative-fraction", Raw("-0.5"), {}, False, "Below 0."),
            ("millionth-over", Raw("5.000001"), {}, False, "One millionth past the scale."),
            ("under-half-millionth", Raw("5.0000004"), {}, True, "Whole millionths, rounded half up: 5."),
            ("over-half-millionth", Raw("5.0000006"), {}, False, "Whole millionths, rounded half up: past 5."),
            ("minus-under-half-millionth", Raw("-0.0000004"), {}, True, "Whole millionths, rounded half up: 0."),
            ("minus-over-half-millionth", Raw("-0.0000006"), {}, False, "Whole millionths: below 0."),
            ("huge", Raw("1e300"), {}, False, "Past the scale."),
            ("own-scale", 80, {"scale_max": 100}, True, "80 of 100."),
            ("own-scale-over", 101, {"scale_max": 100}, False, "Past its own scale."),
            ("own-scale-smaller", 4, {"scale_max": 3}, False, "Its own scale replaces the default."),
            ("own-scale-fraction", Raw("0.5"), {"scale_max": Raw("0.5")}, True, "A scale may be a fraction."),
            ("own-scale-nps", 5, {"scale_max": 5, "kind": "nps"}, True, "Any kind may have its own scale."),
            ("scale-null", 5, {"scale_max": None}, True, "By the letter: null is missing, the default it is."),
            ("scale-zero", 0, {"scale_max": 0}, False, "scale_max ≤ 0."),
            ("scale-minus-zero", 0, {"scale_max": Raw("-0.0")}, False, "scale_max ≤ 0."),
            ("scale-negative", 0, {"scale_max": -5}, False, "scale_max ≤ 0."),
            ("scale-under-half-millionth", 0, {"scale_max": Raw("0.0000004")}, False, "It counts as 0 millionths."),
            ("scale-millionth", 0, {"scale_max": Raw("0.000001")}, True, "One millionth."),
            ("scale-text", 4, {"scale_max": "5"}, False, "`scale_max` is a number."),
            ("scale-true", 1, {"scale_max": True}, False, "`scale_max` is a number."),
            ("text", "4", {}, False, "`score` is a number."),
            ("text-empty", "", {}, False, "`score` is a number."),
            ("true", True, {}, False, "`score` is a number."),
            ("array", [4], {}, False, "`score` is a number."),
            ("object", {"value": 4}, {}, False, "`score` is a number."),
            ("answers", 4, {"answers": {"tangibles": 4, "响应性": 5}, "expected": {"响应性": 5}}, True,
             "Item → score."),
            ("answers-empty", 4, {"answers": {}, "expected": {}}, True, "No items."),
            ("answers-null", 4, {"answers": None, "expected": None}, True, "By the letter: null is missing."),
            ("answers-array", 4, {"answers": [4, 5]}, False, "`answers` is an object."),
            ("answers-text", 4, {"expected": "high"}, False, "`expected` is an object."),
            ("answers-null-item", 4, {"answers": {"tangibles": None}}, False, "A score is a number."),
            ("answers-expected-null-item", 4, {"expected": {"a": 4, "b": None}}, False, "A score is a number."),
            ("answers-item-array", 4, {"answers": {"tangibles": [4]}}, False, "A score is a number."),
            ("answers-item-top", 4, {"answers": {"a": 5, "b": 0}}, True, "The ends of csat's default scale."),
            ("answers-item-over", 4, {"answers": {"a": 4, "b": Raw("5.1")}}, False, "Past csat's default scale."),
            ("answers-item-negative", 4, {"answers": {"a": -1}}, False, "Below 0."),
            ("answers-item-rounded", 4, {"answers": {"a": Raw("5.0000004"), "b": Raw("-0.0000005")}}, True,
             "Whole millionths, rounded half up."),
            ("answers-item-millionth-over", 4, {"answers": {"a": Raw("5.0000005")}}, False,
             "Whole millionths, rounded half up: past 5."),
            ("answers-expected-over", 4, {"expected": {"a": 6}}, False, "`expected` has scores too."),
            ("answers-expected-negative", 4, {"expected": {"a": Raw("-0.5")}}, False, "`expected` has scores too."),
            ("answers-own-scale", 80, {"scale_max": 100, "answers": {"a": 100}, "expected": {"a": 99}}, True,
             "Its own scale replaces the default."),
            ("answers-own-scale-over", 2, {"scale_max": 3, "answers": {"a": 4}}, False,
             "Its own scale replaces the default."),
            ("answers-nps", 4, {"kind": "nps", "answers": {"a": 10}}, True, "The default scale of nps."),
            ("answers-nps-over", 4, {"kind": "nps", "expected": {"a": 11}}, False, "The default scale of nps."),
            ("answers-ces-over", 4, {"kind": "ces", "answers": {"a": 8}}, False, "The default scale of ces."),
            ("answers-long-name", 4, {"answers": {"n" * 300: 4, "": 0}}, True, "The name of an item is any text."),
            ("items-thumbs-up", 1, {"scale_max": 1, "answers": {"a": 5, "b": 1}, "answers_scale_max": 5}, True,
             "A thumbs-up survey with items of 1 to 5 (E6)."),
            ("items-thumbs-up-expected", 0, {"scale_max": 1, "expected": {"a": 5}, "answers_scale_max": 5}, True,
             "`expected` has the scale of the items too."),
            ("items-own-scale-over", 1, {"scale_max": 1, "answers": {"a": 6}, "answers_scale_max": 5}, False,
             "Past the scale of the items."),
            ("items-own-scale-expected-over", 1, {"scale_max": 1, "expected": {"a": 6}, "answers_scale_max": 5}, False,
             "Past the scale of the items."),
            ("items-own-scale-negative", 1, {"answers": {"a": -1}, "answers_scale_max": 5}, False, "Below 0."),
            ("items-smaller-scale", 4, {"answers": {"a": 4}, "answers_scale_max": 3}, False,
             "The scale of the items replaces that of the survey."),
            ("items-scale-not-of-score", 6, {"answers": {"a": 6}, "answers_scale_max": 10}, False,
             "The score is still on the survey's scale."),
            ("items-scale-nps", 9, {"kind": "nps", "answers": {"a": 5}, "answers_scale_max": 5}, True,
             "Of any kind."),
            ("items-scale-fraction", 4, {"answers": {"a": Raw("0.5")}, "answers_scale_max": Raw("0.5")}, True,
             "A scale may be a fraction."),
            ("items-scale-null", 4, {"answers": {"a": 5}, "answers_scale_max": None}, True, "As if absent."),
            ("items-scale-null-over", 4, {"answers": {"a": 6}, "answers_scale_max": None}, False, "As if absent."),
            ("items-scale-alone", 4, {"answers_scale_max": 5}, True, "There need be no items."),
            ("items-scale-zero", 4, {"answers": {"a": 0}, "answers_scale_max": 0}, False, "A number > 0."),
            ("items-scale-zero-alone", 4, {"answers_scale_max": 0}, False, "A number > 0, without items too."),
            ("items-scale-negative", 4, {"answers_scale_max": -5}, False, "A number > 0."),
            ("items-scale-under-half-millionth", 4, {"answers_scale_max": Raw("0.0000004")}, False,
             "It counts as 0 millionths."),
            ("items-scale-text", 4, {"answers_scale_max": "5"}, False, "`answers_scale_max` is a number."),
            ("items-scale-true", 4, {"answers_scale_max": True}, False, "`answers_scale_max` is a number."),
            ("items-scale-9e12-over", 4, {"answers_scale_max": Raw("9000000000000.0000005")}, False,
             "Past the greatest scale."),
            ("scale-9e12", 5, {"scale_max": Raw("9e12")}, True, "The greatest scale."),
            ("scale-9e12-rounded", 5, {"scale_max": Raw("9000000000000.0000004")}, True, "The greatest scale."),
            ("scale-9e12-over", 5, {"scale_max": Raw("9000000000000.0000005")}, False, "Past the greatest scale."),
            ("scale-huge", 5, {"scale_max": Raw("1e300")}, False, "Past the greatest scale."),
            ("9e12", Raw("9000000000000"), {"scale_max": 9000000000000}, True, "The greatest score."),
            ("many-digits-under", Raw("0.4999995" + "0" * 40), {"scale_max": Raw("0.5")}, True,
             "Every digit counts: 0.5 at most."),
            ("many-digits-top", Raw("5.0000004" + "9" * 40), {}, True, "Every digit counts, and the rest is cut off."),
            ("minus-half-millionth", Raw("-0.0000005"), {}, True, "Half up is towards 0 here."),
            ("minus-past-half-millionth", Raw("-0.0000005" + "0" * 40 + "1"), {}, False, "Below 0."),
            ("tiny-exponent", Raw("1e-99999999999999999999"), {}, True, "It is 0 millionths."),
            ("huge-exponent-of-zero", Raw("0e99999"), {}, True, "It is 0."),
            ("digits-and-exponent", Raw("0." + "0" * 400 + "1e401"), {}, True, "It is 1."),
            ("answers-item-text", 4, {"answers": {"tangibles": "4"}}, False, "Item → score, and a score is a number."),
            ("answers-item-true", 4, {"expected": {"tangibles": True}}, False,
             "Item → score, and a score is a number.")):
        s("score-" + name, "event" if ok else "bad_value", why, "survey.submitted", dict(more, score=score),
          topic="survey")
    s("score-answers-before-future", "bad_value", "First `bad_value`, then `future`.", "survey.submitted",
      {"answers": {"a": 6}}, time="{{NOW+60m}}")
    s("score-answers-after-missing", "missing_field", "First `missing_field`, then `bad_value`.", "survey.submitted",
      {"score": None, "answers": {"a": 6}})
    bare("score-bare-answers-over", "bad_value", "Past csat's default scale.", "survey", answers={"a": 10})
    bare("score-bare-text", "bad_value", "`score` is a number.", "survey", score="满意")
    bare("score-bare-over", "bad_value", "Past csat's default scale.", "survey", score=10)

    # --- future ----------------------------------------------------------------------------------------------------
    s("future-6m", "future", "`time` more than 5 minutes ahead.", time="{{NOW+6m}}")
    s("future-day", "future", "`time` more than 5 minutes ahead.", time="{{NOW+1440m}}")
    s("future-4m", "event", "Not more than 5 minutes ahead.", time="{{NOW+4m}}")
    s("future-now", "event", "Now.", time="{{NOW+0m}}")
    s("future-past", "event", "An hour ago.", time="{{NOW-60m}}")
    s("future-2200", "future", "A time in range, and far ahead.", time="2200-06-30T00:00:00Z")
    for kind, field in (("ticket.opened", "opened_at"), ("ticket.closed", "opened_at"),
                        ("ticket.closed", "first_response_at"), ("ticket.closed", "resolved_at")):
        s("future-%s-%s" % (kind, field), "future", "Another past time of the event.", kind,
          {field: "{{NOW+6m}}"}, time="{{NOW-1m}}")
        s("near-%s-%s" % (kind, field), "event", "Not more than 5 minutes ahead.", kind,
          {field: "{{NOW+4m}}"}, time="{{NOW-1m}}")
    s("future-time-not-opened-at", "future", "`time` counts, though `opened_at` is the event's time.",
      "ticket.opened", {"opened_at": "{{NOW-5m}}"}, time="{{NOW+6m}}")
    s("future-promise", "event", "A promise is no past time.", "ticket.opened",
      {"first_response_due_at": "{{NOW+15m}}", "resolution_due_at": "{{NOW+4320m}}"}, time="{{NOW-1m}}")
    s("future-promise-update", "event", "A promise is no past time.", "ticket.updated",
      {"resolution_due_at": "{{NOW+600m}}"}, time="{{NOW-1m}}")
    s("future-field-of-other-type", "event", "`resolved_at` is no field of ticket.resolved.", "ticket.resolved",
      {"resolved_at": "{{NOW+60m}}"}, time="{{NOW-1m}}")
    s("order-value-before-future", "bad_value", "First `bad_value`, then `future`.", "survey.submitted",
      {"score": 9}, time="{{NOW+60m}}")
    s("order-time-before-future", "bad_time", "First `bad_time`, then `future`.", "ticket.closed",
      {"resolved_at": "2024-05-06"}, time="{{NOW+60m}}")
    s("order-missing-before-future", "missing_field", "First `missing_field`, then `future`.", source=None,
      time="{{NOW+60m}}")
    line("future-bare", "future", "Bare JSON too.", "ticket-opened",
         template='{"event_id":"future-bare","ticket_id":"T-future-bare","time":"{{NOW+6m}}"}')
    line("future-binary", "future", "A past time in a binary message.", "ticket-closed",
         [["ce_specversion", "1.0"], ["ce_id", "future-binary"], ["ce_source", "/desk"], ["ce_type", "ticket.closed"],
          ["ce_time", TIME]], template='{"ticket_id":"T-future-binary","resolved_at":"{{NOW+6m}}"}')
    line("future-cut", "not_json", "First `not_json`, then `future`.", "ticket-activity",
         template='{"specversion":"1.0","type":"ticket.opened","time":"{{NOW+60m}}"')


def main():
    build()
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in lines)
    names = [entry["name"] for entry in lines]
    double = {n for n in names if names.count(n) > 1}
    if double:
        raise SystemExit("duplicate names: %s" % sorted(double))
    return text


if __name__ == "__main__":
    (HERE / "rejects.jsonl").write_text(main(), encoding="utf-8")
    print("%d messages" % len(lines))
