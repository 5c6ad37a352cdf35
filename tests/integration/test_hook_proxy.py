"""kpid hook behind Debian's nginx, with the sample configuration of deploy/nginx: what a help desk on the internet sees."""
import json
import os
import socket
import ssl
import time

import pytest

from board import Answer
from daemon import PATIENCE, wait_until
from hook import signed
from nginx import PROGRAM, certificate, nginx
from servers import Ports
from test_hook import make_hook  # noqa: F401 (fixture)

pytestmark = pytest.mark.skipif(not os.path.exists(PROGRAM), reason="nginx is not installed: deploy/lib/setup.sh test")
CONTEXT = ssl._create_unverified_context()  # the certificate is made for the test
BODY = json.dumps({"ticket": 1}).encode()


@pytest.fixture
def behind(make_hook, tmp_path):  # noqa: F811
    """A hook on a unix socket, and a function that sends to nginx before it."""
    ports = Ports()
    path = str(tmp_path / "s")
    hook = make_hook({"desk": {"signature": "hub-sha256", "key": "/ticket"}, "open": {"signature": "none"}}, listen=path).start()
    cert, key = certificate(tmp_path)
    changes = {"443": str(ports.reserve()), "hooks.example;": "localhost;", "/run/kpid-hook.socket": path,
               "/etc/ssl/certs/hooks.example.pem": cert, "/etc/ssl/private/hooks.example.key": key}
    with nginx("hook.conf", str(tmp_path / "nginx"), changes) as port:
        def ask(method, target, headers=None, body=b"", framing=None):
            framing = framing or f"Content-Length: {len(body)}\r\n"
            lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
            made = CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE), server_hostname="localhost")
            with made:
                made.sendall(f"{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{framing}{lines}\r\n".encode() + body)
                return Answer(b"".join(iter(lambda: made.recv(65536), b"")))
        yield hook, ask
    ports.release()


def test_through_the_proxy(behind):
    hook, ask = behind
    good = signed("hub-sha256", BODY)
    assert ask("POST", "/desk", good, BODY).status == 200
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    assert ask("POST", "/desk", good, chunks, framing="Transfer-Encoding: chunked\r\n").status == 200
    assert ask("POST", "/desk", signed("hub-sha256", BODY, secret="x"), BODY).status == 401
    assert ask("POST", "/other", good, BODY).status == 404 and ask("PUT", "/desk", good, BODY).status == 405
    assert ask("POST", "/desk", good, b"x" * 1_100_000).status == 413
    large = b"x" * 1_000_000
    assert ask("POST", "/desk", signed("hub-sha256", large), large).status == 200
    assert [ask("GET", path).status for path in ("/metrics", "/livez", "/readyz?verbose", "/%6detrics")] == [404] * 4
    assert ask("POST", "/open", {}, BODY).status == 403  # without a signature: from this machine only
    assert sorted(len(record.value) for record in hook.records("desk")) == [len(BODY), len(BODY), 1_000_000]
    assert hook.records("open") == []


def test_502_and_504_of_the_proxy_become_503(behind):
    """The hook is away, or hangs: help desks that take a 502 as final send again."""
    hook, ask = behind
    good = signed("hub-sha256", BODY)
    hook.process.pause()
    began = time.monotonic()
    hanging = ask("POST", "/desk", good, BODY)
    took = time.monotonic() - began
    hook.process.cont()
    hook.process.stop()
    away = ask("POST", "/desk", good, BODY)
    for answer in (hanging, away):
        assert (answer.status, answer.headers["retry-after"]) == (503, "30") and "error" in answer.json(), answer.data
    assert took < 5
    hook.start()
    wait_until(lambda: ask("POST", "/desk", good, BODY).status == 200, "the hook")
