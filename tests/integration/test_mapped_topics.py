"""Topics of records that a mapping reads: the tables are right through kills and reloads, what fails is a letter that names its
place, and no mapping holds the event loop (M1, M3, M7, M8, M10)."""
import itertools
import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

from daemon import SECOND, event, now, policy, wait_until
from scrape import Endpoint
from test_mappings import CASES, INPUTS, MAPPINGS, differences, needs_cases

LUA = """
local kinds = { new = "opened", done = "resolved" }
if record.what == "note" then return skip("a note") end
event{ type = "ticket." .. word(kinds, record.what, "what"), id = record.id, time = record.at, ticket_id = record.ticket }
"""


def mapped(topic, file, name="desk", **options):
    """Settings of a site whose topic is read by a mapping."""
    return {"topics": {topic: f"map {name}"}, f"map {name}": {"file": str(file), **options}}


def records(*whats, ticket="T1"):
    return [json.dumps({"what": what, "id": f"{ticket}/{i}", "at": f"2026-03-02T09:{i:02}:00Z", "ticket": ticket}).encode()
            for i, what in enumerate(whats)]


def wait_for_end(site, topic):
    """Waits until all records of the topic are committed."""
    ends = {partition: end for partition, (_, end) in site.kafka.offsets(topic).items() if end > 0}

    def behind():
        places = site.places()
        return {p: (places.get((topic, p)), end) for p, end in ends.items() if places.get((topic, p)) != end}
    wait_until(lambda: not behind(), lambda: f"records to be read: {behind()}\n{site.logs()[-3000:]}", every=0.05)


def longest_block_ms(site):
    """The longest time of the processor that a callback of the event loop took, of those that were logged."""
    return max((int(ms) for ms in re.findall(r"blocked for \d+ ms, (\d+) of them", site.logs())), default=0)


def is_zero(file, line):
    """Figures of records that came in another order were taken back by later ones; a row of zeros remains of them."""
    return file.startswith("agent_kpi") and not any(float(value) for value in line[2:])


@needs_cases
@pytest.mark.parametrize(("file", "mapping"), [row[:2] for row in INPUTS if row[0].endswith(".ndjson")])
def test_M1_a_topic_gives_the_tables(make_stream, make_site, make_topic, kafka, file, mapping):
    """Every record twice, in any order, in two partitions, and the daemon is killed on the way."""
    name, topic = file.partition(".")[0], make_topic(2)
    with open(os.path.join(CASES, "policy.json"), encoding="utf-8") as rules:
        site = make_site(make_stream(1), json.load(rules), mapped(topic, os.path.join(MAPPINGS, mapping + ".lua"), name,
                                                                 source="/map/" + name))
    with open(os.path.join(CASES, file), "rb") as lines:
        sent = lines.read().splitlines() * 2
    random.Random(name).shuffle(sent)
    half = len(sent) // 2
    # A tombstone of a topic is a message without a value.
    rows = [(topic, i % 2, b"key", None if line.strip() in (b"", b"null") else line) for i, line in enumerate(sent)]
    site.start("a")
    kafka.produce(rows[:half])
    wait_until(lambda: site.n_read() > 0, lambda: "the first records\n" + site.logs())
    site.daemons["a"].kill()
    kafka.produce(rows[half:])
    site.start("a")
    wait_for_end(site, topic)
    wait_until(lambda: not differences(site, name, is_zero), lambda: differences(site, name, is_zero))
    with open(os.path.join(CASES, f"{name}.expected", "rejected.ndjson"), encoding="utf-8") as rejected:
        n_rejected = len({line.strip() for line in rejected})
    assert site.one("SELECT count(DISTINCT value) FROM kpid.dead_letter WHERE topic = %s", topic) == n_rejected
    counts = site.dicts("SELECT * FROM report.mapping")
    assert [row["mapping"] for row in counts] == [name] and counts[0]["n_records"] == len(sent)
    assert counts[0]["n_rejected"] == site.one("SELECT count(*) FROM kpid.dead_letter WHERE topic = %s", topic)


def test_M7_a_letter_names_the_place_and_is_mapped_again(make_stream, make_site, make_topic, kafka, tmp_path):
    topic, file, endpoint = make_topic(1), tmp_path / "desk.lua", Endpoint()
    file.write_text(LUA)
    site = make_site(make_stream(1), policy("1h", "8h"), mapped(topic, file, ticket_prefix="Z-"))
    daemon = site.start("a", metrics_listen=endpoint.address)
    kafka.produce([(topic, 0, b"T1", value, [("trace", b"7")]) for value in records("new", "note", "finished", "note")] +
                  [(topic, 0, b"T1", None)])
    wait_for_end(site, topic)
    letter = site.dicts("SELECT * FROM report.dead_letter")[0]
    assert letter["reason"] == "map_error" and letter["detail"] == 'desk.lua:4: what: "finished" is not in the table'
    assert letter["mapping"] == "desk" and len(letter["mapping_version"]) == 64
    assert site.rows("SELECT ticket_id, state FROM report.ticket") == [("Z-T1", "open")]
    counts = site.dicts("SELECT * FROM report.mapping")[0]
    wanted = {"n_records": 5, "n_events": 1, "n_skipped": 2, "n_tombstones": 1, "n_rejected": 1, "failed_in_row": 0,
              "skips": "a note: 2", "version": letter["mapping_version"]}
    assert {key: counts[key] for key in wanted} == wanted
    for outcome, n in (("mapped", 1), ("skipped", 2), ("tombstone", 1), ("rejected", 1)):
        assert endpoint.value("kpid_mapping_records_total", mapping="desk", outcome=outcome) == n
    assert endpoint.value("kpid_mapping_events_total", mapping="desk") == 1
    assert endpoint.value("kpid_mapping_seconds_total", mapping="desk") > 0
    shown = json.loads(site.command("dlq", "show", "--json", f"{topic}/0/2").stdout)
    assert shown["mapping"] == "desk" and shown["mapping_version"] == letter["mapping_version"]
    assert daemon.log().count("records are skipped: a note") == 1

    # A mapping with an error changes nothing; a better one counts from then on.
    file.write_text(LUA.replace("word(", "word(("))
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "nothing was reloaded" in daemon.log(), daemon.log)
    assert "desk.lua:4:" in daemon.log()
    assert site.command("check-config", status=3).stdout.count("desk.lua:4:") == 1
    file.write_text(LUA.replace("done =", "finished ="))
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "the configuration has been reloaded" in daemon.log(), daemon.log)
    assert "would requeue" in site.command("dlq", "requeue", "--reason", "map_error", "--dry-run").stdout
    assert "1 requeued, 0 refused" in site.command("dlq", "requeue", "--reason", "map_error").stdout
    wait_until(lambda: site.rows("SELECT state FROM report.ticket") == [("resolved",)], site.logs)
    again = kafka.consume_all(topic)[-1]
    assert (again.key, again.headers) == (b"T1", [("trace", b"7")])

    # Each event names its mapping and version, in both explanations.
    events = json.loads(site.command("explain", "--json", "Z-T1").stdout)["events"]
    assert [step["mapping"] for step in events] == ["desk"] * 2
    assert events[0]["mapping_version"] == letter["mapping_version"] != events[1]["mapping_version"]
    in_sql = site.one("SELECT report.explain_ticket('Z-T1') -> 'events'")
    assert [(step["mapping"], step["mapping_version"]) for step in in_sql] == [
        (step["mapping"], step["mapping_version"]) for step in events]
    assert f"by the mapping desk {events[1]['mapping_version'][:12]}" in site.command("explain", "Z-T1").stdout


def test_M7_only_the_original_message_is_mapped_again(make_stream, make_site, make_topic, kafka, tmp_path):
    """The letter of an element is not sent as a message, and what the topic has lost is refused."""
    topic, file = make_topic(1), tmp_path / "desk.lua"
    file.write_text(LUA)
    site = make_site(make_stream(1), None, mapped(topic, file, each="/tickets"))
    daemon = site.start("a")
    page = b'{"tickets": [' + b", ".join(records("new", "finished") + records("gone", ticket="T2")) + b"]}"
    kafka.produce([(topic, 0, b"k", page)])
    wait_for_end(site, topic)
    assert site.one("SELECT count(*) FROM report.dead_letter") == 2
    file.write_text(LUA.replace("done =", 'gone = "opened", finished ='))
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "the configuration has been reloaded" in daemon.log(), daemon.log)
    assert "2 requeued, 0 refused" in site.command("dlq", "requeue", "--reason", "map_error").stdout
    wait_until(lambda: site.rows("SELECT ticket_id, state FROM report.ticket ORDER BY 1") == [("T1", "resolved"), ("T2", "open")],
               site.logs)
    assert {end for _, end in kafka.offsets(topic).values()} == {2}  # once for both letters
    site.rows("UPDATE kpid.dead_letter SET value = value || 'x', requeued_at = NULL")
    refused = site.command("dlq", "requeue", "--reason", "map_error", status=1).stdout
    assert refused.count("has another message there") == 2
    site.rows('UPDATE kpid.dead_letter SET "offset" = "offset" + 100')
    refused = site.command("dlq", "requeue", "--reason", "map_error", status=1).stdout
    assert refused.count("no longer has the message") == 2


@needs_cases
def test_M8_hostile_programs_hold_nothing_else(make_stream, make_site, make_topic, kafka, tmp_path):
    with open(os.path.join(CASES, "hostile.lua.txt"), encoding="utf-8") as file:
        programs = [line for line in file.read().splitlines() if line]
    settings = {}
    topics = [make_topic(1) for _ in programs]
    for i, program in enumerate(programs):
        (tmp_path / f"h{i}.lua").write_text(program)
        for section, options in mapped(topics[i], tmp_path / f"h{i}.lua", f"h{i}").items():
            settings.setdefault(section, {}).update(options)
    stream = make_stream(1)
    site = make_site(stream, policy("3s"), settings)
    site.start("a", run_lanes=4)
    big = json.dumps({"x": ["y" * 50] * 2000}).encode()
    kafka.produce([(topic, 0, None, big if i % 2 else b"{}") for topic in topics for i in range(6)])
    for topic in topics:
        wait_for_end(site, topic)
    found = dict(site.rows("SELECT topic, count(*) FROM report.dead_letter WHERE reason IN ('map_limit', 'map_error') GROUP BY 1"))
    assert found == dict.fromkeys(topics, 6)
    assert longest_block_ms(site) <= 200

    # A breach waits for what the other topics may still bring, and no longer.
    stream.send_events([event("ticket.opened", "T1", now())])
    turns = itertools.cycle(topics)
    wait_until(lambda: (kafka.produce([(next(turns), 0, None, b"{}")]),
                        site.rows("SELECT 1 FROM report.alert WHERE ticket_id = 'T1' AND state = 'breached'"))[1], site.logs, every=0.5)
    assert site.one("SELECT detected_at - due_at FROM report.alert WHERE ticket_id = 'T1'") < SECOND
    assert longest_block_ms(site) <= 200


def test_M8_a_long_page_is_read_in_many_turns(make_stream, make_site, make_topic, kafka, tmp_path):
    """A message of 2,000 records: the loop turns meanwhile, and a kill in its middle loses and doubles nothing."""
    topic, file, endpoint, n = make_topic(1), tmp_path / "desk.lua", Endpoint(), 2000
    file.write_text("local s = 'x' for i = 1, 10 do s = s .. s end for i = 1, 600 do local y = s:upper() end\n" + LUA)
    site = make_site(make_stream(1), None, mapped(topic, file, each="/tickets"))

    def page_of(tickets):
        return b'{"tickets": [' + b", ".join(records("new", ticket=ticket)[0] for ticket in tickets) + b"]}"
    # The message before the page begins a batch, whose age ends while the page is read.
    kafka.produce([(topic, 0, None, page_of(["first"])), (topic, 0, None, page_of(f"R{i}" for i in range(n)))])
    site.start("a", run_lanes=2, metrics_listen=endpoint.address)

    def n_mapped():
        return endpoint.is_up() and endpoint.value("kpid_mapping_records_total", mapping="desk", outcome="mapped") or 0
    wait_until(lambda: n_mapped() > 200, site.logs, every=0.001)
    assert n_mapped() < n, "the page was read before the kill, which proves nothing"
    site.daemons["a"].kill()
    assert site.one("SELECT count(*) FROM kpid.ticket") in (0, 1)
    site.start("a", run_lanes=2)
    wait_for_end(site, topic)
    assert site.one("SELECT count(*) FROM kpid.ticket") == n + 1
    assert site.one("SELECT n_events FROM report.mapping") == n + 1
    assert longest_block_ms(site) <= 200


def test_M7_pages_through_a_rebalance_a_kill_and_without_a_database(make_stream, make_site, make_topic, kafka, pg, tmp_path):
    """Each record of each page gives its event exactly once, and each ticket keeps the order of its records."""
    topic, file, endpoint, n_pages, n_tickets = make_topic(4), tmp_path / "desk.lua", Endpoint(), 40, 30
    file.write_text("local s = 'x' for i = 1, 10 do s = s .. s end for i = 1, 400 do local y = s:upper() end\n" + LUA)
    site = make_site(make_stream(1), None, mapped(topic, file, each="/tickets"))

    def page(no):
        """The first and the third record of each ticket are in one page, the second in the next of its partition."""
        kept = [line for i in range(n_tickets) for line in records("new", "note", "done", ticket=f"P{no}-{i}")[::2]]
        late = [] if no < 4 else [records("new", "back", ticket=f"P{no - 4}-{i}")[1] for i in range(n_tickets)]
        return b'{"tickets": [' + b", ".join(kept + late) + b"]}"
    file.write_text(file.read_text().replace('done = "resolved"', 'done = "resolved", back = "reopened"'))
    kafka.produce([(topic, no % 4, None, page(no)) for no in range(n_pages)])
    n_events = 2 * n_pages * n_tickets + (n_pages - 4) * n_tickets

    def n_mapped():
        return endpoint.is_up() and endpoint.value("kpid_mapping_records_total", mapping="desk", outcome="mapped") or 0
    site.start("a", run_lanes=2, metrics_listen=endpoint.address)
    wait_until(lambda: n_mapped() > 200, site.logs, every=0.005)
    site.start("b", run_lanes=2)
    wait_until(lambda: "partitions taken" in site.daemons["b"].log(), site.logs, every=0.02)
    site.disconnect()
    pg.kill()
    time.sleep(0.3)
    pg.start()
    assert site.one("SELECT coalesce(sum(n_events), 0) FROM report.mapping") < n_events, "all was read before, which proves nothing"
    site.daemons["b"].kill()
    wait_for_end(site, topic)
    assert site.one("SELECT n_events FROM report.mapping") == n_events
    assert site.one("SELECT n_records FROM report.mapping") == n_events
    assert site.one("SELECT count(*) FROM report.dead_letter") == 0
    states = dict(site.rows("SELECT state, count(*) FROM report.ticket GROUP BY 1"))
    assert states == {"resolved": n_pages * n_tickets}
    assert site.one("SELECT sum(n_duplicates) FROM kpid.source_partition") == 0
    for no in (0, n_pages - 5):
        events = json.loads(site.command("explain", "--json", f"P{no}-7").stdout)["events"]
        assert [(step["type"], step["partition"], step["offset"]) for step in events] == [
            ("ticket.opened", no % 4, no // 4), ("ticket.reopened", no % 4, no // 4 + 1), ("ticket.resolved", no % 4, no // 4)]


def test_M10_the_latest_mapping_is_known_to_all(make_stream, make_site, make_topic, kafka, tmp_path):
    topic, file = make_topic(2), tmp_path / "desk.lua"
    file.write_text(LUA)
    site = make_site(make_stream(2), None, mapped(topic, file, **{"param.x": "1"}))
    one, two = site.start("one"), site.start("two")
    wait_until(lambda: all("is running as" in daemon.log() for daemon in (one, two)), site.logs)
    stored = site.one("SELECT value FROM kpid.setting WHERE name = 'map.desk'")
    assert site.one("SELECT value FROM kpid.setting WHERE name = %s", f"topics.{topic}") == "map desk"
    site.configure(**{"map desk": {"param.x": "2"}})
    one.signal(signal.SIGHUP)
    wait_until(lambda: "the mapping desk is" in two.log(), two.log)
    assert "here, and another instance has read" in two.log() and "the mapping desk is" not in one.log()
    assert site.one("SELECT value FROM kpid.setting WHERE name = 'map.desk'") != stored
    assert "matches the settings" in site.command("doctor", status=None).stdout
    site.configure(topics={topic: "*"})
    two.signal(signal.SIGHUP)
    wait_until(lambda: f"topics.{topic} has changed, which needs a restart" in two.log(), two.log)


def test_a_mapping_that_no_longer_fits_is_named(make_stream, make_site, make_topic, kafka, tmp_path):
    topic, file, endpoint = make_topic(1), tmp_path / "desk.lua", Endpoint()
    file.write_text(LUA)
    site = make_site(make_stream(1), None, mapped(topic, file))
    daemon = site.start("a", metrics_listen=endpoint.address)
    kafka.produce([(topic, 0, None, value) for value in records("new", *["vanished"] * 99)])
    wait_for_end(site, topic)
    assert "every mapping fits its records" in site.command("doctor", status=None).stdout
    assert "the last 100 records" not in daemon.log()
    kafka.produce([(topic, 0, None, value) for value in records("vanished", ticket="T2")])
    wait_for_end(site, topic)
    said = re.sub(r"\s+", " ", site.command("doctor", status=None).stdout)
    assert "the last 100 records of the mapping desk were rejected" in said and "vanished" in said
    assert endpoint.value("kpid_mapping_failed_in_row", mapping="desk") == 100
    assert "mapping desk: the last 100 records were rejected" in daemon.log()
    kafka.produce([(topic, 0, None, value) for value in records("note", ticket="T3")])
    wait_for_end(site, topic)
    assert endpoint.value("kpid_mapping_failed_in_row", mapping="desk") == 0
    assert site.one("SELECT failed_in_row FROM report.mapping") == 0


def test_old_letters_of_mapped_records_are_deleted(make_stream, make_site, make_topic, kafka, tmp_path):
    topic, file, stream = make_topic(1), tmp_path / "desk.lua", make_stream(1)
    file.write_text(LUA)
    site = make_site(stream, None, mapped(topic, file))
    daemon = site.start("a")
    kafka.produce([(topic, 0, None, value) for value in records("old", "young")])
    stream.send([("activity", 0, b"nonsense")])
    wait_for_end(site, topic)
    site.wait_read()
    daemon.kill()
    site.rows("UPDATE kpid.dead_letter SET read_at = read_at - interval '6 days' WHERE detail NOT LIKE '%%young%%'")
    site.start("a", run_dead_letter_days=5)
    wait_until(lambda: "were older than 5 days" in site.daemons["a"].log(), site.logs)
    left = {row["detail"] for row in site.dicts("SELECT detail FROM report.dead_letter")}
    assert len(left) == 2 and any("young" in detail for detail in left) and not any('"old"' in detail for detail in left)


@pytest.mark.parametrize(("lines", "message"), [
    (["[topics]", "x = map desk"], "there is no section [map desk]"),
    (["[map desk]", "source = /x"], "file is missing; name the Lua program"),
    (["[map desk]", "file = none.lua"], "none.lua"), (["[map a b]", "file = x"], "the name of a mapping has up to 64"),
    (["[map desk]", "file = {lua}", "time_zone = Mars"], "Mars"), (["[map desk]", "file = {lua}", "each = x"], "JSON pointer"),
    (["[map desk]", "file = {lua}", "fiel = y"], "did you mean file?"),
    (["[map desk]", "file = {lua}", "param.a b = y"], "is not the name of a parameter")], ids=range(8))  # fmt: skip
def test_errors_of_a_section_are_named(binary, tmp_path, lines, message):
    (tmp_path / "x.lua").write_text(LUA)
    (tmp_path / "kpid.ini").write_text("\n".join(lines).format(lua=tmp_path / "x.lua"))
    done = subprocess.run([binary, "check-config", "--config", tmp_path / "kpid.ini"], capture_output=True, text=True, check=False)
    assert done.returncode == 3 and message in done.stdout, done.stdout
