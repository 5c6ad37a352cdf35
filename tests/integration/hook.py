"""kpid hook under test: a process, signed requests, and what is in its topics."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import socket
import threading
import time

from board import Answer
from daemon import PATIENCE, Process, now, rfc3339, wait_until
from servers import Ports

SECRET = "a secret of the help desk"
KEYS = {"standard-webhooks": "whsec_" + base64.b64encode(b"a key of 24 bytes, random").decode(), "basic": "desk:open sesame"}


def secret_of(signature):
    return KEYS.get(signature, SECRET)


def signed(signature, body, secret=None, at=None):
    """The headers with which a sender signs, by its own documentation."""
    secret = secret or secret_of(signature)
    at = at or now()
    seconds, word = str(int(at.timestamp())), rfc3339(at.replace(microsecond=0))

    def mac(key, content, algorithm=hashlib.sha256):
        return hmac.new(key, content, algorithm)
    if signature == "standard-webhooks":
        key = base64.b64decode(secret.removeprefix("whsec_"))
        made = base64.b64encode(mac(key, f"msg_1.{seconds}.".encode() + body).digest()).decode()
        return {"webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": f"v1,{made}"}
    if signature == "zendesk":
        made = base64.b64encode(mac(secret.encode(), word.encode() + body).digest()).decode()
        return {"X-Zendesk-Webhook-Signature": made, "X-Zendesk-Webhook-Signature-Timestamp": word}
    if signature == "chatwoot":
        made = mac(secret.encode(), f"{seconds}.".encode() + body).hexdigest()
        return {"X-Chatwoot-Signature": f"sha256={made}", "X-Chatwoot-Timestamp": seconds}
    if signature == "hub-sha256":
        return {"X-Hub-Signature": "sha256=" + mac(secret.encode(), body).hexdigest()}
    if signature == "hub-sha1":
        return {"X-Hub-Signature": "sha1=" + mac(secret.encode(), body, hashlib.sha1).hexdigest()}
    if signature == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    if signature == "basic":
        return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
    if signature.startswith("header "):
        return {signature.removeprefix("header "): secret}
    assert signature == "none"
    return {}


class Hook:
    """A hook with its own configuration and topics. hooks: {name: {option: value}}; the topic is made if none is named."""

    def __init__(self, kafka, binary, folder, topics, hooks, **options):
        self.kafka, self.binary, self.folder = kafka, binary, str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.ports = Ports()
        self.port = self.ports.reserve()
        self.options = {"listen": f"127.0.0.1:{self.port}", **options}
        self.bootstrap = kafka.bootstrap
        self.topics = topics
        self.hooks = hooks
        self.process = None
        self.ended = []
        self.write()

    @property
    def ini(self):
        return os.path.join(self.folder, "kpid.ini")

    def secret(self, name, text):
        """Writes a secret, and returns the name of its file."""
        path = os.path.join(self.folder, f"{name}.secret")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.chmod(path, 0o600)
        return path

    def write(self):
        lines = ["[kafka]", f"bootstrap.servers = {self.bootstrap}", "[hook]", *(f"{name} = {value}" for name, value in self.options.items())]
        for name, given in self.hooks.items():
            settings = {"path": f"/{name}", "topic": self.topics.get(name, ""), **given}
            if settings["signature"] != "none" and "secret_file" not in settings:
                settings["secret_file"] = self.secret(name, secret_of(settings["signature"]))
            lines += [f"[hook {name}]", *(f"{option} = {value}" for option, value in settings.items())]
        with open(self.ini, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.chmod(self.ini, 0o600)

    def command(self):
        return [self.binary, "hook", "--config", self.ini]

    def start(self, ready=True):
        if self.process:
            self.ended.append(self.process)
        self.process = Process(self.command(), os.path.join(self.folder, "hook.log"), "hook")

        def answers():
            assert self.process.running(), self.process.log()
            with contextlib.suppress(OSError):
                return self.get("/readyz" if ready else "/livez").status == 200
        wait_until(answers, lambda: "the hook to answer:\n" + self.process.log())
        return self

    def connect(self, source=None):
        listen = self.options["listen"]
        if listen.startswith("/"):
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(PATIENCE)
            made.connect(listen)
            return made
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE, source_address=(source, 0) if source else None)

    def raw(self, data, source=None):
        with self.connect(source) as made:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                made.sendall(data)
            parts = []
            with contextlib.suppress(ConnectionResetError):
                while part := made.recv(65536):
                    parts.append(part)
        return Answer(b"".join(parts))

    def ask(self, method, path, body=b"", headers=None, source=None):
        lines = {"Host": "localhost", "Content-Length": len(body), **(headers or {})}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
        return self.raw(head.encode() + body, source)

    def get(self, path):
        return self.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def post(self, name, body, headers=None, **signing):
        """Sends a body, as JSON unless it is bytes, signed as the hook wants it."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", f"/{name}", body, {**signed(self.hooks[name]["signature"], body, **signing), **(headers or {})})

    def records(self, name):
        return self.kafka.consume_all(self.topics[name])

    def metric(self, name, outcome):
        wanted = f'kpid_hook_requests_total{{hook="{name}",outcome="{outcome}"}} '
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(wanted):
                return int(line.removeprefix(wanted))
        raise AssertionError(f"no {wanted}")

    def memory_mib(self):
        return self.process.note_peak() / 1024

    def close(self):
        faults = []
        if self.process and self.process.running():
            self.process.stop()
        for process in (*self.ended, self.process):
            if process and (fault := process.fault()):
                faults.append(f"{fault}\n{process.log()[-3000:]}")
        self.ports.release()
        return faults


class Senders:
    """Help desks that send numbered bodies at a rate until stop(), and note every answer."""

    def __init__(self, hook, name, n=4, pause=0.01):
        self.hook, self.name, self.pause = hook, name, pause
        self.taken, self.answers, self.slowest = [], {}, 0
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(n)]
        for thread in self.threads:
            thread.start()

    def run(self, sender):
        number = 0
        while not self.ending.is_set():
            number += 1
            body = json.dumps({"id": f"{sender}-{number}", "ticket": number % 10}).encode()
            began = time.monotonic()
            status = 0  # no answer
            with contextlib.suppress(OSError):
                status = self.hook.post(self.name, body).status
            with self.lock:
                self.answers[status] = self.answers.get(status, 0) + 1
                if status == 200:
                    self.taken.append(body)
                if status:
                    self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(self.pause)

    def wait(self, status, more=5):
        """Until there were that many more answers of this status."""
        before = self.answers.get(status, 0)
        wait_until(lambda: self.answers.get(status, 0) >= before + more, lambda: f"answers {status}: {self.answers}")

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        return self

    def check(self):
        """Every body that was answered with 200 is in the topic."""
        found = {message.value for message in self.hook.records(self.name)}
        missing = [body for body in self.taken if body not in found]
        assert self.taken and not missing, (len(self.taken), missing[:5], self.answers)
