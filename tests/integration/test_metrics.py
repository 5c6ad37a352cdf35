"""kpid run serves its metrics and its health: what they say is what the tables say, and no request does harm."""
import datetime
import os
import socket
import subprocess
import time

import pytest

from daemon import SECOND, event, now, policy, wait_until
from scrape import OPENMETRICS, Endpoint, table

SUFFIXES = {"COUNTER": "_total", "INFO": "_info"}


@pytest.fixture
def endpoint():
    return Endpoint()


def start(site, endpoint, name="a", **settings):
    daemon = site.start(name, metrics_listen=endpoint.address, **settings)
    wait_until(endpoint.is_ready, lambda: "the daemon to be ready\n" + daemon.log())
    return daemon


def database_was_read(endpoint):
    return endpoint.value("kpid_database_read_timestamp_seconds") is not None


def send_one_of_each(stream):
    """A breach, a late proof, a duplicate, a tombstone, an unknown type, two dead letters."""
    opened = now() - 10 * SECOND
    opening = event("ticket.opened", "T1", opened, project_id="north", agent_id="ann")
    stream.send_events([opening, opening, event("ticket.opened", "T2", opened, project_id="south"),
                        event("ticket.opened", "T3", now(), project_id="north")])
    stream.send([("activity", 0, None), ("activity", 0, event("invoice.paid", "T1")), ("activity", 0, b"nonsense"),
                 ("activity", 0, event("ticket.updated", "T1", now() + 3600 * SECOND))])
    return opened


def test_the_metrics_say_what_the_tables_say(make_stream, make_site, endpoint):
    stream = make_stream(2)
    site = make_site(stream, policy(first_response="4s", resolution="1h"), {"metrics": {"projects": "north, nowhere"}})
    start(site, endpoint)
    opened = send_one_of_each(stream)
    site.wait_read()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'breached' AND ticket_id <> 'T3'") == 2,
               "the breaches")
    stream.send_events([event("ticket.responded", "T1", opened + SECOND, agent_id="ann")])
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'voided'") == 1, "the late proof")
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'breached'") == 2, "the third breach")
    n_clocks = "SELECT target, state, count(*) FROM report.sla_live {} GROUP BY target, state"

    def agrees():
        got = endpoint.samples()
        clocks = {key[1]: value for key, value in got.items() if key[0] == "kpid_open_clocks" and value}
        return got if clocks == {(("state", state), ("target", target)): n
                                 for target, state, n in site.rows(n_clocks.format(""))} else None
    got = wait_until(agrees, "the clocks to be read from the database")

    def value(name, **labels):
        return got[name, tuple(sorted(labels.items()))]
    counted = site.dicts("SELECT sum(n_messages) AS n, sum(n_duplicates) AS duplicate, sum(n_tombstones) AS tombstone, "
                         "sum(n_unknown_type) AS unknown_type, sum(n_dead_letters) AS dead_letter FROM report.data_freshness")[0]
    total = counted.pop("n")
    assert {name: value("kpid_events_total", outcome=name) for name in counted} == counted
    assert value("kpid_events_total", outcome="new") == total - sum(counted.values())
    assert counted == {"duplicate": 1, "tombstone": 1, "unknown_type": 1, "dead_letter": 2}
    for reason, n in site.rows("SELECT reason, count(*) FROM report.dead_letter GROUP BY reason"):
        assert value("kpid_dead_letters_total", reason=reason) == n
    assert value("kpid_breaches_total", target="first_response") == 3
    assert value("kpid_breaches_voided_total", target="first_response") == 1
    assert value("kpid_deadline_to_row_seconds_count") == 3
    assert value("kpid_event_to_commit_seconds_count") == total - 4
    assert value("kpid_event_to_commit_seconds_bucket", le="300.0") == total - 4
    assert value("kpid_project_open_clocks", project="north", target="resolution", state="pending") == 2
    assert value("kpid_project_open_clocks", project="nowhere", target="resolution", state="pending") == 0
    assert not [key for key in got if ("project", "south") in key[1]]
    assert value("kpid_batches_total", outcome="committed") >= 2
    assert value("kpid_partitions", state="reading") == 8
    assert value("kpid_rebalances_total", event="assigned") == 1
    for topic, partition, lag in site.rows("SELECT topic, partition, lag_messages FROM report.data_freshness"):
        assert value("kpid_partition_lag_messages", topic=topic, partition=str(partition)) == lag == 0
        assert 0 <= value("kpid_partition_lag_seconds", topic=topic, partition=str(partition)) < 5
    assert abs(value("kpid_complete_until_timestamp_seconds") - time.time()) < 5
    wait_until(lambda: endpoint.value("kpid_outbox_deliveries_total", result="delivered") ==
               len(site.alerts()), "the messages to be counted")


def test_every_metric_is_there_from_the_start(make_stream, make_site, make_topic, endpoint, tmp_path):
    """With zeros, so that the first increase is seen; and both formats are what their standards say."""
    receivers = tmp_path / "receivers.json"
    receivers.write_text('{"receivers": [{"name": "hook", "type": "webhook", "url": "http://127.0.0.1:9/"}]}')
    mapping = tmp_path / "desk.lua"
    mapping.write_text('skip("all")')
    site = make_site(make_stream(1), policy(first_response="1h"),
                     {"alert": {"receivers_file": str(receivers)}, "metrics": {"projects": "north"},
                      "topics": {make_topic(1): "map desk"}, "map desk": {"file": str(mapping)}})
    start(site, endpoint)
    wait_until(lambda: database_was_read(endpoint), "the database to be read")
    wait_until(lambda: endpoint.value("kpid_complete_until_timestamp_seconds"), "the partitions to be read")
    for openmetrics in (False, True):
        families = {family.name: family for family in endpoint.families(openmetrics)}
        for name, (type, labels, help) in table().items():
            family = families.get(name) or families.get(name + SUFFIXES.get(type, ""))
            assert family and family.documentation == help, name
            assert family.samples, f"{name} has no sample"
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == set(labels), sample
        assert len(families) == len(table())
    done = subprocess.run(["promtool", "check", "metrics"], input=endpoint.get("/metrics")[2], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    status, content_type, body = endpoint.get("/metrics", OPENMETRICS)
    assert (status, content_type) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert body.endswith("\n# EOF\n")
    assert endpoint.get("/metrics")[1] == "text/plain; version=0.0.4; charset=utf-8"
    assert endpoint.get("/metrics", method="HEAD")[2] == ""


def test_no_label_has_a_value_per_ticket_or_person():
    names = {label for _, labels, _ in table().values() for label in labels}
    assert not names & {"agent", "agent_id", "owner", "ticket", "ticket_id", "requester", "requester_ref", "team"}
    assert [name for name, (_, labels, _) in table().items() if "project" in labels] == ["kpid_project_open_clocks"]


def test_readiness_names_what_is_missing(make_stream, make_site, endpoint):
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1h"))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        site.start("a", metrics_listen=endpoint.address, postgres_port=nobody.getsockname()[1])
        wait_until(endpoint.is_up, "the endpoint, without PostgreSQL")
        assert endpoint.get("/livez")[2] == "ok\n"
        status, _, body = endpoint.get("/readyz")
        assert status == 503 and body.startswith("not ready: started postgres"), body
        assert "[-]postgres: " in endpoint.get("/readyz?verbose")[2]
        assert endpoint.value("kpid_condition", condition="postgres") == 0
        site.daemons["a"].kill()
    daemon = start(site, endpoint)
    verbose = endpoint.get("/readyz?verbose")[2].splitlines()
    assert [line[:3] for line in verbose] == ["[+]"] * 7 + ["ok"], verbose
    assert "[+]partitions: 4 are read, 0 are stopped at a gap" in verbose
    daemon.stop()


def test_a_gap_is_counted_and_shown(make_stream, make_site, kafka, endpoint):
    stream = make_stream(1)
    site = make_site(stream)
    start(site, endpoint)
    stream.send([("opened", 0, event("ticket.opened", f"T{i}")) for i in range(4)])
    site.wait_read()
    site.daemons["a"].stop()
    stream.send([("opened", 0, event("ticket.opened", f"T{i}")) for i in range(4, 8)])
    kafka.delete_records(stream.topics["opened"], {0: 6})
    start(site, endpoint)
    wait_until(lambda: endpoint.value("kpid_partitions", state="stopped") == 1, "the gap")
    assert endpoint.value("kpid_gaps_total") == 1
    assert endpoint.get("/readyz")[0] == 200
    assert "3 are read, 1 are stopped at a gap" in endpoint.get("/readyz?verbose")[2]
    wait_until(lambda: endpoint.value("kpid_open_gaps") == 1, "the database to be read", every=1)


def test_a_refused_batch_is_counted_once(make_stream, make_site, endpoint):
    """However often it is tried: PostgreSQL refuses the alert of one ticket, so its batches fail until it is set aside."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="2s"))
    site.rows("ALTER TABLE kpid.alert ADD CONSTRAINT no_such_alert CHECK (ticket_id <> 'T17')")
    site.rows("ALTER TABLE kpid.ticket ADD CONSTRAINT no_such_ticket CHECK (ticket_id <> 'T23')")
    start(site, endpoint)
    stream.send_events([event("ticket.opened", f"T{i}") for i in range(40)])
    site.wait_read()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'breached'") == 38, "the other breaches")
    wait_until(lambda: endpoint.value("kpid_set_aside_tickets", reason="refused") == 2, "both to be set aside", every=1)
    assert endpoint.value("kpid_events_total", outcome="new") == 40
    assert endpoint.value("kpid_breaches_total", target="first_response") == 38
    assert endpoint.value("kpid_event_to_commit_seconds_count") == 40
    assert endpoint.value("kpid_retries_total", sqlstate="23514") >= 2
    assert endpoint.value("kpid_batches_total", outcome="failed") >= 2
    site.rows("ALTER TABLE kpid.alert DROP CONSTRAINT no_such_alert")
    site.rows("ALTER TABLE kpid.ticket DROP CONSTRAINT no_such_ticket")


def test_a_taken_port_does_not_keep_the_daemon_from_its_work(make_stream, make_site, endpoint):
    stream = make_stream(2)
    site = make_site(stream)
    first = start(site, endpoint)
    second = site.start("b", metrics_listen=endpoint.address)
    words = f"metrics are not served at {endpoint.address}: cannot listen there: Address already in use"
    wait_until(lambda: words in second.log(), second.log)
    assert "Give each instance on a machine a metrics.listen of its own" in second.log()
    first.stop()
    stream.send_events([event("ticket.opened", f"T{i}") for i in range(20)])
    site.wait_read()
    wait_until(lambda: f"metrics are served at {endpoint.address}" in second.log(), second.log)
    wait_until(lambda: endpoint.value("kpid_events_total", outcome="new") == 20, "the second daemon's counts")
    assert second.log().count("metrics are not served") == 1


def test_an_empty_address_switches_it_off(make_stream, make_site):
    site = make_site(make_stream(1))
    daemon = site.start("a")
    wait_until(lambda: "is running as" in daemon.log(), daemon.log)
    listening = subprocess.run(["ss", "-Hlntp"], capture_output=True, text=True, check=True).stdout
    assert f"pid={daemon.pid}," not in listening


def test_a_unix_socket(make_stream, make_site, tmp_path):
    path = str(tmp_path / "metrics.sock")
    site = make_site(make_stream(1))
    daemon = site.start("a", metrics_listen=path)
    wait_until(lambda: f"metrics are served at {path}" in daemon.log(), daemon.log)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: anything\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert os.stat(path).st_mode & 0o777 == 0o660


@pytest.mark.parametrize("listen", ["localhost", "127.0.0.1:99999", "example.org:1", "relative/path"])
def test_an_address_that_is_none_is_a_fault_of_the_configuration(make_site, listen):
    site = make_site()
    site.configure(metrics={"listen": listen})
    for command in ("check-config", "run"):
        done = site.command(command, status=3)
        assert "metrics.listen: must be an address with a port" in done.stdout + done.stderr


def head(line=b"GET /metrics HTTP/1.1", host=b"Host: localhost\r\n", more=b""):
    return line + b"\r\n" + host + more + b"\r\n"


REFUSED = {
    "another method": (head(b"DELETE /metrics HTTP/1.1"), 405),
    "a post": (head(b"POST /metrics HTTP/1.1"), 405),
    "a body": (head(more=b"Content-Length: 5\r\n") + b"hello", 413),
    "no host": (head(host=b""), 400),
    "two hosts": (head(more=b"Host: localhost\r\n"), 400),
    "a foreign host": (head(host=b"Host: evil.example\r\n"), 421),
    "an absolute address": (head(b"GET http://localhost/metrics HTTP/1.1"), 400),
    "a NUL": (head(more=b"A: \0\r\n"), 400),
    "a long head": (head(more=b"A: " + b"x" * 9000 + b"\r\n"), 431),
    "an unknown page": (head(b"GET /metrics/ HTTP/1.1"), 404),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
}


def test_what_is_refused(make_stream, make_site, endpoint):
    site = make_site(make_stream(1))
    daemon = start(site, endpoint)
    for what, (request, status) in REFUSED.items():
        answer = endpoint.raw(request)
        assert answer.startswith(b"HTTP/1.1 %d " % status), (what, answer)
    with socket.create_connection(("127.0.0.1", endpoint.port)) as slow:
        slow.settimeout(15)
        began = time.monotonic()
        slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: local")
        assert slow.recv(100) == b""
        assert 4 < time.monotonic() - began < 10
    assert endpoint.is_up() and daemon.running()


def test_a_crowd_is_turned_away_and_delays_nothing(make_stream, make_site, endpoint):
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="2s"))
    daemon = start(site, endpoint)
    crowd = [socket.create_connection(("127.0.0.1", endpoint.port)) for _ in range(300)]
    for client in crowd:
        client.setblocking(False)
    refused = sum(is_refused(client) for client in crowd)
    assert refused >= 300 - 3 * 16, refused  # 16 of an address are served, and twice as many wait
    stream.send_events([event("ticket.opened", "T1")])
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'breached'") == 1, "the breach")
    assert site.one("SELECT detected_at - breached_at FROM report.alert") < datetime.timedelta(seconds=1)
    for client in crowd:
        client.close()
    wait_until(endpoint.is_up, "the endpoint to answer again")
    assert daemon.note_peak() < 64 * 1024 or os.environ.get("KPID_GENTLE")


def is_refused(client):
    try:
        return wait_until(lambda: received(client), "an answer", timeout=0.5).startswith(b"HTTP/1.1 429 ")
    except (TimeoutError, ConnectionResetError):
        return False


def received(client):
    try:
        return client.recv(1000)
    except BlockingIOError:
        return None
