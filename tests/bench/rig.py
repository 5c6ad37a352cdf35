"""Shared by all benchmarks: the programs, a Kafka, a PostgreSQL for each part, kpid, and the measurement of what
they consume.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "tests", part) for part in ("fixture", "integration")]

from guard import descendants  # noqa: E402
from servers import PG_BIN, Kafka, Postgres  # noqa: E402

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 1800  # the slowest run of the slowest program on a slow machine takes a third of it
# PostgreSQL configured for load; everything else, including fsync, has its default.
PG_SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB"}


class BenchError(Exception):
    """A benchmark cannot run, or its result is wrong."""


class Skipped(Exception):
    """Something to be measured is missing; the text names it."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


# ---- resource usage
# -------------------------------------------------------------------------------------------------


def cpu_of(pid):
    """CPU seconds of a process and of all its ended children."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    own, ended = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return own / TICKS_PER_S, ended / TICKS_PER_S


def cpu_of_tree(pid):
    """CPU seconds of a process and all its descendants, including ended ones."""
    total = sum(cpu_of(pid))
    for child in descendants(pid):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            total += sum(cpu_of(child))
    return total


def memory_of(pid):
    """Resident memory of a process in MiB: now, and the peak."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        kib = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", file.read(), re.MULTILINE))
    return int(kib["VmRSS"]) / 1024, int(kib["VmHWM"]) / 1024


class Samples:
    """Calls look() at an interval while the block runs. An exception of look() is raised at the end of the block."""

    def __init__(self, every_s):
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._error = None

    def _sample(self):
        try:
            while not self._ended.wait(self._every_s):
                self.look()
        except Exception as error:
            self._error = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._ended.set()
        self._thread.join()
        if self._error and kind is None:
            raise self._error


class MemorySamples(Samples):
    """Resident memory of a process every half second."""

    def __init__(self, pid):
        super().__init__(0.5)
        self.pid = pid
        self.mib = []

    def look(self):
        with contextlib.suppress(OSError, KeyError):
            self.mib.append(memory_of(self.pid)[0])


# ---- the rig --------------------------------------------------------------------------------------------------------


class Rig:
    """The programs, a temporary folder, and Kafka. Each part starts its own PostgreSQL."""

    def __init__(self, kpid_options=()):
        """`kpid_options`: settings for kpid other than its defaults, as SECTION.KEY=VALUE."""
        self.kpid_options = [word for option in kpid_options for word in ("--set", option)]
        self.build = os.path.abspath(os.environ.get("KPID_BUILD") or os.path.join(ROOT, "build", "release"))
        self.programs = os.path.join(self.build, "bench")
        self.kpid = os.path.join(self.build, "kpid")
        self.directory = tempfile.mkdtemp(prefix="kpid-bench-")
        os.chmod(self.directory, 0o755)
        self._stack = contextlib.ExitStack()
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self._kafka = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def install_and_build(self):
        """Installs what is missing; builds kpid and the benchmark programs."""
        self._run([os.path.join(ROOT, "deploy", "lib", "setup.sh"), "build", "bench"])
        if "KPID_BUILD" not in os.environ:
            self._run(["cmake", "--preset", "release"], quiet=True)
            self._run(["cmake", "--build", "--preset", "release"], quiet=True)
        core = os.path.join(self.build, "daemon", "libkpid_core.a")
        app = ";".join(os.path.join(self.build, "daemon", f"libkpid_{part}.a") for part in ("app", "zone"))
        self._run(["cmake", "-G", "Ninja", "-S", os.path.join(ROOT, "tests", "bench"), "-B", self.programs,
                   "-DCMAKE_BUILD_TYPE=Release", f"-DKPID_CORE={core}", f"-DKPID_APP={app}"], quiet=True)
        self._run(["cmake", "--build", self.programs], quiet=True)

    @staticmethod
    def _run(command, quiet=False):
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, text=True, check=False,
                              capture_output=quiet)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)}\n{done.stdout or ''}{done.stderr or ''}")

    def kafka(self):
        if self._kafka is None:
            self._kafka = self._stack.enter_context(Kafka())
        return self._kafka

    @contextlib.contextmanager
    def postgres(self, **settings):
        with Postgres(settings={**PG_SETTINGS, **settings}) as pg:
            yield pg

    def path(self, name):
        return os.path.join(self.directory, name)

    def program(self, name, *arguments, **options):
        """Runs one of the programs of this folder and returns its JSON output."""
        command = [os.path.join(self.programs, name), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **options)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)} ended with {done.returncode}")
        return json.loads(done.stdout)

    def produce_file(self, topic, source):
        """Produces the lines (key, tab, event) of an open file; returns their number."""
        return self.program("bench_produce", self.kafka().bootstrap, topic, stdin=source)["messages"]

    def write_events(self, form, n_events, start_s, span_s, out):
        """Writes synthetic events to an open file and returns a summary."""
        command = [os.path.join(self.programs, "bench_events"), form, *map(str, (n_events, start_s, span_s))]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)}: {done.stderr}")
        return json.loads(done.stderr)

    def produce_events(self, topic, form, n_events, start_s, span_s):
        """Produces synthetic events and returns a summary."""
        read_end, write_end = os.pipe()
        with os.fdopen(read_end, "rb") as source, concurrent_producer(self, topic, source):
            with os.fdopen(write_end, "wb") as out:
                return self.write_events(form, n_events, start_s, span_s, out)

    def write_policy(self, name, **within):
        """A policy that matches every ticket: first_response="15m" and so on."""
        targets = {target: {"within": time_, "calendar": "always"} for target, time_ in within.items()}
        return self.write_json(name, {"revisions": [{"id": "bench", "policies": [{"name": "every ticket", "targets": targets}]}]})

    def write_json(self, name, value):
        """Writes a file of that name, and returns its path."""
        path = self.path(name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
        return path


@contextlib.contextmanager
def concurrent_producer(rig, topic, source):
    errors = []

    def produce():
        try:
            rig.produce_file(topic, source)
        except BenchError as error:
            errors.append(error)

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if errors:
        raise errors[0]


# ---- kpid -----------------------------------------------------------------------------------------------------------


class Process:
    """A background program: its log, its resource usage; ends with the block."""

    def __init__(self, name, command, log, env=None, cwd=None):
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                                             cwd=cwd)
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(check=False)

    def check_alive(self):
        if self._process.poll() is not None:
            raise BenchError(f"{self.name} has ended with {self._process.returncode}:\n{self.log_tail()}")

    def log_tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-20:])

    def signal(self, number):
        """Does nothing if it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self):
        self._process.wait()

    def stop(self, check=True):
        """SIGTERM, then SIGKILL if needed; if `check`, verifies that it ended well."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if check and self._process.returncode != 0:
            raise BenchError(f"{self.name} ended with {self._process.returncode}:\n{self.log_tail()}")


class Kpid:
    """kpid on its own new database, with everything enabled: policy, deadlines, alerts to a topic, least rights."""

    COMMITTED = "SELECT partition, next_offset FROM kpid.source_partition"
    TOTAL = "SELECT coalesce(sum(next_offset), 0) FROM kpid.source_partition"

    def __init__(self, rig, pg, name, topics, policy, sets=(), **options):
        """`options`: more settings, such as log_level="debug" for the section [run]. `sets`: of other sections, such as
        "sla.tick=1s"."""
        self.rig, self.pg, self.name = rig, pg, name
        self.sets = [word for given in sets for word in ("--set", given)]
        self.database = name.replace("-", "_")
        self.config = rig.path(name + ".ini")
        self.log = rig.path(name + ".log")
        self.alerts = name + "-alerts"
        pg.create_database(self.database)
        rig.kafka().create_topic(self.alerts, 1)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"[kafka]\nbootstrap.servers = {rig.kafka().bootstrap}\ngroup.id = {name}\n"
                       f"[postgres]\nhost = 127.0.0.1\nport = {pg.port}\ndbname = {self.database}\nuser = kpid_bench\n"
                       "[topics]\n" + "".join(f"{topic} = *\n" for topic in topics) +
                       f"[sla]\npolicy_file = {policy}\n[alert]\ntopic = {self.alerts}\n[run]\n" +
                       "".join(f"{key} = {value}\n" for key, value in options.items()))
        self.run("--set", "postgres.user=postgres", "migrate", "up")
        pg.psql("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kpid_bench') THEN"
                " CREATE ROLE kpid_bench LOGIN; GRANT kpid_writer TO kpid_bench; END IF; END $$")

    def command(self, *arguments):
        return [self.rig.kpid, "-c", self.config, *self.rig.kpid_options, *self.sets, *arguments]

    def run(self, *arguments):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"kpid {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def start(self):
        return Process("kpid", self.command("run"), self.log)

    def n_warnings(self):
        """The number of warnings and errors in its log: each may have cost time."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return sum(line.split()[1:2] in (["warning"], ["error"]) for line in file)

    def drop(self):
        self.pg.drop_database(self.database)
        self.rig.kafka().delete_topic(self.alerts)


# ---- catching up ----------------------------------------------------------------------------------------------------


def wait_for_total(pg, database, query, wanted, process=None):
    """Waits until the single number returned by a query reaches the target."""
    deadline = time.monotonic() + PATIENCE_S
    connection = pg.connect(database)
    try:
        with connection.cursor() as cursor:
            while True:
                cursor.execute(query)
                found = cursor.fetchone()[0]
                if found >= wanted:
                    return
                if process is not None:
                    process.check_alive()
                if time.monotonic() > deadline:
                    raise BenchError(f"{found} of {wanted} after {PATIENCE_S} s: {query}")
                time.sleep(0.02)
    finally:
        connection.close()


class Account:
    """What a program and PostgreSQL consume from now on."""

    def __init__(self, pg):
        self.pg = pg
        pg.psql("CHECKPOINT")  # earlier writes must not be paid for now
        self.pg_before = cpu_of_tree(pg.pid)
        self.wal_before = self._wal_bytes()
        self.started = time.monotonic()

    def _wal_bytes(self):
        return int(self.pg.psql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))

    def figures(self, process, n_events):
        seconds = time.monotonic() - self.started
        own, pg = sum(cpu_of(process.pid)), cpu_of_tree(self.pg.pid) - self.pg_before
        millions = n_events / 1e6
        return {"events": n_events, "seconds": round(seconds, 3), "events_per_s": round(n_events / seconds),
                "own_cpu_s_per_million": round(own / millions, 2), "pg_cpu_s_per_million": round(pg / millions, 2),
                "rss_max_mib": round(memory_of(process.pid)[1], 1),
                "wal_bytes_per_event": round((self._wal_bytes() - self.wal_before) / n_events)}


def copy_alone(rig, pg, path):
    """Rows per second of COPY into a table without an index, from a file of typed rows."""
    pg.create_database("copy_alone")
    try:
        pg.psql("CREATE TABLE event (id uuid, ticket_id text, type text, occurred_at timestamptz, agent_id text,"
                " project_id text, channel text, category text, priority integer, score integer)", "copy_alone")
        started = time.monotonic()
        pg.psql(f"\\copy event FROM '{path}'", "copy_alone")
        seconds = time.monotonic() - started
        n_rows = int(pg.psql("SELECT count(*) FROM event", "copy_alone"))
    finally:
        pg.drop_database("copy_alone")
    return {"events": n_rows, "seconds": round(seconds, 3), "events_per_s": round(n_rows / seconds)}


def machine():
    """The machine and versions behind a figure."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        model = re.search(r"^model name\s*:\s*(.*)", file.read(), re.MULTILINE)
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True,
                            check=False).stdout.strip()
    pg = subprocess.run([f"{PG_BIN}/postgres", "--version"], capture_output=True, text=True, check=True).stdout.split()
    return {"cores": len(os.sched_getaffinity(0)), "processor": model.group(1) if model else "unknown",
            "postgresql": pg[2], "commit": commit or "unknown", "load": round(os.getloadavg()[0], 1)}
