"""How long each outage costs, with the default settings of kpid, of PostgreSQL and of Kafka.

Every partition gets an event each 100 ms, each ticket breaches its target 5 s after its opening. While something fails,
three things are measured: how long an event waited for its rows, how long after its deadline a breach was detected, and how
long after its deadline the alert was on its topic.
"""
import contextlib
import datetime
import json
import os
import signal
import subprocess
import threading
import time

from rig import BenchError, Process, Samples, Skipped, say

from kafka_cluster import KafkaCluster
from outside import Outside

N_PARTITIONS = 16
SLA_S = 5
QUIET_S = 12  # before the outage: everybody is in the group and alerts flow
ALLOWANCE_S = 90  # after it: longer than any recovery with time-outs of 45 s


class Load(threading.Thread):
    """Opens a ticket in every partition each 100 ms, and notes when the brokers had each message."""

    def __init__(self, bootstrap, topic):
        super().__init__(daemon=True)
        from confluent_kafka import Producer
        self.topic = topic
        self.delivered = {}  # (partition, offset): monotonic seconds
        self.error = None
        self._ending = threading.Event()
        self._producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0})

    def run(self):
        try:
            n = 0
            while not self._ending.is_set():
                at = datetime.datetime.now(datetime.timezone.utc).isoformat()
                for partition in range(N_PARTITIONS):
                    body = {"specversion": "1.0", "id": f"{partition}-{n}", "source": "/bench", "type": "ticket.opened",
                            "time": at, "data": {"ticket_id": f"{partition}-{n}", "agent_id": f"agent-{partition}"}}
                    self._producer.produce(self.topic, json.dumps(body), partition=partition, on_delivery=self._note)
                n += 1
                self._producer.poll(0)
                self._ending.wait(0.1)
                self._producer.poll(0)
            if self._producer.flush(60):
                raise BenchError("not every message was delivered")
        except Exception as error:
            self.error = error

    def _note(self, error, message):
        if error:
            self.error = BenchError(f"a message was not delivered: {error}")
        else:
            self.delivered[message.partition(), message.offset()] = time.monotonic()

    def finish(self):
        self._ending.set()
        self.join()
        if self.error:
            raise self.error


class Progress(Samples):
    """Notes every 50 ms how far each partition is committed. It has a connection that no outage touches."""

    def __init__(self, pg, database, topic):
        super().__init__(0.05)
        self._connection = pg.connect(database)
        self._topic = topic
        self.first_seen = {}  # (partition, offset): monotonic seconds
        self._next = [0] * N_PARTITIONS

    def look(self):
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT partition, next_offset FROM kpid.source_partition WHERE topic = %s AND next_offset IS NOT NULL",
                           (self._topic,))
            rows, now = cursor.fetchall(), time.monotonic()
        for partition, next_offset in rows:
            for offset in range(self._next[partition], next_offset):
                self.first_seen[partition, offset] = now
            self._next[partition] = max(self._next[partition], next_offset)

    def __exit__(self, kind, *_):
        try:
            super().__exit__(kind)
        finally:
            self._connection.close()


class Scene:
    """A database, a topic, a group and the daemons of one outage."""

    def __init__(self, rig, pg, kafka, name, outside=None, policy=None):
        self.rig, self.pg, self.kafka, self.outside = rig, pg, kafka, outside
        self.database = name.replace("-", "_")
        self.topic, self.alerts = name, f"{name}-alerts"
        self.config = rig.path(f"{name}.ini")
        self.daemons = {}
        pg.create_database(self.database)
        kafka.create_topic(self.topic, N_PARTITIONS)
        kafka.create_topic(self.alerts, 1)
        pg_host, bootstrap = "127.0.0.1", kafka.bootstrap
        if outside:
            pg_host, bootstrap = outside.postgres.here, kafka.outside_bootstrap
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"[kafka]\nbootstrap.servers = {bootstrap}\ngroup.id = {name}\n"
                       f"[postgres]\nhost = {pg_host}\nport = {pg.port}\ndbname = {self.database}\nuser = postgres\n"
                       f"[topics]\n{self.topic} = *\n[sla]\npolicy_file = {policy}\n[alert]\ntopic = {self.alerts}\n")
        self._run("migrate", "up")
        self.load = Load(kafka.bootstrap, self.topic)
        self.progress = Progress(pg, self.database, self.topic)

    def _run(self, *arguments):
        done = subprocess.run([self.rig.kpid, "-c", self.config, "--set", "postgres.host=127.0.0.1", *arguments],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"kpid {' '.join(arguments)}: {done.stderr}")

    def start(self, name):
        command = [self.rig.kpid, "-c", self.config, "--set", f"run.instance={name}", "run"]
        if self.outside:
            command = [*self.outside.command, *command]
        self.daemons[name] = Process(name, command, self.log(name))

    def log(self, name):
        return self.rig.path(f"{self.database}-{name}.log")

    def log_tails(self):
        return "".join(f"\n{name}:\n{daemon.log_tail()}" for name, daemon in self.daemons.items())

    def kill(self, name):
        self.daemons[name].signal(signal.SIGKILL)
        self.daemons[name].wait()

    def terminate(self, name):
        self.daemons[name].stop()

    def owners(self):
        return {row[0] for row in self.rows("SELECT DISTINCT owner FROM kpid.source_partition WHERE topic = %s", self.topic)}

    def rows(self, sql, *values):
        with contextlib.closing(self.pg.connect(self.database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    def wait(self, condition, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                counts = self.rows("SELECT (SELECT count(*) FROM report.ticket), (SELECT count(*) FROM report.dead_letter), "
                                   "(SELECT count(*) FROM report.alert)")
                raise BenchError(f"{self.topic}: gave up waiting for {what}; {len(self.load.delivered)} messages delivered, "
                                 f"tickets, dead letters, alerts: {counts}{self.log_tails()}")
            time.sleep(0.05)

    def begin(self, *names):
        """Starts the load and the daemons, and returns when all of them have partitions and alerts flow."""
        self.load.start()
        self.progress.__enter__()
        for name in names:
            self.start(name)
        self.wait(lambda: len({owner for owner in self.owners() if owner}) == len(names), "every daemon to have partitions")
        time.sleep(QUIET_S)
        self.began = time.monotonic()
        self.began_at = self.rows("SELECT clock_timestamp()")[0][0]

    def settled(self):
        """Every message that was delivered a while ago is in the tables."""
        limit = time.monotonic() - 1
        seen = self.progress.first_seen
        return all(place in seen for place, at in list(self.load.delivered.items()) if at < limit)

    def end(self):
        """What the outage cost."""
        time.sleep(1)
        self.wait(self.settled, "every event to be in the tables", ALLOWANCE_S + 120)
        time.sleep(SLA_S + 3)  # the breaches of what came meanwhile
        self.load.finish()
        self.wait(self.settled, "every event to be in the tables")
        self.wait(lambda: self.rows("SELECT count(*) FROM report.alert WHERE state = 'breached'")[0][0] ==
                  len(self.load.delivered), "every breach to be detected")
        self.wait(lambda: self.rows("SELECT count(*) FROM kpid.outbox")[0][0] == 0, "every alert to be sent")
        self.progress.__exit__(None)
        seen = self.progress.first_seen
        unread = max(seen[place] - at for place, at in self.load.delivered.items() if seen[place] > self.began)
        late, unconfirmed = self.rows("SELECT max(extract(epoch FROM detected_at - breached_at)), count(*) FILTER (WHERE unconfirmed) "
                                      "FROM report.alert WHERE detected_at > %s", self.began_at)[0]
        sent, n_double = self._sent()
        n_tickets = self.rows("SELECT count(*) FROM report.ticket")[0][0]
        return {"unread_s": round(unread, 1), "detected_late_s": round(float(late), 1), "sent_late_s": round(sent, 1),
                "unconfirmed": unconfirmed, "lost": len(self.load.delivered) - n_tickets, "sent_twice": n_double}

    def _sent(self):
        """How long after its deadline the latest breach was on the topic, and how many messages came twice."""
        from confluent_kafka import Consumer, TopicPartition
        consumer = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "bench", "enable.auto.commit": False,
                             "enable.partition.eof": True})
        consumer.assign([TopicPartition(self.alerts, 0, 0)])
        sent, ids, n_double = {}, set(), 0
        while True:
            message = consumer.poll(10)
            if message is None or message.error():
                break
            body = json.loads(message.value())
            n_double += body["id"] in ids
            ids.add(body["id"])
            sent.setdefault(message.key().decode(), message.timestamp()[1] / 1000)
        consumer.close()
        latest = 0
        for alert, due in self.rows("SELECT ticket_id || '/' || target || '/' || n, extract(epoch FROM breached_at) "
                                    "FROM report.alert WHERE breached_at > %s", self.began_at):
            if alert not in sent:
                raise BenchError(f"{self.topic}: alert {alert} was never sent")
            latest = max(latest, sent[alert] - float(due))
        return latest, n_double

    def close(self):
        for daemon in self.daemons.values():
            daemon.signal(signal.SIGCONT)
            daemon.signal(signal.SIGKILL)
            daemon.wait()


# ---- the outages: each gets a scene and returns when the outage is over ------------------------------------------------


def killed_and_started(scene):
    scene.begin("a")
    scene.kill("a")
    scene.start("a")


def one_of_two_killed(scene):
    scene.begin("a", "b")
    scene.kill("b")


def one_of_two_killed_and_started(scene):
    scene.begin("a", "b")
    scene.kill("b")
    scene.start("b")


def one_of_two_terminated(scene):
    scene.begin("a", "b")
    scene.terminate("b")


def terminated_while_it_joins(scene):
    scene.begin("a")
    scene.start("b")
    time.sleep(2)
    began = time.monotonic()
    scene.terminate("b")
    scene.extra["sigterm_s"] = round(time.monotonic() - began, 1)


def one_of_two_frozen(scene):
    """The one that sends alerts."""
    scene.begin("a", "b")
    sender = scene.rows("SELECT holder FROM kpid.lease WHERE name = 'outbox'")
    name = "a" if sender and str(sender[0][0]).startswith("a") else "b"
    scene.daemons[name].signal(signal.SIGSTOP)
    time.sleep(60)
    scene.daemons[name].signal(signal.SIGCONT)


def broker_frozen(scene):
    scene.begin("a")
    for node in scene.kafka.nodes:
        node.pause()
    time.sleep(60)
    for node in scene.kafka.nodes:
        node.cont()


def one_of_three_brokers_killed(scene):
    scene.begin("a")
    victim = scene.kafka.leaders(scene.topic)[0]
    victim.kill()
    time.sleep(60)
    victim.start()


def cut_off_from_postgresql(scene):
    scene.begin("a")
    scene.outside.postgres.cut()
    time.sleep(100)
    scene.outside.postgres.heal()


def cut_off_from_kafka(scene):
    scene.begin("a")
    scene.outside.kafka.cut()
    began = os.path.getsize(scene.log("a"))
    for tenths in range(350):
        if "logged_after_s" not in scene.extra and os.path.getsize(scene.log("a")) > began:
            scene.extra["logged_after_s"] = tenths / 10
        time.sleep(0.1)
    scene.outside.kafka.heal()


ONE, THREE, OUTSIDE = "one broker", "three brokers", "one broker, links that can be cut"
# (what happens, where, function)
OUTAGES = [
    ("the only instance killed, started again at once", ONE, killed_and_started),
    ("one of two killed, not started again", ONE, one_of_two_killed),
    ("one of two killed, started again at once", ONE, one_of_two_killed_and_started),
    ("one of two ended by TERM", ONE, one_of_two_terminated),
    ("ended by TERM 2 s after its start, beside another", ONE, terminated_while_it_joins),
    ("one of two frozen for 60 s", ONE, one_of_two_frozen),
    ("the broker frozen for 60 s", ONE, broker_frozen),
    ("one of three brokers killed for 60 s", THREE, one_of_three_brokers_killed),
    ("a silent cut to PostgreSQL of 100 s", OUTSIDE, cut_off_from_postgresql),
    ("a silent cut to Kafka of 35 s", OUTSIDE, cut_off_from_kafka),
]
QUICK = (killed_and_started, one_of_two_killed, terminated_while_it_joins)


@contextlib.contextmanager
def place(rig, where):
    """The servers of an outage, and the network namespace if it needs one."""
    with contextlib.ExitStack() as stack:
        outside = None
        settings = {}
        if where == OUTSIDE:
            try:
                outside = Outside()
            except OSError as error:
                raise Skipped(f"no network namespace: {error}") from None
            stack.callback(outside.close)
            settings["listen_addresses"] = f"127.0.0.1,{outside.postgres.here}"
        pg = stack.enter_context(rig.postgres(**settings))
        if outside:
            outside.admit_to(pg)
        kafka = stack.enter_context(KafkaCluster(3 if where == THREE else 1, outside.kafka.here if outside else None))
        yield pg, kafka, outside


def measure(rig, where, outage, name, policy):
    with place(rig, where) as (pg, kafka, outside):
        scene = Scene(rig, pg, kafka, name, outside, policy)
        scene.extra = {}
        try:
            outage(scene)
            return {**scene.end(), **scene.extra}
        finally:
            scene.close()


def run(rig, results, options):
    if rig.kpid_options:
        raise BenchError("recovery measures the default settings: leave out --set")
    policy = rig.write_policy("recovery", first_response=f"{SLA_S}s")
    columns = ["outage, all settings at their defaults", "s unread", "s until detected", "s until sent", "unconfirmed", "lost", "sent twice"]
    rows = []
    wanted = getattr(options, "outage", None)
    for i, (what, where, outage) in enumerate(OUTAGES):
        if (options.quick and outage not in QUICK) or (wanted and outage.__name__ not in wanted):
            continue
        try:
            figures = measure(rig, where, outage, f"outage-{i}", policy)
        except Skipped as reason:
            results.note(f"{what}: skipped: {reason}")
            continue
        results.add("recovery", what, figures)
        say(f"{what}: {figures}")
        rows.append([what] + [figures[key] for key in ("unread_s", "detected_late_s", "sent_late_s", "unconfirmed", "lost", "sent_twice")])
    results.table("What an outage costs", columns, rows)
