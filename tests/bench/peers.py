"""kpid compared with the programs that a good engineer would write in Go and in Python, on their workload, in one
run.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from rig import ROOT, Account, BenchError, Kpid, Process, Skipped, say, wait_for_total

TOPIC = "w"
N_PARTITIONS = 4
SLA_S = 900
QUICK_EVENTS = 300_000

RFC3339_MS = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


def at(column):
    return RFC3339_MS.format(column)


# The expected contents of the tables, from the workload's generator, as queries for kpid and the peers.
KPID_TABLES = {
    "ticket": f"""SELECT ticket_id, {at('opened_at')}, {at('first_response_at')}, {at('resolved_at')},
        {at('closed_at')}, agent_id, CASE WHEN state = 'open' THEN
        CASE WHEN first_response_at IS NULL THEN 'opened' ELSE 'responded' END ELSE state END FROM report.ticket""",
    "kpi": f"""SELECT agent_id, {at('time')}, opened, responded, round(first_response_seconds_sum, 3),
        first_response_within_sla, resolved, closed, (csat_score_sum * 5)::bigint, csat_responses
        FROM report.agent_kpi_5m
        WHERE (opened, responded, resolved, closed, csat_responses) <> (0, 0, 0, 0, 0)""",
    "breach": f"""SELECT ticket_id, {at('due_at')} FROM report.alert
        WHERE target = 'first_response' AND state <> 'voided'""",
}
PEER_TABLES = {
    "ticket": f"""SELECT ticket_id, {at('opened_at')}, {at('first_response_at')}, {at('resolved_at')},
        {at('closed_at')}, agent_id, state FROM ticket""",
    "kpi": f"""SELECT agent_id, {at('bucket')}, opened, responded, round(response_seconds_sum, 3), within_sla,
        resolved, closed, csat_sum, csat_n FROM agent_kpi
        WHERE (opened, responded, resolved, closed, csat_n) <> (0, 0, 0, 0, 0)""",
    "breach": f"SELECT ticket_id, {at('due_at')} FROM breach",
}


# ---- the workload ---------------------------------------------------------------------------------------------------


def workload(folder, given):
    """The folder with the workload: the given one, or one created by the peers' generator and cached."""
    if given:
        return given
    generator = os.path.join(folder, "gen.py")
    with open(generator, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:12]
    cache = os.environ.get("KPID_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "kpid")
    place = os.path.join(cache, f"peers-{digest}")
    if not os.path.isdir(place):
        say(f"making the peers' workload (a minute or two, once) in {place}")
        os.makedirs(cache, exist_ok=True)
        new = tempfile.mkdtemp(prefix="peers-new-", dir=cache)
        try:
            subprocess.run([sys.executable, generator], cwd=new, check=True)
            os.rename(os.path.join(new, "data"), place)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return place


def produce(rig, data, n_events):
    """Fills the topic; returns the number of events."""
    rig.kafka().create_topic(TOPIC, N_PARTITIONS)
    path = os.path.join(data, "events.tsv")
    if n_events:
        short = rig.path("events.tsv")
        with open(path, "rb") as source, open(short, "wb") as out:
            for _, line in zip(range(n_events), source):
                out.write(line)
        path = short
    with open(path, "rb") as source:
        return rig.produce_file(TOPIC, source)


# ---- the programs ---------------------------------------------------------------------------------------------------


# As much memory as the tuned Go program takes with its settings below.
SMALL = "kpid, 64 MiB"
KPIDS = {"kpid": {}, SMALL: {"memory": "64MiB"}}
TUNED_SETTINGS = {"MIN_BATCH": "10000", "MAX_BATCH": "22000", "CACHE": "20000", "CACHE_KPI": "40000", "GC": "50",
                  "FETCH": "262144"}


class KpidRun:
    tables = KPID_TABLES

    def __init__(self, rig, pg, name, number):
        policy = rig.write_policy("peers", first_response=f"{SLA_S // 60}m")
        self.name = name
        self.kpid = Kpid(rig, pg, f"kpid-{number}", [TOPIC], policy, **KPIDS[name])
        self.database = self.kpid.database
        self.total = Kpid.TOTAL

    def start(self):
        return self.kpid.start()

    def stop(self, process):
        process.stop()

    def drop(self):
        self.kpid.drop()


class PeerRun:
    tables = PEER_TABLES
    total = "SELECT coalesce(sum(next), 0) FROM kafka_offset"

    def __init__(self, rig, pg, folder, name, number, command):
        self.rig, self.pg, self.name, self.command = rig, pg, name, command
        self.database = f"peer_{number}"
        self.log = rig.path(self.database + ".log")
        self.settings = TUNED_SETTINGS if name == "Go tuned" else {}
        schema = os.path.join("go-tuned", "schema_tuned.sql") if name == "Go tuned" else "schema.sql"
        pg.create_database(self.database)
        with open(os.path.join(folder, schema), encoding="utf-8") as file:
            pg.psql(file.read(), self.database)
        # The peer creates the table itself; wait by polling it.
        pg.psql("CREATE TABLE kafka_offset(topic text, part int, next bigint, PRIMARY KEY(topic, part))", self.database)

    def start(self):
        env = {**os.environ, "BROKERS": self.rig.kafka().bootstrap, "TOPIC": TOPIC, "SLA": str(SLA_S),
               "DSN": self.pg.dsn(self.database), **self.settings}
        return Process(self.name, self.command, self.log, env=env)

    def stop(self, process):
        process.check_alive()
        process.stop(check=False)

    def drop(self):
        self.pg.drop_database(self.database)


def build_go(rig, folder, name):
    """A Go peer, built in a copy of its folder."""
    if not shutil.which("go"):
        raise Skipped("no Go toolchain")
    if not os.path.isdir(os.path.join(folder, name)):
        raise Skipped(f"no folder {name}")
    copy = rig.path(name)
    shutil.copytree(os.path.join(folder, name), copy, copy_function=shutil.copyfile)
    os.chmod(copy, 0o755)
    done = subprocess.run(["go", "build", "-o", "peer", "."], cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skipped(f"it cannot be built: {done.stderr.strip().splitlines()[-1]}")
    return [os.path.join(copy, "peer")]


def find_python(folder):
    """The Python peer, with an interpreter that has its dependencies: $PEERS_PYTHON, or python3."""
    interpreter = os.environ.get("PEERS_PYTHON", "python3")
    done = subprocess.run([interpreter, "-c", "import orjson, psycopg, confluent_kafka"], capture_output=True,
                          check=False)
    if done.returncode != 0:
        raise Skipped(f"{interpreter} (set PEERS_PYTHON) has not all of orjson, psycopg, confluent_kafka")
    return [interpreter, os.path.join(folder, "python", "peer.py")]


# ---- correctness of the tables
# --------------------------------------------------------------------------------------


def lines_of(pg, database, query):
    return sorted(pg.psql(f"\\copy ({' '.join(query.split())}) TO STDOUT (FORMAT csv)", database).splitlines())


def verify(run, pg, data):
    """Differences from the expected tables; empty if there are none."""
    wrong = []
    if run.name in KPIDS:  # tickets that were set aside because another session held them are written soon
        wait_for_total(pg, run.database, f"SELECT CASE WHEN clock_timestamp() > timestamptz '{deadline(pg)}' THEN 0 "
                       "ELSE -count(*) END FROM kpid.parked_ticket", 0)
        n_aside = pg.psql("SELECT count(*) FROM kpid.parked_ticket", run.database)
        if n_aside != "0":
            wrong.append(f"{n_aside} tickets are set aside still, so their rows lack events")
    for table, query in run.tables.items():
        with open(os.path.join(data, f"expect_{table}.csv"), encoding="utf-8") as file:
            wanted = file.read().splitlines()
        if table == "breach":  # whether the answer was late or missing is not compared
            wanted = [line.rpartition(",")[0] for line in wanted]
            wait_for_breaches(run, pg, len(wanted))
        found, wanted = lines_of(pg, run.database, query), sorted(wanted)
        if found != wanted:
            missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
            wrong.append(f"{table}: {len(missing)} missing, {len(extra)} too many, such as {(missing + extra)[:2]}")
    return wrong


def wait_for_breaches(run, pg, n):
    """Missed deadlines are checked about every second."""
    query = " ".join(run.tables["breach"].split())
    wait_for_total(pg, run.database, f"SELECT CASE WHEN clock_timestamp() > timestamptz '{deadline(pg)}' THEN {n} "
                   f"ELSE count(*) END FROM ({query}) AS breach", n)


def deadline(pg, seconds=30):
    return pg.psql(f"SELECT clock_timestamp() + interval '{seconds} s'")


# ---- the run --------------------------------------------------------------------------------------------------------


def measure(run, rig, pg, n_events, data, is_whole):
    account = Account(pg)
    with run.start() as process:
        wait_for_total(pg, run.database, run.total, n_events, process)
        figures = account.figures(process, n_events)
        wrong = verify(run, pg, data) if is_whole else None
        run.stop(process)
    figures["right"] = None if wrong is None else not wrong
    if wrong:
        say(f"{run.name}: " + "; ".join(wrong))
        figures["wrong"] = wrong
    run.drop()
    return figures


def mean(values):
    return sum(values) / len(values)


def total_cpu(figures):
    return figures["own_cpu_s_per_million"] + figures["pg_cpu_s_per_million"]


def commands(rig, folder, options):
    """The peers that can run here: name and command."""
    found = {}
    for name, find in (("Go", lambda: build_go(rig, folder, "go")),
                       ("Go tuned", lambda: build_go(rig, folder, "go-tuned")),
                       ("Python", lambda: find_python(folder))):
        try:
            found[name] = find()
        except Skipped as reason:
            say(f"peers: {name} is skipped: {reason}")
    if options.quick:
        found.pop("Python", None)
    return found


def order(found, rounds):
    """kpid and the Go programs in turns, so that other load affects all; Python only once, because it is slow."""
    fast = [name for name in found if name != "Python"]
    return (list(KPIDS) + fast) * rounds + [name for name in found if name not in fast]


def run(rig, results, options):
    folder = os.path.abspath(options.peers or os.path.join(ROOT, "..", "shared", "peers"))
    if not os.path.isdir(folder):
        raise Skipped(f"{folder} is not there (--peers DIR)")
    found = commands(rig, folder, options)
    n_wanted = options.events or (QUICK_EVENTS if options.quick else None)
    data = workload(folder, options.peers_data)
    n_events = produce(rig, data, n_wanted)
    figures = {}
    with rig.postgres() as pg:
        for number, name in enumerate(order(found, options.rounds or (1 if options.quick else 2))):
            program = (KpidRun(rig, pg, name, number) if name in KPIDS else
                       PeerRun(rig, pg, folder, name, number, found[name]))
            measured = measure(program, rig, pg, n_events, data, n_wanted is None)
            say(f"peers: {name}: {measured}")
            results.add("peers", name, measured)
            figures.setdefault(name, []).append(measured)
    rig.kafka().delete_topic(TOPIC)
    report(results, figures, n_events)
    if any(one["right"] is False for name in KPIDS for one in figures[name]):
        raise BenchError("kpid's tables differ from the expected ones")


def report(results, figures, n_events):
    rows = []
    for name, runs in figures.items():
        right = {True: "yes", False: "no", None: "not asked"}[all(one["right"] for one in runs)
                                                              if runs[0]["right"] is not None else None]
        rows.append([name, " · ".join(f"{one['events_per_s']:,}" for one in runs)]
                    + [round(mean([one[key] for one in runs]), 1) for key in
                       ("own_cpu_s_per_million", "pg_cpu_s_per_million", "wal_bytes_per_event", "rss_max_mib")]
                    + [right])
    results.table(f"Beside its peers, {n_events:,} events in {N_PARTITIONS} partitions",
                  ["program", "events/s, run by run", "CPU s per million: own", "PostgreSQL", "WAL bytes/event", "MiB",
                   "tables right"], rows)
    for name, runs in figures.items():
        if name in KPIDS:
            continue
        ours = SMALL if name == "Go tuned" else "kpid"
        ratios = {"rate": round(mean([one["events_per_s"] for one in figures[ours]])
                                / mean([one["events_per_s"] for one in runs]), 2),
                  "cpu": round(mean(list(map(total_cpu, figures[ours]))) / mean(list(map(total_cpu, runs))), 2)}
        results.add("peers", f"{ours} : {name}", ratios)
        results.note(f"{ours} catches up {ratios['rate']} × as fast as {name}, with {ratios['cpu']} × its CPU per event "
                     "(the program's and PostgreSQL's together).")
