"""kpid source drop (M11): a source is gone as if it had never sent anything, while daemons write the same tickets; a run that is
killed goes on; alerts are voided and sent; files and topics can be read again."""
import contextlib
import datetime
import json
import random
import signal
import subprocess
import threading
import time

import pytest

from daemon import LONG, SECOND, event, now, policy, wait_until
from measures import MEASURES
from test_mapped_topics import LUA, mapped, records, wait_for_end

N_TICKETS = 3000 if LONG else 800
KINDS = ["ticket.responded", "ticket.assigned", "ticket.paused", "ticket.resumed", "ticket.resolved", "ticket.reopened",
         "ticket.closed", "ticket.requester_replied", "survey.submitted", "ticket.updated"]

# Every table but alert, dead_letter and the record: what must be equal, and which rows are none. Histories differ in the places where
# their events were read, and revs in how often a row was written.
TABLES = {
    "ticket": ("rev as_of revised_at history", "true"),
    "past_cycle": ("", "true"),
    "agent_backlog": ("", "backlog <> 0"),
    "sla_clock": ("", "true"),
    "ledger": ("", "true"),
    "ledger_item": ("", "true"),
    "ledger_ticket": ("rev generation", "true"),
    "ledger_solved": ("", "true"),
    "ledger_repeat_due": ("", "true"),
    "ledger_5m": ("", "true"),
    "group_kpi_5m": ("", "(opened, responded, resolved, within_sla, measured, csat_responses) <> (0, 0, 0, 0, 0, 0)"),
    "backlog_change": ("", "true"),
    "backlog_5m": ("", "change <> 0"),
    "parked_ticket": ("", "true"),
    "parked_event": ("", "true"),
    "mapping_use": ("", "true"),
    "mapping_skip": ("", "true"),
}


def contents(site):
    """The rows of each table, as sorted texts."""
    found = {}
    for table, (without, where) in TABLES.items():
        columns = [name for name, in site.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "ORDER BY attnum", "kpid." + table) if name not in without.split()]
        quoted = ", ".join(f'"{name}"' for name in columns)
        found[table] = sorted(str(row) for row in site.rows(f"SELECT {quoted} FROM kpid.{table} t WHERE {where}"))
    measures = [f"coalesce({measure.stored}, 0)" for measure in MEASURES]
    found["agent_kpi_5m"] = sorted(str(row) for row in site.rows(
        f'SELECT "time", agent_id, {", ".join(measures)} FROM report.agent_kpi_5m WHERE ({", ".join(measures)}) <> '
        f'({", ".join("0" for _ in measures)})'))
    found["alert"] = sorted(str(row) for row in site.rows(
        "SELECT ticket_id, target, n, state, level, due_at, breached_at, cause, owner_at_breach, project_id, policy, resolved_at, "
        "warned_at, n_warnings FROM kpid.alert WHERE state <> 'voided'"))
    return found


def differences(site, other):
    ours, theirs = contents(site), contents(other)
    return [f"{table}: {mark} {row}" for table in ours
            for mark, rows in (("has", set(ours[table]) - set(theirs[table])), ("lacks", set(theirs[table]) - set(ours[table])))
            for row in sorted(rows)[:3]]


class Desk:
    """Events of tickets by several sources, the same for the same seed."""

    def __init__(self, seed, n_tickets=N_TICKETS):
        self.random = random.Random(seed)
        self.n_tickets = n_tickets
        self.began = now() - datetime.timedelta(hours=20)  # all deadlines have passed

    def event(self, source, ticket_id=None, type=None):
        r = self.random
        type = type or r.choice(KINDS)
        data = {"ticket.opened": {"project_id": r.choice("np"), "priority": r.choice("12"), "requester_ref": r.choice("xyz"),
                                  "team_id": r.choice("tu"), "category": r.choice(["a", "b/c"]), "agent_id": r.choice(["ann", "bob"])},
                "survey.submitted": {"score": r.randrange(6), "answers": {"speed": r.randrange(6)}},
                "ticket.paused": {"reason": r.choice(["wait", "part"])},
                "ticket.updated": {"priority": r.choice("123")}}.get(type, {"agent_id": r.choice(["ann", "bob", "cai"])})
        at = self.began + datetime.timedelta(seconds=r.randrange(7 * 3600))
        if type == "survey.submitted":
            at = self.began + datetime.timedelta(hours=19, seconds=r.randrange(1800))  # for the last hours
        return event(type, ticket_id or f"T{r.randrange(self.n_tickets)}", at, source, id=f"e{r.getrandbits(60):x}", **data)

    def events(self, n, sources):
        """Tickets that one source opened, another, or both, and n later events."""
        made = [self.event(source, f"T{i}", "ticket.opened") for i in range(self.n_tickets)
                for source in self.random.choice([[s] for s in sources] + [sources])]
        made += [self.event(self.random.choice(sources)) for _ in range(n)]
        self.random.shuffle(made)
        return made


def is_of(value, source):
    theirs = json.loads(value)["source"]
    return theirs == source or theirs.startswith(source + "/")


def drop(site, source, *options, status=0):
    done = site.command("source", "drop", source, "--why", "a wrong mapping", "--json", *options, status=status)
    return json.loads(done.stdout) if status == 0 else done.stderr


def start_drop(site, source, *options):
    return subprocess.Popen([site.binary, "source", "drop", "--config", site.ini, source, "--why", "a wrong mapping", *options],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def never_saw(make_site, site, values, tmp_path):
    """A database that got only these events."""
    path = tmp_path / "others.ndjson"
    path.write_bytes(b"\n".join(values) + b"\n")
    other = make_site(policy=site.policy)
    other.command("ingest", str(path))
    refresh(other)
    return other


def refresh(site):
    """With many tickets this takes longer than a command may."""
    subprocess.run([site.binary, "appraisal", "--config", site.ini, "refresh"], check=True, capture_output=True, timeout=900)


def assert_never_saw(make_site, site, values, tmp_path):
    if not site.stream:  # no daemon finds what is due now
        nothing = tmp_path / "nothing.ndjson"
        nothing.write_text("")
        site.command("ingest", str(nothing))
    site.wait_settled()
    refresh(site)
    other = never_saw(make_site, site, values, tmp_path)
    wait_until(lambda: not differences(site, other), lambda: "\n".join(differences(site, other)), timeout=20, every=0.5)
    site.command("verify")
    assert site.one("SELECT count(*) FROM kpid.ticket WHERE rev >= 1073741824 AND history = '\\x01'") == 0


@contextlib.contextmanager
def load(site, desk, source):
    """Sends events of a source until the end, also of tickets that only others knew."""
    stop = threading.Event()

    def send():
        while not stop.is_set():
            site.stream.send_events([desk.event(source) for _ in range(20)])
            stop.wait(0.02)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


RULES = policy("1h", "3h", pause_on=["wait"])


@pytest.mark.parametrize("n_tickets", [N_TICKETS, pytest.param(100_000, marks=pytest.mark.long)])
def test_M11_every_table_is_as_if_the_source_had_never_sent(make_stream, make_site, tmp_path, n_tickets):
    """Two daemons write the same tickets meanwhile."""
    stream, desk = make_stream(4), Desk(1, n_tickets)
    site = make_site(stream, RULES, {"run": {"lanes": 2}, "alert": {"max_age": "1m"}, "appraisal": {"refresh": "1s"}})
    sent = desk.events(min(4 * n_tickets, 100_000), ["/a", "/b", "/b/eu", "/bb"])
    site.start("a")
    site.start("b")
    stream.send_events(sent)
    site.wait_read(timeout=600)
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.ledger") > 0, "the ledger")
    n_removed = sum(is_of(value, "/b") for value in sent)
    wanted = json.loads(site.command("source", "drop", "/b", "--dry-run", "--json").stdout)
    assert wanted["events"] == n_removed and wanted["emptied_tickets"] > 0
    with load(site, desk, "/a"):
        began = time.monotonic()
        program = start_drop(site, "/b", "--json")
        output, errors = program.communicate(timeout=1800)
        assert program.returncode == 0, errors
        print(f"{n_removed} events of {n_tickets} tickets removed in {time.monotonic() - began:.1f} s")
    found = json.loads(output)
    assert found["events"] == n_removed and found["tickets"] >= wanted["tickets"], found
    record = site.dicts("SELECT * FROM report.source_drop")
    assert len(record) == 1 and record[0]["ended_at"] is not None and record[0]["why"] == "a wrong mapping"
    assert (record[0]["source"], record[0]["events"], record[0]["reread"]) == ("/b", n_removed, False)
    site.wait_read()
    others = [value for _, _, _, value, _ in stream.sent if not is_of(value, "/b")]
    assert_never_saw(make_site, site, others, tmp_path)
    assert site.one("SELECT sum(n_events) FROM kpid.source_drop_place") == n_removed
    assert "no ticket has an event whose source is /b" in drop(site, "/b", status=1)


@contextlib.contextmanager
def transaction(site, sql, *values):
    connection = site.pg.connect(site.database)
    connection.autocommit = False
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
        yield
        connection.commit()
    finally:
        connection.close()


@pytest.mark.parametrize("when", ["between pages", "before tickets are deleted"])
def test_M11_a_run_that_is_killed_goes_on(make_site, tmp_path, when):
    desk = Desk(2, n_tickets=1500)
    sent = desk.events(3000, ["/a", "/b"])
    path = tmp_path / "all.ndjson"
    path.write_bytes(b"\n".join(sent) + b"\n")
    site = make_site(policy=RULES)
    site.command("ingest", str(path))
    site.command("appraisal", "refresh")
    n_removed = sum(is_of(value, "/b") for value in sent)
    if when == "between pages":
        last = site.one("SELECT max(ticket_id) FROM kpid.ticket WHERE position('/b'::bytea IN history) > 0")
        blocker = "SELECT FROM kpid.ticket WHERE ticket_id = %s FOR UPDATE", last
        reached = "SELECT n_events > 0 FROM kpid.source_drop"
    else:
        blocker = ("SELECT count(*) FROM kpid.ticket",)
        reached = "SELECT count(*) > 0 FROM kpid.ticket WHERE rev = 1073741824"
    with transaction(site, *blocker):
        program = start_drop(site, "/b")
        wait_until(lambda: any(row[0] for row in site.rows(reached)), lambda: f"the moment: {program.poll()}")
        program.send_signal(signal.SIGKILL)
        program.communicate()
    assert site.rows("SELECT ended_at FROM report.source_drop") == [(None,)]
    n_first = site.one("SELECT events FROM report.source_drop")
    assert (0 < n_first < n_removed) if when == "between pages" else n_first == n_removed
    found = drop(site, "/b")
    assert found["events"] == n_removed and site.one("SELECT count(*) FROM report.source_drop") == 1
    assert_never_saw(make_site, site, [value for value in sent if not is_of(value, "/b")], tmp_path)


def test_M11_alerts_are_voided_and_sent(make_stream, make_site):
    """The breach of a ticket that is gone is voided; a ticket that loses its response is breached."""
    stream = make_stream(1)
    site = make_site(stream, policy("2s", "8h"))
    site.start("a")
    stream.send_events([event("ticket.opened", "gone", now() - SECOND, "/b", agent_id="ann"),
                        event("ticket.opened", "kept", now() - 3 * SECOND, "/a", agent_id="ann"),
                        event("ticket.responded", "kept", now() - 2 * SECOND, "/b", agent_id="ann")])
    wait_until(lambda: site.rows("SELECT ticket_id, state FROM report.alert") == [("gone", "breached")], site.logs)
    site.wait_settled()
    drop(site, "/b")
    wait_until(lambda: sorted(site.rows("SELECT ticket_id, state FROM report.alert")) == [("gone", "voided"), ("kept", "breached")],
               site.logs)
    site.wait_settled()
    messages = [(key, body["data"]["state"]) for key, body, _ in site.alerts()]
    assert [state for key, state in messages if key.startswith("gone/")] == ["breached", "voided"]
    assert [state for key, state in messages if key.startswith("kept/")] == ["breached"]
    assert site.rows("SELECT ticket_id, state, first_response_verdict FROM report.ticket") == [("kept", "open", "breached")]
    site.command("verify")


def test_M11_reread_maps_the_topic_again(make_stream, make_site, make_topic, kafka, tmp_path):
    topic, file = make_topic(2), tmp_path / "desk.lua"
    file.write_text(LUA.replace('done = "resolved"', 'done = "assigned"').replace(
        "ticket_id = record.ticket", 'ticket_id = record.ticket, agent_id = "wrong"'))
    site = make_site(make_stream(1), policy("1h", "8h"), mapped(topic, file))
    daemon = site.start("a")
    kafka.produce([(topic, i % 2, b"k", value) for i in range(40) for value in records("new", "note", "done", ticket=f"T{i}")])
    site.stream.send_events([event("ticket.closed", "T7", source="/other", agent_id="eve")])
    wait_for_end(site, topic)
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket WHERE agent_id = 'wrong'") == 40
    file.write_text(LUA)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "the configuration has been reloaded" in daemon.log(), daemon.log)
    kafka.produce([(topic, 0, b"k", value) for value in records("new", "done", ticket="late")])
    wait_for_end(site, topic)
    found = site.command("source", "drop", "/map/desk", "--why", "a wrong word", "--reread").stdout
    assert "2 partitions are read again" in found
    wait_for_end(site, topic)
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket WHERE state IN ('resolved', 'closed')") == 41, site.logs)
    assert site.one("SELECT count(*) FROM report.ticket WHERE agent_id = 'wrong'") == 0
    assert site.rows("SELECT n_records, n_events, skips FROM report.mapping") == [(122, 82, "a note: 40")]
    assert site.one("SELECT count(*) FROM report.dead_letter") == 0
    assert site.one("SELECT reread FROM report.source_drop")
    kafka.produce([(topic, 1, b"k", value) for value in records("new", "done", ticket="later")])
    wait_until(lambda: site.rows("SELECT state FROM report.ticket WHERE ticket_id = 'later'") == [("resolved",)], site.logs)
    assert daemon.running()
    site.command("verify")


def test_M11_a_file_can_be_ingested_again(make_site, tmp_path):
    path = tmp_path / "export.ndjson"
    flat = [{"type": "ticket." + what, "id": f"{i}/{what}", "time": f"2026-03-02T09:{i:02}:00Z", "ticket_id": f"T{i}",
             **({"source": "/export/eu"} if i % 2 else {})} for i in range(20) for what in ("opened", "resolved")]
    path.write_text("".join(json.dumps(row) + "\n" for row in flat))
    site = make_site(policy=RULES)
    ingest = ("ingest", "--flat", "--source", "/export", str(path))
    site.command(*ingest)
    before = contents(site)
    assert len(before["ticket"]) == 20
    site.command(*ingest)
    assert contents(site) == before
    assert drop(site, "/export/eu")["emptied_tickets"] == 10
    assert site.one("SELECT count(*) FROM report.ticket") == 10
    site.command(*ingest)
    assert contents(site) == before
    assert drop(site, "/export") == {"source": "/export", "events": 40, "tickets": 20, "emptied_tickets": 20, "dry_run": False,
                                     "drop_no": 2}
    assert not any(contents(site).values())
    site.command(*ingest)
    assert contents(site) == before


def test_M11_tickets_that_are_set_aside_are_waited_for(make_stream, make_site):
    """A locked one for a moment. With a refused one the command fails, and goes on when PostgreSQL takes it."""
    stream = make_stream(1)
    site = make_site(stream, RULES)
    stream.send_events([event("ticket.opened", ticket, source=source) for ticket in "xyz" for source in ("/a", "/b")])
    site.start("a")
    site.wait_read()
    with transaction(site, "SELECT FROM kpid.ticket WHERE ticket_id = 'x' FOR UPDATE"):
        stream.send_events([event("ticket.assigned", "x", source="/b", agent_id="ann")])
        wait_until(lambda: site.one("SELECT count(*) FROM kpid.parked_ticket") == 1, site.logs)
        program = start_drop(site, "/b", "--json")
        wait_until(lambda: site.rows("SELECT n_tickets FROM kpid.source_drop WHERE n_tickets > 0"), site.logs)
        assert program.poll() is None and site.one("SELECT count(*) FROM kpid.parked_ticket") == 1
    output, errors = program.communicate(timeout=60)
    assert program.returncode == 0 and json.loads(output)["events"] == 4, errors

    site.rows("ALTER TABLE kpid.ticket ADD CONSTRAINT no_bob CHECK (agent_id <> 'bob') NOT VALID")
    stream.send_events([event("ticket.assigned", "z", source="/b/eu", agent_id="bob")])
    wait_until(lambda: site.rows("SELECT reason FROM kpid.parked_ticket") == [("refused",)], site.logs)
    said = drop(site, "/b", status=1)
    assert "events of /b are in tickets that are set aside, such as z" in said, said
    site.rows("ALTER TABLE kpid.ticket DROP CONSTRAINT no_bob; UPDATE kpid.parked_ticket SET next_at = now()")
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.parked_ticket") == 0, site.logs)
    assert drop(site, "/b")["events"] == 1
    assert site.rows("SELECT ticket_id, agent_id FROM report.ticket ORDER BY 1") == [("x", None), ("y", None), ("z", None)]
    assert site.one("SELECT count(*) FROM report.source_drop") == 2
    site.command("verify")


def test_M11_who_may_drop_a_source(make_site, tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_bytes(event("ticket.opened", "T1", source="/b") + b"\n" + event("ticket.opened", "T2", source="/a") + b"\n")
    site = make_site(policy=RULES)
    site.command("ingest", str(path))
    reader, writer = f"reader_{site.database}", f"writer_{site.database}"
    site.rows(f"CREATE ROLE {reader} LOGIN IN ROLE kpid_reader; CREATE ROLE {writer} LOGIN IN ROLE kpid_writer")
    try:
        refused = site.command("source", "drop", "/b", "--why", "x", "--set", f"postgres.user={reader}", status=4)
        assert "kpid_writer" in refused.stderr
        drop(site, "/b", "--set", f"postgres.user={writer}", "--who", "eve")
        assert site.rows("SELECT dropped_by, role FROM report.source_drop") == [("eve", writer)]
        assert site.rows("SELECT ticket_id FROM report.ticket") == [("T2",)]
        assert site.one(f"SELECT has_table_privilege('{writer}', 'kpid.ticket', 'DELETE')") is False
        site.rows(f"SET ROLE {writer}")
        assert site.one("SELECT kpid.delete_emptied_tickets(ARRAY['T2'])") == 0
        site.rows("RESET ROLE")
    finally:
        site.rows(f"DROP ROLE {reader}; DROP ROLE {writer}")


def test_M11_an_unknown_source_is_named(make_site, make_stream, make_topic, tmp_path):
    file = tmp_path / "desk.lua"
    file.write_text(LUA)
    site = make_site(make_stream(1), RULES, mapped(make_topic(1), file, source="/zammad"))
    said = drop(site, "/zamad", status=1)
    assert "no ticket has an event whose source is /zamad" in said and "have these sources: /zammad" in said
    assert "no ticket has an event" in site.command("source", "drop", "/zamad", "--dry-run", status=1).stderr
    assert "no topic of the configuration is mapped to /zamad" in drop(site, "/zamad", "--reread", status=1)
    assert site.one("SELECT count(*) FROM report.source_drop") == 0


@pytest.mark.parametrize("arguments, words", [
    ([], "an action is missing: drop"),
    (["remove", "/a"], "unknown action remove"),
    (["drop", "/a"], "drop needs --why TEXT"),
    (["drop", "", "--why", "x"], "a source has 1 to 256 bytes"),
    (["drop", "/a", "--dry-run", "--reread"], "--dry-run changes nothing"),
    (["drop", "/a", "--why", "x" * 2001], "--why takes at most 2000 characters"),
])
def test_usage(make_site, arguments, words):
    assert words in make_site().command("source", *arguments, status=2).stderr
