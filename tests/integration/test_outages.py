"""PostgreSQL and Kafka go down under load and come back: nothing is lost or counted twice, and each is logged once."""
import collections
import threading
import time

import pytest

from conftest import POLICY
from daemon import LONG, event, now, wait_until

OUTAGE = 30 if LONG else 8  # seconds
SMALL = {"run": {"batch_max_events": 400}, "kafka": {"session.timeout.ms": 6000 if LONG else 3000, "heartbeat.interval.ms": 500}}


class Load(threading.Thread):
    """Sends the events of a part of the incidents at a pace until asked to end, then all the rest."""

    def __init__(self, stream, values, per_second):
        super().__init__(daemon=True)
        self.stream, self.values, self.per_second = stream, values, per_second
        self.hurry = threading.Event()
        self.error = None
        self.n_sent = 0

    def run(self):
        try:
            size = self.per_second // 10
            for start in range(0, len(self.values), size):
                self.stream.send_events(self.values[start:start + size], **{"reconnect.backoff.max.ms": 500, "log_level": 0})
                self.n_sent = start
                self.hurry.wait(0 if self.hurry.is_set() else 0.1)
        except BaseException as error:
            self.error = error

    def finish(self):
        self.hurry.set()
        self.join()
        if self.error:
            raise self.error


def check_log(daemon, away, back):
    """Every connection logs once that the server is gone and once that it is back, and little else is logged."""
    gone, returned = daemon.logged(away), daemon.logged(back)
    assert gone and all(count == 1 for count in collections.Counter(gone).values()), gone
    assert collections.Counter(gone) == collections.Counter(returned), (gone, returned)
    lines = daemon.logged(r"(?m)^\S+ (?:warning|error) .*$")
    assert len(lines) <= 12, "\n".join(lines)


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_postgresql_down(make_stream, make_site, part, pg, how):
    stream = make_stream(4)
    site = make_site(stream, POLICY, SMALL)
    load = Load(stream, part.disordered(seed=1), 3000)
    load.start()
    daemons = [site.start("a"), site.start("b")]
    site.wait_progress(3_000)
    members = wait_until(lambda: len(daemons[0].logged("partitions taken")) and daemons[1].logged("partitions taken") and
                         sum(len(d.logged("partitions (?:taken|given up)")) for d in daemons), "both to be members")
    site.wait_progress(1_000)
    n_before = site.n_read()
    site.disconnect()
    sent_before = load.n_sent
    if how == "stopped":
        pg.kill()
    else:
        pg.pause()
    time.sleep(OUTAGE)
    assert all(daemon.running() for daemon in daemons)
    assert load.n_sent > sent_before, "nothing was sent meanwhile"
    if how == "stopped":
        pg.start()
    else:
        pg.cont()
    site.wait_progress(1)
    assert n_before < len(part.values)
    load.finish()
    site.wait_read()
    site.wait_settled()
    site.check(part.expected.get())
    peak = site.check_memory()
    assert sum(len(d.logged("partitions (?:taken|given up)")) for d in daemons) == members, "the group was left"
    if how == "stopped":
        for daemon in daemons:
            check_log(daemon, r"PostgreSQL \((.*?)\) is unreachable", r"PostgreSQL \((.*?)\) is back")
    assert peak > 0
    for daemon in daemons:
        daemon.stop(5)


def test_kafka_down(make_stream, make_site, part, kafka):
    stream = make_stream(4)
    site = make_site(stream, POLICY, SMALL)
    load = Load(stream, part.disordered(seed=2), 3000)
    load.start()
    daemons = [site.start("a"), site.start("b")]
    site.wait_progress(5_000)
    n_before = site.n_read()
    kafka.kill()
    time.sleep(OUTAGE)
    assert all(daemon.running() for daemon in daemons)
    kafka.start()
    site.wait_progress(1)
    load.finish()
    site.wait_read()
    site.wait_settled()
    assert n_before < len(part.values)
    site.check(part.expected.get())
    site.check_memory()
    for daemon in daemons:
        check_log(daemon, "(Kafka) is away", "(Kafka) is back")
        daemon.stop(5)


def test_both_down_at_the_start(make_stream, make_site, pg, kafka):
    """It waits for both servers, in any order."""
    stream = make_stream(2)
    stream.send_events([event("ticket.opened", f"T{i}") for i in range(100)])
    site = make_site(stream)
    site.disconnect()
    kafka.stop()
    pg.stop()
    daemon = site.start("a")
    wait_until(lambda: "is unreachable" in daemon.log(), "PostgreSQL to be reported as unreachable")
    pg.start()
    began = now()
    wait_until(lambda: "Kafka is away" in daemon.log(), "Kafka to be reported as unreachable")
    kafka.start()
    site.wait_read()
    assert daemon.running() and now() > began
    assert site.one("SELECT count(*) FROM report.ticket") == 100
    daemon.stop(5)


def test_alerts_wait_for_kafka(make_stream, make_site, kafka):
    """Unsent messages wait in the database until Kafka accepts them, then are sent once, in order."""
    stream = make_stream(1)
    site = make_site(stream, {"revisions": [{"id": "1", "calendars": {"always": {"always": True}}, "policies": [
        {"name": "all", "targets": {"first_response": {"within": "1s", "calendar": "always"}}}]}]},
        {"sla": {"max_silence": "2s"}})
    site.start("a")
    opened = now()
    stream.send_events([event("ticket.opened", f"T{i}", opened) for i in range(200)])
    site.wait_read()
    kafka.kill()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == 200, "the alerts")
    kafka.start()
    site.wait_settled()
    keys = [key for key, body, _ in site.alerts() if body["type"] == "kpid.alert.breached"]
    assert sorted(set(keys)) == sorted(f"T{i}/first_response/1" for i in range(200))
    assert site.one("SELECT count(*) FROM report.alert WHERE delivery = 'sent'") == 200
