"""The cost of a batch by part: in the daemon as far as it reports it, and in PostgreSQL statement by statement."""
import glob
import json
import os
import time

from catchup import SPAN_S, start_s
from rig import ROOT, Kpid

PARTS = ("parse", "read", "evaluate", "write", "commit")

STATEMENTS = """SELECT s.query, s.calls, s.total_exec_time / 1000, s.rows, s.wal_bytes
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = %s ORDER BY s.total_exec_time DESC"""


def known_statements():
    """Each file of sql/queries by its first line, which is unique."""
    known = {}
    for path in glob.glob(os.path.join(ROOT, "sql", "queries", "*.sql")):
        with open(path, encoding="utf-8") as file:
            known[file.readline().strip()] = os.path.basename(path)
    return known


def by_statement(pg, database):
    known = known_statements()
    found = {}
    with pg.connect() as connection, connection.cursor() as cursor:
        cursor.execute(STATEMENTS, (database,))
        for query, calls, seconds, n_rows, wal_bytes in cursor.fetchall():
            name = known.get(query.split("\n")[0].strip()) or (query if len(query) < 12 else "other")
            total = found.setdefault(name, [0, 0.0, 0, 0])
            for i, value in enumerate((calls, seconds, n_rows, int(wal_bytes))):
                total[i] += value
    return found


def run(rig, results, options):
    n_events = options.events or (200_000 if options.quick else 1_000_000)
    events = rig.path("events.ndjson")
    with open(events, "w", encoding="utf-8") as out:
        rig.write_events("ndjson", n_events, start_s(), SPAN_S, out)
    policy = rig.write_policy("parts", first_response="15m", resolution="4h")
    settings = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "on"}
    with rig.postgres(**settings) as pg:
        pg.psql("CREATE EXTENSION pg_stat_statements")
        kpid = Kpid(rig, pg, "parts", ["parts"], policy)
        pg.psql("SELECT pg_stat_statements_reset()")
        started = time.monotonic()
        summary = json.loads(kpid.run("--json", "ingest", events))
        seconds = time.monotonic() - started
        statements = by_statement(pg, kpid.database)
    daemon = {part: summary[part + "_us"] / n_events for part in PARTS}
    results.add("parts", "daemon", {"events": n_events, "batches": summary["batches"], "ticket_rows": summary["ticket_rows"],
                                    "us_per_event": {part: round(us, 3) for part, us in daemon.items()},
                                    "elapsed_us_per_event": round(seconds / n_events * 1e6, 3)})
    results.table(f"Where the time of a batch goes: `kpid ingest`, {n_events:,} events, {summary['batches']} batches",
                  ["part", "µs per event"], [[part, round(us, 2)] for part, us in daemon.items()])
    rows = []
    for statement, (calls, spent_s, n_rows, wal_bytes) in sorted(statements.items(), key=lambda item: -item[1][1]):
        figures = {"calls": calls, "us_per_event": round(spent_s / n_events * 1e6, 3),
                   "rows_per_event": round(n_rows / n_events, 3), "wal_bytes_per_event": round(wal_bytes / n_events, 1)}
        results.add("parts", statement, figures)
        if figures["us_per_event"] >= 0.05:
            rows.append([statement, calls, figures["us_per_event"], figures["rows_per_event"],
                         figures["wal_bytes_per_event"]])
    results.table("The same in PostgreSQL, by statement",
                  ["statement", "calls", "µs per event", "rows per event", "WAL bytes per event"], rows)
