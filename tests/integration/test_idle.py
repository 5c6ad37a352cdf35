"""An idle instance asks the database rarely, and still notices at once what it has to do."""
import pathlib
import time

from daemon import event, policy, wait_until
from test_deadlines import SOON, alert_of
from test_leases import holder, put_alert
from test_settings import write_file

WATCH_S = 10
BEAT_S = 2
LONGEST_LOOK_S = 10  # kpid looks for work that nobody has announced


def started(site):
    daemon = site.start("a")
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.source_partition WHERE epoch > 0") > 0, "partitions to be taken")
    wait_until(lambda: holder(site, "outbox") == holder(site, "receivers") == "a", "the leases to be taken")
    return daemon


def commits(site):
    return site.one("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")


def test_an_idle_instance_asks_the_database_rarely(make_stream, make_site):
    """It used to commit 27 transactions a second."""
    site = make_site(make_stream(1), policy(first_response="1h"))
    started(site)
    time.sleep(5)
    before = commits(site)
    time.sleep(WATCH_S)
    assert commits(site) - before < 10 * WATCH_S  # usually 2; PostgreSQL reports some of the start late


def threads(daemon):
    """(name, number) of each thread."""
    for folder in pathlib.Path(f"/proc/{daemon.pid}/task").iterdir():
        yield folder.joinpath("comm").read_text().strip(), folder.name


def test_idle_kafka_clients_do_not_spin(make_stream, make_site):
    """A client's main thread used to turn in a loop for up to a millisecond before each of its timers: half of what an idle
    instance cost. With this timer slack it sleeps instead. kpid's own timers stay exact."""
    daemon = started(make_site(make_stream(1), policy(first_response="1h")))
    slack_ns = {}
    for name, number in threads(daemon):
        slack_ns.setdefault(name, set()).add(int(pathlib.Path(f"/proc/{number}/timerslack_ns").read_text()))
    assert slack_ns["rdk:main"] == {2_000_000, 10_000_000}  # of the producer, of consumers
    assert slack_ns["kpid"] == {50_000}


def test_only_the_sender_of_alerts_has_a_producer(make_stream, make_site):
    """Each client costs CPU while nothing happens."""
    site = make_site(make_stream(1), policy(first_response="1h"))
    first = started(site)
    second = site.start("b")
    wait_until(lambda: site.one("SELECT count(DISTINCT owner) FROM kpid.source_partition") == 2, "both to read")

    def clients(daemon):
        return sum(name == "rdk:main" for name, _ in threads(daemon))

    assert clients(first) == clients(second) + 1
    first.stop()
    put_alert(site, 1)
    wait_until(lambda: site.alerts(), "the second one to send the message")
    assert holder(site, "outbox") == "b"


def test_an_idle_partition_that_another_instance_has_claimed_is_given_up(make_stream, make_site):
    """No batch would notice it."""
    site = make_site(make_stream(1), policy(first_response="1h"))
    daemon = started(site)
    topic = site.stream.topics["opened"]
    named = "SELECT heartbeat_no IS NOT NULL FROM kpid.source_partition WHERE topic = %s"
    wait_until(lambda: site.one(named, topic), "the heartbeat to vouch for it")
    time.sleep(2 * BEAT_S)
    site.rows("UPDATE kpid.source_partition SET epoch = epoch + 1, owner = 'b', heartbeat_no = NULL WHERE topic = %s", topic)
    wait_until(lambda: daemon.logged(f"{topic}/0 was claimed by another instance"), "it to find out", 10 * BEAT_S)


def test_an_alert_without_a_notification_is_sent_all_the_same(make_stream, make_site):
    """As if it had come while the session of the sender was lost."""
    site = make_site(make_stream(1), policy(first_response="1h"))
    started(site)
    time.sleep(2)
    site.rows("ALTER TABLE kpid.outbox DISABLE TRIGGER wake_up")
    put_alert(site, 1)
    wait_until(lambda: site.alerts(), "the message", 2 * LONGEST_LOOK_S)


def test_a_running_instance_fires_the_deadlines_of_an_ingested_file(make_stream, make_site):
    """The command has ended by then."""
    site = make_site(make_stream(1), policy(first_response="5s"))
    started(site)
    time.sleep(2)
    site.command("ingest", write_file(site, "T1"))
    assert alert_of(site, "T1") is None
    breach = wait_until(lambda: alert_of(site, "T1"), "the breach")
    assert breach["detected"] - breach["due"] < SOON


def test_a_silence_ends_in_time(make_stream, make_site):
    site = make_site(make_stream(1), policy(first_response="1s"))
    started(site)
    site.rows("SELECT report.silence_alerts(clock_timestamp() + interval '4 s', 'bob', 'works')")
    site.stream.send_events([event("ticket.opened", "T1")])
    wait_until(lambda: alert_of(site, "T1"), "the breach")
    wait_until(lambda: site.alerts(), "the message")
    late = site.one("SELECT extract(epoch FROM clock_timestamp() - ends_at)::float8 FROM kpid.silence")
    assert 0 < late < 1 + SOON
