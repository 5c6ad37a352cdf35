"""What outages cost with the default settings: the time-outs here are those that users get. tests/bench/run --only recovery
measures more outages.
"""
import contextlib
import signal
import subprocess
import sys
import time

import pytest

from daemon import Site, Stream, create_migrated, event, policy, wait_until
from kafka_cluster import KafkaCluster
from outside import Outside
from servers import Postgres

LIBRDKAFKA_S = 45  # after which the group would miss a member by librdkafka's default
SESSION_TIMEOUT_S = 8  # kpid's default: until then the group waits for a member that has gone silently


def with_defaults(site):
    for option in ("session.timeout.ms", "heartbeat.interval.ms"):
        del site.settings["kafka"][option]
    site.configure()
    return site


@pytest.fixture
def site(make_stream, make_site):
    return with_defaults(make_site(make_stream(4)))


def members(site):
    """The ids of the members of the consumer group."""
    from confluent_kafka.admin import AdminClient
    found = AdminClient({"bootstrap.servers": site.kafka.bootstrap, "log_level": 0}).list_groups(site.database, timeout=10)
    return [member.id for group in found for member in group.members]


def all_owned_by(site, *names):
    owners = site.rows("SELECT owner, count(*) FROM kpid.source_partition GROUP BY owner")
    return {owner for owner, _ in owners} == set(names) and sum(n for _, n in owners) == 16


def opened_and_read(site, count):
    """Opens a ticket in each partition and returns after how many seconds all of them are in the table."""
    count[0] += 1
    began = time.monotonic()
    site.stream.send([("opened", partition, event("ticket.opened", f"T{count[0]}-{partition}")) for partition in range(4)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.ticket") == 4 * count[0], "the tickets")
    return time.monotonic() - began


@pytest.fixture
def read(site):
    count = [0]
    return lambda: opened_and_read(site, count)


def test_a_killed_instance_reads_again_when_it_is_back(site, read):
    first = site.start("a")
    wait_until(lambda: all_owned_by(site, "a"), "all partitions to be read")
    read()
    first.kill()
    site.start("a")
    assert read() < SESSION_TIMEOUT_S, "it waited for its own session to time out"


def test_one_of_two_that_is_ended_leaves_the_group(site, read):
    site.start("a")
    second = site.start("b")
    wait_until(lambda: all_owned_by(site, "a", "b"), "both to have partitions")
    second.stop(5)
    assert read() < SESSION_TIMEOUT_S, "the group waited for the session to time out"


OTHER_MEMBER = """
import sys
from confluent_kafka import Consumer
member = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], "session.timeout.ms": 25000, "log_level": 0,
                   "partition.assignment.strategy": "cooperative-sticky"})
member.subscribe(sys.argv[3:])
while not member.assignment():
    member.poll(0.1)
print("assigned", flush=True)
while True:
    member.poll(0.1)
"""


def test_a_long_wait_for_the_group_is_logged(site):
    """The group waits for a member that is frozen. An instance that waited for the group used to be silent."""
    command = [sys.executable, "-c", OTHER_MEMBER, site.kafka.bootstrap, site.database, *site.stream.topics.values()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as member:
        try:
            assert member.stdout.readline() == "assigned\n"
            member.send_signal(signal.SIGSTOP)
            daemon = site.start("a")
            wait_until(lambda: daemon.logged("waiting for the consumer group to assign partitions, for 1[5-9] s"), "a line of the log", 30)
        finally:
            member.kill()
    wait_until(lambda: daemon.logged("16 partitions taken"), "the partitions", 40)


@pytest.mark.parametrize("delay", [0.3, 2])
def test_an_instance_that_is_ended_while_it_joins_leaves_the_group(site, read, delay):
    site.start("a")
    wait_until(lambda: all_owned_by(site, "a"), "all partitions to be read")
    second = site.start("b")
    time.sleep(delay)
    began = time.monotonic()
    second.stop(5)
    wait_until(lambda: len(members(site)) == 1, "one member")
    assert time.monotonic() - began < SESSION_TIMEOUT_S, "the group waited for the session to time out"
    read()


def test_two_of_one_name_on_a_machine(site):
    site.start("a")
    wait_until(lambda: all_owned_by(site, "a"), "all partitions to be read")
    other = site.command("run", "--set", "run.instance=a", status=3)
    assert 'another kpid on this machine is in the group' in other.stderr and "run.instance" in other.stderr
    assert len(members(site)) == 1


def test_instances_without_a_name_share_the_work(site, read):
    """The machine's name is the first one's, and the next gets a number."""
    daemons = [site.start(log, run_instance=None) for log in ("first", "second")]
    wait_until(lambda: site.one("SELECT count(DISTINCT owner) FROM kpid.source_partition") == 2, "both to have partitions")
    assert len(members(site)) == 2
    read()
    for daemon in daemons:
        daemon.stop(5)


def test_the_partitions_of_a_killed_instance_are_taken_over(site, read):
    site.start("a")
    second = site.start("b")
    wait_until(lambda: all_owned_by(site, "a", "b"), "both to have partitions")
    read()
    second.kill()
    killed = time.monotonic()
    wait_until(lambda: all_owned_by(site, "a"), "the first to have all partitions")
    took = time.monotonic() - killed
    print(f"taken over after {took:.1f} s")
    assert took < LIBRDKAFKA_S / 2, "the group waited for longer than kpid's session time-out"
    read()


# ---- servers of their own: a network that can be cut, brokers that can be lost ----

@contextlib.contextmanager
def own_site(request, pg, kafka, binary, folder, policy_file, stream):
    """A site on servers that the session does not share."""
    create_migrated(pg, binary, "recovery")
    site = with_defaults(Site(pg, kafka, binary, "recovery", folder, stream, policy_file))
    request.node.sites = [site]
    try:
        yield site
    finally:
        faults = site.close()
    assert not faults, "\n".join(faults)


def open_tickets(site, prefix):
    site.stream.send([("opened", partition, event("ticket.opened", f"{prefix}-{partition}")) for partition in range(4)])


def sent(site, prefix):
    """The breaches of these tickets on the alert topic."""
    return [key for key, body, _ in site.alerts() if key.startswith(prefix) and body["type"] == "kpid.alert.breached"]


@pytest.fixture
def outside():
    try:
        made = Outside()
    except OSError as error:
        pytest.skip(f"cannot create a network here: {error}")
    yield made
    made.close()


def test_alerts_are_sent_after_a_silent_cut_to_postgresql(request, outside, kafka, binary, tmp_path):
    """The server kept the dead session, with a lock for sending, for the two hours of its keepalive: rows came back at
    once, and no alert was sent."""
    settings = {"fsync": "off", "listen_addresses": f"127.0.0.1,{outside.postgres.here}"}
    stream = Stream(kafka, "cut", {"opened": 4, "closed": 1, "survey": 1, "activity": 1})
    outside.reach_kafka(kafka.port)
    with Postgres(settings=settings) as pg:
        outside.admit_to(pg)
        with own_site(request, pg, kafka, binary, tmp_path / "site", policy("1s"), stream) as site:
            site.pg_host = outside.postgres.here
            site.configure()
            daemon = site.start("a", within=outside.command)
            open_tickets(site, "before")
            wait_until(lambda: len(sent(site, "before")) == 4, "the first alerts", 20)
            outside.postgres.cut()
            open_tickets(site, "meanwhile")
            wait_until(lambda: daemon.logged(r"PostgreSQL \(outbox\) is unreachable"), "the cut to be noticed", 30)
            outside.postgres.heal()
            healed = time.monotonic()
            open_tickets(site, "after")
            wait_until(lambda: len(sent(site, "meanwhile") + sent(site, "after")) == 8, "the alerts", 40)
            print(f"sent {time.monotonic() - healed:.1f} s after the end of the cut")
            site.check_recomputed()
            daemon.stop(5)
        for topic in (*stream.topics.values(), site.alert_topic):
            kafka.delete_topic(topic)


def test_breaches_are_confirmed_after_one_of_three_brokers_is_lost(request, pg, binary, tmp_path):
    """The end of the partitions that it led timed out, all others counted as timed out too, and its leadership was never
    asked for again: every breach was unconfirmed until it came back."""
    with KafkaCluster(3) as kafka:
        stream = Stream(kafka, "lost", {"opened": 4, "closed": 1, "survey": 1, "activity": 1})
        with own_site(request, pg, kafka, binary, tmp_path / "site", policy("1s"), stream) as site:
            daemon = site.start("a")
            open_tickets(site, "before")
            wait_until(lambda: len(sent(site, "before")) == 4, "the first alerts", 30)
            kafka.leaders(stream.topics["opened"])[0].kill()
            open_tickets(site, "meanwhile")  # returns when the new leaders have them
            open_tickets(site, "after")
            wait_until(lambda: len(sent(site, "meanwhile") + sent(site, "after")) == 8, "the alerts", 40)
            assert site.one("SELECT count(*) FROM report.alert WHERE unconfirmed") == 0
            daemon.stop(5)
        pg.drop_database("recovery")
