"""The commands that inspect and repair a database: explain, dlq, gap, top.

$KPID_BINARY is the program under test; build/test/kpid unless it is set.
"""
import collections
import datetime
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "fixture"), os.path.join(ROOT, "tests", "integration")]

from daemon import wait_until  # noqa: E402
from measures import MEASURES  # noqa: E402
from servers import Kafka, Postgres  # noqa: E402

KPID = os.environ.get("KPID_BINARY") or os.path.join(ROOT, "build", "test", "kpid")
ENTER, LEAVE, FRAME_END = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[J"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
EVIL = "T\x1b]0;x\x07\u202e\u009b2J"
POLICY = {"revisions": [{"id": "r1", "resume_on_reply": ["awaiting_customer"],
                         "calendars": {"always": {"always": True}}, "policies": [
    {"name": "urgent", "match": {"priority": ["1"]}, "targets": {
        "first_response": {"within": "5m", "calendar": "always"},
        "arrival": {"within": "30m", "calendar": "always"},
        "next_response": {"within": "10m", "calendar": "always"},
        "resolution": {"within": "24h", "calendar": "always", "pause_on": ["awaiting_customer"]}}},
    {"name": "other", "targets": {"first_response": {"within": "2h", "calendar": "always"},
                                  "resolution": {"within": "3d", "calendar": "always"}}}]}]}


def event(number, kind, when, ticket="T-1", **data):
    return {"specversion": "1.0", "id": f"e{number}", "source": "urn:crm", "type": kind, "time": when,
            "data": {"ticket_id": ticket, **data}}


STORY = [
    event(1, "ticket.opened", "2026-03-01T10:00:00Z", agent_id="zhao", category="repair/lift", priority="1"),
    event(2, "ticket.assigned", "2026-03-01T10:01:00Z", agent_id="王丽"),
    event(3, "ticket.responded", "2026-03-01T10:09:10Z"),
    event(4, "ticket.arrived", "2026-03-01T10:22:30.5Z"),
    event(5, "ticket.paused", "2026-03-01T10:30:00Z", reason="awaiting_customer"),
    event(6, "ticket.requester_replied", "2026-03-01T11:00:00Z"),
    event(7, "ticket.responded", "2026-03-01T11:05:00Z"),
    event(8, "ticket.resolved", "2026-03-01T12:00:00Z"),
    event(8, "ticket.resolved", "2026-03-01T12:01:00Z"),
    event(9, "survey.submitted", "2026-03-01T13:00:00Z", score=4.5),
    event(10, "ticket.reopened", "2026-03-02T08:00:00Z"),
    event(11, "ticket.closed", "2026-03-01T09:00:00Z", "T-2", agent_id="li", opened_at="2026-03-01T08:00:00Z",
          first_response_at="2026-03-01T08:10:00Z", resolved_at="2026-03-01T08:50:00Z"),
    event(12, "ticket.opened", "2026-03-01T10:00:00Z", EVIL, agent_id="a\x1b[31m", category="c\x1bc"),
    event(13, "ticket.paused", "2026-03-01T10:01:00Z", EVIL, reason="\u202egnp"),
]


class Database:
    """A migrated database and a program configured for it."""

    def __init__(self, server, name, directory):
        self.server, self.name, self.directory = server, name, directory
        server.drop_database(name)
        server.create_database(name)
        (directory / "policy.json").write_text(json.dumps(POLICY))
        self.config = str(directory / "kpid.ini")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"[postgres]\nhost=127.0.0.1\nport={server.port}\nuser=postgres\ndbname={name}\n"
                       f"[sla]\npolicy_file={directory}/policy.json\n")

    def command(self, *arguments):
        return [KPID, "-c", self.config, *arguments]

    def run(self, *arguments, status=0, text=True):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=text, timeout=120, check=False)
        assert status is None or done.returncode == status, (arguments, done.stdout, done.stderr)
        return done

    def words(self, *arguments, status=0):
        done = self.run(*arguments, status=status)
        assert CONTROL.search(done.stdout + done.stderr) is None, (arguments, done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr + done.stdout

    def json(self, *arguments, status=0):
        text = self.run(*arguments, "--json", status=status).stdout
        assert CONTROL.search(text) is None, (arguments, text)
        return json.loads(text)

    def ingest(self, name, events):
        path = self.directory / name
        path.write_text("".join(json.dumps(item) + "\n" if isinstance(item, dict) else item for item in events))
        self.run("ingest", str(path))

    def sql(self, sql):
        return self.server.psql(sql, self.name)


@pytest.fixture(scope="module")
def pg():
    with Postgres(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture(scope="module")
def kafka():
    with Kafka() as server:
        yield server


@pytest.fixture(scope="module")
def template(pg, tmp_path_factory):
    database = Database(pg, "commands_template", tmp_path_factory.mktemp("template"))
    database.run("migrate", "up")
    database.ingest("story.ndjson", STORY + ["\x1b[2J no json\n", '{"a":1}\n'])
    return database


@pytest.fixture
def db(template, pg, tmp_path):
    """A database that contains the story."""
    database = Database(pg, "commands", tmp_path)
    pg.drop_database("commands")
    pg.create_database("commands", template.name)
    return database


def dead_letter(db, topic, partition, offset, reason, value, headers=None):
    value = value.hex()
    headers = "NULL" if headers is None else f"'{json.dumps(headers)}'"
    db.sql(f"INSERT INTO kpid.dead_letter (topic, partition, \"offset\", reason, detail, value, headers) VALUES "
           f"('{topic}', {partition}, {offset}, '{reason}', 'a detail', '\\x{value}', {headers})")


# -- explain -----------------------------------------------------------------------------------------------------------

def test_explain_shows_events_clocks_and_figures(db):
    explained = db.json("explain", "T-1")
    assert explained["state"] == "open" and explained["cycle"] == 2 and explained["owner"] == "王丽"
    assert explained["policy"] == "urgent" and explained["policy_version"] == "r1" and explained["agrees_with_record"]
    assert [step["state"] for step in explained["events"]] == [
        "open", "open", "open", "open", "paused", "open", "open", "resolved", "resolved", "open"]
    assert [step["offset"] for step in explained["events"]] == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert explained["events"][0]["event"] == STORY[0]
    clocks = {(clock["target"], clock["n"]): clock for clock in explained["clocks"]}
    assert set(clocks) == {("first_response", 1), ("arrival", 1), ("resolution", 1), ("next_response", 1),
                           ("resolution", 2)}
    first = clocks["first_response", 1]
    assert (first["verdict"], first["breached_at"], first["cause"], first["owner_at_breach"]) == (
        "breached", "2026-03-01T10:05:00Z", "deadline", "王丽")
    assert clocks["resolution", 1]["due_at"] == "2026-03-02T10:30:00Z"  # paused for half an hour
    assert [(alert["target"], alert["state"]) for alert in explained["alerts"]] == [
        ("first_response", "resolved"), ("resolution", "breached")]
    assert [(lost["id"], lost["offset"]) for lost in explained["conflicts"]] == [("e8", 8)]


def test_explain_in_words(db):
    words = db.words("explain", "T-1")
    for line in ["T-1  open, cycle 2, reopened once, transferred once.", "urgent, of revision r1", "folded again",
                 "first_response 1 breached, while 王丽 owned it", "transfer from zhao to 王丽",
                 "breached, stopped 4m10s too late; counts for 王丽", "met, with 7m29s to spare",
                 "2026-03-01 10:05:00: its deadline passed", "@7 urn:crm e8", "first_response_seconds_sum=550",
                 "csat_score_sum=0.9", "backlog=1", "Conflicts", "by event 3"]:
        assert line in words
    assert words.index("first_response 1 breached") < words.index("first response, by 王丽")
    assert max(len(line) for line in words.splitlines()) <= 110


def test_explain_running_clocks(db):
    """Tickets that are open now, with clocks that are pending, paused, promised by the producer, or not judged."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def at(**ago):
        return (now - datetime.timedelta(**ago)).isoformat()

    db.ingest("open.ndjson", [
        event(20, "ticket.opened", at(hours=1), "T-3", priority="1"),
        event(21, "ticket.responded", at(minutes=58), "T-3", agent_id="li"),
        event(22, "ticket.paused", at(minutes=50), "T-3", reason="awaiting_customer"),
        event(23, "ticket.opened", at(hours=1), "T-4", resolution_due_at=(now + datetime.timedelta(hours=5)).isoformat()),
        event(24, "ticket.resolved", at(minutes=30), "T-4", agent_id="li"),
        event(25, "ticket.responded", at(minutes=10), "T-5", agent_id="li"),
    ])
    words = {ticket: db.words("explain", ticket) for ticket in ("T-3", "T-4", "T-5")}
    assert "pending, paused with 23h50m left" in words["T-3"]
    assert "breached, still running" in words["T-3"]  # nobody has arrived
    assert "the time promised in an event" in words["T-4"] and "to spare" in words["T-4"]
    assert "none: the ticket was not opened" in words["T-5"]


def test_explain_a_closing_with_all_times(db):
    explained = db.json("explain", "T-2")
    assert [(step["type"], step["derived"], step["at"][11:16]) for step in explained["events"]] == [
        ("ticket.opened", True, "08:00"), ("ticket.responded", True, "08:10"), ("ticket.resolved", True, "08:50"),
        ("ticket.closed", False, "09:00")]
    assert all(step["offset"] == 11 for step in explained["events"])
    assert db.words("explain", "T-2").count("from the closing event: ") == 3


def test_explain_accounts_for_every_figure(db):
    explained = collections.Counter()
    for ticket in ("T-1", "T-2", EVIL):
        for row in db.json("explain", ticket)["kpis"]:
            for name, value in row["measures"].items():
                explained[row["agent"], row["time"], name] += value
    recorded = collections.Counter()
    columns = ", ".join(f"'{measure.column}', {measure.stored}::bigint" for measure in MEASURES)
    for line in db.sql("SELECT json_build_array(agent_id, to_char(time AT TIME ZONE 'UTC', "
                       f"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), json_build_object({columns})) "
                       "FROM report.agent_kpi_5m").splitlines():
        agent, bucket, measures = json.loads(line)
        for name, value in measures.items():
            recorded[agent, bucket, name] += value
    assert +explained == +recorded and explained


def test_a_late_proof_tells_its_story(db):
    db.ingest("late.ndjson", [event(20, "ticket.responded", "2026-03-01T10:04:10Z")])
    explained = db.json("explain", "T-1")
    alert = next(alert for alert in explained["alerts"] if alert["target"] == "first_response")
    assert alert["state"] == "voided" and alert["detected_at"] > alert["due_at"]
    assert "a response of 2026-03-01 10:04:10 was in time and arrived late: ingest:late" in alert["voided_because"]
    words = db.words("explain", "T-1")
    assert "breach recorded" in words and "was in time and arrived late" in words
    assert "met, with 50s to spare; counts for 王丽" in words


def test_a_record_that_does_not_agree_is_reported(db):
    db.sql("UPDATE kpid.ticket SET state = 4 WHERE ticket_id = 'T-1'")
    assert not db.json("explain", "T-1")["agrees_with_record"]
    assert "ANOTHER RESULT" in db.words("explain", "T-1")


def test_explain_errors(db, pg):
    assert "ticket nope is unknown" in db.words("explain", "nope", status=1)
    db.sql("UPDATE kpid.ticket SET history = '\\xff00' WHERE ticket_id = 'T-1'")
    assert "has a history that this version of kpid cannot read" in db.words("explain", "T-1", status=1)
    assert "Connection refused" in db.words("explain", "T-1", "--set", "postgres.port=1", status=4)
    assert "kpid migrate up" in db.words("explain", "T-1", "--set", "postgres.dbname=postgres", status=4)
    db.run("explain", status=2)
    db.run("explain", "a", "b", status=2)


def test_nothing_drives_the_terminal(db):
    for arguments in (["explain", EVIL], ["dlq", "list"], ["top", "--once"], ["explain", "no\x1bpe"]):
        words = db.words(*arguments, status=1 if "no\x1bpe" in arguments else 0)
        assert "\\x1b" in words or arguments[0] == "dlq"
    assert db.json("explain", EVIL)["ticket_id"] == EVIL
    for arguments in (["dlq", "list"], ["top", "--once"], ["check-config", "--show", "--set", "run.instance=\u009b\U000e0001"]):
        db.json(*arguments)
    db.json("check-config", "--set", "run.\u009b=1", status=3)


# -- dlq ---------------------------------------------------------------------------------------------------------------

def test_dlq_lists_and_shows(db):
    dead_letter(db, "survey", 2, 7, "bad_value", b'{"score":\n "\x1b[2J\xff"}', [["ce_id", "YQ=="], ["x", ""]])
    rows = db.json("dlq", "list")
    assert [row["reason"] for row in rows].count("not_json") == 1 and len(rows) == 4
    assert [row["topic"] for row in db.json("dlq", "list", "--topic", "survey")] == ["survey"]
    assert [row["offset"] for row in db.json("dlq", "list", "--reason", "bad_value")] == [7]
    assert len(db.json("dlq", "list", "--limit", "2")) == 2
    assert "the latest 2 of 4; --limit" in db.words("dlq", "list", "--limit", "2")
    assert "survey/2/7" in db.words("dlq", "list")
    assert "no dead letters" in db.words("dlq", "list", "--topic", "none")

    words = db.words("dlq", "show", "survey/2/7")
    assert "ce_id: a" in words and '"\\x1b[2J\\xff"}' in words
    assert db.run("dlq", "show", "survey/2/7", "--raw", text=False).stdout == b'{"score":\n "\x1b[2J\xff"}'
    shown = db.json("dlq", "show", "survey/2/7")
    assert shown["headers"] == [{"name": "ce_id", "value_base64": "YQ=="}, {"name": "x", "value_base64": ""}]
    assert shown["reason"] == "bad_value" and shown["requeued_at"] is None
    file = next(row["topic"] for row in rows if row["reason"] == "not_json")
    assert db.json("dlq", "show", f"{file}/0/{len(STORY)}")["value"].startswith("\x1b[2J no json")
    db.run("dlq", "show", "survey/2/8", status=1)
    for wrong in (["show", "survey"], ["show", "survey/x/1"], ["list", "--reason", "cold"], ["list", "--raw"],
                  ["list", "--limit", "many"], ["requeue"], ["requeue", "--reason", "future", "a/1/2"], ["what"], []):
        db.run("dlq", *wrong, status=2)


def test_dlq_requeue_sends_the_same_message_again(db, kafka):
    kafka.create_topic("requeue", 3)
    value, headers = b'{"specversion":\xff\x00', [["ce_type", "AAH/"], ["empty", ""]]
    dead_letter(db, "requeue", 2, 40, "not_json", value, headers)
    dead_letter(db, "requeue", 0, 41, "not_json", b"plain")
    dead_letter(db, "requeue", 1, 42, "id_conflict", b"{}")
    broker = ["--set", f"kafka.bootstrap.servers={kafka.bootstrap}"]

    assert "2 would be requeued" in db.words("dlq", "requeue", "requeue/2/40", "requeue/0/41", "--dry-run", *broker)
    assert kafka.consume_all("requeue") == []
    done = db.json("dlq", "requeue", "--reason", "not_json", *broker, status=1)
    assert (done["requeued"], done["refused"], done["failed"]) == (2, 1, 0)  # the third comes from a file
    assert "kpid ingest" in next(item["why"] for item in done["messages"] if item["outcome"] == "refused")
    sent = {message.partition: (message.value, message.headers) for message in kafka.consume_all("requeue")}
    assert sent == {2: (value, [("ce_type", b"\0\1\xff"), ("empty", b"")]), 0: (b"plain", None)}
    assert db.sql("SELECT count(*) FROM kpid.dead_letter WHERE requeued_at IS NOT NULL") == "2"
    # A requeued letter is not taken again, unless it is named.
    assert db.json("dlq", "requeue", "--reason", "not_json", *broker, status=1)["requeued"] == 0
    assert "becomes a new dead letter" in db.words("dlq", "requeue", "requeue/0/41", *broker)
    assert len(kafka.consume_all("requeue")) == 3
    assert "under a new id" in db.words("dlq", "requeue", "requeue/1/42", *broker, status=1)
    assert "no such dead letter" in db.words("dlq", "requeue", "requeue/1/43", *broker, status=1)


def test_dlq_requeue_accepts_a_future_line_once_its_time_has_come(db):
    """Without a broker: kpid reads the line itself."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5, seconds=4)
    early = event(50, "ticket.opened", when.isoformat(), "T-early")
    db.ingest("early.ndjson", [early, event(51, "ticket.opened", "2026-03-01T10:00:00Z", "T-now")])
    source = db.sql("SELECT topic FROM report.dead_letter WHERE reason = 'future'")
    refused = db.json("dlq", "requeue", f"{source}/0/0", status=1)
    assert refused["refused"] == 1 and "after that time" in refused["messages"][0]["why"]
    wait_until(lambda: json.loads(db.run("dlq", "requeue", "--reason", "future", "--dry-run", "--json", status=None).stdout)
               ["would_requeue"] == 1, "its time to come", every=0.5)
    assert db.sql("SELECT count(*) FROM report.ticket WHERE ticket_id = 'T-early'") == "0"
    done = db.json("dlq", "requeue", "--reason", "future")
    assert (done["requeued"], done["refused"], done["failed"]) == (1, 0, 0)
    assert done["messages"] == [{"message": f"{source}/0/0", "outcome": "requeued", "why": None}]
    assert db.sql("SELECT state FROM report.ticket WHERE ticket_id = 'T-early'") == "open"
    assert db.sql("SELECT string_agg(DISTINCT state, ' ') FROM report.data_freshness") == "finished"
    assert db.sql("SELECT count(*) FROM report.dead_letter WHERE reason = 'future' AND requeued_at IS NULL") == "0"
    # A second time it is a duplicate, and its reason no longer selects it.
    assert db.json("dlq", "requeue", "--reason", "future")["requeued"] == 0
    assert db.json("dlq", "requeue", f"{source}/0/0")["requeued"] == 1
    assert db.sql("SELECT sum(n_duplicates) FROM kpid.source_partition WHERE topic LIKE 'ingest:requeue@%'") == "1"


def test_dlq_requeue_of_a_line_that_is_still_wrong(db):
    topic = db.sql("SELECT topic FROM report.dead_letter WHERE reason = 'not_json'")
    words = db.words("dlq", "requeue", "--reason", "not_json", status=1)
    assert "correct the file and run kpid ingest again" in words and "not_json: " in words
    assert topic in words and db.sql("SELECT count(*) FROM report.dead_letter WHERE requeued_at IS NOT NULL") == "0"


def test_dlq_requeue_marks_only_delivered_messages(db):
    dead_letter(db, "away", 0, 1, "future", b"{}")
    words = db.words("dlq", "requeue", "away/0/1", "--set", "kafka.bootstrap.servers=127.0.0.1:1",
                     "--set", "kafka.message.timeout.ms=500", status=5)
    assert "0 requeued, 0 refused, 1 failed" in words
    assert db.sql("SELECT requeued_at IS NULL FROM kpid.dead_letter WHERE topic = 'away'") == "t"


def test_dlq_requeue_of_more_than_one_group(db, kafka):
    kafka.create_topic("many", 1)
    db.sql("INSERT INTO kpid.dead_letter (topic, partition, \"offset\", reason, detail, value) "
           "SELECT 'many', 0, i, 'future', '', convert_to(i::text, 'UTF8') FROM generate_series(1, 450) i")
    done = db.json("dlq", "requeue", "--reason", "future", "--set", f"kafka.bootstrap.servers={kafka.bootstrap}")
    assert done["requeued"] == 450
    assert [int(message.value) for message in kafka.consume_all("many")] == list(range(1, 451))
    assert db.sql("SELECT count(*) FROM kpid.dead_letter WHERE topic = 'many' AND requeued_at IS NULL") == "0"


# -- gap ---------------------------------------------------------------------------------------------------------------

def stop(db, topic="ticket-opened", partition=0, low="100"):
    db.sql(f"""INSERT INTO kpid.source_partition (topic, partition, epoch, owner, next_offset, last_fingerprint, state,
            state_reason) VALUES ('{topic}', {partition}, 4, 'one', 50, 77, 'stopped', 'offset out of range')
            ON CONFLICT (topic, partition) DO UPDATE SET state = 'stopped';
        INSERT INTO kpid.gap (topic, partition, expected_offset, low_offset, high_offset, reason)
            VALUES ('{topic}', {partition}, 50, {low}, 900, 'offset out of range')""")


def partition_row(db, topic="ticket-opened"):
    return db.sql("SELECT state, coalesce(state_reason, '-'), next_offset, epoch, coalesce(last_fingerprint::text, '-') "
                  f"FROM kpid.source_partition WHERE topic = '{topic}' ORDER BY partition")


def test_gap_accept(db):
    stop(db)
    assert "open" in db.words("gap", "list") and db.json("gap", "list")[0]["accepted_at"] is None
    words = db.words("gap", "accept", "ticket-opened/0")
    assert "continues at offset 100; 50 offsets are skipped" in words
    assert partition_row(db) == "running|-|100|5|-"
    accepted = db.json("gap", "list")[0]
    assert accepted["resumed_at_offset"] == 100 and accepted["accepted_by"]
    assert "is not stopped" in db.words("gap", "accept", "ticket-opened/0", status=1)

    stop(db)
    db.json("gap", "accept", "ticket-opened/0", "--at", "expected")
    assert partition_row(db) == "running|-|50|6|-"
    stop(db, low="NULL")
    assert "--at OFFSET" in db.words("gap", "accept", "ticket-opened/0", status=1)
    assert partition_row(db).startswith("stopped|")
    db.words("gap", "accept", "ticket-opened/0", "--at", "700")
    assert partition_row(db) == "running|-|700|7|-"
    assert [gap["resumed_at_offset"] for gap in db.json("gap", "list")] == [700, 50, 100]


def test_gap_retire(db):
    stop(db, "old/topic", 0)
    stop(db, "old/topic", 1)
    stop(db, "old/topic", 2)
    db.words("gap", "retire", "old/topic/2")
    assert partition_row(db, "old/topic").count("stopped") == 2
    assert db.words("gap", "retire", "old/topic").count("is retired") == 2
    assert partition_row(db, "old/topic").count("finished|-|50|5|77") == 3
    assert all(gap["accepted_at"] for gap in db.json("gap", "list"))
    assert "was never read or is retired" in db.words("gap", "retire", "old/topic", status=1)
    stop(db)
    assert "is in the configuration" in db.words("gap", "retire", "ticket-opened", status=1)


def test_gap_usage(db):
    assert "nope/1 was never read" in db.words("gap", "accept", "nope/1", status=1)
    for wrong in ([], ["what"], ["accept"], ["accept", "ticket-opened"], ["accept", "t/1", "--at", "late"],
                  ["retire"], ["retire", "t", "--at", "5"], ["list", "t"]):
        db.run("gap", *wrong, status=2)


# -- top ---------------------------------------------------------------------------------------------------------------

def fill_now(db):
    """A ticket that was answered in time a moment ago, and one that waits."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def ago(seconds):
        return (now - datetime.timedelta(seconds=seconds)).isoformat()
    db.ingest("now.ndjson", [
        event(30, "ticket.opened", ago(20), "N-1", agent_id="chen", priority="1"),
        event(31, "ticket.responded", ago(10), "N-1"),
        event(32, "ticket.opened", ago(20), "N-2", agent_id="chen", priority="1")])


def test_top_once(db):
    fill_now(db)
    seen = db.json("top")
    assert seen["compliance"]["last_hour"]["first_response"] == {"measured": 1, "within_sla": 1}
    assert seen["compliance"]["last_hour"]["arrival"] == {"measured": 0, "within_sla": 0}
    chen = next(agent for agent in seen["agents"] if agent["agent_id"] == "chen")
    assert (chen["opened"], chen["responded"], chen["backlog"], chen["sla"]["within_sla"]) == (2, 1, 2, 1)
    assert [(row["ticket_id"], row["target"]) for row in seen["deadlines"]][:2] == [
        ("N-2", "first_response"), ("N-1", "arrival")]
    assert seen["open_tickets"] == int(db.sql("SELECT count(*) FROM report.ticket WHERE state IN ('open', 'paused')"))
    words = db.words("top")
    assert re.search(r"first_response +1 / 1 +100\.0 %", words) and re.search(r"arrival +– +–", words)
    assert "nothing is being read" in words and "Nearest deadlines" in words


def test_top_shows_input(db):
    db.sql("INSERT INTO kpid.source_partition (topic, partition, epoch, owner, next_offset, high_offset, state, "
           "state_reason, complete_until, end_seen_at) VALUES "
           "('survey', 0, 1, 'one', 5, 1005, 'running', NULL, now() - interval '3 seconds', now()), "
           "('survey', 1, 1, 'one', 5, 5, 'stopped', 'offset out of range', now() - interval '1 hour', now() - interval '1 hour')")
    seen = db.json("top")
    assert (seen["lag_messages"], seen["partitions_lag_unknown"]) == (1000, 1) and seen["partitions_stopped"] == 1
    assert [row["partition"] for row in seen["partitions"]] == [1, 0]
    words = db.words("top", "--once")
    assert "1 partition STOPPED" in words and "at least 1,000 behind" in words and "complete up to 1h ago" in words
    assert re.search(r"survey/1 +stopped +unknown ", words)
    db.sql("UPDATE kpid.source_partition SET end_seen_at = NULL")
    assert db.json("top")["lag_messages"] is None and "lag unknown" in db.words("top", "--once")


def be_behind(db, partition, next_offset, age="1 hour"):
    """A partition of 8,000 messages that one instance reads."""
    db.sql("INSERT INTO kpid.source_partition (topic, partition, epoch, owner, next_offset, high_offset, state, n_messages, "
           "complete_until, seen_at, end_seen_at) VALUES "
           f"('survey', {partition}, 1, 'one', {next_offset}, 8000, 'running', 2000, now() - interval '{age}', now(), now())")


def test_top_has_a_bar_while_a_backlog_is_read(db):
    read_before = int(db.sql("SELECT sum(n_messages) FROM report.data_freshness"))
    be_behind(db, 0, 2000)
    seen = db.json("top")["backlog"]
    share = (read_before + 2000) / (read_before + 8000)
    assert abs(seen.pop("share") - share) < 0.001
    assert seen == {"left": 6000, "at_least": False, "per_second": None, "seconds_to_go": None}
    bar = f"reading a backlog  [{'#' * round(share * 40):.<40}] {int(share * 100)} %   6,000 left\n"
    assert bar in db.words("top"), db.words("top")


def test_top_does_not_guess_while_a_lag_is_unknown(db):
    be_behind(db, 0, 2000)
    be_behind(db, 1, "NULL")
    assert db.json("top")["backlog"] == {"left": 6000, "at_least": True, "share": None, "per_second": None, "seconds_to_go": None}
    assert re.search(r"(?m)^reading a backlog   at least 6,000 left$", db.words("top"))


def test_top_shows_no_backlog_where_there_is_none(db):
    be_behind(db, 0, 2000, "3 seconds")  # they arrived just now
    be_behind(db, 1, 7000)
    assert db.json("top")["backlog"] is None and "reading a backlog" not in db.words("top")


def test_top_shows_rate_and_time_to_go_while_a_backlog_is_read(db):
    be_behind(db, 0, 1000)

    def read_on():
        time.sleep(1)
        db.sql("UPDATE kpid.source_partition SET next_offset = next_offset + 200, n_messages = n_messages + 200, end_seen_at = now() "
               "WHERE topic = 'survey'")
    frames, status, _ = watch(db.command("top", "--interval", "100ms"), [b"x", *[read_on] * 7, b"y", b"q"], columns=150)
    assert status == 0
    assert re.search(r"\[#*\.*\] \d+ %   [\d,]+/s   [\d,]+ left   [1-9]\d*s to go", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", frames[-1].decode()))


def test_top_needs_only_the_report(db, pg):
    pg.psql("DROP ROLE IF EXISTS watcher; CREATE ROLE watcher LOGIN IN ROLE kpid_reader")
    reader = ["--set", "postgres.user=watcher"]
    db.words("top", *reader)
    db.words("dlq", "list", *reader)
    db.words("gap", "list", *reader)
    assert "kpid_writer" in db.words("explain", "T-1", *reader, status=4)


def test_top_usage(db):
    for wrong in (["--interval", "soon"], ["--interval", "0"], ["--interval", "2h"], ["x"]):
        db.run("top", *wrong, status=2)


def watch(command, actions, rows=30, columns=90):
    """Runs a command on a terminal. Each action waits for one more frame: bytes are typed, a number is sent as a
    signal, a pair is a new size, a function is called. Returns the output, as frames, the exit status and whether
    the terminal echoes again."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    output, waiting, deadline = b"", list(actions), time.monotonic() + 60
    while True:
        if waiting and output.count(FRAME_END) > len(actions) - len(waiting):
            action = waiting.pop(0)
            if isinstance(action, bytes):
                os.write(terminal, action)
            elif isinstance(action, tuple):
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *action, 0, 0))
            elif callable(action):
                action()
            else:
                os.kill(pid, action)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            output += os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    os.close(terminal)
    return output.split(b"\x1b[H"), status, echoes


@pytest.mark.parametrize("end", [b"q", b"\x03", signal.SIGTERM, signal.SIGHUP], ids=["q", "ctrl-c", "term", "hup"])
def test_top_live_restores_the_terminal(db, end):
    frames, status, echoes = watch(db.command("top", "--interval", "100ms"), [b"x", b"y", end])
    assert status == 0 and echoes
    assert frames[0].startswith(ENTER) and frames[-1].endswith(LEAVE) and len(frames) > 3
    assert b"events/s" in frames[-1]


def test_top_live_fits_the_window(db):
    fill_now(db)
    frames, status, _ = watch(db.command("top", "--interval", "100ms"), [b"x", (12, 40), b"y", b"z", b"q"])
    assert status == 0
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", frames[-1].decode())
    lines = re.split("\r+\n", last)
    assert len(lines) <= 12 and max(len(line) for line in lines) <= 40 and "N-2" in last


def test_top_live_survives_its_connection(db, pg):
    def kill():
        pg.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kpid top'")
    frames, status, _ = watch(db.command("top", "--interval", "100ms"), [b"x", kill, b"y", b"z", b"z", b"z", b"q"])
    assert status == 0
    assert any(b"no answer: " in frame for frame in frames) and b"no answer" not in frames[-1]


# -- alerts ------------------------------------------------------------------------------------------------------------

def test_alerts_are_acknowledged_and_silenced(db):
    lasting = [alert for alert in db.json("alerts", "list") if alert["state"] == "breached"]
    assert lasting
    alert_id = lasting[0]["alert_id"]

    def state():
        return db.sql(f"SELECT state FROM report.alert WHERE alert_id = '{alert_id}'")

    db.run("alerts", "ack", alert_id, "--why", "on it", "--again", "2h")
    assert state() == "acknowledged"
    assert db.sql("SELECT why, fires_again_at - acknowledged_at BETWEEN interval '119 min' AND interval '121 min' "
                  "FROM report.acknowledgement") == "on it|t"
    assert alert_id in [alert["alert_id"] for alert in db.json("alerts", "list", "--state", "acknowledged")]
    db.run("alerts", "unack", alert_id, "--why", "not mine")
    assert state() == "breached"

    db.run("alerts", "silence", "--until", "30m", "--why", "maintenance", "--target", "resolution")
    number, = db.sql("SELECT silence_no FROM report.silence").split()
    db.run("alerts", "unsilence", number)
    assert db.sql("SELECT count(*) FROM report.silence WHERE ends_at <= now()") == "1"
    for wrong in (["ack"], ["ack", alert_id, "--again", "soon"], ["silence", "--why", "x"], ["what"]):
        assert db.run("alerts", *wrong, status=2)
    db.run("alerts", "ack", "nope", "--why", "x", status=1)
    db.run("alerts", "unsilence", "x", status=1)
