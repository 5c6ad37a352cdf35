"""Every event counts exactly once: through rebalances, kill -9, zombies and commits with an unknown outcome."""
import time

import psycopg2
import pytest

from conftest import POLICY
from daemon import LONG, Proxy, event, wait_until

# Short session timeouts, so that a kill does not cost the test many seconds.
QUICK = {"kafka": {"session.timeout.ms": 6000 if LONG else 1500, "heartbeat.interval.ms": 300}}
SMALL = {**QUICK, "run": {"batch_max_events": 1000}}


def test_two_daemons(make_site, incident_stream, incidents_expected):
    site = make_site(incident_stream, POLICY)
    site.start("a")
    site.start("b")
    site.wait_read()
    site.wait_settled()
    owners = dict(site.rows("SELECT owner, count(*) FROM kpid.source_partition GROUP BY 1"))
    assert set(owners) == {"a", "b"}, owners
    n_read, n_duplicates = site.rows("SELECT sum(n_messages), sum(n_duplicates) FROM kpid.source_partition")[0]
    assert n_read == sum(incident_stream.ends().values()), "a message was skipped, or counted twice even if as a duplicate"
    assert n_read > n_duplicates > 0.04 * float(n_read)
    site.check(incidents_expected.get())
    site.check_memory()
    for daemon in site.daemons.values():
        daemon.stop(5)


def test_kill_9(make_site, incident_stream, incidents_expected, chance):
    site = make_site(incident_stream, POLICY, SMALL)
    total = sum(incident_stream.ends().values())
    for name in "ab":
        site.start(name)
    read_at_kill = []
    for _ in range(10):
        # The load goes on: the next kill hits a running transaction, or the time between two.
        left = total - site.n_read()
        site.wait_progress(min(5_000, left // 4))
        time.sleep(chance.uniform(0, 0.1))
        victim = site.daemons[chance.choice("ab")]
        assert victim.running()
        victim.kill()
        read_at_kill.append(site.n_read())
        site.start(victim.name)
    n_kills = len(read_at_kill)
    assert n_kills == 10 and read_at_kill[-1] < total and len(set(read_at_kill)) == n_kills, (
        f"{n_kills} kills, but not all while work was under way: {read_at_kill} of {total} had been read")
    site.wait_read()
    site.wait_settled()
    site.check(incidents_expected.get())


@pytest.mark.parametrize("strategy", ["range", pytest.param("cooperative-sticky", marks=pytest.mark.long)])
def test_zombie(make_site, part_stream, part, strategy):
    """A daemon is frozen for longer than its session, another takes over, and then the first one continues."""
    site = make_site(part_stream, POLICY, {**SMALL, "kafka": {
        **QUICK["kafka"], "partition.assignment.strategy": strategy}})
    zombie = site.start("a")
    site.wait_progress(5_000)
    zombie.pause()
    site.start("b")
    # It may hold locks. PostgreSQL would end such a transaction after a minute; this is faster.
    wait_until(lambda: site.one(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'a' AND "
        "datname = current_database() AND state = 'idle in transaction' AND "
        "state_change < now() - interval '1 second'") >= 0 and site.one(
        "SELECT count(*) FROM kpid.source_partition WHERE owner = 'b'") == 16, "b to take everything over")
    at_wake = site.n_read()
    site.wait_progress(1_000)
    zombie.cont()
    site.wait_read()
    site.wait_settled()
    site.check(part.expected.get())
    assert at_wake < sum(part_stream.ends().values())
    said = r"was claimed by another instance|membership in the consumer group was lost"
    wait_until(lambda: zombie.logged(said), "the zombie to say what happened to it")
    # It has rejoined the group.
    wait_until(lambda: site.one("SELECT count(DISTINCT owner) FROM kpid.source_partition") == 2, "both to read")


@pytest.mark.parametrize("strategy", [pytest.param("range", marks=pytest.mark.long), "cooperative-sticky"])
def test_daemons_join_and_leave(make_site, incident_stream, incidents_expected, chance, strategy):
    """Daemons join and leave while events are read, some by a clean stop and some by a kill."""
    site = make_site(incident_stream, POLICY, {
        "kafka": {**QUICK["kafka"], "partition.assignment.strategy": strategy}, "run": {"batch_max_events": 20}})
    site.start("a")
    site.wait_progress(2_000)
    n_moves = 0
    total = sum(incident_stream.ends().values())
    for turn in range(6):
        name = "bc"[turn % 2]
        site.start(name)
        wait_until(lambda: site.one("SELECT count(*) FROM kpid.source_partition WHERE owner = %s", name) > 0,
                   f"{name} to get partitions")
        time.sleep(chance.uniform(0, 0.2))
        if site.n_read() < total:
            n_moves += 1
        if turn % 3 == 2:
            site.daemons[name].kill()
        else:
            site.daemons[name].stop(5)
    assert n_moves >= 3, f"all was read after {n_moves} moves"
    site.wait_read()
    site.wait_settled()
    site.check(incidents_expected.get())


def test_backends_are_killed(make_site, part_stream, part, chance):
    """PostgreSQL terminates connections at random, many times, while events are read."""
    site = make_site(part_stream, POLICY, {**QUICK, "run": {"batch_max_events": 100}})
    for name in "ab":
        site.start(name)
    # A starting daemon checks the database, and ends if it cannot.
    wait_until(lambda: site.one("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                "application_name IN ('a', 'b')") >= 8, "both to run")
    n_killed = 0
    total = sum(part_stream.ends().values())
    while site.n_read() < total:
        n_killed += site.one(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "
            "pid <> pg_backend_pid() AND application_name IN ('a', 'b') AND random() < 0.4")
        time.sleep(chance.uniform(0.02, 0.15))
    assert n_killed >= 15, f"only {n_killed} connections were ended"
    site.wait_read()
    site.wait_settled()
    site.check(part.expected.get())


@pytest.mark.long  # test_cut_at_each_byte_of_a_commit cuts at these places as well
def test_ambiguous_commits(make_site, part_stream, part):
    """The connection is cut at the worst moments: just before COMMIT reaches the server, or just before its answer
    arrives."""
    site = make_site(part_stream, POLICY, SMALL)
    proxy = Proxy(site.pg.port)
    site.pg_port = proxy.port
    site.configure()
    proxy.cut_before, proxy.cut_after = 0.1, 0.25
    site.start("a")
    site.wait_progress(12_000)
    site.start("b")
    site.wait_read()
    site.wait_settled()
    proxy.close()
    assert proxy.n_cut_after >= 5 and proxy.n_cut_before >= 2, (proxy.n_commits, proxy.n_cut_before, proxy.n_cut_after)
    site.check(part.expected.get())


def test_cut_at_each_byte_of_a_commit(make_site, part_stream, part, chance):
    """Whichever part of a COMMIT or of its answer got through: the batch counts once. KPID_LONG=1 tries all bytes."""
    site = make_site(part_stream, POLICY, {**SMALL, "run": {"batch_max_events": 80}})
    proxy = Proxy(site.pg.port)
    places = [("client", n) for n in range(64)] + [("server", n) for n in range(20)]
    proxy.cut_at = places if LONG else chance.sample(places, 28)
    chance.shuffle(proxy.cut_at)
    n_cuts = len(proxy.cut_at)
    site.pg_port = proxy.port
    site.configure()
    site.start("a")
    site.wait_read()
    site.wait_settled()
    proxy.close()
    assert proxy.n_cut_at == n_cuts, f"{proxy.n_cut_at} of {n_cuts} cuts in {proxy.n_commits} commits"
    site.check(part.expected.get())


def test_a_stalled_transaction(make_stream, make_site):
    """The machine of an instance is gone: its server process holds rows that others need. They terminate it."""
    stream = make_stream(1)
    site = make_site(stream)
    daemon = site.start("a")
    stream.send([("opened", 0, event("ticket.opened", f"T{i}")) for i in range(10)])
    site.wait_read()
    gone = site.pg.connect(site.database)
    gone.autocommit = False
    gone.cursor().execute("SELECT FROM kpid.ticket WHERE ticket_id = 'T3' FOR UPDATE")
    stream.send([("activity", 0, event("ticket.responded", f"T{i}", agent_id="ann")) for i in range(10)])
    # Within 30 s, not the minute after which PostgreSQL itself would end it.
    wait_until(lambda: daemon.logged("terminated the session of a stalled instance"), "it to be ended", timeout=30)
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket WHERE responder_id = 'ann'") == 10, "its ticket")
    with pytest.raises(psycopg2.Error):
        gone.cursor().execute("SELECT 1")
    gone.close()
    site.check_recomputed()


def test_a_cancelled_first_transaction(make_site, part_stream, part):
    """An error in the very first statements of a connection: what follows is retried and succeeds."""
    site = make_site(part_stream, POLICY)
    locker = site.pg.connect(site.database)
    locker.autocommit = False
    locked = locker.cursor()
    site.start("a")
    # Claims pass before the lock is taken, batches do not.
    wait_until(lambda: locked.execute("SELECT count(*) FROM kpid.source_partition WHERE epoch > 0") or
               (locked.fetchone()[0] == 16) or locker.rollback(), "all partitions to be claimed", every=0.001)
    locked.execute("LOCK TABLE kpid.source_partition IN EXCLUSIVE MODE")
    n_before = site.n_read()
    n_cancelled = 0
    for _ in range(5):
        n_cancelled += wait_until(lambda: site.one(
            "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "
            "application_name = 'a' AND wait_event_type = 'Lock' AND query LIKE '%%NO KEY UPDATE%%'"),
            "a batch to wait for the lock")
    assert n_cancelled >= 5 and site.n_read() == n_before
    locker.rollback()
    locker.close()
    site.wait_read()
    site.wait_settled()
    site.check(part.expected.get())
    assert "does not exist" not in site.daemons["a"].log()
