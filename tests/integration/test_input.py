"""Any input: invalid messages become dead letters with a reason, valid ones are counted, and nothing crashes."""
import base64
import json
import os
import random

import pytest

import dead_letters
from daemon import DEFAULT_TOPICS, LONG, ROOT, event, generated, program_as_module

REJECTS = os.path.join(ROOT, "tests", "golden", "events", "rejects.jsonl")
N_MALFORMED = 10_000


def corpus():
    """(kind of topic, value, headers) of every message in the corpus of rejects."""
    with open(REJECTS, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            value = row["value"].encode() if "value" in row else None
            if row.get("value_b64") is not None:
                value = base64.b64decode(row["value_b64"])
            yield DEFAULT_TOPICS.get(row["topic"], "activity"), value, [tuple(pair) for pair in row.get("headers", ())]


def mutated(value, chance):
    """A valid event with some bytes changed: mostly it is invalid afterwards."""
    data = bytearray(value)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data))
        what = chance.randrange(8)
        if what == 0:
            data[at] = chance.randrange(256)
        elif what == 1:
            del data[at:at + chance.randrange(1, 20)]
        elif what == 2:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 5)))
        elif what == 3:
            del data[at:]
        elif what == 4:
            data[at:at] = chance.choice([b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\0",
                                         b"1e999", b"NaN", b"\xff", b"\xc0\x80", b"//", b"/**/", b"\xef\xbb\xbf"])
        elif what == 5:
            data[at:at] = data[at:at + chance.randrange(1, 60)]
        elif what == 6:
            quoted = [i for i, byte in enumerate(data) if byte == ord('"')]
            if len(quoted) > 1:
                left = chance.randrange(len(quoted) - 1)
                data[quoted[left]:quoted[left + 1] + 1] = chance.choice([b"null", b"0", b"true", b'""', b"[]", b"{}", b"1.5"])
        else:
            data[at:at] = b"[" * 17
        if not data:
            break
    return bytes(data)


def test_malformed_among_good(make_stream, make_site):
    chance = random.Random(5)
    stream = make_stream(4)
    good, policy = generated(stream, 11, 600)
    valid = [value for _, _, value, headers in good if value and not headers and value.startswith(b"{")]
    bad = list(corpus()) * 3
    generator = program_as_module("recompute/generate").Generator(12)
    while len(bad) < N_MALFORMED * 1.25:
        value = chance.choice(valid)
        if chance.random() < 0.15:
            value = generator.malformed(generator.event("ticket.updated", "T1"))
        else:
            value = mutated(value, chance)
        bad.append((chance.choice(list(stream.topics)), value, ()))
    messages = good + [(kind, chance.randrange(4), value, headers) for kind, value, headers in bad]
    chance.shuffle(messages)
    stream.send(messages)
    site = make_site(stream, policy)
    site.start("a")
    site.start("b")
    expected = site.check_recomputed()
    reasons = dead_letters.reasons(expected)
    assert sum(reasons.values()) >= N_MALFORMED, reasons
    assert set(reasons) == {"too_large", "too_deep", "not_json", "not_an_object", "missing_field", "bad_time",
                            "bad_value", "future", "id_conflict"}, reasons
    n_tombstones, n_unknown = site.rows(
        "SELECT sum(n_tombstones), sum(n_unknown_type) FROM kpid.source_partition")[0]
    assert n_tombstones > 0 and n_unknown > 0
    assert site.one("SELECT count(*) FROM report.dead_letter WHERE detail = ''") == 0
    # The bytes are kept as received.
    rows = {(topic, partition, offset): value for topic, partition, offset, value, _ in stream.sent}
    for topic, partition, offset, value in site.rows(
            "SELECT topic, partition, \"offset\", value FROM kpid.dead_letter WHERE reason <> 'id_conflict' LIMIT 500"):
        kept = bytes(value)
        assert rows[topic, partition, offset].startswith(kept) and (
            len(kept) == len(rows[topic, partition, offset]) or len(kept) >= 65_536)
    site.check_memory()
    for daemon in site.daemons.values():
        daemon.stop(10)


@pytest.mark.parametrize("seed", range(1, 21) if LONG else (1, 2, 3))
def test_nasty_sets(make_stream, make_site, seed):
    """Ties, conflicts, promises, reopenings and every mode of message, on random partitions: all tables are equal."""
    stream = make_stream(3)
    messages, policy = generated(stream, seed, 1500)
    site = make_site(stream, policy, {"run": {"lanes": 1 + seed % 3, "batch_max_events": [50000, 300, 20][seed % 3]}})
    half = len(messages) // 2
    stream.send(messages[:half])
    for name in "ab"[:1 + seed % 2]:
        site.start(name)
    stream.send(messages[half:])
    expected = site.check_recomputed()
    found = site.differences(expected, but=())
    assert not found, "\n".join(found)


def test_any_order_and_any_partition(make_stream, make_site):
    """The same events in another order and on other partitions, some twice: byte-identical tables."""
    chance = random.Random(3)
    tables = []
    for turn in range(2):
        stream = make_stream(4)
        messages, policy = generated(stream, 31, 800)
        # Bare messages are identified by their coordinates, so they would be other events.
        messages = [message for message in messages if message[2] and (message[3] or b'"specversion"' in message[2])]
        if turn:
            messages += chance.sample(messages, len(messages) // 5)
            chance.shuffle(messages)
        stream.send(messages)
        site = make_site(stream, policy)
        site.start("a")
        if turn:
            site.start("b")
        site.wait_read()
        site.wait_settled()
        tables.append([site.rows(f"SELECT * FROM {sql}") for sql in (
            '(SELECT * FROM report.agent_kpi_5m WHERE opened + responded + resolved + closed > 0) k ORDER BY "time", agent_id',
            "report.ticket_cycle ORDER BY ticket_id, cycle",
            "(SELECT to_jsonb(t) - 'revised_at' - 'rev' AS t, ticket_id FROM report.ticket t) t ORDER BY ticket_id")])
    assert tables[0] == tables[1]


def test_large_messages(make_stream, make_site):
    """Messages of the maximum size do not make it exceed its memory limit."""
    stream = make_stream(2)
    stream.send([("activity", i % 2, event("ticket.updated", f"T{i}", padding="x" * 60_000)) for i in range(1500)])
    site = make_site(stream)
    site.start("a")
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.dead_letter") == 0
    site.check_memory()
