"""Reads the metrics of a daemon under test, and runs a real Prometheus and a real Alertmanager."""
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

from daemon import ROOT, wait_until
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from servers import Ports

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Endpoint:
    """The address for [metrics] listen of one daemon; the port is reserved while this object lives."""

    def __init__(self):
        self.ports = Ports()
        self.port = self.ports.reserve()
        self.address = f"127.0.0.1:{self.port}"

    def get(self, path, accept=None, host=None, method="GET"):
        """(status, content type, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": host or self.address}
        if accept:
            headers["Accept"] = accept
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["content-type"], answer.read().decode()
        finally:
            connection.close()

    def is_up(self):
        try:
            return self.get("/livez")[0] == 200
        except OSError:
            return False

    def is_ready(self):
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def families(self, openmetrics=False):
        status, _, body = self.get("/metrics", OPENMETRICS if openmetrics else None)
        assert status == 200, body
        return list((parse_openmetrics if openmetrics else parse_text)(body))

    def samples(self):
        """{(name, labels as sorted pairs): value}"""
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in self.families() for sample in family.samples}

    def value(self, name, **labels):
        return self.samples().get((name, tuple(sorted(labels.items()))))

    def raw(self, data, timeout=15):
        """What comes back for some bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as client:
            client.sendall(data)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            return answer


def table():
    """The rows of include/kpid/metrics.def: {name: (type, labels, help)}."""
    with open(os.path.join(ROOT, "include", "kpid", "metrics.def"), encoding="utf-8") as file:
        rows = re.findall(r'(?m)^METRIC\((\w+), (\w+), "(\w*)", "([\w ]*)", (\w+), "(.*)"\)$', file.read())
    return {name: (type, labels.split(), help) for name, type, unit, labels, reader, help in rows}


@contextlib.contextmanager
def _running(program, listen_option, *arguments):
    """A server of the Prometheus project on a free loopback port: its address."""
    path = shutil.which(program)
    assert path, f"{program} is not installed: deploy/lib/setup.sh test"
    ports = Ports()
    address = f"127.0.0.1:{ports.reserve()}"
    with subprocess.Popen([path, f"--{listen_option}={address}", *arguments], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        def ready():
            try:
                return urllib.request.urlopen(f"http://{address}/-/ready", timeout=1).status == 200
            except OSError:
                assert process.poll() is None, f"{program} has ended"
                return False
        try:
            wait_until(ready, program)
            yield f"http://{address}"
        finally:
            process.terminate()


def running_alertmanager(config, folder):
    return _running("prometheus-alertmanager", "web.listen-address", f"--config.file={config}", f"--storage.path={folder}",
                    "--cluster.listen-address=")


def running_prometheus(config, folder):
    return _running("prometheus", "web.listen-address", f"--config.file={config}", f"--storage.tsdb.path={folder}")


def fetch_json(url, **parameters):
    with urllib.request.urlopen(url + ("?" + urllib.parse.urlencode(parameters) if parameters else ""), timeout=10) as answer:
        return json.load(answer)
