"""What `kpid hook` takes: signed requests of 1 KB at a steady rate, beside the broker that acknowledges them."""
import json
import os
import subprocess
import time
import urllib.request

from rig import BenchError, Process, cpu_of, memory_of, say
from servers import Ports

SECRET, BODY_BYTES = "a secret of the help desk", 1_000
RATES = (500, 2_000)


def configure(rig, port, topic):
    path, secret = (os.path.join(rig.directory, name) for name in ("hook.ini", "hook.secret"))
    for name, text in ((secret, SECRET), (path, f"[kafka]\nbootstrap.servers = {rig.kafka().bootstrap}\n[hook]\nlisten = 127.0.0.1:{port}\n"
                       f"[hook desk]\npath = /desk\ntopic = {topic}\nsignature = hub-sha256\nsecret_file = {secret}\nkey = /ticket/id\n")):
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o600)
    return path


def wait_ready(port):
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise BenchError("the hook does not get ready")


def run(rig, results, options):
    seconds = 5 if options.quick else 30
    rows, ports = [], Ports()
    for rate in options.rates or RATES:
        port, topic = ports.reserve(), f"receive-{rate}"
        rig.kafka().create_topic(topic, 4)
        with Process("hook", [rig.kpid, "hook", "--config", configure(rig, port, topic)], os.path.join(rig.directory, "hook.log")) as process:
            wait_ready(port)
            before = sum(cpu_of(process.pid))
            done = subprocess.run([os.path.join(rig.programs, "bench_hook"), str(port), "/desk", SECRET, str(BODY_BYTES), str(rate), str(seconds)],
                                  check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout)
            figures["own_cpu_us_per_request"] = round((sum(cpu_of(process.pid)) - before) * 1e6 / figures["sent"], 1)
            figures["rss_max_mib"] = round(memory_of(process.pid)[1], 1)
        written = sum(end for _, end in rig.kafka().offsets(topic).values())
        if not figures["taken"] <= written:
            raise BenchError(f"{figures['taken']} requests were answered with 200, and {written} are in the topic")
        results.add("receive", f"{rate} requests/s", figures)
        say(f"receive at {rate} requests/s: {figures}")
        rows.append([f"at {rate:,} requests/s"] + [figures.get(key) for key in ("sent", "taken", "p50_ms", "p99_ms", "max_ms", "own_cpu_us_per_request",
                                                                               "rss_max_mib")])
        rig.kafka().delete_topic(topic)
    ports.release()
    results.table("Webhooks", ["webhook → 200", "sent", "taken", "p50 ms", "p99 ms", "most ms", "CPU µs per request", "most MiB"], rows)
