"""kpid hook: every 200 is in the topic, what is refused, and what happens while Kafka or the hook is away."""
import datetime
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

import pytest

from daemon import ROOT, is_instrumented, now, policy, wait_until
from hook import SECRET, Hook, Senders, signed
from servers import Kafka

MOST_MIB = 64
SIGNATURES = ("standard-webhooks", "zendesk", "chatwoot", "hub-sha256", "hub-sha1", "bearer", "basic", "header X-Token", "none")
HEAD = b"POST /desk HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def make_hook(request, kafka, binary, make_topic, tmp_path):
    """make_hook(hooks): a hook that is not started, with a topic of its own for each of them."""
    made = []

    def make(hooks=None, broker=None, partitions=2, **options):
        hooks = hooks or {"desk": {"signature": "hub-sha256", "key": "/ticket"}}
        topics = {name: make_topic(partitions) for name in hooks} if broker is None else {name: f"{name}-webhooks" for name in hooks}
        for name in topics.values() if broker else ():
            broker.create_topic(name, partitions)
        made.append(Hook(broker or kafka, binary, tmp_path / f"hook{len(made)}", topics, hooks, **options))
        return made[-1]
    yield make
    faults = [fault for hook in made for fault in hook.close()]
    assert not faults, "\n".join(faults)


@pytest.fixture
def hook(make_hook):
    return make_hook().start()


@pytest.fixture
def broker():
    """A broker that a test may stop."""
    with Kafka() as server:
        yield server


def is_small(hook):
    return is_instrumented(hook.binary) or hook.memory_mib() <= MOST_MIB


# -- what is taken ---------------------------------------------------------------------------------------------------


def test_every_signature(make_hook):
    """Each kind is taken when signed as its sender does it, and refused without, with another secret, and over another body."""
    names = {re.sub(r"\W+", "-", words): words for words in SIGNATURES}
    hook = make_hook({name: {"signature": words, "key": "/ticket/id"} for name, words in names.items()}).start()
    wrong = {}
    for name, words in names.items():
        body = json.dumps({"ticket": {"id": name}}).encode()
        answers = [hook.post(name, body)]
        if words != "none":
            other = "desk:other" if words == "basic" else "whsec_b3RoZXI=" if words == "standard-webhooks" else "other"
            answers += [hook.ask("POST", f"/{name}", body), hook.post(name, body, secret=other)]
        if words not in ("none", "bearer", "basic", "header X-Token"):
            answers.append(hook.ask("POST", f"/{name}", body + b" ", signed(words, body)))
        if words in ("standard-webhooks", "zendesk", "chatwoot"):
            answers += [hook.post(name, body, at=now() + datetime.timedelta(seconds=away)) for away in (-310, 310)]
        if [answer.status for answer in answers] != [200] + [401] * (len(answers) - 1):
            wrong[name] = [answer.data for answer in answers]
        record, = hook.records(name)
        assert (record.value, record.key) == (body, name.encode())
        assert hook.metric(name, "not_signed") == len(answers) - 1 and hook.metric(name, "taken") == 1
    assert not wrong


def test_the_record_is_the_body_as_it_came(make_hook):
    """With its key, and the headers that are named; never the one with the secret."""
    hook = make_hook({"desk": {"signature": "bearer", "key": "/gone, /ticket/id", "headers": "X-Event, Content-Type"}}).start()
    bodies = [b'{ "ticket":\r\n{"id": 12345678901234567890123} }', b"not JSON \x00\xff", b"", b"[" * 100_000, b'{"ticket":{"id":{}}}']
    for body in bodies:
        began = now()
        assert hook.post("desk", body, {"X-Event": "created", "X-Other": "1", "Content-Type": "text/x"}).status == 200
    records = sorted(hook.records("desk"), key=lambda record: bodies.index(record.value or b""))
    assert [record.value or b"" for record in records] == bodies
    assert [record.key for record in records] == [b"12345678901234567890123", None, None, None, None]
    for record in records:
        headers = dict(record.headers)
        received = datetime.datetime.fromisoformat(headers.pop("kpid-received").decode().replace("Z", "+00:00"))
        assert abs((received - began).total_seconds()) < 60
        assert headers == {"x-event": b"created", "content-type": b"text/x"}
        assert SECRET.encode() not in str(record).encode()


def test_records_of_a_ticket_stay_in_order(make_hook):
    hook = make_hook({"desk": {"signature": "hub-sha256", "key": "/ticket"}}, partitions=4).start()
    for n in range(200):
        assert hook.post("desk", {"ticket": n % 7, "n": n}).status == 200
    places = {}
    for record in hook.records("desk"):
        places.setdefault(record.key, []).append((record.partition, json.loads(record.value)["n"]))
    assert len(places) == 7
    for found in places.values():
        assert len({partition for partition, _ in found}) == 1 and [n for _, n in found] == sorted(n for _, n in found)


def test_two_secrets_while_they_are_changed(make_hook):
    hook = make_hook()
    old, new = hook.secret("old", "old secret"), hook.secret("new", "new secret")
    hook.hooks["desk"]["secret_file"] = f"{old}, {new}"
    hook.write()
    hook.start()
    assert [hook.post("desk", {"a": 1}, secret=secret).status for secret in ("old secret", "new secret", "other")] == [200, 200, 401]
    hook.hooks["desk"]["secret_file"] = new
    hook.write()
    hook.process.stop()
    hook.start()
    assert [hook.post("desk", {"a": 1}, secret=secret).status for secret in ("old secret", "new secret")] == [401, 200]


def test_from_a_webhook_to_a_ticket(make_hook, make_site, make_stream, kafka):
    """A daemon maps the records of the topic; a body that is no JSON is a dead letter."""
    hook = make_hook({"zendesk": {"signature": "zendesk", "key": "/detail/id"}})
    mapping = os.path.join(ROOT, "deploy", "mappings", "zendesk_webhook.lua")
    site = make_site(make_stream(1), policy(first_response="1h"), {"topics": {hook.topics["zendesk"]: "map zendesk"}, "map zendesk": {"file": mapping}})
    site.start()
    hook.start()
    body = {"id": "e1", "type": "zen:event-type:ticket.created", "event": {},
            "detail": {"id": "5001", "status": "OPEN", "created_at": "2026-11-01T08:00:00Z", "via": {"channel": "mail"}}}
    assert hook.post("zendesk", body).status == 200
    assert hook.post("zendesk", body).status == 200  # repeated: the same event
    assert hook.post("zendesk", b"no JSON").status == 200
    wait_until(lambda: site.one("SELECT count(*) FROM report.dead_letter") == 1 and site.one("SELECT count(*) FROM report.ticket") == 1,
               lambda: site.logs())
    assert site.one("SELECT ticket_id FROM report.ticket") == "5001"
    assert site.one("SELECT reason FROM report.dead_letter") == "not_json"


# -- what is refused -------------------------------------------------------------------------------------------------


def test_methods_paths_and_sizes(hook):
    good = signed("hub-sha256", b"{}")
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = hook.ask(method, "/desk", headers={"Content-Length": 0})
        assert answer.status == 405 and answer.headers["allow"] == "POST", answer.data
    for path in ("/", "/desk/", "/Desk", "/other"):
        assert hook.ask("POST", path, b"{}", good).status == 404
    assert hook.ask("POST", "/desk?from=zendesk", b"{}", good).status == 200
    largest = b'{"ticket":1,"x":"' + b"x" * 999_981 + b'"}'
    assert len(largest) == 1_000_000 and hook.post("desk", largest).status == 200
    assert hook.post("desk", largest + b" ").status == 413
    assert hook.post("desk", b"x" * 3_000_000).status == 413  # its sender gets the answer, although it has more to send
    assert hook.raw(HEAD + b"Content-Length: 99999999999\r\n\r\n").status == 413
    assert hook.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").status == 413
    assert hook.raw(HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx").status == 400
    assert hook.raw(b"POST /desk HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n").status == 421
    records = hook.records("desk")
    assert sorted(len(record.value) for record in records) == [2, 1_000_000]


def test_a_sender_that_waits_for_100_continue(hook):
    body = b'{"ticket":1}'
    headers = "".join(f"{name}: {value}\r\n" for name, value in signed("hub-sha256", body).items())
    with hook.connect() as made:
        made.sendall(HEAD + headers.encode() + f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        assert made.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        made.sendall(body)
        assert made.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_topic_that_takes_less(make_hook, kafka):
    """A record that is too large for its topic is a 413: to repeat it would not help."""
    hook = make_hook()
    kafka.delete_topic(hook.topics["desk"])
    kafka.create_topic(hook.topics["desk"], 1, max_message_bytes=10_000)
    hook.start()
    assert hook.post("desk", b"x" * 50_000).status == 413
    assert hook.post("desk", b"x" * 5_000).status == 200
    assert "max.message.bytes" in hook.process.log()


def test_a_wrong_signature_is_logged_once_a_minute(hook):
    for _ in range(20):
        answer = hook.post("desk", {"a": 1}, secret="other")
        assert answer.status == 401 and answer.headers["www-authenticate"] == "Signature"
    assert hook.metric("desk", "not_signed") == 20
    lines = hook.process.logged(r"\[hook desk\].*401.*")
    assert len(lines) == 1 and "127.0.0.1" in lines[0] and "the signature is wrong" in lines[0]
    assert SECRET not in hook.process.log()
    assert hook.records("desk") == []


def test_without_a_signature_on_this_machine_only(make_hook, tmp_path):
    """Neither from a page of a browser, nor through a proxy, nor on an address of the network."""
    hook = make_hook({"desk": {"signature": "none"}}).start()
    assert hook.post("desk", {"a": 1}).status == 200
    for headers in ({"Origin": "http://evil.example"}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
        assert hook.post("desk", {"a": 1}, headers).status == 403
    assert hook.metric("desk", "refused") == 3
    hook.process.stop()
    hook.options.update(listen=f"0.0.0.0:{hook.port}", allow_hosts="hooks.example")
    hook.write()
    done = subprocess.run(hook.command(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3 and "hook desk.signature: none is allowed on this machine only" in done.stderr, done.stderr


def test_what_it_does_not_start_with(make_hook):
    hook = make_hook()
    secret = hook.secret("desk", SECRET)

    def refused(words):
        hook.write()
        done = subprocess.run(hook.command(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 3 and words in done.stderr, done.stderr
        checked = subprocess.run([hook.binary, "check-config", "--config", hook.ini], capture_output=True, text=True, timeout=60, check=False)
        assert (checked.returncode == 3 and words in checked.stdout) or "allow_hosts" in words, checked.stdout
    hook.hooks["desk"]["secret_file"] = ""
    refused("hook desk.secret_file: is missing")
    hook.hooks["desk"]["secret_file"] = secret
    os.chmod(secret, 0o644)
    refused("everyone on this machine can read")
    os.chmod(secret, 0o600)
    open(secret, "w", encoding="utf-8").close()
    refused("is empty")
    os.remove(secret)
    refused("cannot read")
    hook.hooks["desk"].update(signature="hub-sha512", secret_file=hook.secret("desk", SECRET))
    refused('"hub-sha512" is not one of standard-webhooks')
    hook.hooks["desk"]["signature"] = "basic"
    refused("must hold NAME:PASSWORD")
    hook.hooks["desk"].update(signature="header X-Token", headers="X-Event, x-token")
    refused("names the header that holds the secret")
    del hook.hooks["desk"]["headers"]
    hook.options["listen"] = f"0.0.0.0:{hook.port}"
    refused("hook.allow_hosts: is missing")
    hook.options["listen"] = f"127.0.0.1:{hook.port}"
    hook.hooks.clear()
    hook.write()
    done = subprocess.run(hook.command(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3 and "there is no section [hook NAME]" in done.stderr


def test_it_uses_no_database(hook):
    """Neither a connection nor a word about one: its user needs no rights in PostgreSQL."""
    links = [os.readlink(f"/proc/{hook.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{hook.process.pid}/fd")]
    assert links and "postgres" not in hook.process.log().lower()
    with open(f"/proc/{hook.process.pid}/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    sockets = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:[")}
    peers = {int(row[2].partition(":")[2], 16) for row in rows if row[9] in sockets}
    assert peers <= {0, hook.kafka.port}, peers


# -- Kafka away ------------------------------------------------------------------------------------------------------


def test_a_broker_that_is_killed(make_hook, broker):
    """503 with Retry-After within 4 s meanwhile, and recovery; whatever was answered with 200 is in the topic."""
    hook = make_hook(broker=broker).start()
    senders = Senders(hook, "desk")
    senders.wait(200, 50)
    broker.kill()
    senders.wait(503, 20)
    began = time.monotonic()
    answer = hook.post("desk", {"a": 1})
    assert answer.status == 503 and answer.headers["retry-after"] == "30" and time.monotonic() - began < 4
    wait_until(lambda: hook.get("/readyz?verbose").status == 503, "the hook to notice")
    assert hook.get("/readyz?verbose").body.startswith(b"[-]kafka\n") and hook.get("/livez").status == 200
    broker.start()
    senders.wait(200, 50)
    wait_until(lambda: hook.get("/readyz").status == 200, "the hook to be ready")
    senders.stop().check()
    assert set(senders.answers) <= {200, 503} and senders.slowest < 4.3, (senders.answers, senders.slowest)
    assert hook.metric("desk", "unavailable") > 0 and "requests are answered with 503" in hook.process.log()
    assert hook.process.logged("are taken again|takes requests again")


def test_a_broker_that_hangs(make_hook, broker):
    """The process is there, but does not answer: as above."""
    hook = make_hook(broker=broker).start()
    senders = Senders(hook, "desk")
    senders.wait(200, 20)
    broker.pause()
    try:
        senders.wait(503, 20)
    finally:
        broker.cont()
    senders.wait(200, 20)
    senders.stop().check()
    assert set(senders.answers) <= {200, 503} and senders.slowest < 4.3, (senders.answers, senders.slowest)


def test_a_topic_that_does_not_exist(make_hook, kafka):
    """It is not created; the log and /readyz name it, and it is used as soon as it is there."""
    hook = make_hook()
    name = hook.topics["desk"]
    kafka.delete_topic(name)
    hook.start(ready=False)
    began = time.monotonic()
    answer = hook.post("desk", {"a": 1})
    assert answer.status == 503 and time.monotonic() - began < 4 and name not in kafka.topics()
    wait_until(lambda: f"there is no topic {name}".encode() in hook.get("/readyz").body, lambda: hook.process.log())
    assert f"there is no topic {name}" in hook.process.log()
    kafka.create_topic(name, 1)
    wait_until(lambda: hook.post("desk", {"a": 1}).status == 200, "the topic to be used")


def test_a_topic_that_is_created_again(make_hook, kafka):
    """The producer's numbers are unknown to the new topic; requests are taken again without a restart."""
    hook = make_hook().start()
    for _ in range(20):
        assert hook.post("desk", {"a": 1}).status == 200
    kafka.recreate_topic(hook.topics["desk"], 2)
    wait_until(lambda: hook.post("desk", {"a": 2}).status == 200, lambda: hook.process.log())
    assert [hook.post("desk", {"a": n}).status for n in range(20)] == [200] * 20
    assert len(hook.records("desk")) >= 21


def test_the_queue_is_bounded_by_bytes(make_hook, broker):
    """Large requests while the broker is away: 503 at once once the queue is full, and memory stays small."""
    hook = make_hook(broker=broker).start()
    assert hook.post("desk", {"a": 1}).status == 200
    broker.kill()
    made = []
    body = b'{"ticket":1,"x":"' + b"x" * 900_000 + b'"}'
    headers = "".join(f"{name}: {value}\r\n" for name, value in signed("hub-sha256", body).items())
    whole = HEAD + headers.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    began = time.monotonic()
    for _ in range(60):
        made.append(hook.connect())
        made[-1].sendall(whole)
    # Most of them for want of room, while the others wait for Kafka.
    wait_until(lambda: len(select.select(made, [], [], 0)[0]) >= 40, "answers at once", timeout=3)
    assert len(select.select(made, [], [], 0)[0]) < 60 or time.monotonic() - began > 3
    statuses = [one.recv(1000)[9:12] for one in made]
    assert set(statuses) == {b"503"} and time.monotonic() - began < 6, statuses
    for one in made:
        one.close()
    assert hook.metric("desk", "taken") == 1 and is_small(hook), hook.memory_mib()


# -- the hook away ---------------------------------------------------------------------------------------------------


def test_kill_9_of_the_hook(make_hook):
    """At any instant: every 200 is in the topic."""
    hook = make_hook().start()
    senders = Senders(hook, "desk", pause=0)
    for _ in range(5):
        senders.wait(200, 40)
        hook.process.kill()
        hook.start(ready=False)
    senders.wait(200, 40)
    senders.stop().check()


def test_a_stop_answers_what_it_has_accepted(make_hook):
    """And ends within 5 s, with 0."""
    hook = make_hook().start()
    body = b'{"ticket":1}'
    head = HEAD + "".join(f"{name}: {value}\r\n" for name, value in signed("hub-sha256", body).items()).encode()
    with hook.connect() as half:
        half.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        hook.get("/livez")  # so that it has accepted the first one
        hook.process.signal(signal.SIGTERM)
        wait_until(lambda: hook.process.logged("stopping"), "the stop")
        half.sendall(body[5:])
        assert half.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert hook.process.stop(10) < 5


def test_a_restart_with_the_socket_of_systemd_loses_nothing(make_hook, tmp_path):
    hook = make_hook()
    with socket.create_server(("127.0.0.1", hook.port), backlog=512) as listening:
        def start():
            command = " ".join(f"'{part}'" for part in hook.command())
            return subprocess.Popen(["bash", "-c", f"LISTEN_PID=$$ LISTEN_FDS=1 exec {command} 3<&{listening.fileno()} 2>>{tmp_path}/log"],
                                    pass_fds=[listening.fileno()])
        process = start()
        wait_until(lambda: hook.get("/readyz").status == 200, "the hook")
        senders = Senders(hook, "desk")
        for _ in range(4):
            senders.wait(200, 20)
            process.terminate()
            assert process.wait(30) == 0
            process = start()
        senders.wait(200, 20)
        senders.stop().check()
        process.terminate()
        assert process.wait(30) == 0
    assert set(senders.answers) == {200}, senders.answers


# -- slow senders, many connections ----------------------------------------------------------------------------------


def test_a_slow_loris_and_1000_connections_and_a_stopped_broker(make_hook, broker):
    """The memory of the hook stays at most 64 MiB, and a request is still answered within 4 s."""
    hook = make_hook(broker=broker).start()
    senders = Senders(hook, "desk", n=2)
    senders.wait(200, 10)
    broker.kill()
    crowd = []
    for n in range(1000):
        crowd.append(hook.connect())
        # Half of them in the head, half in a body that never ends.
        crowd[-1].sendall(HEAD + b"X-A: " if n % 2 else HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 60_000)
    for one in crowd:
        try:
            one.sendall(b"x" * 1000)
        except OSError:
            pass
    senders.wait(503, 5)
    wait_until(lambda: hook.get("/livez").status == 200, "an answer", timeout=15)
    for one in crowd:
        one.close()
    broker.start()
    senders.wait(200, 10)
    senders.stop().check()
    assert is_small(hook), hook.memory_mib()


def test_a_slow_request_is_closed_after_4_s(hook):
    began = time.monotonic()
    with hook.connect() as slow:
        for _ in range(100):
            try:
                slow.sendall(b"P")
            except OSError:
                break
            time.sleep(0.1)
    assert 3 < time.monotonic() - began < 6


def test_more_connections_than_allowed_are_a_503(make_hook):
    hook = make_hook(max_connections=20).start()
    held = [hook.connect() for _ in range(20)]
    wait_until(lambda: hook.get("/livez").status == 503, "it to be full")
    answer = hook.post("desk", {"a": 1})
    assert answer.status == 503 and answer.headers["retry-after"] == "30"
    for made in held:
        made.close()
    wait_until(lambda: hook.post("desk", {"a": 1}).status == 200, "room again")


def test_doctor_names_what_is_refused(hook, make_site):
    """By the metrics of the hook, since it has no database."""
    site = make_site(settings={"hook": {"listen": hook.options["listen"]}})

    def found():
        return [row for row in json.loads(site.command("doctor", "--json", status=None).stdout)["findings"] if row["check"] == "webhooks"]
    assert hook.post("desk", {"a": 1}).status == 200
    row, = found()
    assert row["level"] == "ok" and "has taken 1 requests" in row["what"]
    assert hook.post("desk", {"a": 1}, secret="other").status == 401
    row, = found()
    assert row["level"] == "warn" and "[hook desk] refused 1 requests" in row["what"] and "compare the secret" in row["advice"]
    hook.process.stop()
    row, = found()
    assert row["level"] == "fail" and "does not answer at" in row["what"]


# -- metrics ---------------------------------------------------------------------------------------------------------


def test_metrics_are_those_of_the_document(hook):
    with open(os.path.join(ROOT, "docs", "connect-a-help-desk.md"), encoding="utf-8") as file:
        shown = set(re.findall(r"^\| `((?:kpid|process)_\w+)`", file.read(), re.M))
    assert hook.post("desk", {"a": 1}).status == 200
    text = hook.get("/metrics").body.decode()
    assert shown == {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE ")} and shown
    assert re.search(r"(?m)^kpid_hook_acknowledge_seconds_count 1$", text)
    openmetrics = hook.raw(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n")
    assert openmetrics.body.endswith(b"# EOF\n")
    assert hook.get("/readyz?verbose").body == b"[+]kafka\nok\n"


def test_metrics_are_for_this_machine(make_hook):
    hook = make_hook()
    hook.options.update(listen=f"0.0.0.0:{hook.port}", allow_hosts="localhost")
    hook.write()
    hook.start()
    outside = [address for *_, (address, *_) in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET) if not address.startswith("127.")]
    if not outside:
        pytest.skip("this machine has no other address")
    with socket.create_connection((outside[0], hook.port), timeout=10) as made:
        made.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert made.recv(1000).startswith(b"HTTP/1.1 403 ")
