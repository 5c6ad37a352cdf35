"""What daemons cost while nothing happens, and how late they then see a breach."""
import contextlib
import datetime
import json
import time

from parts import by_statement
from rig import BenchError, Kpid, Process, cpu_of, cpu_of_tree, say, wait_for_total

SLA_S = 5
N_OPEN = 2_000  # tickets that stay open: their first deadline has passed, the next one is far away
N_BREACHES, BREACH_EVERY_S = 10, 0.7
CASES = [(4, 1), (400, 1), (4, 3), (400, 3)]  # partitions, instances
QUICK_CASES = [(4, 1), (400, 3)]

SETTINGS = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "on"}
COMMITS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
BREACHES = """SELECT ticket_id, extract(epoch FROM detected_at - breached_at)::float8, extract(epoch FROM breached_at)::float8
FROM report.alert WHERE ticket_id = ANY (%s)"""


class Watch:
    """Counts from now on, over one connection that is opened before."""

    def __init__(self, pg, connection, kpid, processes):
        self.pg, self.cursor, self.kpid, self.processes = pg, connection.cursor(), kpid, processes
        self.before, self.began = self._totals(), time.monotonic()

    def _one(self, sql, *values):
        self.cursor.execute(sql, values)
        return self.cursor.fetchone()[0]

    def _totals(self):
        own = sum(sum(cpu_of(process.pid)) for process in self.processes)
        return own, cpu_of_tree(self.pg.pid), self._one(COMMITS, self.kpid.database), int(self._one(WAL))

    def figures(self):
        seconds = time.monotonic() - self.began
        own, pg, commits, wal = (after - before for after, before in zip(self._totals(), self.before))
        return {"own_cpu_percent": round(100 * own / seconds, 2), "pg_cpu_percent": round(100 * pg / seconds, 2),
                "commits_per_s": round(commits / seconds, 2), "wal_kb_per_min": round(wal / 1000 * 60 / seconds, 1)}


def start(kpid, n_instances):
    """The daemons, which are named and log apart."""
    for i in range(n_instances):
        name = f"idle-{i}"
        yield Process(name, kpid.command("--set", f"run.instance={name}", "run"), f"{kpid.log}.{i}")


def send_openings(kpid, topic, first, n, every_s):
    """Opens tickets one by one; returns their ids."""
    from confluent_kafka import Producer
    producer = Producer({"bootstrap.servers": kpid.rig.kafka().bootstrap, "linger.ms": 0, "log_level": 0})
    tickets = [f"late-{i}" for i in range(first, first + n)]
    for ticket in tickets:
        at = datetime.datetime.now(datetime.timezone.utc).isoformat()
        producer.produce(topic, json.dumps({"specversion": "1.0", "id": ticket, "source": "/bench", "type": "ticket.opened",
                                            "time": at, "data": {"ticket_id": ticket, "agent_id": "a"}}), key=ticket)
        producer.flush(10)
        time.sleep(every_s)
    return tickets


def lateness(kpid, connection, topic):
    """Seconds from the deadline until its row is written and until its message is on the topic: the most of some tickets."""
    tickets = send_openings(kpid, topic, 0, N_BREACHES, BREACH_EVERY_S)
    cursor, until = connection.cursor(), time.monotonic() + SLA_S + 30
    while True:
        cursor.execute(BREACHES, (tickets,))
        found = cursor.fetchall()
        sent = {json.loads(message.value)["data"]["ticket_id"]: message.timestamp / 1000
                for message in kpid.rig.kafka().consume_all(kpid.alerts)}
        if len(found) == N_BREACHES and sent.keys() >= set(tickets):
            return {"detected_late_s": round(max(row[1] for row in found), 2),
                    "sent_late_s": round(max(sent[row[0]] - row[2] for row in found), 2)}
        if time.monotonic() > until:
            raise BenchError(f"{len(found)} of {N_BREACHES} breaches were detected")
        time.sleep(0.5)


def measure(rig, pg, n_partitions, n_instances, seconds):
    topic = f"idle-{n_partitions}-{n_instances}"
    rig.kafka().create_topic(topic, n_partitions)
    rig.produce_events(topic, "openings", N_OPEN, int(time.time()) - 60, 30)
    kpid = Kpid(rig, pg, topic, [topic], rig.write_policy("idle", first_response=f"{SLA_S}s", resolution="30d"))
    with contextlib.closing(pg.connect(kpid.database)) as connection, contextlib.ExitStack() as stack:
        connection.autocommit = True
        processes = [stack.enter_context(process) for process in start(kpid, n_instances)]
        wait_for_total(pg, kpid.database, Kpid.TOTAL, N_OPEN, processes[0])
        wait_for_total(pg, kpid.database, "SELECT count(*) FROM kpid.alert", N_OPEN, processes[0])
        wait_for_total(pg, kpid.database, "SELECT count(DISTINCT owner) FROM kpid.source_partition", n_instances, processes[0])
        wait_for_total(pg, kpid.database, "SELECT coalesce(-behind, -1) FROM report.ledger_status", 0, processes[0])
        for database in ("postgres", "template1", kpid.database):
            pg.psql("VACUUM ANALYZE", database)
        pg.psql("CHECKPOINT")
        time.sleep(75)  # partitions have moved, alerts are sent, autovacuum was there, pages are in the log as a whole
        pg.psql("SELECT pg_stat_statements_reset()")
        watch = Watch(pg, connection, kpid, processes)
        time.sleep(seconds)
        figures = watch.figures()
        statements = by_statement(pg, kpid.database)
        figures["statements_per_min"] = {name: round(total[0] * 60 / seconds, 1)
                                         for name, total in sorted(statements.items(), key=lambda item: -item[1][0])}
        figures.update(lateness(kpid, connection, topic))
        for process in processes:
            process.stop()
    pg.drop_database(kpid.database)
    return figures  # the topic stays: deleting 400 partitions would keep the broker busy


def run(rig, results, options):
    seconds = 10 if options.quick else 60
    columns = ["partitions", "instances", "CPU: kpid, %", "PostgreSQL, %", "commits/s", "WAL kB a minute",
               "s until a breach is seen", "until it is sent"]
    rows = []
    with rig.postgres(**SETTINGS) as pg:
        pg.psql("CREATE EXTENSION pg_stat_statements")
        if not options.quick:
            time.sleep(120)  # autovacuum analyzes the catalogs of a new server
        for n_partitions, n_instances in QUICK_CASES if options.quick else CASES:
            figures = measure(rig, pg, n_partitions, n_instances, seconds)
            what = f"{n_partitions} partitions, {n_instances} instances"
            results.add("idle", what, figures)
            say(f"idle, {what}: {figures}")
            rows.append([n_partitions, n_instances] + [figures[key] for key in (
                "own_cpu_percent", "pg_cpu_percent", "commits_per_s", "wal_kb_per_min", "detected_late_s", "sent_late_s")])
    results.table(f"Idle for {seconds} s: all instances together", columns, rows)
