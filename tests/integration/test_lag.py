"""The lag of a partition says what is known: never 0 because nobody looks."""
import contextlib
import json

import pytest

from daemon import SECOND, event, now, policy, wait_until

UNKNOWN = "SELECT count(*) FROM report.data_freshness WHERE lag_messages IS NULL"
LAG = "SELECT sum(lag_messages) FROM report.data_freshness"


@pytest.fixture
def reading(make_stream, make_site):
    site = make_site(make_stream(1), policy(first_response="1h"))
    site.daemon = site.start("a")
    wait_until(lambda: site.one(UNKNOWN) == 0 and site.one(LAG) == 0, "all ends to be known")
    return site


def test_an_unused_topic_is_complete_and_has_no_lag(reading):
    site = reading
    at = now()
    wait_until(lambda: site.one("SELECT bool_and(complete_until > %s AND lag_messages = 0) FROM report.data_freshness", at),
               "the empty partitions to be complete")
    assert site.one("SELECT count(*) FROM report.data_freshness WHERE last_event_at IS NULL") == 4


def test_tools_that_ask_the_consumer_group_see_what_was_read(reading):
    """Only what changes is committed to the group, and that is the place in the database."""
    from confluent_kafka import Consumer, TopicPartition
    site = reading
    tool = Consumer({"bootstrap.servers": site.kafka.bootstrap, "group.id": site.database, "log_level": 0})
    with contextlib.closing(tool):
        partitions = [TopicPartition(topic, 0) for topic in site.stream.topics.values()]
        for n_read in (3, 6):
            site.stream.send_events([event("ticket.updated", f"t{n_read}-{i}", category="x") for i in range(3)])
            wait_until(lambda n=n_read: site.n_read() == n, "the events to be read")
            places = dict(site.rows("SELECT topic, next_offset FROM kpid.source_partition WHERE next_offset > 0"))
            wait_until(lambda places=places: {p.topic: p.offset for p in tool.committed(partitions, timeout=5) if p.offset > 0} == places,
                       "the group to have the same places", 15)


def test_partitions_that_were_given_up_do_not_show_the_lag_of_before(reading):
    site = reading
    site.daemon.stop()
    site.stream.send_events([event("ticket.updated", f"t{i}", category="x") for i in range(10)])
    assert site.one(UNKNOWN) == 4
    assert "lag unknown" in site.command("top", "--once").stdout
    findings = json.loads(site.command("doctor", "--json", status=1).stdout)["findings"]  # no member in the group
    found = [finding for finding in findings if finding["check"] == "sources"]
    assert found and all("lag unknown since" in finding["what"] and "(a) gave them up" in finding["what"] for finding in found), found
    site.start("b")
    wait_until(lambda: site.one(UNKNOWN) == 0 and site.one(LAG) == 0 and site.n_read() == 10, "b to read the rest")


def test_a_killed_owner_leaves_no_lag_behind_for_longer_than_10_seconds(reading):
    site = reading
    site.daemon.kill()
    wait_until(lambda: site.one(UNKNOWN) == 4, "the lag to be unknown", 15)


def test_the_lag_of_a_first_start_is_known_before_the_first_commit(make_stream, make_site):
    """It was unknown until then, and top said "at least" some part of it."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1d"), {"run": {"batch_max_events": 50}})
    at = now() - 600 * SECOND
    stream.send_events([event("ticket.opened", f"T{i}", at + i * SECOND) for i in range(400)])
    site.rows("CREATE FUNCTION kpid.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN new; END'; "
              "CREATE TRIGGER slow BEFORE UPDATE OF next_offset ON kpid.source_partition FOR EACH ROW "
              "WHEN (new.next_offset > 0) EXECUTE FUNCTION kpid.slow()")
    site.start("a")
    known = "SELECT sum(lag_messages), count(*) - count(lag_messages), sum(n_messages) FROM report.data_freshness"
    wait_until(lambda: site.rows(known) == [(400, 0, 0)], lambda: site.rows(known), 10)
    top = site.command("top", "--once").stdout
    assert "   400 behind" in top, top
    site.rows("DROP TRIGGER slow ON kpid.source_partition")
    site.wait_read()
