"""A configured topic does not exist: kpid names it, creates nothing, and uses it as soon as somebody creates it."""
import json

import pytest

from daemon import Site, Stream, create_migrated, event, policy, wait_until
from servers import Kafka
from service_manager import ServiceManager


@pytest.fixture(scope="module")
def creating_kafka():
    """A broker with Kafka's default: it creates a topic when a client allows that."""
    with Kafka(settings={"auto.create.topics.enable": "true"}) as server:
        yield server


@pytest.fixture
def site(pg, creating_kafka, binary, tmp_path, request):
    create_migrated(pg, binary, "missing_topics")
    site = Site(pg, creating_kafka, binary, "missing_topics", tmp_path / "site", Stream(creating_kafka, "here", 1), policy("1s"))
    request.node.sites = [site]
    yield site
    faults = site.close()
    pg.drop_database("missing_topics")
    for topic in creating_kafka.topics():
        if not topic.startswith("__"):
            creating_kafka.delete_topic(topic)
    assert not faults, faults


def misspell(site):
    """The configuration names two topics wrongly, one to read and that of the alerts."""
    site.stream.topics["survey"] = "here-survye"
    site.alert_topic = "missing-topics-alrets"
    site.configure()


def test_a_typing_error_creates_no_topic(site):
    """A producer's question about its topic once created "kpid-alrets", and all alerts went there."""
    before = set(site.kafka.topics())
    misspell(site)
    daemon = site.start("a")
    site.stream.send_events([event("ticket.opened", "T1")])
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.outbox") == 1, "the alert", 20)
    wait_until(lambda: daemon.logged("alerts cannot be sent to topic missing-topics-alrets"), "the refusal to be logged", 30)
    site.command("doctor", status=1)
    assert set(site.kafka.topics()) - {"__consumer_offsets"} == before - {"__consumer_offsets"}


def test_a_requeued_message_does_not_bring_its_topic_back(site):
    before = set(site.kafka.topics())
    site.rows("INSERT INTO kpid.dead_letter (topic, partition, \"offset\", reason, detail, value) "
              "VALUES ('deleted-long-ago', 0, 1, 'bad_json', '', 'x')")
    site.command("dlq", "requeue", "--set", "kafka.message.timeout.ms=2000", "deleted-long-ago/0/1", status=None)
    assert set(site.kafka.topics()) - {"__consumer_offsets"} == before - {"__consumer_offsets"}
    assert site.one("SELECT count(*) FROM kpid.dead_letter WHERE requeued_at IS NULL") == 1


def test_topics_that_do_not_exist_are_named(site):
    """The log has a line for each, as long as it is missing the status shows it, and doctor finds it."""
    misspell(site)
    with ServiceManager() as manager:
        daemon = site.start("a", environment=manager.environment, **{"kafka_topic.metadata.refresh.interval.ms": 2000})
        wanted = ["the topic here-survye of [topics] does not exist", "the topic missing-topics-alrets of [alert] topic does not exist"]
        wait_until(lambda: all(words in daemon.log() for words in wanted), "the log lines", 10)
        wait_until(lambda: manager.status() == "; ".join(["running", *wanted]), manager.status, 5)
        found = json.loads(site.command("doctor", "--json", status=1).stdout)["findings"]
        assert {f["what"].split(":")[0] for f in found if f["check"] == "topics"} == {
            "there is no topic here-survye", "there is no topic missing-topics-alrets"}
        site.kafka.create_topic("missing-topics-alrets", 1)
        site.kafka.create_topic("here-survye", 1)
        wait_until(lambda: manager.status() == "running", manager.status, 10)
        site.stream.send_events([event("ticket.opened", "T1"), event("survey.submitted", "T1", score=5)])
        wait_until(lambda: site.alerts(), "the alert", 20)
        wait_until(lambda: site.one("SELECT csat_score FROM report.ticket") == 5, "the survey", 20)
        assert len(daemon.logged("does not exist")) == 2 and len(daemon.logged("exists now")) == 2, daemon.log()
        daemon.stop(5)
