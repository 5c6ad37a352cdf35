"""An hour at a steady rate: lag, latency, memory, HOT updates and bytes per row must be the same at its end as at
its beginning.
"""
import statistics

from latency import N_PARTITIONS, RATES, Live
from rig import Account, BenchError, Kpid, Samples, memory_of, say

SAMPLE_S = 10
MOST_P99_MS = 500
MOST_GROWTH = 1.05  # growth of memory, and of bytes per row, from the first quarter to the last; a table keeps space that it once needed
LEAST_HOT = 0.98  # share of all updates, and of those of each table
LAG = "SELECT coalesce(sum(greatest(high_offset - next_offset, 0)), 0)::bigint FROM kpid.source_partition"
TABLES = """
    SELECT relname, n_live_tup, n_tup_upd, n_tup_hot_upd, pg_table_size(relid), pg_indexes_size(relid)
    FROM pg_stat_user_tables WHERE schemaname = 'kpid'"""
BIG_ENOUGH = 1000  # minimum of rows or updates for their share to be meaningful


class Desk(Samples):
    """Samples lag, the daemon's memory and its tables, on its own connection."""

    def __init__(self, pg, database, pid):
        super().__init__(SAMPLE_S)
        self.connection = pg.connect(database)
        self.pid = pid
        self.lag, self.mib, self.tables = [], [], []

    def look(self):
        with self.connection.cursor() as cursor:
            cursor.execute(LAG)
            self.lag.append(cursor.fetchone()[0])
            cursor.execute(TABLES)
            self.tables.append({name: tuple(figures) for name, *figures in cursor.fetchall()})
        self.mib.append(memory_of(self.pid)[0])

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.connection.close()


def quarters(samples, figure):
    """One figure for each quarter of the samples."""
    n = len(samples) // 4
    return [figure(samples[i * n:(i + 1) * n]) for i in range(4)]


def bytes_a_row(part, name):
    """The median of the observations: the number of live rows is an estimate of PostgreSQL that changes with each
    vacuum."""
    sizes = [(table + indexes) / live for live, _, _, table, indexes in
             (tables[name] for tables in part if name in tables) if live >= BIG_ENOUGH]
    return statistics.median(sizes) if sizes else None


def table_rows(samples):
    """For each table: live rows, share of HOT updates, and bytes (with indexes) per live row by quarter."""
    first, last = samples[0], samples[-1]
    rows = []
    for name in sorted(last):
        n_updates, n_hot = (last[name][i] - first.get(name, (0,) * 5)[i] for i in (1, 2))
        of_rows = quarters(samples, lambda part, name=name: bytes_a_row(part, name))
        if n_updates or of_rows[-1]:
            rows.append([name, last[name][0], n_updates, round(n_hot / n_updates, 4) if n_updates else None,
                         *(None if size is None else round(size) for size in of_rows)])
    return rows


def faults_of(figures, rows):
    """The violated expectations."""
    def grown(before, after):
        return after > before * MOST_GROWTH

    faults = []
    if figures["p99_ms"] > MOST_P99_MS:
        faults.append(f"p99 is {figures['p99_ms']} ms")
    lag, mib = figures["lag_events"], figures["rss_mib"]
    if lag[3] > lag[0] + figures["events_per_s"] * 0.1:
        faults.append(f"the lag grows: {lag}")
    if grown(mib[0], mib[3]):
        faults.append(f"memory grows: {mib}")
    if figures["hot"] < LEAST_HOT:
        faults.append(f"{figures['hot']:.2%} of the updates are HOT")
    faults += [f"{hot:.2%} of the updates of {name} are HOT" for name, _, n_updates, hot, *_ in rows
               if n_updates >= BIG_ENOUGH and hot < LEAST_HOT]
    faults += [f"{name} grows: {of_rows} bytes a row" for name, _, _, _, *of_rows in rows
               if of_rows[0] and of_rows[3] and grown(of_rows[0], of_rows[3]) and of_rows[3] > max(filter(None, of_rows[:3]))]
    return faults


def run(rig, results, options):
    rate = options.rates[0] if options.rates else RATES[-1]
    minutes = options.minutes or (2 if options.quick else 60)
    times = (30, 30, minutes * 60)
    policy = rig.write_policy("endurance", first_response="10s", resolution="30s")
    name = "endurance"
    rig.kafka().create_topic(name, N_PARTITIONS)
    with rig.postgres() as pg:
        kpid = Kpid(rig, pg, name, [name], policy)
        account = Account(pg)
        with Live(rig, kpid, name, rate, times) as live, kpid.start() as process:
            with Desk(pg, kpid.database, process.pid) as samples:
                figures = live.figures()
            spent = account.figures(process, int(pg.psql(Kpid.TOTAL, kpid.database)))
            process.stop()
        kpid.run("verify", "--sample", "5000")
        warm = times[1] // SAMPLE_S
        rows = table_rows(samples.tables[warm:])
        updates = sum(row[2] for row in rows)
        figures.update(
            minutes=minutes, lag_events=quarters(samples.lag[warm:], statistics.median),
            rss_mib=[round(mib, 1) for mib in quarters(samples.mib[warm:], max)],
            hot=round(sum((row[3] or 0) * row[2] for row in rows) / updates, 4), warnings=kpid.n_warnings(),
            **{key: spent[key] for key in ("own_cpu_s_per_million", "pg_cpu_s_per_million", "wal_bytes_per_event")})
        kpid.drop()
    results.add("endurance", f"{minutes} minutes at {rate} events/s", {**figures, "tables": rows})
    say(f"endurance: {figures}")
    results.table(f"{minutes} minutes at {rate:,} events/s, by quarters",
                  ["", "first", "second", "third", "last"],
                  [["p99 ms from event to row", *figures["quarters_p99_ms"]], ["lag, events", *figures["lag_events"]],
                   ["resident memory of kpid, MiB", *figures["rss_mib"]]])
    results.table("Its tables", ["table", "live rows", "updates", "HOT", "bytes a row: first", "second", "third",
                                 "last quarter"], rows)
    results.note(f"p99 {figures['p99_ms']} ms, p99.9 {figures['p999_ms']} ms, most {figures['max_ms']} ms; "
                 f"{figures['hot']:.2%} of {updates:,} updates are HOT; a sample of 5,000 tickets verified.")
    faults = faults_of(figures, rows)
    if faults:
        raise BenchError("; ".join(faults))
