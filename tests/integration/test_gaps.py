"""Messages that no longer exist: the partition stops and reports it, the others continue, until the gap is
accepted.
"""
import re
import time

import pytest

from daemon import event, failing_calls, wait_until


CHECKED = 5  # seconds after which the position has been checked again and is known to be unchanged


def openings(numbers, partition):
    return [("opened", partition, event("ticket.opened", f"P{partition}-{i}")) for i in numbers]


def gap_of(site, place):
    found = site.dicts(f"SELECT * FROM report.gap WHERE topic = '{place[0]}' AND partition = {place[1]} "
                       "AND accepted_at IS NULL")
    assert len(found) <= 1
    return found[0] if found else None


def state_of(site, place):
    return site.rows("SELECT state, state_reason FROM report.data_freshness WHERE topic = %s AND partition = %s", *place)[0]


def accept(site, place):
    done = site.command("gap", "accept", f"{place[0]}/{place[1]}", status=None)
    assert done.returncode == 0, done.stderr


def check_stands(site, stream, daemon, place, others):
    """The partition stops with one gap; messages on other partitions are read."""
    gap = wait_until(lambda: gap_of(site, place), "the gap")
    state, reason = state_of(site, place)
    assert state == "stopped" and reason == gap["reason"]
    assert len(daemon.logged(rf"{place[0]}/{place[1]} is stopped")) == 1
    before = site.places()[place]
    stream.send(openings(range(5000, 5050), others))
    stream.send(openings(range(5000, 5050), place[1]))
    site.wait_read(but=(place,))
    assert site.places()[place] == before, "something was skipped"
    return gap


@pytest.fixture
def running(make_stream, make_site):
    stream = make_stream(2)
    site = make_site(stream)
    site.start("a")
    stream.send(openings(range(100), 0) + openings(range(100), 1))
    site.wait_read()
    return stream, site, (stream.topics["opened"], 0)


def test_deleted_before_it_was_read(running, kafka):
    stream, site, place = running
    site.daemons["a"].stop(5)
    stream.send(openings(range(100, 200), 0))
    kafka.delete_records(place[0], {0: 150})
    daemon = site.start("a")
    gap = check_stands(site, stream, daemon, place, 1)
    assert (gap["expected_offset"], gap["low_offset"]) == (100, 150)
    # A restart changes nothing and records no second gap.
    daemon.stop(5)
    daemon = site.start("a")
    stream.send(openings(range(6000, 6010), 1))
    site.wait_read(but=(place,))
    assert site.places()[place] == 100 and site.one("SELECT count(*) FROM report.gap") == 1
    accept(site, place)
    site.wait_read()
    assert state_of(site, place) == ("running", None)
    # 100 read, 50 lost, 50 after the gap, 50 and 50 and 10 later.
    assert site.one("SELECT count(*) FROM report.ticket") == 200 + 50 + 50 + 50 + 10
    gap = site.dicts("SELECT * FROM report.gap")[0]
    assert gap["accepted_at"] and gap["accepted_by"] and gap["resumed_at_offset"] == 150


def test_deleted_while_it_runs(make_stream, make_site, kafka):
    """Records are deleted before a slow reader reaches them."""
    stream = make_stream(1)
    site = make_site(stream, settings={
        "run": {"batch_max_events": 10, "memory": "48MiB"},
        "kafka": {"fetch.max.bytes": 100_000, "max.partition.fetch.bytes": 50_000, "queued.min.messages": 10,
                  "queued.max.messages.kbytes": 64, "message.max.bytes": 100_000}})
    place = (stream.topics["opened"], 0)
    stream.send([("opened", 0, event("ticket.opened", f"T{i}", padding="x" * 2000)) for i in range(20_000)])
    daemon = site.start("a")
    site.wait_progress(100)
    daemon.pause()
    end = stream.ends()[place]
    kafka.delete_records(place[0], {0: end - 100})
    daemon.cont()
    gap = wait_until(lambda: gap_of(site, place), "the gap")
    assert state_of(site, place)[0] == "stopped"
    assert site.n_read() == gap["expected_offset"] < end - 100
    accept(site, place)
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == gap["expected_offset"] + 100


STRATEGIES = {"cooperative-sticky": "rd_kafka_incremental_assign", "range": "rd_kafka_assign"}


@pytest.mark.parametrize("recreated", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_topic_that_does_not_begin_at_zero(make_stream, make_site, kafka, library, strategy, recreated):
    """Nothing of the topic was read yet, so nothing is missing, and everything that exists is read. This also holds
    if the topic is recreated after its offsets were fetched and before it is read: then the first message that
    arrives is not the first that exists."""
    stream = make_stream(1)
    site = make_site(stream, settings={"kafka": {"partition.assignment.strategy": strategy}})
    topic = stream.topics["opened"]
    stream.send(openings(range(10), 0))
    kafka.delete_records(topic, {0: 5})
    daemon = site.start("a", failing_calls(site.binary, library, KPID_STOP=f"{STRATEGIES[strategy]}:1"))
    wait_until(lambda: re.search("^fail_call: .* stops$", daemon.log(), re.MULTILINE), "the offsets to have been fetched")
    if recreated:
        kafka.recreate_topic(topic, 1)
        stream.send(openings(range(100, 108), 0))
    daemon.cont()
    site.wait_read()
    stream.send(openings(range(200, 203), 0))
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == (8 if recreated else 5) + 3
    assert site.one("SELECT count(*) FROM report.gap") == 0


@pytest.mark.parametrize("before", ["deleted", "aborted"])
def test_a_topic_recreated_and_as_long_as_before_although_nothing_was_read(make_stream, make_site, kafka, before):
    """No message identifies the former log, and the reader's offset exists in the new one."""
    stream = make_stream(1)
    site = make_site(stream)
    place = (stream.topics["opened"], 0)
    if before == "deleted":
        stream.send(openings(range(5), 0))
        kafka.delete_records(place[0])
    else:
        stream.send(openings(range(4), 0), transaction="abort")
    wait_until(lambda: stream.ends()[place] == 5, "the end of the transaction to be written")
    daemon = site.start("a")
    seen = "SELECT lag_messages = 0 FROM report.data_freshness WHERE topic = %s AND partition = %s"
    wait_until(lambda: site.rows(seen, *place) == [(True,)], "the partition to be seen at its end")
    daemon.pause()
    kafka.recreate_topic(place[0], 1)
    stream.send(openings(range(100, 105), 0))
    daemon.cont()
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 5
    assert site.one("SELECT count(*) FROM report.gap") == 0


@pytest.mark.parametrize("n_new", [20, 300])
def test_topic_recreated_while_down(running, kafka, n_new):
    """Shorter than what was read, and longer: then another message has the offset of the last one that was read."""
    stream, site, place = running
    site.daemons["a"].stop(5)
    kafka.recreate_topic(place[0], 2)
    stream.send(openings(range(1000, 1000 + n_new), 0) + openings(range(1000, 1000 + n_new), 1))
    daemon = site.start("a")
    other = (place[0], 1)
    for stopped in (place, other):
        wait_until(lambda stopped=stopped: gap_of(site, stopped), "the gap")
        assert state_of(site, stopped)[0] == "stopped"
    assert site.places()[place] == 100 and site.one("SELECT count(*) FROM report.ticket") == 200
    # Other topics continue.
    stream.send([("activity", 0, event("ticket.responded", "P0-1", agent_id="ann"))])
    site.wait_read(but=(place, other))
    assert daemon.running()
    for stopped in (place, other):
        accept(site, stopped)
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 200 + 2 * n_new


def test_topic_recreated_while_it_runs(running, kafka):
    stream, site, place = running
    kafka.recreate_topic(place[0], 2)
    stream.send(openings(range(1000, 1020), 0) + openings(range(1000, 1020), 1))
    other = (place[0], 1)
    for stopped in (place, other):
        wait_until(lambda stopped=stopped: gap_of(site, stopped), "the gap")
    assert site.one("SELECT count(*) FROM report.ticket") == 200
    for stopped in (place, other):
        accept(site, stopped)
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 240


def test_topic_recreated_with_as_many_messages_as_before(running, kafka):
    """Nothing of it is read, and no offset reveals it."""
    stream, site, place = running
    daemon = site.daemons["a"]
    time.sleep(CHECKED)
    daemon.pause()
    kafka.recreate_topic(place[0], 2)
    stream.send(openings(range(1000, 1100), 0) + openings(range(1000, 1100), 1))
    daemon.cont()
    partitions = (place, (place[0], 1))
    wait_until(lambda: any(gap_of(site, stopped) for stopped in partitions), "a gap")
    # One of them takes its turn to be checked every 10 s. The other one follows at once.
    wait_until(lambda: all(gap_of(site, stopped) for stopped in partitions), "the other gap", 8)
    for stopped in partitions:
        accept(site, stopped)
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 400


@pytest.mark.parametrize("killed", [False, True])
def test_topic_recreated_and_as_long_as_before_within_a_moment(running, kafka, killed):
    """The reader continues at its offset in another log. It detects this, also after a crash, and what it skipped
    is read. If all of this took longer than the interval between checks, a partition is checked before it is read."""
    stream, site, place = running
    other = (place[0], 1)
    daemon = site.daemons["a"]
    time.sleep(CHECKED)  # so that it does not check its position just before it is killed
    daemon.pause()
    kafka.recreate_topic(place[0], 2)
    stream.send(openings(range(1000, 1150), 0) + openings(range(1000, 1150), 1))
    daemon.cont()
    if killed:
        wait_until(lambda: all(site.places()[p] == 150 or gap_of(site, p) for p in (place, other)),
                   "messages after the offset to be read")
        daemon.kill()
        site.start("a")
    n_read = 0
    for stopped in (place, other):
        gap = wait_until(lambda stopped=stopped: gap_of(site, stopped), "the gap")
        assert (gap["low_offset"], gap["high_offset"]) == (0, 150) and gap["expected_offset"] in (100, 150)
        assert "recreated while it was read" in gap["reason"]
        n_read += gap["expected_offset"]
    assert site.one("SELECT count(*) FROM report.ticket") == n_read
    for stopped in (place, other):
        accept(site, stopped)
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 500


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_gaps_accepted_at_once(make_stream, make_site, kafka, strategy):
    """All messages from each accepted offset on are read, including those that arrive while gaps are accepted one
    by one."""
    stream = make_stream(4)
    site = make_site(stream, settings={"kafka": {"partition.assignment.strategy": strategy}})
    daemon = site.start("a")
    stream.send([message for partition in range(4) for message in openings(range(10), partition)])
    site.wait_read()
    topic = stream.topics["opened"]
    kafka.recreate_topic(topic, 4)
    stream.send([message for partition in range(4) for message in openings(range(20, 25), partition)])
    for partition in range(4):
        wait_until(lambda partition=partition: gap_of(site, (topic, partition)), "the gap")
    daemon.pause()
    for partition in range(4):
        accept(site, (topic, partition))
    daemon.cont()
    for i in range(30, 130):
        stream.send([message for partition in range(4) for message in openings([i], partition)])
        time.sleep(0.02)
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 4 * (10 + 5 + 100)


def test_rejected_messages_of_a_recreated_topic(running, kafka):
    """Two messages had the same offset: both were rejected, and both are kept, shown and requeued."""
    stream, site, place = running
    old, new, again = b"{old", b"{new", b"{old and new"
    stream.send([("opened", 0, old)])
    site.wait_read()
    site.daemons["a"].stop(5)
    kafka.recreate_topic(place[0], 2)
    stream.send(openings(range(1000, 1100), 0) + [("opened", 0, new), ("opened", 0, again)])
    site.start("a")
    wait_until(lambda: gap_of(site, place), "the gap")
    accept(site, place)
    site.wait_read(but=((place[0], 1),))
    letters = "SELECT \"offset\", value FROM kpid.dead_letter ORDER BY \"offset\", letter_no"
    assert [(offset, bytes(value)) for offset, value in site.rows(letters)] == [(100, old), (100, new), (101, again)]
    name = f"{place[0]}/0/100"
    shown = site.command("dlq", "show", name).stdout
    assert shown.count(name) == 2 and shown.index(old.decode()) < shown.index(new.decode())
    assert site.command("dlq", "show", "--raw", name).stdout == (old + new).decode()
    # Each is requeued with its own bytes, and comes back as a dead letter with new coordinates.
    site.command("dlq", "requeue", name)
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.dead_letter") == 5, "both to come back")
    assert [bytes(value) for (value,) in site.rows(
        "SELECT value FROM kpid.dead_letter WHERE requeued_at IS NOT NULL ORDER BY letter_no")] == [old, new]
    assert sorted(bytes(value) for _, value in site.rows(letters)[3:]) == [new, old]


def test_a_partition_where_nothing_comes(make_stream, make_site, kafka, library):
    """As when librdkafka does not resume a partition: it is reassigned."""
    stream = make_stream(2)
    site = make_site(stream)
    daemon = site.start("a", failing_calls(site.binary, library, KPID_FAIL="rd_kafka_resume_partitions:1"))
    stream.send(openings(range(10), 0))
    site.wait_read()
    place = (stream.topics["opened"], 0)
    kafka.recreate_topic(place[0], 2)
    wait_until(lambda: gap_of(site, place), "the gap")
    accept(site, place)
    stream.send(openings(range(20, 25), 0))
    wait_until(lambda: daemon.logged(rf"warning nothing was delivered from {place[0]}/0 .*assigning it again"), "it to be noticed")
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 15


@pytest.mark.parametrize("strategy", ["cooperative-sticky", "range"])
def test_a_gap_that_ended_under_another_owner(make_stream, make_site, kafka, strategy):
    """A partition that was stopped when it was given up is read by the next owner if its gap was accepted
    meanwhile."""
    stream = make_stream(2)
    site = make_site(stream, settings={"kafka": {"partition.assignment.strategy": strategy}})
    first = site.start("a")
    stream.send(openings(range(100), 0) + openings(range(100), 1))
    site.wait_read()
    topic = stream.topics["opened"]
    kafka.recreate_topic(topic, 2)
    for partition in (0, 1):
        wait_until(lambda partition=partition: gap_of(site, (topic, partition)), "the gap")
    second = site.start("b")
    wait_until(lambda: second.logged("partitions taken"), "b to take its share")
    for partition in (0, 1):
        accept(site, (topic, partition))
    stream.send(openings(range(1000, 1010), 0) + openings(range(1000, 1010), 1))
    site.wait_read()
    second.stop(10)
    stream.send(openings(range(1010, 1020), 0) + openings(range(1010, 1020), 1))
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 240
    assert first.running()


def test_partitions_added(make_stream, make_site):
    """Messages in a new partition count, and a deadline waits for it as for any other."""
    stream = make_stream(1)
    site = make_site(stream, {"revisions": [{"id": "1", "calendars": {"always": {"always": True}}, "policies": [
        {"name": "all", "targets": {"first_response": {"within": "2s", "calendar": "always"}}}]}]},
        {"kafka": {"topic.metadata.refresh.interval.ms": 500}})
    daemons = [site.start(name) for name in "ab"]
    stream.send(openings(range(100), 0))
    site.wait_read()
    for kind in stream.topics:
        stream.add_partitions(kind, 3)
    stream.send(openings(range(50), 1) + openings(range(50), 2))
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 200
    late, answered = event("ticket.opened", "LATE"), event("ticket.opened", "ANSWERED")
    stream.send([("opened", 1, late), ("opened", 2, answered),
                 ("activity", 2, event("ticket.responded", "ANSWERED", agent_id="ann"))])
    wait_until(lambda: site.dicts("SELECT * FROM report.alert WHERE ticket_id = 'LATE'"), "the alert")
    site.check_recomputed()
    assert not site.dicts("SELECT * FROM report.alert WHERE ticket_id = 'ANSWERED'")
    assert all(daemon.running() for daemon in daemons)


def test_start_from_the_end(make_stream, make_site):
    """run.start = latest skips what existed before the first start; not what arrived while it was down, or in new
    partitions."""
    stream = make_stream(2)
    site = make_site(stream, settings={"run": {"start": "latest"}, "kafka": {"topic.metadata.refresh.interval.ms": 3000}})
    stream.send(openings(range(50), 0) + openings(range(50), 1))
    daemon = site.start("a")
    wait_until(lambda: daemon.logged("8 partitions taken"), "all partitions to be taken")
    assert site.one("SELECT count(*) FROM report.ticket") == 0
    stream.send(openings(range(100, 110), 0))
    site.wait_read()
    daemon.stop(10)
    stream.send(openings(range(110, 120), 1))
    daemon = site.start("a")
    site.wait_read()
    stream.add_partitions("opened", 3)
    stream.send(openings(range(10), 2))
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 30
    assert site.one("SELECT count(*) FROM report.gap") == 0


def test_a_gap_holds_deadlines_back_until_silence(make_stream, make_site, kafka):
    """An unread message could be the answer: the alert waits for the longest allowed silence, and is unconfirmed."""
    stream = make_stream(1)
    site = make_site(stream, {"revisions": [{"id": "1", "calendars": {"always": {"always": True}}, "policies": [
        {"name": "all", "targets": {"first_response": {"within": "1s", "calendar": "always"}}}]}]},
        {"sla": {"max_silence": "3s"}})
    daemon = site.start("a")
    stream.send([("activity", 0, event("ticket.updated", "T0")) for _ in range(10)])
    site.wait_read()
    daemon.stop(5)
    stream.send([("activity", 0, event("ticket.updated", "T0")) for _ in range(10)])
    kafka.delete_records(stream.topics["activity"], {0: 15})
    site.start("a")
    wait_until(lambda: gap_of(site, (stream.topics["activity"], 0)), "the gap")
    stream.send_events([event("ticket.opened", "T1")])
    alert = wait_until(lambda: site.dicts("SELECT * FROM report.alert"), "the alert")[0]
    assert alert["unconfirmed"]
