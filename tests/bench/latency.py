"""The time from an event to its rows, at a steady rate."""
import json
import os
import subprocess

from rig import Account, BenchError, Kpid, say

N_PARTITIONS = 4
RATES = (2_000, 10_000)


class Live:
    """Sends events at a steady rate to an empty topic, and measures how long they take to become visible."""

    def __init__(self, rig, kpid, topic, rate, times):
        """`times`: history, warm-up and measurement, in seconds. Returns once the history has been sent."""
        command = [os.path.join(rig.programs, "bench_live"), rig.kafka().bootstrap, topic, N_PARTITIONS, rate, *times,
                   kpid.pg.dsn(kpid.database), f"{Kpid.COMMITTED} WHERE topic = '{topic}'"]
        self._process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        if not self._process.stdout.readline():
            self.figures()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def figures(self):
        output = self._process.stdout.read()
        if self._process.wait() != 0:
            raise BenchError(f"bench_live ended with {self._process.returncode}")
        return json.loads(output)


def run(rig, results, options):
    times = (20, 6, 10) if options.quick else (30, 30, 60)
    policy = rig.write_policy("latency", first_response="10s", resolution="30s")
    columns = ["event → row", "events/s sent", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "most ms",
               "CPU s per million: kpid", "PostgreSQL"]
    rows = []
    with rig.postgres() as pg:
        for rate in options.rates or RATES:
            name = f"live-{rate}"
            rig.kafka().create_topic(name, N_PARTITIONS)
            kpid = Kpid(rig, pg, name, [name], policy)
            account = Account(pg)
            with Live(rig, kpid, name, rate, times) as live, kpid.start() as process:
                figures = live.figures()
                spent = account.figures(process, int(pg.psql(Kpid.TOTAL, kpid.database)))
                process.stop()
            for key in ("own_cpu_s_per_million", "pg_cpu_s_per_million", "rss_max_mib"):
                figures[key] = spent[key]
            figures["warnings"] = kpid.n_warnings()
            results.add("latency", f"{rate} events/s", figures)
            say(f"latency at {rate} events/s: {figures}")
            rows.append([f"at {rate:,} events/s"] + [figures[key] for key in
                        ("events_per_s", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms", "own_cpu_s_per_million",
                         "pg_cpu_s_per_million")])
            kpid.drop()
            rig.kafka().delete_topic(name)
    results.table("From event to row", columns, rows)
