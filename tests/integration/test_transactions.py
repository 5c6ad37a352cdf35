"""Producers with transactions: uncommitted messages are waited for, aborted ones are no messages."""
import contextlib
import json
import uuid

import pytest
from confluent_kafka import Producer

from daemon import SECOND, event, now, policy, wait_until

LAGS = "SELECT sum(lag_messages) FROM report.data_freshness"
UNKNOWN_LAGS = "SELECT count(*) FROM report.data_freshness WHERE lag_messages IS NULL"


@contextlib.contextmanager
def transaction(stream, *values):
    """Writes the events to the log in a transaction that stays open; yields it."""
    producer = Producer({"bootstrap.servers": stream.kafka.bootstrap, "transactional.id": f"kpid-tests-{uuid.uuid4()}",
                         "transaction.timeout.ms": 600_000, "log_level": 3})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        kind, partition, _ = stream.place(value)
        producer.produce(stream.topics[kind], value, partition=partition)
    assert producer.flush(30) == 0
    yield producer


def is_complete(site, instant):
    return site.one("SELECT bool_and(complete_until > %s) FROM report.data_freshness", instant)


@pytest.fixture
def reading(make_stream, make_site):
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="3s"), {"sla": {"max_silence": "1h"}})
    site.start("a")
    wait_until(lambda: len(site.places()) == 4 and is_complete(site, "-infinity"), "all partitions to be seen at their ends")
    return site


def test_an_answer_behind_an_open_transaction_raises_no_false_alarm(reading):
    site, stream = reading, reading.stream
    opened = now()
    stream.send_events([event("ticket.opened", "answered", opened), event("ticket.opened", "missed", opened)])
    with transaction(stream, event("ticket.updated", "other", category="x")) as open_transaction:
        stream.send_events([event("ticket.responded", "answered", opened + SECOND)])
        wait_until(lambda: now() > opened + 5 * SECOND, "the deadline to have passed for 2 s")
        assert site.one("SELECT count(*) FROM report.alert") == 0
        assert site.one(LAGS) == 2 and not is_complete(site, opened + 3 * SECOND)
        open_transaction.commit_transaction(30)
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == 1, "the breach that is one")
    assert site.rows("SELECT ticket_id, state, unconfirmed FROM report.alert") == [("missed", "breached", False)]
    wait_until(lambda: site.one(LAGS) == 0, "all to be read")
    assert site.one("SELECT count(*) FROM kpid.source_partition WHERE held_since IS NOT NULL") == 0


def test_the_end_of_a_transaction_is_no_lag(reading):
    site, stream = reading, reading.stream
    for end in "commit", "abort":
        stream.send([("activity", 0, event("ticket.updated", f"{end} {i}", category="x")) for i in range(3)], transaction=end)
        wait_until(lambda: site.one(LAGS) == 0 and site.one(UNKNOWN_LAGS) == 0, f"the lag after a {end} to be 0", 10)
        at = now()
        wait_until(lambda: is_complete(site, at), "all to be complete", 10)
    assert site.n_read() == 3


def test_doctor_names_a_partition_that_a_transaction_blocks(reading):
    site, stream = reading, reading.stream
    with transaction(stream, event("ticket.updated", "other", category="x")):
        held = wait_until(lambda: site.rows("SELECT topic, partition FROM report.data_freshness WHERE held_since IS NOT NULL"),
                          "the partition to be held up")
        assert held == [(stream.topics["activity"], 0)]
        site.rows("UPDATE kpid.source_partition SET held_since = held_since - interval '90 s'")
        found = [finding for finding in json.loads(site.command("doctor", "--json", status=1).stdout)["findings"]
                 if finding["check"] == "sources"]
        assert [finding["level"] for finding in found] == ["fail"], found
        assert f"{held[0][0]}/0 has been held up for 9" in found[0]["what"] and "1 messages wait" in found[0]["what"]
        assert "find-hanging" in found[0]["advice"]


def test_starting_at_the_end_reads_what_open_transactions_have_written(make_stream, make_site):
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1h"))
    stream.send_events([event("ticket.updated", "before", category="x")])
    with transaction(stream, event("ticket.updated", "open", category="x")) as open_transaction:
        site.start("a", run_start="latest")
        wait_until(lambda: len(site.places()) == 4 and all(offset is not None for offset in site.places().values()),
                   "all partitions to be begun")
        open_transaction.commit_transaction(30)
    wait_until(lambda: site.n_read() > 0, "the event of the transaction to be read")
    assert site.rows("SELECT ticket_id FROM kpid.ticket") == [("open",)]
