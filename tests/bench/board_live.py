"""The board under load: from an event to the screen, what many viewers cost, and what an attack on it costs the daemon."""
import contextlib
import json
import os
import random
import selectors
import socket
import statistics
import sys
import threading
import time
import urllib.request

from confluent_kafka import Producer

from latency import N_PARTITIONS, Live
from rig import ROOT, BenchError, Kpid, Process, cpu_of, memory_of, say
from servers import Ports

sys.path.insert(0, os.path.join(ROOT, "tests", "board"))

RATE = 2_000
# When a ticket's breach was first drawn, by the browser's clock.
WATCH = """
window.drawn = {};
new MutationObserver(() => requestAnimationFrame(() => {
	for (const e of document.querySelectorAll('#breaches tbody .ticket'))
		if (e.textContent.startsWith('probe-'))
			window.drawn[e.textContent] ??= Date.now();
})).observe(document.body, {childList: true, subtree: true, characterData: true});
"""


class Viewers(threading.Thread):
    """Streams that are read as they come, in one thread."""

    def __init__(self, port, n):
        super().__init__(daemon=True)
        self.selector, self.ending, self.n_bytes, self.lost = selectors.DefaultSelector(), threading.Event(), 0, 0
        for _ in range(n):
            made = socket.create_connection(("127.0.0.1", port), timeout=30)
            made.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.selector.register(made, selectors.EVENT_READ)

    def run(self):
        while not self.ending.is_set():
            for key, _ in self.selector.select(0.2):
                part = key.fileobj.recv(1 << 16)
                self.n_bytes += len(part)
                if not part:
                    self.lost += 1
                    self.selector.unregister(key.fileobj)

    def end(self):
        self.ending.set()
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        if self.lost:
            raise BenchError(f"the board has dropped {self.lost} streams")


@contextlib.contextmanager
def board_of(rig, kpid, port, more=None):
    kpid.pg.psql("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_board') THEN"
                 " CREATE ROLE bench_board LOGIN IN ROLE kpid_board; END IF; END $$")
    sets = {"postgres.host": "127.0.0.1", "postgres.port": kpid.pg.port, "postgres.dbname": kpid.database, "postgres.user": "bench_board",
            "board.listen": f"127.0.0.1:{port}", "board.max_connections": 2000, "board.max_streams": 1500, "board.max_per_address": 2000, **(more or {})}
    command = [rig.kpid, "board", *(part for key, value in sets.items() for part in ("--set", f"{key}={value}"))]
    with Process("kpid board", command, rig.path("board.log"), env={**os.environ, "KPID_CONFIG": "/dev/null"}) as process:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=5):
                break
            process.check_alive()
            if time.monotonic() > deadline:
                raise BenchError(f"the board is not ready:\n{process.log_tail()}")
            time.sleep(0.1)
        yield process
        process.stop()


def opening(key):
    """A ticket that was opened two hours ago: its breach is detected at once."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 7200))
    return json.dumps({"specversion": "1.0", "id": key, "source": "bench", "type": "ticket.opened", "time": at,
                       "data": {"ticket_id": key, "agent_id": "probe", "project_id": "probe"}}).encode()


def probe(rig, browser, topic, seconds):
    """Milliseconds from sending an event to the drawing of its breach."""
    producer, sent = Producer({"bootstrap.servers": rig.kafka().bootstrap, "linger.ms": 0}), {}
    end, rng = time.monotonic() + seconds, random.Random(7)
    while time.monotonic() < end:
        key = f"probe-{len(sent)}"
        sent[key] = time.time() * 1000
        producer.produce(topic, opening(key), key)
        producer.flush()
        time.sleep(rng.uniform(0.3, 0.9))
    time.sleep(5)
    drawn = browser.run("return window.drawn")
    missing = sent.keys() - drawn.keys()
    if missing:
        raise BenchError(f"{len(missing)} of {len(sent)} breaches were never drawn")
    return sorted(drawn[key] - sent[key] for key in sent)


def pixels(rig, results, options, pg, ports):
    from browser import Browser  # pylint: disable=import-outside-toplevel
    name, port, n_viewers = "board-live", ports.reserve(), 50
    times = (10, 5, 25) if options.quick else (30, 15, 75)
    policy = rig.write_policy("board", first_response="60s", resolution="30m")
    for topic in (name, "probes"):
        rig.kafka().create_topic(topic, N_PARTITIONS)
    kpid = Kpid(rig, pg, name, [name, "probes"], policy)
    with Live(rig, kpid, name, RATE, times) as live, kpid.start() as process, board_of(rig, kpid, port) as board:
        viewers = Viewers(port, n_viewers - 1)
        viewers.start()
        browser = Browser()
        try:
            browser.get(f"http://localhost:{port}/")
            browser.until(lambda: browser.text(".fresh strong") in ("Live", "Behind"), "the page shows nothing", seconds=60)
            browser.run(WATCH)
            before = sum(cpu_of(board.pid))
            found = probe(rig, browser, "probes", times[2] - 5)
            spent = sum(cpu_of(board.pid)) - before
        finally:
            browser.close()
        row = live.figures()
        viewers.end()
        process.stop()
    at = lambda share: round(found[min(len(found) - 1, int(share * len(found)))])  # noqa: E731
    figures = {"probes": len(found), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": round(found[-1]), "board_cpu_share": round(spent / times[2], 3),
               "row_p50_ms": row["p50_ms"], "row_p99_ms": row["p99_ms"]}
    results.add("board_live", "event to pixel", figures)
    say(f"event to pixel: {figures}")
    results.table(f"From an event to the screen, at {RATE:,} events/s with {n_viewers} streams",
                  ["", "p50 ms", "p99 ms", "most ms", "of one core: the board"],
                  [["event → row", row["p50_ms"], row["p99_ms"], row["max_ms"], None],
                   ["event → drawn", figures["p50_ms"], figures["p99_ms"], figures["max_ms"], figures["board_cpu_share"]]])
    return kpid


def crowd(rig, results, options, kpid, ports):
    """What 1,000 streams cost the board while the tables change."""
    port, seconds, rows = ports.reserve(), 10 if options.quick else 30, []
    for n in (0, 50, 1000):
        with board_of(rig, kpid, port) as board:
            viewers = Viewers(port, n)
            viewers.start()
            time.sleep(3)
            before, n_before = sum(cpu_of(board.pid)), viewers.n_bytes
            end = time.monotonic() + seconds
            while time.monotonic() < end:  # the newest breaches and the clocks of each second differ
                kpid.pg.psql("UPDATE kpid.alert SET level = level + 1 WHERE alert_id IN (SELECT alert_id FROM report.alert"
                             " WHERE breached_at IS NOT NULL ORDER BY detected_at DESC LIMIT 20)", kpid.database)
                time.sleep(0.5)
            figures = {"cpu_share": round((sum(cpu_of(board.pid)) - before) / seconds, 3), "rss_max_mib": round(memory_of(board.pid)[1], 1),
                       "kb_per_stream_and_s": round((viewers.n_bytes - n_before) / seconds / 1000 / n, 2) if n else None}
            viewers.end()
        results.add("board_live", f"{n} streams", figures)
        say(f"{n} streams: {figures}")
        rows.append([f"{n:,}", figures["cpu_share"], figures["rss_max_mib"], figures["kb_per_stream_and_s"]])
    results.table("Live pages of one board", ["streams", "of one core", "MiB", "kB/s each"], rows)


class Attack(threading.Thread):
    """Holds `n` connections to the board with headers that never end, a byte a second each, and opens those again that the board closes;
    beside them, one that sends headers without an end as fast as the board takes them, again and again."""

    PER_TICK, TICK_S, PIECE = 10, 0.05, b"X-A: " + b"a" * 65531

    def __init__(self, port, n):
        super().__init__(daemon=True)
        self.port, self.n, self.ending = port, n, threading.Event()
        self.slow, self.n_opened, self.n_bytes = [], 0, 0

    def connect(self, first):
        made = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        made.setblocking(False)
        made.sendall(first)
        self.n_opened += 1
        return made

    def tick(self, number):
        for _ in range(min(self.PER_TICK, self.n - len(self.slow))):
            with contextlib.suppress(OSError):
                self.slow.append(self.connect(b"GET / HTTP/1.1\r\nX-A: "))
        kept = []
        for i, one in enumerate(self.slow):
            try:
                if (i + number) % 20 == 0:  # each of them once a second
                    one.send(b"a")
                kept.append(one)
            except OSError:
                one.close()
        self.slow = kept

    def flood(self):
        """Until the board refuses, which it must long before 2 GiB."""
        with contextlib.suppress(OSError), contextlib.closing(self.connect(b"GET / HTTP/1.1\r\n")) as one:
            for _ in range(2 << 30 >> 16):
                self.n_bytes += one.send(self.PIECE)

    def run(self):
        number = 0
        while not self.ending.wait(self.TICK_S):
            self.tick(number)
            self.flood()
            number += 1

    def end(self):
        self.ending.set()
        self.join()
        for one in self.slow:
            one.close()


def attacked(rig, results, options, pg, ports):
    """What an attack on the board costs the daemon: from event to row with and without it, in turn."""
    rounds, times, found = options.rounds or 2, (10, 5, 15) if options.quick else (20, 10, 40), {"off": [], "on": []}
    policy = rig.write_policy("board-attack", first_response="60s", resolution="30m")
    for i in range(rounds):
        for mode in ("off", "on") if i % 2 else ("on", "off"):
            name, port = f"attack-{mode}-{i}", ports.reserve()
            rig.kafka().create_topic(name, N_PARTITIONS)
            kpid = Kpid(rig, pg, name, [name], policy)
            with (Live(rig, kpid, name, RATE, times) as live, kpid.start() as process,
                  board_of(rig, kpid, port, {"board.max_connections": 256, "board.max_streams": 128}) as board):
                attack = Attack(port, 1000 if mode == "on" else 0)
                if mode == "on":
                    attack.start()
                row = live.figures()
                if mode == "on":
                    attack.end()
                figures = {"row_p50_ms": row["p50_ms"], "row_p99_ms": row["p99_ms"], "board_mib": round(memory_of(board.pid)[1], 1),
                           "connections_per_s": round(attack.n_opened / sum(times), 1)}
                process.stop()
            kpid.drop()
            rig.kafka().delete_topic(name)
            results.add("board_live", f"attack {mode}, round {i}", figures)
            say(f"attack {mode}: {figures}")
            if figures["board_mib"] > 64:
                raise BenchError(f"the board has taken {figures['board_mib']} MiB")
            found[mode].append(figures)
    keys = ("row_p50_ms", "row_p99_ms", "board_mib", "connections_per_s")
    results.table(f"From an event to its row at {RATE:,} events/s, while the board is attacked (median of {rounds})",
                  ["attack", "p50 ms", "p99 ms", "MiB of the board", "connections/s"],
                  [[mode] + [statistics.median(figures[key] for figures in found[mode]) for key in keys] for mode in ("off", "on")])


def run(rig, results, options):
    ports = Ports()
    with rig.postgres() as pg:
        kpid = pixels(rig, results, options, pg, ports)
        crowd(rig, results, options, kpid, ports)
        kpid.drop()
        attacked(rig, results, options, pg, ports)
