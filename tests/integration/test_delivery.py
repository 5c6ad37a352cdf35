"""Alerts reach people: over HTTPS, through misbehaving servers, and at a real Alertmanager."""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest

from daemon import LONG, event, now, policy, wait_until
from scrape import running_alertmanager

SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1: (certificate, key)."""
    folder = tmp_path_factory.mktemp("authority")
    certificate, key = folder / "ca.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True,
                   capture_output=True)
    return str(certificate), str(key)


class Server:
    """A server that accepts messages or misbehaves: misbehave(handler) is called for each and returns True if it
    did."""

    def __init__(self, authority=None, misbehave=lambda handler: False, answer=b"{}"):
        self.got = []
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.body = self.rfile.read(int(self.headers["content-length"]))
                if misbehave(self):
                    self.close_connection = True
                    return
                with outer.lock:
                    outer.got.append((dict(self.headers), self.body))
                self.reply(200, answer)

            def reply(self, status, body=b"", **headers):
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *arguments: None
        self.scheme = "http"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.url = f"{self.scheme}://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()

    def events(self):
        with self.lock:
            return [json.loads(body) for _, body in self.got]


def site_with(make_site, stream, receivers, tmp_path, policy_file, **settings):
    secret = tmp_path / "secret"
    secret.write_bytes(b"whsec_" + base64.b64encode(SECRET) + b"\n")
    secret.chmod(0o600)
    path = tmp_path / "receivers.json"
    path.write_text(json.dumps({"receivers": receivers}))
    return make_site(stream, policy_file, {"alert": {"receivers_file": str(path), **settings}})


def bad_manners(chance, canary):
    """Slow, failing, hanging up, redirecting, or answering garbage or too much: one time in ten."""
    def misbehave(handler):
        kind = chance.randrange(60)
        if kind == 0:
            time.sleep(1.5)  # longer than the receiver's timeout
        elif kind == 1:
            handler.reply(500, b"out of order")
        elif kind == 2:
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif kind == 3:
            handler.reply(302, location=canary.url)
        elif kind == 4:
            handler.wfile.write(b"\x00\xffrubbish\r\n\r\n")
        elif kind == 5:
            handler.reply(200, b"x" * 100_000)
        return kind <= 5
    return misbehave


def test_every_alert_arrives(make_stream, make_site, authority, tmp_path):
    """1,000 alerts to a misbehaving webhook, beside a dead one: every alert arrives, signed and in order."""
    n = 1_000
    chance = random.Random(5)
    stream = make_stream(2)
    with Server() as canary, Server(authority, bad_manners(chance, canary)) as hook:
        dead = socket.socket()
        dead.bind(("127.0.0.1", 0))  # and never listens
        site = site_with(make_site, stream, [
            {"name": "dead", "type": "webhook", "url": f"http://127.0.0.1:{dead.getsockname()[1]}/"},
            {"name": "hook", "type": "webhook", "url": hook.url, "ca_file": authority[0], "secret_files": ["secret"],
             "timeout": "1s"}], tmp_path, policy(first_response="1s"))
        site.start("a")
        site.start("b")
        opened = now()
        openings = [event("ticket.opened", f"T{i}", opened, agent_id="ann") for i in range(n)]
        stream.send_events(openings)
        # Alerts that are resolved before the dispatcher sees them are not sent.
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert_delivery WHERE receiver = 'hook'") == n, "all alerts")
        responses = [event("ticket.responded", f"T{i}", agent_id="ann") for i in range(n)]
        stream.send_events(responses)
        site.wait_read()
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'resolved'") == n, "all to be resolved")
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert_delivery WHERE receiver = 'hook' AND state = 'sent' "
                                    "AND revision = sent_revision AND revision >= 2") == n, "all to be sent")
        received = collections.defaultdict(list)
        for headers, body in hook.got:
            content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            wanted = base64.b64encode(hmac.new(SECRET, content, hashlib.sha256).digest()).decode()
            assert headers["webhook-signature"] == f"v1,{wanted}"
            data = json.loads(body)["data"]
            assert headers["webhook-id"] == f"{data['alert_id']}/{data['revision']}"
            received[data["ticket_id"]].append(data)
        assert len(received) == n
        for data in received.values():
            revisions = [one["revision"] for one in data]
            assert revisions == sorted(revisions) and data[-1]["state"] == "resolved"
        assert not canary.got, "a redirect was followed"

        # All events a second time: every one is a duplicate, and nothing is sent.
        def sent():
            return len(hook.got), len(site.kafka.consume_all(site.alert_topic)), site.one("SELECT sum(revision) FROM report.alert")

        site.wait_settled()
        before = sent()
        stream.send_events(openings + responses)
        site.wait_read()
        site.wait_settled()
        wait_until(lambda: site.one("SELECT count(*) FROM kpid.notification") == 0, "all to be dispatched")
        assert site.one("SELECT sum(n_duplicates) FROM kpid.source_partition") == 2 * n and sent() == before
        failing = site.one("SELECT count(*) FROM report.alert_delivery WHERE receiver = 'dead' AND sent_at IS NULL")
        assert failing == n
        assert site.one("SELECT max(attempts) FROM report.alert_delivery WHERE receiver = 'dead'") >= 1
        dead.close()
    assert SECRET.decode() not in site.logs() and "whsec_" not in site.logs()


def test_a_storm_becomes_few_messages(make_stream, make_site, tmp_path):
    """A chat robot gets a few messages with counts instead of one per alert, and none of another project."""
    n = 10_000 if LONG else 500
    stream = make_stream(2)
    with Server(answer=b'{"errcode": 0}') as robot:
        site = site_with(make_site, stream, [{"name": "chat", "type": "wecom", "url": robot.url, "projects": ["north"],
                                              "pause": "1s", "link": "https://bi.example.com/late"}],
                         tmp_path, policy(first_response="1s"))
        site.start("a", alert_topic="")
        opened = now()
        stream.send_events([event("ticket.opened", f"T{i}", opened, project_id="north" if i % 2 else "south")
                            for i in range(2 * n)])
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert_delivery WHERE state = 'sent'") == n,
                   "half of them to be sent")
        messages = [message["markdown"]["content"] for message in robot.events()]
        assert len(messages) < 25 and any("alerts: " in message for message in messages)
        assert all("south" not in message for message in messages)
        assert site.one("SELECT count(*) FROM kpid.outbox") == 0  # there is no topic, and nothing stays in the outbox
        assert site.one("SELECT count(*) FROM kpid.notification") == 0


def test_a_reload_applies_new_receivers(make_stream, make_site, tmp_path):
    """SIGHUP replaces all receivers or none; a receiver that gets an alert twice recognizes its id."""
    stream = make_stream(1)
    rule = {"name": "first", "type": "webhook", "secret_files": ["secret"]}
    with Server() as first, Server() as second:
        site = site_with(make_site, stream, [{**rule, "url": first.url}], tmp_path, policy(first_response="1s"))
        daemon = site.start("a")

        def reload(text, said):
            (tmp_path / "receivers.json").write_text(text)
            n_said = len(daemon.logged(said))
            daemon.signal(signal.SIGHUP)
            wait_until(lambda: len(daemon.logged(said)) > n_said, f"{said!r} in the log")

        def alert_arrives(ticket, *servers):
            stream.send_events([event("ticket.opened", ticket)])
            for server in servers:
                wait_until(lambda s=server: any(ticket in body["subject"] for body in s.events()), f"the alert of {ticket} to arrive")

        alert_arrives("before", first)
        reload("{", "nothing was reloaded")
        reload(json.dumps({"receivers": [{**rule, "url": "http://example.com"}]}), "nothing was reloaded")
        alert_arrives("still", first)
        both = json.dumps({"receivers": [{**rule, "url": first.url}, {**rule, "name": "second", "url": second.url}]})
        reload(both, "has been reloaded")
        alert_arrives("after", first, second)
        reload(both, "has been reloaded")  # nothing changes
        alert_arrives("again", first, second)
        assert not any("before" in body["subject"] or "still" in body["subject"] for body in second.events())
        ids = [headers["webhook-id"] for headers, _ in first.got]
        assert len(set(ids)) == 4


@pytest.mark.parametrize("type, where, answer", [
    ("dingtalk", ("markdown", "text"), b'{"errcode": 0}'), ("feishu", ("content", "text"), b'{"code": 0}'),
    ("wecom", ("markdown", "content"), b'{"errcode": 0}')])
def test_chat_messages_use_the_configured_zone_and_language(make_site, tmp_path, type, where, answer):
    """Chat messages show times in [report] time_zone, name the zone, and use [report] language."""
    with Server(answer=answer) as robot:
        site = site_with(make_site, None, [{"name": "chat", "type": type, "url": robot.url}], tmp_path, policy())
        for language, zone, pattern in (
                ("zh", "Asia/Shanghai", r"^已避免：KPID-TEST 首次响应，截止 \S+ \d\d:\d\d:\d\d \+08:00 Asia/Shanghai，负责人 无\n$"),
                ("en", "America/St_Johns", r"^averted: first_response of KPID-TEST, due \S+ \S+ -0[23]:30 America/St_Johns, owner nobody\n$"),
                ("en", "UTC", r"^averted: first_response of KPID-TEST, due [0-9-]{10} \d\d:\d\d:\d\d UTC, owner nobody\n$")):
            site.configure(report={"language": language, "time_zone": zone})
            assert site.command("alerts", "test", "chat").stdout == "chat accepted the test message\n"
            words = robot.events()[-1][where[0]][where[1]]
            assert re.match(pattern, words), words


def test_a_reload_applies_another_language(make_stream, make_site, tmp_path):
    stream = make_stream(1)
    with Server(answer=b'{"errcode": 0}') as robot:
        site = site_with(make_site, stream, [{"name": "chat", "type": "wecom", "url": robot.url}], tmp_path,
                         policy(first_response="1s"))
        site.configure(report={"time_zone": "Asia/Shanghai"})
        daemon = site.start("a")
        wait_until(lambda: daemon.logged("is running as"), "the start")
        for n, language, word in ((1, "en", "breached: first_response of T-en, due "), (2, "zh", "超时：T-zh 首次响应，截止 ")):
            site.configure(report={"language": language})
            daemon.signal(signal.SIGHUP)
            wait_until(lambda n=n: len(daemon.logged("has been reloaded")) == n, "the reload")
            stream.send_events([event("ticket.opened", f"T-{language}")])
            wait_until(lambda word=word: any(word in body["markdown"]["content"] and "+08:00 Asia/Shanghai" in body["markdown"]["content"]
                                             for body in robot.events()), lambda word=word: f"{word!r} in {robot.events()}")


def test_a_test_message(make_site, authority, tmp_path):
    with Server(authority) as hook:
        site = site_with(make_site, None, [
            {"name": "hook", "type": "webhook", "url": hook.url, "ca_file": authority[0], "secret_files": ["secret"]},
            {"name": "stranger", "type": "webhook", "url": hook.url}], tmp_path, policy())
        assert site.command("alerts", "test", "hook").stdout == "hook accepted the test message\n"
        (headers, body), = hook.got
        assert json.loads(body)["type"] == "kpid.alert.test" and headers["webhook-id"].startswith("test-")
        # The certificate is not signed by an authority that this machine trusts.
        refused = site.command("alerts", "test", "stranger", status=1)
        assert "certificate" in refused.stderr and len(hook.got) == 1
        assert "no receiver of this name" in site.command("alerts", "test", "nobody", status=1).stderr


def test_errors_of_the_receivers_file(make_site, tmp_path):
    site = site_with(make_site, None, [{"name": "a", "type": "webhook", "url": "http://example.com"}], tmp_path, policy())
    found = site.command("check-config", status=3)
    assert "receivers.json:1: receivers[0].url: is not an address to send to" in found.stdout + found.stderr
    (tmp_path / "secret").chmod(0o644)
    site = site_with(make_site, None, [{"name": "a", "type": "webhook", "url": "https://example.com",
                                        "secret_files": ["secret"]}], tmp_path, policy())
    (tmp_path / "secret").chmod(0o644)
    found = site.command("check-config", status=3)
    assert "everyone on this machine can read" in found.stdout + found.stderr
    site = site_with(make_site, None, [{"name": "a", "type": "webhook", "url_file": "address"}], tmp_path, policy())
    (tmp_path / "address").write_text("http://localhost.example.com/token\n")
    (tmp_path / "address").chmod(0o600)
    found = site.command("check-config", status=3)
    assert "receivers.json: a: the content of the file address is not an address to send to; write https://" in found.stdout + found.stderr
    assert "token" not in found.stdout + found.stderr


# -- Alertmanager ----------------------------------------------------------------------------------------------------

@pytest.fixture
def alertmanager(tmp_path):
    """A real Alertmanager on free loopback ports: its address."""
    with Server() as hook:
        (tmp_path / "am.yml").write_text(
            "route: {receiver: hook, group_by: [project_id], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}\n"
            f"receivers: [{{name: hook, webhook_configs: [{{url: '{hook.url}', send_resolved: true}}]}}]\n")
        with running_alertmanager(tmp_path / "am.yml", tmp_path / "am") as url:
            yield url, hook


def test_alertmanager_receives_groups_and_resolutions(make_stream, make_site, alertmanager, tmp_path):
    url, hook = alertmanager
    stream = make_stream(1)
    site = site_with(make_site, stream, [{"name": "am", "type": "alertmanager", "url": url + "/api/v2/alerts"}], tmp_path,
                     policy(first_response="1s"))
    site.start("a")

    def active():
        return json.load(urllib.request.urlopen(url + "/api/v2/alerts?active=true", timeout=5))
    opened = now()
    stream.send_events([event("ticket.opened", f"T{i}", opened, project_id="north" if i < 6 else "south", agent_id="ann")
                        for i in range(10)])
    wait_until(lambda: len(active()) == 10, "ten alerts")
    labels = {alert["labels"]["ticket_id"]: alert["labels"] for alert in active()}
    assert labels["T0"]["alertname"] == "kpid_sla" and labels["T0"]["target"] == "first_response"
    wait_until(lambda: {group["groupKey"] for group in hook.events() if group["status"] == "firing"} and
               sum(len(group["alerts"]) for group in hook.events() if group["status"] == "firing") >= 10, "two groups")
    assert {group["groupLabels"]["project_id"] for group in hook.events()} == {"north", "south"}
    stream.send_events([event("ticket.responded", f"T{i}", agent_id="ann") for i in range(10)])
    wait_until(lambda: not active(), "all to be resolved")
    wait_until(lambda: {group["groupLabels"]["project_id"] for group in hook.events() if group["status"] == "resolved"} ==
               {"north", "south"}, "both groups to be resolved")


def test_receivers_are_checked_without_a_database(binary, tmp_path):
    """The sample in the documents is valid."""
    here = os.path.dirname(os.path.abspath(__file__))
    sample = os.path.join(here, "..", "..", "deploy", "receivers.sample.json")
    folder = tmp_path / "etc"
    folder.mkdir()
    shutil.copy(sample, folder / "receivers.json")
    for name in ("webhook.secret", "webhook.old.secret", "dingtalk.url", "dingtalk.secret", "pagerduty.key"):
        (folder / name).write_text("https://example.com/x\n")
        (folder / name).chmod(0o600)
    done = subprocess.run([binary, "check-config", "--config", "/dev/null", "--set",
                           f"alert.receivers_file={folder}/receivers.json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
