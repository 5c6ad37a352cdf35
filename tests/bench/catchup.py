"""How fast kpid reads a backlog, compared with Kafka and PostgreSQL alone."""
import time

from rig import Account, BenchError, Kpid, copy_alone, say, wait_for_total

SPAN_S = 14 * 86400


def start_s():
    """The newest events are some hours old, so that the alerts of the last day are sent as well."""
    return int(time.time()) - SPAN_S - 86400


def check(kpid, expected):
    """Checks that everything was counted, and nothing twice."""
    counted = kpid.pg.psql("SELECT sum(n_messages), sum(n_duplicates), sum(n_dead_letters), "
                           "(SELECT sum(opened) FROM report.agent_kpi_5m), "
                           "(SELECT sum(csat_responses) FROM report.agent_kpi_5m), "
                           "(SELECT count(*) FROM report.ticket) FROM kpid.source_partition", kpid.database)
    wanted = "{events}|{duplicates}|0|{opened}|{surveys}|{opened}".format(**expected)
    if counted != wanted:
        raise BenchError(f"messages|duplicates|dead letters|opened|surveys|tickets are {counted}, not {wanted}")


def catch_up(kpid, n_events):
    """From the start of the daemon until everything in the topic is committed."""
    account = Account(kpid.pg)
    with kpid.start() as process:
        wait_for_total(kpid.pg, kpid.database, Kpid.TOTAL, n_events, process)
        figures = account.figures(process, n_events)
        process.stop()
    return figures


def run(rig, results, options):
    n_events = options.events or (500_000 if options.quick else 2_000_000)
    start, rows, columns = start_s(), [], ["catch-up", "events/s", "of consuming alone", "of COPY alone",
                                           "CPU s per million: kpid", "PostgreSQL", "WAL bytes/event", "MiB"]
    policy = rig.write_policy("catchup", first_response="15m", resolution="4h")
    typed = rig.path("rows.tsv")
    with open(typed, "w", encoding="utf-8") as out:
        rig.write_events("rows", n_events, start, SPAN_S, out)
    with rig.postgres() as pg:
        copied = copy_alone(rig, pg, typed)
        results.add("catchup", "COPY alone", copied)
        rows.append(["COPY alone", copied["events_per_s"]] + [None] * 6)
        for n_partitions in (4,) if options.quick else (1, 2, 4):
            name = f"bench-{n_partitions}"
            rig.kafka().create_topic(name, n_partitions)
            expected = rig.produce_events(name, "tsv", n_events, start, SPAN_S)
            consumed = rig.program("bench_consume", rig.kafka().bootstrap, name, n_partitions)
            consumed["events_per_s"] = round(consumed["messages"] / consumed["seconds"])
            results.add("catchup", f"consuming alone, {n_partitions} partitions", consumed)
            kpid = Kpid(rig, pg, name, [name], policy)
            figures = catch_up(kpid, n_events)
            check(kpid, expected)
            figures["of_consuming"] = round(figures["events_per_s"] / consumed["events_per_s"], 4)
            figures["of_copy"] = round(figures["events_per_s"] / copied["events_per_s"], 4)
            results.add("catchup", f"kpid, {n_partitions} partitions", figures)
            say(f"catch-up, {n_partitions} partitions: {figures}")
            rows.append([f"consuming alone, {n_partitions} partitions", consumed["events_per_s"]] + [None] * 6)
            rows.append([f"kpid, {n_partitions} partitions", figures["events_per_s"], figures["of_consuming"],
                         figures["of_copy"], figures["own_cpu_s_per_million"], figures["pg_cpu_s_per_million"],
                         figures["wal_bytes_per_event"], figures["rss_max_mib"]])
            kpid.drop()
            rig.kafka().delete_topic(name)
    results.table(f"Catching up with {n_events:,} events, everything on", columns, rows)
