"""PostgreSQL grants fewer sessions than an instance needs: nothing is half done, and what does not run is named."""
import json

import pytest

from daemon import event, policy, wait_until
from service_manager import ServiceManager


@pytest.fixture
def clerk(pg, make_stream, make_site):
    """A site whose daemon has a role of its own, with limit(n) for its connections."""
    site = make_site(make_stream(1), policy("1s"))
    pg.psql("DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN IN ROLE kpid_writer, pg_read_all_stats")
    site.user = "few"
    site.configure()
    site.limit = lambda n: pg.psql(f"ALTER ROLE few CONNECTION LIMIT {n}")
    yield site
    site.close()
    pg.psql("DROP ROLE few")


def findings(site, check):
    found = json.loads(site.command("doctor", "--json", "--set", "postgres.user=postgres", status=None).stdout)["findings"]
    return [finding for finding in found if finding["check"] == check]


def n_claimed(site):
    return site.one("SELECT count(*) FROM kpid.source_partition WHERE epoch > 0")


def open_ticket(site, ticket):
    site.stream.send_events([event("ticket.opened", ticket)])


def test_nothing_is_read_before_every_part_has_its_session(clerk):
    """Rows arrived once, and no deadline was judged: the session for that was not granted."""
    with ServiceManager() as manager:
        clerk.limit(3)
        daemon = clerk.start("a", environment=manager.environment)
        open_ticket(clerk, "T1")
        wait_until(lambda: daemon.logged("no events are read until every part"), "the log line", 15)
        assert daemon.logged(r"does not run, because its session cannot be opened: .*too many connections for role \"few\"")
        assert daemon.logged(r"\(53300\)|raise max_connections, or the connection limit of the role or database")
        assert "too many connections" in manager.status() and not manager.is_ready(), manager.status()
        assert n_claimed(clerk) == 0
        clerk.limit(-1)
        wait_until(lambda: clerk.one("SELECT count(*) FROM report.alert") == 1, "the breach", 20)
        assert daemon.logged("runs again")
        wait_until(lambda: manager.status() == "running" and manager.is_ready(), manager.status, 5)
        daemon.stop(5)


def test_doctor_sees_a_limit_that_is_too_low(clerk):
    clerk.limit(7)
    found = json.loads(clerk.command("doctor", "--json", status=None).stdout)["findings"]
    (limit,) = [f for f in found if f["check"] == "server" and "few" in f["what"]]
    assert limit["level"] == "fail" and "7 connections" in limit["what"] and "CONNECTION LIMIT" in limit["advice"], limit
    clerk.limit(8)
    found = json.loads(clerk.command("doctor", "--json", status=None).stdout)["findings"]
    assert not [f for f in found if f["check"] == "server" and "few" in f["what"]]


def test_how_far_events_are_complete_is_known_without_the_session_for_deadlines(clerk):
    """PostgreSQL's clock was known from that session alone. While it was missing, the clock was an estimate that no step of the
    clock corrected; before its first answer, no partition was ever complete."""
    clerk.rows("REVOKE SELECT ON kpid.acknowledgement FROM kpid_writer")  # refuses each search for deadlines
    daemon = clerk.start("a")
    since = clerk.one("SELECT clock_timestamp()")
    wait_until(lambda: clerk.one("SELECT count(*) FROM report.data_freshness WHERE complete_until > %s", since) == 4,
               daemon.log, 20)
    daemon.stop(5)


def test_a_part_that_loses_its_session_is_named(clerk):
    """While it runs, another program takes the connections: deadlines are not judged, and doctor said that all are."""
    with ServiceManager() as manager:
        daemon = clerk.start("a", environment=manager.environment)
        wait_until(lambda: n_claimed(clerk) == 4, "partitions to be taken")
        clerk.limit(1)
        judging = "SELECT pid FROM pg_stat_activity WHERE usename = 'few' AND query LIKE '%%next_deadline%%'"
        wait_until(lambda: clerk.rows(judging), "a search for deadlines")
        clerk.rows(f"SELECT pg_terminate_backend(pid) FROM ({judging}) s")
        open_ticket(clerk, "T1")
        clerk.wait_read()
        wait_until(lambda: daemon.logged("judging deadlines does not run, because its session cannot be opened: .*too many"),
                   "the log line", 15)
        assert "judging deadlines does not run" in manager.status(), manager.status()
        # A warning until all sources are known beyond the deadline.
        wait_until(lambda: [f["level"] for f in findings(clerk, "deadlines")] == ["fail"], lambda: (
            findings(clerk, "deadlines"), clerk.dicts("SELECT * FROM kpid.source_known"), clerk.dicts("SELECT * FROM kpid.heartbeat"),
            daemon.log()), 15)
        (finding,) = findings(clerk, "deadlines")
        assert "1 deadlines have passed" in finding["what"], finding
        assert "has all of its sessions" in finding["advice"], finding
        clerk.limit(-1)
        wait_until(lambda: clerk.one("SELECT count(*) FROM report.alert") == 1, "the breach", 20)
        wait_until(lambda: manager.status() == "running", manager.status, 5)
        assert daemon.logged("judging deadlines runs again")
        daemon.stop(5)
