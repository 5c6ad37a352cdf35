"""kpid under test: daemons, the topics and databases of a test, and the comparison with the recomputation.

A Stream is a set of topics and what was sent to them. A Site is a database, a consumer group, a folder and the
daemons that read a stream into that database. Several sites may read one stream.
"""
import base64
import contextlib
import csv
import datetime
import functools
import gzip
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", part) for part in ("fixture", "integration", "recompute")]

import dead_letters  # noqa: E402
import network  # noqa: E402
import tables  # noqa: E402

LONG = os.environ.get("KPID_LONG", "") not in ("", "0")
GENTLE = os.environ.get("KPID_GENTLE", "") not in ("", "0")  # For tests/coverage: a killed process cannot write its counters.
SHARED = os.environ.get("KPID_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
INCIDENTS = os.path.join(SHARED, "data", "incidents.ndjson.gz")
RECOMPUTE = os.path.join(ROOT, "tests", "recompute", "recompute")
PATIENCE = 300 if GENTLE else 60  # seconds until a wait fails: much longer than any condition takes on a busy machine
TOPIC_TYPES = {"opened": "ticket.opened", "closed": "ticket.closed", "survey": "survey.submitted", "activity": "*"}
KINDS = {"ticket.opened": "opened", "ticket.closed": "closed", "survey.submitted": "survey"}
DEFAULT_TOPICS = {"ticket-opened": "opened", "ticket-closed": "closed", "survey": "survey"}
SECOND = datetime.timedelta(seconds=1)


def wait_until(condition, what, timeout=PATIENCE, every=0.05):
    """Waits until condition() is true and returns its result. `what` may be a function, to report more on failure."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"gave up after {timeout} s waiting for {what() if callable(what) else what}")
        time.sleep(every)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def rfc3339(at):
    return at.isoformat().replace("+00:00", "Z")


def event(type, ticket_id, at=None, source="/test", id=None, **data):
    """The bytes of a CloudEvent."""
    return json.dumps({"specversion": "1.0", "id": id or uuid.uuid4().hex, "source": source, "type": type,
                       "time": rfc3339(at or now()), "data": {"ticket_id": ticket_id, **data}}).encode()


def policy(first_response=None, resolution=None, pause_on=(), id="1", **revision):
    """A policy file with one revision, whose one policy matches every ticket."""
    targets = {}
    if first_response:
        targets["first_response"] = {"within": first_response, "calendar": "always"}
    if resolution:
        targets["resolution"] = {"within": resolution, "calendar": "always", "pause_on": list(pause_on)}
    return {"revisions": [{"id": id, **revision, "calendars": {"always": {"always": True}},
                           "policies": [{"name": "all", "targets": targets}]}]}


@functools.lru_cache(None)
def program_as_module(path):
    """Imports a program of tests/ whose name has no .py."""
    loader = importlib.machinery.SourceFileLoader(os.path.basename(path), os.path.join(ROOT, "tests", path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


def create_migrated(pg, binary, name):
    """Creates a database with the current schema."""
    pg.create_database(name)
    subprocess.run([binary, "migrate", "up"], check=True, capture_output=True,
                   env={**pg.env(name), "KPID_CONFIG": "/dev/null"})


@functools.lru_cache(None)
def is_instrumented(binary):
    with open(binary, "rb") as file:
        return re.search(rb"__[at]san_init|__gcov_", file.read()) is not None


def failing_calls(binary, library, **wanted):
    """The environment of a daemon with tests/fixture/fail_call.c, for example KPID_FAIL="PQflush:3"."""
    environment = {**wanted, "LD_PRELOAD": library}
    if is_instrumented(binary):
        environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return environment


def header_bytes(given):
    """Decodes a header's value of the corpus: text, null, or {"b64": bytes}."""
    if isinstance(given, dict):
        return base64.b64decode(given["b64"])
    return None if given is None else given.encode()


class Stream:
    """Four topics, and every message that was sent to them with its coordinates."""

    def __init__(self, kafka, prefix, partitions=4):
        self.kafka = kafka
        self.n_partitions = partitions if isinstance(partitions, dict) else dict.fromkeys(TOPIC_TYPES, partitions)
        self.topics = {kind: f"{prefix}-{kind}" for kind in TOPIC_TYPES}
        self.sent = []  # (topic, partition, offset, value, headers)
        self.events_of = {}  # topic of records -> function from a message to the CloudEvents that its mapping must give
        self.lock = threading.Lock()
        for kind, name in self.topics.items():
            kafka.create_topic(name, self.n_partitions[kind])

    def add_records(self, kind, partitions, events_of):
        """Adds a topic of records that a mapping reads. Returns its name."""
        self.topics[kind] = self.topics["activity"].removesuffix("activity") + kind
        self.n_partitions[kind] = partitions
        self.events_of[self.topics[kind]] = events_of
        self.kafka.create_topic(self.topics[kind], partitions)
        return self.topics[kind]

    def partition_of(self, kind, ticket_id):
        return zlib.crc32(str(ticket_id).encode()) % self.n_partitions[kind]

    def send(self, messages, **config):
        """Sends (kind, partition, value[, headers]); returns their coordinates: [(partition, offset)]."""
        rows = [(self.topics[kind], partition, value, headers[0] if headers else None)
                for kind, partition, value, *headers in messages]
        encoded = [(topic, partition, None, value,
                    [(name, header_bytes(given)) for name, given in headers or ()] or None)
                   for topic, partition, value, headers in rows]
        places = self.kafka.produce(encoded, **config)
        with self.lock:
            self.sent += [(topic, partition, offset, value, headers)
                          for (topic, _, value, headers), (partition, offset) in zip(rows, places)]
        return places

    def send_events(self, values, **config):
        """Sends CloudEvents to the topics of their types, all events of a ticket to the same partition number."""
        return self.send([self.place(value) for value in values], **config)

    def place(self, value):
        body = json.loads(value)
        kind = KINDS.get(body["type"], "activity")
        return kind, self.partition_of(kind, body["data"]["ticket_id"]), value

    def add_partitions(self, kind, n_partitions):
        """Raises the number of partitions of a topic to `n`."""
        self.kafka.add_partitions(self.topics[kind], n_partitions)
        self.n_partitions[kind] = n_partitions

    def ends(self):
        return {(topic, partition): end for topic in self.topics.values()
                for partition, (_, end) in self.kafka.offsets(topic).items()}

    def write(self, path):
        """Everything that was sent, as input of the recomputation."""
        with open(path, "w", encoding="utf-8") as file, self.lock:
            for topic, partition, offset, message, headers in self.sent:
                for value in self.events_of.get(topic, lambda whole: [whole])(message):
                    file.write(json.dumps({
                        "topic": topic, "partition": partition, "offset": offset, "headers": headers or [],
                        "value_b64": None if value is None else base64.b64encode(value).decode()}) + "\n")
        return path

    def topic_type_options(self):
        return [f"--topic-type={self.topics[kind]}={type}" for kind, type in TOPIC_TYPES.items() if type != "*"]


def recompute(inputs, policy, out, options=(), as_of=None):
    """Writes the tables of the independent recomputation to the folder `out`."""
    command = [sys.executable, RECOMPUTE, "--as-of", rfc3339(as_of or now()), "--out", out, *options]
    if policy is not None:
        os.makedirs(out, exist_ok=True)
        path = os.path.join(out, "policy.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(policy, file)
        command += ["--policy", path]
    done = subprocess.run(command + list(inputs), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


class Process:
    """One running kpid, with its log."""

    def __init__(self, command, log, name, environment=None):
        self.name = name
        self.log_path = log
        self.began = os.path.getsize(log) if os.path.exists(log) else 0
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file,
                env={**os.environ, **(environment or {})},
                preexec_fn=network.end_with_us)
        self.pid = self.process.pid
        self.killed = False
        self.peak_kib = 0

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def kill(self):
        self.note_peak()
        self.killed = True
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def cont(self):
        self.signal(signal.SIGCONT)

    def stop(self, timeout=PATIENCE):
        """Asks it to end; returns how many seconds that took. The exit status must be 0."""
        self.note_peak()
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        status = self.wait(PATIENCE if GENTLE else timeout)
        assert status == 0, f"{self.name} ended with {status}:\n{self.log()[-3000:]}"
        return time.monotonic() - began

    def wait(self, timeout=PATIENCE):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} did not end in {timeout} s:\n{self.log()[-3000:]}") from None

    def log(self):
        """What it has logged since it started."""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            file.seek(self.began)
            return file.read()

    def logged(self, pattern):
        return re.findall(pattern, self.log())

    def note_peak(self):
        """Its peak resident memory so far, in KiB."""
        with contextlib.suppress(OSError):
            with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
                found = re.search(r"VmHWM:\s+(\d+)", file.read())
                if found:
                    self.peak_kib = max(self.peak_kib, int(found[1]))
        return self.peak_kib

    def fault(self):
        """What went wrong, or None."""
        status = self.process.poll()
        log = self.log()
        for words in ("AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer"):
            if words in log:
                return f"{self.name}: {words}"
        if status not in (None, 0) and not self.killed:
            return f"{self.name} ended with {status}"
        return None


class Site:
    """A database, a group, a folder, and the daemons that read a stream into the database."""

    def __init__(self, pg, kafka, binary, database, folder, stream=None, policy=None, settings=None):
        self.pg, self.kafka, self.binary, self.database = pg, kafka, binary, database
        self.folder = str(folder)
        self.stream = stream
        self.policy = policy
        self.user = "postgres"
        self.pg_host, self.pg_port = "127.0.0.1", pg.port
        self.settings = {
            "kafka": {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500},
            "postgres": {}, "run": {}, "sla": {}, "alert": {}, "appraisal": {}, "report": {}, "metrics": {"listen": ""},
        }
        for section, options in (settings or {}).items():
            self.settings.setdefault(section, {}).update(options)
        self.alert_topic = None
        if stream:
            self.alert_topic = f"{database}-alerts".replace("_", "-")
            kafka.create_topic(self.alert_topic, 1)
        self.daemons = {}
        self.ended = []
        self._connection = None
        self._lock = threading.Lock()
        os.makedirs(self.folder, exist_ok=True)
        self.write_policy(policy)
        self.configure()

    # -- configuration ------------------------------------------------------------------------------------------------

    @property
    def ini(self):
        return os.path.join(self.folder, "kpid.ini")

    @property
    def policy_path(self):
        return os.path.join(self.folder, "policy.json")

    def write_policy(self, policy):
        self.policy = policy
        if policy is not None:
            with open(self.policy_path, "w", encoding="utf-8") as file:
                json.dump(policy, file)

    def configure(self, **sections):
        for section, options in sections.items():
            self.settings.setdefault(section, {}).update(options)
        ini = {section: dict(options) for section, options in self.settings.items()}
        ini["postgres"] = {"host": self.pg_host, "port": self.pg_port, "dbname": self.database, "user": self.user,
                           **ini["postgres"]}
        if self.policy is not None:
            ini["sla"]["policy_file"] = self.policy_path
        if self.stream:
            ini["kafka"] = {"bootstrap.servers": self.kafka.bootstrap, "group.id": self.database, **ini["kafka"]}
            ini["topics"] = {self.stream.topics[kind]: type for kind, type in TOPIC_TYPES.items()}
            ini["topics"].update(self.settings.get("topics", {}))
            ini["alert"]["topic"] = self.alert_topic
        else:
            ini["kafka"] = {}
        with open(self.ini, "w", encoding="utf-8") as file:
            for section, options in ini.items():
                file.write(f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()) + "\n")
        os.chmod(self.ini, 0o600)

    # -- processes ----------------------------------------------------------------------------------------------------

    def start(self, name="a", environment=None, within=(), options=(), **settings):
        """Starts a daemon. settings: {"run.lanes": 1} overrides the file, with _ for the first dot. environment:
        added to that of the test. within: a command that runs the daemon. options: of kpid run."""
        sets = {"run.instance": name, "postgres.application_name": name}
        sets.update({key.replace("_", ".", 1): value for key, value in settings.items()})
        command = [*within, self.binary, "run", "--config", self.ini, *options]
        for key, value in sets.items():
            if value is not None:
                command += ["--set", f"{key}={value}"]
        old = self.daemons.get(name)
        if old:
            assert not old.running(), f"{name} is running"
            self.ended.append(old)
        self.daemons[name] = Process(command, os.path.join(self.folder, f"{name}.log"), name, environment)
        return self.daemons[name]

    def command(self, *arguments, status=0, ini=None, **options):
        """Runs a command of kpid until it ends."""
        done = subprocess.run([self.binary, arguments[0], "--config", ini or self.ini, *arguments[1:]],
                              capture_output=True, text=True, check=False, timeout=PATIENCE, **options)
        assert status is None or done.returncode == status, (
            f"kpid {arguments}: {done.returncode}\n{done.stderr[-3000:]}")
        return done

    def start_ingest(self, path, *options, environment=None):
        process = Process([self.binary, "ingest", "--config", self.ini, *options, path],
                          os.path.join(self.folder, "ingest.log"), "ingest", environment)
        self.ended.append(process)
        return process

    def close(self):
        """Ends all daemons; returns the faults of all that ever ran."""
        for daemon in self.daemons.values():
            daemon.cont()
            if daemon.running() and GENTLE:
                daemon.signal(signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    daemon.wait(10)
            if daemon.running():
                daemon.kill()
        for process in self.ended:
            if process.running():
                process.kill()
        self.disconnect()
        return [fault for process in [*self.ended, *self.daemons.values()] if (fault := process.fault())]

    def logs(self):
        found = []
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".log"):
                with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                    found.append(f"--- {name}\n" + "".join(file.readlines()[-60:]))
        return "\n".join(found)

    def peak_mib(self):
        """The highest peak of resident memory of all daemons."""
        for daemon in self.daemons.values():
            daemon.note_peak()
        return max(process.peak_kib for process in [*self.ended, *self.daemons.values()]) / 1024

    def check_memory(self, most_mib=64):
        """Checks the memory limit of the charter; a sanitized program has another."""
        peak = self.peak_mib()
        print(f"peak {peak:.1f} MiB")
        assert is_instrumented(self.binary) or peak <= most_mib, f"{peak:.1f} MiB of resident memory"
        return peak

    # -- the database -------------------------------------------------------------------------------------------------

    def rows(self, sql, *values):
        with self._lock:
            if self._connection is None or self._connection.closed:
                self._connection = self.pg.connect(self.database, application_name="the test")
                self._connection.cursor().execute("SET TIME ZONE 'UTC'")
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(sql, values or None)
                    return cursor.fetchall() if cursor.description else []
            except BaseException:
                with contextlib.suppress(Exception):
                    self._connection.close()
                self._connection = None
                raise

    def one(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def dicts(self, sql, *values):
        rows = self.rows(f"SELECT to_jsonb(q) FROM ({sql}) q", *values)
        return [row[0] for row in rows]

    def disconnect(self):
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def n_read(self):
        """The number of messages read, in all partitions."""
        return int(self.one("SELECT coalesce(sum(n_messages), 0) FROM kpid.source_partition"))

    def wait_progress(self, n, timeout=PATIENCE):
        """Waits until n more messages have been read; returns the total."""
        start = self.n_read()
        wait_until(lambda: self.n_read() >= start + n, f"{n} more messages to be read", timeout)
        return self.n_read()

    def places(self):
        return {(topic, partition): next_offset for topic, partition, next_offset in
                self.rows("SELECT topic, partition, next_offset FROM kpid.source_partition")}

    def wait_read(self, timeout=PATIENCE, but=()):
        """Waits until everything in the stream's topics has been read and committed, except the coordinates in
        `but`."""
        ends = {place: end for place, end in self.stream.ends().items() if end > 0 and place not in but}

        def behind():
            places = self.places()
            return {place: (places.get(place), end) for place, end in ends.items() if places.get(place) != end}

        wait_until(lambda: not behind(), lambda: f"these to be read: {behind()}", timeout, every=0.05)

    def wait_settled(self, timeout=PATIENCE):
        """Waits until every passed deadline has fired and every message is sent."""
        wait_until(lambda: self.one("SELECT count(*) FROM kpid.sla_clock WHERE fires_at < clock_timestamp()") == 0,
                   "passed deadlines to fire", timeout)
        if self.stream:
            wait_until(lambda: self.one("SELECT count(*) FROM kpid.outbox") == 0, "messages to be sent", timeout)

    def alerts(self):
        """The alert messages on the topic: [(key, body, Kafka's timestamp in seconds)]."""
        return [(message.key.decode(), json.loads(message.value), message.timestamp / 1000)
                for message in self.kafka.consume_all(self.alert_topic)]

    # -- comparison ---------------------------------------------------------------------------------------------------

    def differences(self, expected, but=("sla_live",)):
        actual = os.path.join(self.folder, "actual")
        connection = self.pg.connect(self.database)
        try:
            tables.export(connection, actual)
        finally:
            connection.close()
        wanted = os.path.join(self.folder, "wanted")
        shutil.rmtree(wanted, ignore_errors=True)
        shutil.copytree(expected, wanted)
        self.forget_what_is_about_the_world(wanted)
        return tables.differences(wanted, actual, tuple(name for name in tables.QUERIES if name not in but))

    def forget_what_is_about_the_world(self, expected):
        """A recorded breach that was undone stays voided, whatever warnings say (A3)."""
        voided = {row[0] for row in self.rows(
            "SELECT alert_id FROM report.alert WHERE state = 'voided' AND breached_at IS NOT NULL")}
        expected_path = os.path.join(expected, "alert.csv")
        with open(expected_path, encoding="utf-8") as file:
            lines = file.readlines()
        keep = [line for line in lines if line.partition(",")[0] not in voided or state_in(line) in ("breached", "resolved")]
        with open(expected_path, "w", encoding="utf-8") as file:
            file.writelines(keep)

    def check(self, expected):
        """Every row of every table equals the recomputation's."""
        found = self.differences(expected)
        assert not found, "\n".join(found)
        found = self.faults_inside()
        assert not found, "\n".join(found)
        # A voided alert is no breach.
        with open(os.path.join(expected, "alert.csv"), encoding="utf-8") as file:
            breached = {line.partition(",")[0] for line in file if state_in(line) in ("breached", "resolved")}
        voided = {row[0] for row in self.rows("SELECT alert_id FROM report.alert WHERE state = 'voided'")}
        assert not voided & breached

    def check_recomputed(self, settle=True):
        """Recomputes from all messages that were sent, as of now, and compares; returns the recomputation's folder."""
        if settle:
            self.wait_read()
            self.wait_settled()
        as_of = now()
        expected = os.path.join(self.folder, "expected")
        shutil.rmtree(expected, ignore_errors=True)
        path = self.stream.write(os.path.join(self.folder, "all.msgs"))
        recompute([path], self.policy, expected, self.stream.topic_type_options(), as_of)
        self.check(expected)
        found = dead_letters.differences(self, expected)
        assert not found, "\n".join(found)
        return expected

    def faults_inside(self):
        """Checks that the tables agree with each other."""
        found = []
        for what, sql in (
            ("an alert whose ticket is not there",
             "SELECT a.alert_id FROM kpid.alert a LEFT JOIN kpid.ticket t USING (ticket_id) WHERE t IS NULL"),
            ("a backlog that is no count of tickets",
             "SELECT * FROM (SELECT coalesce(agent_id, '') AS agent_id, count(*) AS n FROM kpid.ticket "
             "WHERE state IN (1, 2) GROUP BY 1) c FULL JOIN (SELECT * FROM kpid.agent_backlog WHERE backlog <> 0) b "
             "USING (agent_id) WHERE n IS DISTINCT FROM backlog"),
            ("counts that do not add up to what was read",
             "SELECT topic, partition FROM kpid.source_partition p WHERE next_offset IS NOT NULL AND n_messages < "
             "n_duplicates + n_tombstones + n_unknown_type + n_dead_letters"),
        ):
            rows = self.rows(sql)
            found += [f"{what}: {row}" for row in rows[:5]]
        return found


def state_in(line):
    """Parses a line of alert.csv."""
    return next(csv.reader([line]))[4]


class Proxy:
    """A proxy between kpid and PostgreSQL. It can cut a connection just before a COMMIT reaches the server, just
    after the server has committed and before it answers, or after any byte of either (cut_at)."""

    def __init__(self, port, seed=1):
        self.target = port
        self.random = random.Random(seed)
        self.cut_before = self.cut_after = 0.0  # shares of the commits to cut
        self.n_commits = self.n_cut_before = self.n_cut_after = 0
        # For every second commit: (whose, n) lets n bytes pass, counted from the start of the "client"'s COMMIT or of
        # the
        # "server"'s answer to it. If there are more, the connection is cut behind them, otherwise before the next
        # message.
        self.cut_at = []
        self.n_cut_at = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.closing:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                continue
            threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client, server):
        lose_answer, cut = False, None
        with client, server:
            try:
                while not self.closing:
                    ready, _, _ = select.select([client, server], [], [], 1)
                    for source in ready:
                        data = source.recv(1 << 16)
                        if not data:
                            return
                        if source is client and b"\0COMMIT\0" in data:
                            self.n_commits += 1
                            chance = self.random.random()
                            if chance < self.cut_before:
                                self.n_cut_before += 1
                                return
                            lose_answer = chance < self.cut_before + self.cut_after
                            if self.cut_at and self.n_commits % 2 == 0:
                                cut = self.cut_at.pop()
                                self.n_cut_at += 1
                            if cut and cut[0] == "client":  # the message that prepares COMMIT: type, length, no name
                                server.sendall(data[:data.index(b"\0COMMIT\0") - 5 + cut[1]])
                                return
                        if source is server and cut and b"COMMIT\0" in data:
                            client.sendall(data[:data.index(b"COMMIT\0") - 5 + cut[1]])
                            return
                        if source is server and lose_answer:
                            if b"COMMIT\0" in data:
                                self.n_cut_after += 1
                                return
                            continue
                        (server if source is client else client).sendall(data)
            except OSError:
                return

    def close(self):
        self.closing = True
        self.listener.close()


def incident_lines(n=None):
    with gzip.open(INCIDENTS, "rb") as file:
        for i, line in enumerate(file):
            if n is not None and i >= n:
                return
            yield line.rstrip(b"\n")


def shuffle_within_an_hour(values, share_of_duplicates, seed):
    """The events in order of their times plus up to an hour each, some of them twice."""
    chance = random.Random(seed)
    keyed = []
    for value in values:
        at = datetime.datetime.fromisoformat(re.search(rb'"time":"([^"]+)Z"', value)[1].decode()).timestamp()
        keyed.append((at + chance.uniform(0, 3600), value))
        if chance.random() < share_of_duplicates:
            keyed.append((at + chance.uniform(0, 3600), value))
    keyed.sort(key=lambda pair: pair[0])
    return [value for _, value in keyed]


def generated(stream, seed, n_tickets, random_partitions=True):
    """A difficult set: messages for Stream.send() and the policy file that belongs to them."""
    module = program_as_module("recompute/generate")
    generator = module.Generator(seed, hours=True)
    policy_file = generator.policy_file()
    chance = random.Random(seed)
    messages = []
    for offset, (value, body) in enumerate(generator.values(n_tickets)):
        row = generator.message(offset, value, body)
        kind = DEFAULT_TOPICS.get(row["topic"], "activity")
        value = None if row["value_b64"] is None else base64.b64decode(row["value_b64"])
        partition = chance.randrange(stream.n_partitions[kind]) if random_partitions else 0
        messages.append((kind, partition, value, [tuple(pair) for pair in row.get("headers") or ()]))
    return messages, policy_file
