"""Signals, reloads and roles."""
import json
import os
import re
import signal
import socket
import time

import psycopg2
import pytest

from conftest import POLICY
from daemon import event, failing_calls, is_instrumented, policy, wait_until


def test_sigterm_under_load(make_site, incident_stream, incidents_expected, chance):
    """It ends within 5 s with status 0, whatever it is doing, and leaves the group: the next daemon starts at once."""
    site = make_site(incident_stream, POLICY, {
        "run": {"batch_max_events": 150}, "kafka": {"session.timeout.ms": 30000}})
    total = sum(incident_stream.ends().values())
    for _ in range(6):
        daemon = site.start("a")
        site.wait_progress(1_000, 20)  # far less than the session timeout: it had left the group
        time.sleep(chance.uniform(0, 0.2))
        assert site.n_read() < total, "all was read: there is no load left"
        seconds = daemon.stop(10)
        assert seconds <= 5, f"took {seconds:.1f} s"
        assert daemon.logged(r"info +stopped")
    site.start("a")
    site.wait_read()
    site.wait_settled()
    site.check(incidents_expected.get())


def test_sigterm_without_servers(make_stream, make_site, pg, kafka):
    """Also when no server answers."""
    stream = make_stream(2)
    site = make_site(stream)
    daemon = site.start("a")
    stream.send_events([event("ticket.opened", f"T{i}") for i in range(100)])
    site.wait_read()
    site.disconnect()
    try:
        pg.pause()
        kafka.pause()
        ended = daemon.stop(20)
    finally:
        kafka.cont()
        pg.cont()
    assert ended <= 5, f"took {ended:.1f} s"


def test_sigterm_after_a_topic_was_recreated(make_stream, make_site, kafka):
    """librdkafka 2.0.2 then sometimes never finishes closing, one time in four or so."""
    stream = make_stream(3)
    site = make_site(stream, settings={"kafka": {"topic.metadata.refresh.interval.ms": 300}})
    stream.send_events([event("ticket.opened", f"T{i}") for i in range(300)])
    for name in "abc":
        site.start(name)
    site.wait_read()
    for topic in stream.topics.values():
        kafka.recreate_topic(topic)
    time.sleep(1)
    took = {name: daemon.stop(20) for name, daemon in site.daemons.items()}
    assert max(took.values()) <= 5, took


@pytest.mark.parametrize("call", [1, 2])
def test_sigterm_while_librdkafka_does_not_end(make_stream, make_site, library, call):
    stream = make_stream(1)
    site = make_site(stream)
    daemon = site.start("a", failing_calls(site.binary, library, KPID_FAIL=f"rd_kafka_destroy_flags:{call}"))
    stream.send_events([event("ticket.opened", "T")])
    site.wait_read()
    seconds = daemon.stop(20)
    assert daemon.logged(f"fail_call: rd_kafka_destroy_flags:{call} fails"), "it was not asked to end"
    assert seconds <= 5, f"took {seconds:.1f} s"


def test_sigterm_while_it_starts(make_stream, make_site, chance):
    site = make_site(make_stream(1))
    for _ in range(8):
        daemon = site.start("a")
        time.sleep(chance.uniform(0, 0.4))
        daemon.signal(signal.SIGTERM)
        daemon.killed = True  # before its handlers are installed, it ends by the signal
        assert daemon.wait(10) in (0, -signal.SIGTERM)


def test_reload(make_stream, make_site):
    stream = make_stream(2)
    site = make_site(stream, policy(first_response="1h"))
    daemon = site.start("a")

    def policy_version_of(ticket):
        stream.send_events([event("ticket.opened", ticket)])
        site.wait_read()
        return wait_until(lambda: site.rows("SELECT policy_version FROM report.ticket WHERE ticket_id = %s", ticket),
                          "the ticket")[0][0]

    def reload(said):
        n_said = len(daemon.logged(said))
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: len(daemon.logged(said)) > n_said, f"{said!r} in the log")

    kept = "nothing was reloaded|in force is kept"
    assert policy_version_of("before") == "1"
    # A file that is not JSON, one that is meaningless, one with an unknown key, one that changes a revision in use.
    good = json.dumps(site.policy)
    for broken in ("{", good.replace("1h", "1 hour"), good.replace('"targets"', '"target"'),
                   good.replace('"first_response"', '"first_answer"')):
        with open(site.policy_path, "w", encoding="utf-8") as file:
            file.write(broken)
        reload(kept)
        assert policy_version_of(f"after {hash(broken)}") == "1"
    os.remove(site.policy_path)
    reload(kept)
    # Good policies with a broken configuration: all or nothing.
    second = {"id": "2", "effective_from": "2026-01-01T00:00:00Z", "calendars": {"always": {"always": True}},
              "policies": [{"name": "new", "targets": {"first_response": {"within": "2h", "calendar": "always"}}}]}
    first = policy(first_response="1h")["revisions"]
    site.write_policy({"revisions": [*first, second]})
    site.configure(run={"batch_max_age": "a while"})
    reload(kept)
    assert policy_version_of("still") == "1"
    # A change that needs a restart is not applied partly.
    site.configure(run={"batch_max_age": "30ms"}, kafka={"fetch.min.bytes": 2})
    reload("needs a restart")
    assert policy_version_of("yet") == "1"
    del site.settings["kafka"]["fetch.min.bytes"]
    # What the server refuses never comes into force.
    site.write_policy({"revisions": [*first, {**second, "id": "refused"}]})
    site.configure()
    site.pg.psql("ALTER TABLE kpid.policy_revision ADD CONSTRAINT refuses CHECK (id <> 'refused') NOT VALID", site.database)
    reload(kept)
    site.pg.psql("ALTER TABLE kpid.policy_revision DROP CONSTRAINT refuses", site.database)
    time.sleep(1)
    assert policy_version_of("later") == "1"
    site.write_policy({"revisions": [*first, second]})
    reload("the configuration has been reloaded")
    assert policy_version_of("new") == "2"
    assert site.rows("SELECT policy_version FROM report.ticket WHERE ticket_id = 'before'") == [("1",)]
    # Tickets of another revision are not judged again.
    stream.send_events([event("ticket.updated", "before", category="x")])
    site.wait_read()
    assert site.rows("SELECT policy_version FROM report.ticket WHERE ticket_id = 'before'") == [("1",)]
    assert daemon.running()
    daemon.stop(5)


def test_reloads_do_not_leak_memory(make_stream, make_site):
    """Each read of 3,000 policies takes some megabytes; a ticket of a removed revision is still judged."""
    many = [{"name": f"p{i}", "match": {"category": [f"category {i}", f"kind {i}/*"]},
             "targets": {"first_response": {"within": "1h", "calendar": "always"}}} for i in range(3000)]
    stream = make_stream(2)
    site = make_site(stream, {"revisions": [{"id": "r0", "policies": many}]})
    daemon = site.start("a")
    stream.send_events([event("ticket.opened", "old", category="category 7")])
    site.wait_read()

    def reload(n, policies):
        site.write_policy({"revisions": [{"id": f"r{n}", "effective_from": f"20{n % 80 + 10}-01-01T00:00:00Z",
                                          "policies": policies}]})
        n_said = len(daemon.logged("has been reloaded"))
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: len(daemon.logged("has been reloaded")) > n_said, "the reload")

    def resident_mib():
        with open(f"/proc/{daemon.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) / 1024
    for n in range(1, 6):
        reload(n, many)
    before = resident_mib()
    for n in range(6, 21):
        reload(n, many)
    grown = resident_mib() - before
    if not is_instrumented(site.binary):
        assert grown < 8, f"{grown:.1f} MiB more after 15 reloads"
    stream.send_events([event("ticket.responded", "old", agent_id="ann")])
    site.wait_read()
    assert site.rows("SELECT policy_version, policy, first_response_verdict FROM report.ticket WHERE ticket_id = 'old'") == [
        ("r0", "p7", "met")]
    assert daemon.running()


def test_a_reload_that_is_requested_during_another_one_follows_it(make_stream, make_site, pg):
    """The first one waits for a lock. What the file says at the second request is in force in the end."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1h"))
    daemon = site.start("a")
    stream.send_events([event("ticket.opened", "old")])
    site.wait_read()
    first = policy(first_response="1h")["revisions"]
    second, third = ({**first[0], "id": str(n), "effective_from": f"2026-0{n}-01T00:00:00Z"} for n in (2, 3))

    def n_waiting():
        return site.rows("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                         " AND datname = current_database()")[0][0]
    cursor = pg.connect(site.database).cursor()
    cursor.execute("BEGIN; LOCK TABLE kpid.policy_revision IN ACCESS EXCLUSIVE MODE")
    site.write_policy({"revisions": [*first, second]})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: n_waiting() > 0, "the first reload, which waits for the lock")
    site.write_policy({"revisions": [*first, second, third]})
    daemon.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert not daemon.logged("has been reloaded")
    cursor.execute("ROLLBACK")
    wait_until(lambda: len(daemon.logged("the configuration has been reloaded")) == 2, "both reloads")
    stream.send_events([event("ticket.opened", "new")])
    site.wait_read()
    assert site.rows("SELECT policy_version FROM report.ticket WHERE ticket_id = 'new'") == [("3",)]


class Manager:
    """Acts as the service manager: receives its notifications."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.said = []

    def _hear(self, seconds):
        self.socket.settimeout(seconds)
        try:
            self.said += [(time.monotonic(), line) for line in self.socket.recv(4096).decode().splitlines()]
        except TimeoutError:
            return False
        return True

    def wait_for(self, line, seconds=20):
        """Waits for the next line of a kind not yet seen; returns the lines before it."""
        end = time.monotonic() + seconds
        while True:
            lines = [said for _, said in self.said]
            if line in lines:
                before = lines[:lines.index(line)]
                del self.said[:len(before) + 1]
                return before
            assert time.monotonic() < end and self._hear(end - time.monotonic()), f"no {line} but {lines}"

    def hear_for(self, seconds):
        """The lines during that time, with their times."""
        self.said.clear()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._hear(max(0.01, end - time.monotonic()))
        return list(self.said)


def test_service_manager(make_stream, make_site, tmp_path):
    """It is notified of readiness, reload, stop, status and liveness; a hung daemon is silent."""
    manager = Manager(tmp_path / "notify")
    site = make_site(make_stream(1), policy(first_response="1h"))
    site.disconnect()
    site.pg.pause()
    try:
        daemon = site.start("a", {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"})
        assert "READY=1" not in manager.wait_for("STATUS=waiting for PostgreSQL")
        waiting = [line for _, line in manager.hear_for(1)]
        assert "READY=1" not in waiting and "EXTEND_TIMEOUT_USEC=40000000" in waiting
    finally:
        site.pg.cont()
    manager.wait_for("STATUS=running")
    manager.wait_for("READY=1")

    turns = [at for at, line in manager.hear_for(2) if line == "WATCHDOG=1"]
    assert 7 <= len(turns) <= 12 and max(b - a for a, b in zip(turns, turns[1:])) < 0.4
    daemon.pause()
    time.sleep(0.5)
    manager.hear_for(0.1)  # what was logged before
    assert manager.hear_for(1) == []
    daemon.cont()

    for text in (None, "{"):  # accepted, and refused
        if text:
            with open(site.policy_path, "w", encoding="utf-8") as file:
                file.write(text)
        daemon.signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        assert any(line.startswith("MONOTONIC_USEC=") for line in manager.wait_for("READY=1"))
    assert daemon.logged("nothing was reloaded")

    daemon.signal(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    assert daemon.wait(10) == 0


def test_reload_under_load(make_site, part_stream, part):
    """Reloads do not change what is being counted."""
    site = make_site(part_stream, POLICY, {"run": {"batch_max_events": 500}})
    daemon = site.start("a")
    wait_until(lambda: daemon.logged("is running as"), "the start")
    total = sum(part_stream.ends().values())
    n_reloads = 0
    while site.n_read() < total:
        site.configure(run={"batch_max_events": 300 + 100 * (n_reloads % 5)})
        daemon.signal(signal.SIGHUP)
        n_reloads += 1
        time.sleep(0.05)
    assert n_reloads >= 5 and daemon.logged("the configuration has been reloaded")
    site.wait_read()
    site.wait_settled()
    site.check(part.expected.get())


def test_the_writer_role_is_enough(make_stream, make_site, pg, part):
    """The daemon and kpid ingest run as a login role that has kpid_writer and nothing else."""
    stream = make_stream(4)
    site = make_site(stream, POLICY)
    site.rows("DO $$ BEGIN CREATE ROLE it_daemon LOGIN IN ROLE kpid_writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    site.rows("DO $$ BEGIN CREATE ROLE it_tool LOGIN IN ROLE kpid_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    site.user = "it_daemon"
    site.configure()
    chosen = part.disordered(seed=3)
    stream.send_events(chosen[:len(chosen) // 2])
    site.start("a")
    stream.send([("activity", 0, b"not json"), ("survey", 0, None)])
    site.wait_read()
    site.command("ingest", part.path)
    site.wait_settled()
    site.check(part.expected.get())
    assert site.rows("SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database() AND "
                     "application_name = 'a'") == [("it_daemon",)]
    # Its batches and those of kpid ingest may wait for each other, which is no missing right.
    refused = [line for line in site.daemons["a"].log().splitlines() if "refused" in line and "lock timeout (55P03)" not in line]
    assert refused == [] and "denied" not in site.daemons["a"].log()

    writer, reader = pg.connect(site.database, "it_daemon"), pg.connect(site.database, "it_tool")
    with writer.cursor() as cursor:
        for sql in ("CREATE TABLE kpid.x ()", "DROP TABLE kpid.ticket", "CREATE TABLE public.x ()", "TRUNCATE kpid.alert",
                    "DELETE FROM kpid.alert", "ALTER TABLE kpid.ticket ADD x int"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(sql)
    with reader.cursor() as cursor:
        objects = site.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'report'")
        assert len(objects) >= 10
        for (name,) in objects:
            cursor.execute(f'SELECT * FROM report."{name}" LIMIT 1')
        for sql in ("SELECT * FROM kpid.ticket", "DELETE FROM report.ticket", "UPDATE report.alert SET state = 'voided'"):
            with pytest.raises(psycopg2.Error, match="permission denied|cannot"):
                cursor.execute(sql)
    writer.close()
    reader.close()
