"""How long it takes from an event to its rows, at a steady rate."""
from rig import Account, Kpid, say, wait_for_total

N_PARTITIONS = 4
RATES = (2_000, 10_000)


def wait_assigned(kpid, process, n_partitions):
    wait_for_total(kpid.pg, kpid.database, "SELECT count(*) FROM kpid.source_partition WHERE epoch > 0", n_partitions,
                   process)


def live(rig, pg, kpid, topic, rate, times):
    """Sends events at a steady rate and returns how long they took; `times`: history, warm-up and measure, in s."""
    query = f"{Kpid.COMMITTED} WHERE topic = '{topic}'"
    return rig.program("bench_live", rig.kafka().bootstrap, topic, N_PARTITIONS, rate, *times, pg.dsn(kpid.database),
                       query)


def run(rig, results, options):
    times = (10, 6, 10) if options.quick else (30, 30, 60)
    policy = rig.write_policy("latency", first_response="10s", resolution="30s")
    columns = ["event → row", "events/s sent", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "most ms",
               "CPU s per million: kpid", "PostgreSQL"]
    rows = []
    with rig.postgres() as pg:
        for rate in options.rates or RATES:
            name = f"live-{rate}"
            rig.kafka().create_topic(name, N_PARTITIONS)
            kpid = Kpid(rig, pg, name, [name], policy)
            with kpid.start() as process:
                wait_assigned(kpid, process, N_PARTITIONS)
                account = Account(pg, 1)
                figures = live(rig, pg, kpid, name, rate, times)
                n_events = int(pg.psql(Kpid.TOTAL, kpid.database))
                account.n_events = n_events
                spent = account.figures(process)
                process.stop()
            figures.update({key: spent[key] for key in ("own_cpu_s_per_million", "pg_cpu_s_per_million", "rss_max_mib")})
            results.add("latency", f"{rate} events/s", figures)
            say(f"latency at {rate} events/s: {figures}")
            rows.append([f"at {rate:,} events/s"] + [figures[key] for key in
                        ("events_per_s", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms", "own_cpu_s_per_million",
                         "pg_cpu_s_per_million")])
            kpid.drop()
            rig.kafka().delete_topic(name)
    results.table("From event to row", columns, rows)
