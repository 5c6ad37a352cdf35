"""Resident memory of the daemon: while it reads a backlog of openings, and later with all those tickets open."""
import time

from latency import N_PARTITIONS, Live
from rig import BenchError, Kpid, MemorySamples, memory_of, say, wait_for_total

RATE = 2_000


def quarters(samples):
    """The highest value in the first and in the last quarter of the samples: equal if memory is flat."""
    n = max(1, len(samples) // 4)
    return max(samples[:n]), max(samples[-n:])


def measure(rig, pg, n_open, times):
    """Loads tickets that stay open, then restarts and reads at a steady rate with all of them open."""
    name = f"open-{n_open}"
    policy = rig.write_policy("memory", first_response="1d", resolution="3d")  # no deadline comes meanwhile
    topics = [name, f"{name}-live"]
    for topic in topics:
        rig.kafka().create_topic(topic, N_PARTITIONS)
    rig.produce_events(topics[0], "openings", n_open, int(time.time()) - 60, 60)
    kpid = Kpid(rig, pg, name, topics, policy)
    with kpid.start() as process:
        wait_for_total(pg, kpid.database, Kpid.TOTAL, n_open, process)
        loading = memory_of(process.pid)[1]
        process.stop()
    n_clocks = int(pg.psql("SELECT count(*) FROM ONLY kpid.sla_clock", kpid.database))
    if n_clocks != 2 * n_open:
        raise BenchError(f"{n_clocks} clocks for {n_open} open tickets")
    with kpid.start() as process:
        time.sleep(3)
        idle = memory_of(process.pid)[0]
        with MemorySamples(process.pid) as samples, Live(rig, kpid, topics[1], RATE, times) as live:
            live.figures()
        most = memory_of(process.pid)[1]
        process.stop()
    kpid.drop()
    for topic in topics:
        rig.kafka().delete_topic(topic)
    first, last = quarters(samples.mib)
    return {"open_tickets": n_open, "clocks": n_clocks, "loading_max_mib": round(loading, 1),
            "idle_mib": round(idle, 1), "first_quarter_max_mib": round(first, 1),
            "last_quarter_max_mib": round(last, 1), "max_mib": round(most, 1), "seconds": sum(times[1:]),
            "events_per_s": RATE}


def run(rig, results, options):
    times = (5, 1, 12) if options.quick else (30, 30, 270)
    if options.soak:
        times = (30, 30, options.soak)
    columns = ["open tickets", "MiB while reading them", "idle", "first quarter", "last quarter", "most"]
    rows = []
    with rig.postgres() as pg:
        for n_open in (10_000, 100_000) if options.quick else (10_000, 1_000_000):
            figures = measure(rig, pg, n_open, times)
            results.add("memory", f"{n_open} open tickets", figures)
            say(f"memory with {n_open} open tickets: {figures}")
            rows.append([f"{n_open:,}"] + [figures[key] for key in (
                "loading_max_mib", "idle_mib", "first_quarter_max_mib", "last_quarter_max_mib", "max_mib")])
    results.table(f"Resident memory of kpid; quarters of {sum(times[1:])} s at {RATE:,} events/s", columns, rows)
