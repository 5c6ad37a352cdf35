"""What metrics cost: catching up with and without Prometheus asking once a second, in turn on the same topic."""
import statistics
import threading
import urllib.request

from catchup import SPAN_S, catch_up, check, start_s
from rig import BenchError, Kpid, say
from servers import Ports

N_PARTITIONS = 4
EVERY_S = 1
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


class Scraper(threading.Thread):
    """Asks for the metrics until it is ended, as Prometheus does."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.request = urllib.request.Request(f"http://{address}/metrics", headers={"Accept": ACCEPT})
        self.n, self.ending = 0, threading.Event()

    def run(self):
        while not self.ending.wait(EVERY_S):
            try:
                with urllib.request.urlopen(self.request, timeout=10) as answer:
                    self.n += len(answer.read()) > 0
            except OSError:
                pass  # the daemon is starting or has ended

    def end(self):
        self.ending.set()
        self.join()
        return self.n


def measure(rig, pg, name, policy, expected, n_events, address):
    """address: "" for no metrics."""
    kpid = Kpid(rig, pg, name, ["bench-metrics"], policy, sets=[f"metrics.listen={address}"])
    scraper = Scraper(address or "127.0.0.1:1")
    scraper.start()
    figures = catch_up(kpid, n_events)
    figures["scrapes"] = scraper.end()
    check(kpid, expected)
    kpid.drop()
    if bool(address) != (figures["scrapes"] > 0):
        raise BenchError(f"{figures['scrapes']} scrapes at {address!r}")
    return figures


def run(rig, results, options):
    n_events = options.events or (500_000 if options.quick else 2_000_000)
    rounds = options.rounds or (2 if options.quick else 5)
    start, ports = start_s(), Ports()
    found = {"off": [], "on": []}
    policy = rig.write_policy("metrics", first_response="15m", resolution="4h")
    rig.kafka().create_topic("bench-metrics", N_PARTITIONS)
    expected = rig.produce_events("bench-metrics", "tsv", n_events, start, SPAN_S)
    with rig.postgres() as pg:
        for i in range(rounds):
            for mode in ("off", "on") if i % 2 else ("on", "off"):
                address = f"127.0.0.1:{ports.reserve()}" if mode == "on" else ""
                figures = measure(rig, pg, f"metrics-{mode}-{i}", policy, expected, n_events, address)
                results.add("metrics", f"{mode}, round {i}", figures)
                say(f"metrics {mode}: {figures}")
                found[mode].append(figures)
    rig.kafka().delete_topic("bench-metrics")
    columns = ["metrics", "events/s", "CPU s per million: kpid", "PostgreSQL"]
    rows = [[mode] + [statistics.median(figures[key] for figures in found[mode])
                      for key in ("events_per_s", "own_cpu_s_per_million", "pg_cpu_s_per_million")] for mode in found]
    results.table(f"Catching up with {n_events:,} events, metrics off or asked for every {EVERY_S} s (median of {rounds})", columns, rows)
