"""kpid board behind Debian's nginx, with the sample configurations of deploy/nginx: who may see it, and whose name it believes."""
import base64
import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from board import Answer
from daemon import PATIENCE, ROOT, wait_until
from nginx import PROGRAM, certificate, nginx
from servers import Ports
from test_board import desk, ingest, make_board  # noqa: F401 (fixtures)

sys.path.insert(0, os.path.join(ROOT, "tests", "board"))
from browser import Browser  # noqa: E402

pytestmark = pytest.mark.skipif(not os.path.exists(PROGRAM), reason="nginx is not installed: deploy/lib/setup.sh test")
CONTEXT = ssl._create_unverified_context()  # the certificate is made for the test
SPOOF = "X-Forwarded-User: mallory\r\nX_Forwarded_User: mallory\r\nx-auth-request-user: mallory\r\n"


class Provider(http.server.BaseHTTPRequestHandler):
    """Answers as oauth2-proxy does: a cookie of a session is who signed in."""

    def do_GET(self):
        signed_in = "session=good" in self.headers.get("Cookie", "")
        assert self.path.startswith("/oauth2/")
        self.send_response(202 if signed_in else 401)
        if signed_in:
            self.send_header("X-Auth-Request-User", "ann@example.com")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Site:
    """A board behind nginx, seen from outside."""

    def __init__(self, port, headers, user):
        self.port, self.headers, self.user = port, headers, user

    def open(self, method, target, headers="", body=b""):
        made = CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE), server_hostname="localhost")
        made.sendall(f"{method} {target} HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n{headers}\r\n".encode() + body)
        return made

    def ask(self, method, target, headers="", body=b""):
        with self.open(method, target, headers, body) as made:
            return Answer(b"".join(iter(lambda: made.recv(65536), b"")))


@pytest.fixture
def behind(desk, tmp_path):  # noqa: F811
    """behind(sample): the board of `desk` behind nginx with this sample."""
    ports, ended = Ports(), []
    if desk.pg.psql("SELECT 1 FROM pg_roles WHERE rolname = 'board_acks'") != "1":
        desk.pg.psql("CREATE ROLE board_acks LOGIN IN ROLE kpid_operator")
    desk.process.stop()
    path = str(tmp_path / "s")
    desk.start(board_listen=path, board_allow_hosts="localhost", board_ack_proxy="unix", board_ack_user="board_acks")
    desk.wait_read()
    cert, key = certificate(tmp_path)
    users = tmp_path / "users"
    secret = subprocess.run(["openssl", "passwd", "-apr1", "secret"], check=True, capture_output=True, text=True).stdout
    users.write_text(f"ann:{secret}")
    provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()

    def start(sample, changes, headers, user):
        changes = {"443": str(ports.reserve()), "board.example;": "localhost;", "/run/kpid-board.socket": path, "/etc/ssl/certs/board.example.pem": cert,
                   "/etc/ssl/private/board.example.key": key, **changes}
        server = nginx(sample, str(tmp_path / sample), changes)
        ended.append(server)
        return Site(server.__enter__(), headers, user)
    yield {
        "password": lambda: start("board-password.conf", {"/etc/nginx/kpid-board.users": str(users)},
                                  f"Authorization: Basic {base64.b64encode(b'ann:secret').decode()}\r\n", "ann"),
        "oidc": lambda: start("board-oidc.conf", {"127.0.0.1:4180": f"127.0.0.1:{provider.server_port}"}, "Cookie: session=good\r\n", "ann@example.com")}
    for server in ended:
        server.__exit__(None, None, None)
    provider.shutdown()
    ports.release()


def read_events(site, desk):  # noqa: F811
    """Events come one by one: nothing holds them back until a buffer is full."""
    with site.open("GET", "/events", site.headers) as made:
        data, began = b"", time.monotonic()
        while data.count(b"event: delta") < 3:
            part = made.recv(65536)
            assert part and time.monotonic() - began < 15, data[-300:]
            data += part
    assert b"event: snapshot" in data and b"Content-Security-Policy: default-src 'none'" in data


def test_only_who_is_signed_in_sees_it_and_acknowledges_under_the_own_name(behind, desk):  # noqa: F811
    for name, refusal in (("password", 401), ("oidc", 302)):
        site = behind[name]()
        for target in ("/", "/events", "/api/now", "/api/clocks.csv", "/assets/main.mjs"):
            assert site.ask("GET", target, SPOOF).status == refusal, (name, target)
        assert site.ask("POST", "/api/ack", SPOOF + "Content-Length: 0\r\n").status == refusal
        assert site.ask("GET", "/", site.headers).status == 200
        assert site.ask("GET", "/api/clocks.csv", site.headers).body.count(b"\r\n") >= 6
        assert [site.ask("GET", path, site.headers).status for path in ("/metrics", "/livez", "/readyz?verbose", "/%6detrics")] == [404] * 4
        read_events(site, desk)

        config = site.ask("GET", "/api/config", site.headers + SPOOF).json()
        assert config["ack"] is True
        key = desk.json("/api/breaches")["rows"][0]["key"]
        body = json.dumps({"alert_id": key, "why": f"by {name}"}).encode()
        sent = site.headers + SPOOF + (f"X-Kpid-Csrf: {config['csrf']}\r\nOrigin: https://localhost:{site.port}\r\nContent-Type: application/json\r\n"
                                       f"Content-Length: {len(body)}\r\n")
        assert site.ask("POST", "/api/ack", sent, body).json() == {"state": "acknowledged"}
        shown = wait_until(lambda: [row for row in desk.json("/api/now")["breaches"] if row["acked"]], "it to be shown")[0]
        assert (shown["acked_by"], shown["acked_why"]) == (site.user, f"by {name}")
        undo = json.dumps({"alert_id": key, "why": "again", "undo": True}).encode()
        sent = sent.replace(f"Content-Length: {len(body)}", f"Content-Length: {len(undo)}")
        assert site.ask("POST", "/api/ack", sent, undo).json() == {"state": "breached"}
        wait_until(lambda: not desk.json("/api/now")["breaches"][0]["acked"], "it to be taken back")


def test_a_viewer_acknowledges_in_the_browser(behind, desk):  # noqa: F811
    """Through nginx, and takes it back; the page needs one connection, which passes the proxy."""
    site = behind["password"]()
    browser = Browser(insecure=True)
    try:
        browser.get(f"https://ann:secret@localhost:{site.port}/api/config")
        browser.get(f"https://localhost:{site.port}/breaches")
        browser.until(lambda: browser.all("#breaches tbody td.c-ack button"), "no button")
        browser.click("#breaches tbody td.c-ack button")
        browser.one("#ack input[name=why]").send_keys("on my way")
        browser.click("#ack-send")
        browser.until(lambda: "acknowledged" in browser.texts("#breaches tbody .state .word"), "it is not acknowledged")
        row, = desk.json("/api/breaches")["rows"]
        assert (row["acked_by"], row["acked_why"]) == ("ann", "on my way")
        assert browser.text(".fresh strong") == "Live" and browser.errors() == []
    finally:
        browser.close()
