"""Promises of SECURITY.md that no other test covers: encryption, logins and rights against real servers, hostile
text.
"""
import contextlib
import ctypes
import ctypes.util
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from datetime import timedelta

import pytest

import kafka_admin
from daemon import Site, Stream, create_migrated, event, now, policy, wait_until
from kafka_admin import DESCRIBE, GROUP, READ, TOPIC, WRITE
from servers import KAFKA_3_VERSION, Kafka, Postgres

PASSWORD = "not-in-any-log-8e1f"
WRONG = "neither-is-this-77ac"
NUMBERS = itertools.count(1)


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certificates:
    """A certificate authority, its certificate for `localhost` only, and an authority that signed nothing."""

    def __init__(self, folder):
        self.folder = folder
        self.ca, self.other_ca = self._authority("ca"), self._authority("other")
        self.key, self.certificate = self.path("server.key"), self.path("server.pem")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", self.key, "-out",
                self.path("server.csr"))
        with open(self.path("names"), "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:localhost\n")
        openssl("x509", "-req", "-days", "2", "-in", self.path("server.csr"), "-CA", self.ca, "-CAkey", self.path("ca.key"),
                "-CAcreateserial", "-extfile", self.path("names"), "-out", self.certificate)
        self.both = self.path("both.pem")  # in the format that Kafka expects
        with open(self.both, "w", encoding="ascii") as out:
            for path in (self.key, self.certificate):
                with open(path, encoding="ascii") as file:
                    out.write(file.read())

    def path(self, name):
        return os.path.join(self.folder, name)

    def _authority(self, name):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout",
                self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"))
        return self.path(f"{name}.pem")

    def secret(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.chmod(path, 0o600)
        return path


@pytest.fixture(scope="module")
def certificates():
    folder = tempfile.mkdtemp(prefix="kpid-tls-")
    os.chmod(folder, 0o755)  # for the user that PostgreSQL runs as
    yield Certificates(folder)
    shutil.rmtree(folder)


class SecuredKafka(Kafka):
    """A Kafka with one more listener, which accepts logins over TLS only and allows nothing that was not granted."""

    port_names = (*Kafka.port_names, "secured_port")

    def __init__(self, certificates):
        super().__init__(settings={
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.secured.plain.sasl.jaas.config":
                f'org.apache.kafka.common.security.plain.PlainLoginModule required user_kpid="{PASSWORD}";',
            "listener.name.secured.scram-sha-512.sasl.jaas.config":
                "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "listener.name.secured.ssl.keystore.type": "PEM",
            "listener.name.secured.ssl.keystore.location": certificates.both,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "group.min.session.timeout.ms": 500,
        }, format_options=[f"--add-scram=SCRAM-SHA-512=[name=\"kpid\",password=\"{PASSWORD}\"]"])

    def _create(self):
        self.settings.update({
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port},"
                         f"SECURED://127.0.0.1:{self.secured_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port},SECURED://localhost:{self.secured_port}"})
        super()._create()


class SecuredKafka3(SecuredKafka):
    version = KAFKA_3_VERSION


@pytest.fixture(scope="module")
def secured_kafka(certificates):
    with SecuredKafka(certificates) as server:
        yield server


@pytest.fixture(scope="module")
def secured_pg(certificates, binary):
    """A PostgreSQL that accepts the role `daemon`, a writer, with a password and over TLS only."""
    key = certificates.path("pg.key")
    shutil.copy(certificates.key, key)
    os.chmod(key, 0o600)
    if os.getuid() == 0:
        shutil.chown(key, "postgres", "postgres")
    with Postgres(settings={"fsync": "off", "ssl": "on", "ssl_cert_file": certificates.certificate,
                            "ssl_key_file": key, "password_encryption": "scram-sha-256"}) as server:
        create_migrated(server, binary, "security")
        server.psql(f"CREATE ROLE daemon LOGIN PASSWORD '{PASSWORD}' IN ROLE kpid_writer")
        hba = server.psql("SHOW hba_file")
        with open(hba, encoding="utf-8") as file:
            rest = file.read()
        with open(hba, "w", encoding="utf-8") as file:
            file.write("hostssl all daemon 127.0.0.1/32 scram-sha-256\nhost all daemon 127.0.0.1/32 reject\n" + rest)
        server.psql("SELECT pg_reload_conf()")
        yield server


@contextlib.contextmanager
def secured_site(secured_pg, secured_kafka, certificates, binary, tmp_path):
    """All connections over TLS, with passwords, and with exactly the rights that SECURITY.md names."""
    name = f"security-{next(NUMBERS)}"
    stream = Stream(secured_kafka, name, 2)
    site = Site(secured_pg, secured_kafka, binary, "security", tmp_path / "site", stream, policy(first_response="1s"), {
        "kafka": {"bootstrap.servers": f"localhost:{secured_kafka.secured_port}", "security.protocol": "sasl_ssl",
                  "sasl.mechanism": "PLAIN", "sasl.username": "kpid", "group.id": name,
                  "sasl.password_file": certificates.secret("kafka.password", PASSWORD),
                  "ssl.ca.location": certificates.ca},
        "postgres": {"host": "localhost", "user": "daemon", "sslmode": "verify-full", "sslrootcert": certificates.ca,
                     "password_file": certificates.secret("pg.password", PASSWORD)},
        "run": {"log_level": "debug"}, "sla": {"max_silence": "2s"}})  # the topics of the previous test are silent
    topics = sorted(set(stream.topics.values()))
    kafka_admin.allow(secured_kafka.port, "User:kpid", (GROUP, name, READ),
                      *((TOPIC, topic, right) for topic in topics for right in (READ, DESCRIBE)),
                      *((TOPIC, site.alert_topic, right) for right in (WRITE, DESCRIBE)))
    site.command("settings", "set", "kafka.group.id", name)  # the database still has the group of the previous test
    yield site
    faults = site.close()
    for topic in [*topics, site.alert_topic]:
        secured_kafka.delete_topic(topic)
    assert not faults, faults
    for log in os.listdir(site.folder):
        with open(os.path.join(site.folder, log), encoding="utf-8", errors="replace") as file:
            text = file.read()
        assert PASSWORD not in text and WRONG not in text, f"{log} contains a password"


@pytest.fixture
def site(secured_pg, secured_kafka, certificates, binary, tmp_path):
    with secured_site(secured_pg, secured_kafka, certificates, binary, tmp_path) as site:
        yield site


@pytest.fixture
def site_of_kafka_3(secured_pg, certificates, binary, tmp_path):
    if not os.path.isdir(SecuredKafka3.jars()):
        pytest.skip(f"no Kafka in {SecuredKafka3.jars()}: deploy/lib/setup.sh test fetches it")
    with SecuredKafka3(certificates) as kafka, secured_site(secured_pg, kafka, certificates, binary, tmp_path) as site:
        yield site


def n_tickets(site):
    return site.one("SELECT count(*) FROM report.ticket")


def test_encrypted_to_both_servers_with_no_more_than_its_rights(site):
    before = n_tickets(site)
    site.stream.send_events([event("ticket.opened", f"TLS-{i}") for i in range(50)])
    daemon = site.start("a")
    wait_until(lambda: n_tickets(site) == before + 50, "the tickets")
    # Alerts are sent as well: the right to write to their topic is enough.
    wait_until(lambda: len(site.kafka.consume_all(site.alert_topic)) >= 50, "the alerts")
    ((encrypted, version),) = set(site.rows(
        "SELECT ssl, s.version FROM pg_stat_ssl s JOIN pg_stat_activity USING (pid) WHERE usename = 'daemon'"))
    assert encrypted and version in ("TLSv1.2", "TLSv1.3")
    with open(f"/proc/{daemon.pid}/cmdline", "rb") as file:
        assert PASSWORD.encode() not in file.read()
    assert PASSWORD not in site.command("check-config", "--show").stdout
    assert not daemon.logged(r"(?i)authoriz")
    daemon.stop(10)


# One wrong option each: its name, its value, and the log line it causes.
WRONG_ONES = [
    ("postgres.sslrootcert", "other_ca", "certificate verify failed"),
    ("postgres.host", "127.0.0.1", "does not match host name"),
    ("postgres.password_file", "wrong", "password authentication failed"),
    ("postgres.sslmode", "disable", "rejects connection"),
    ("kafka.ssl.ca.location", "other_ca", "certificate verify failed"),
    ("kafka.bootstrap.servers", "127.0.0.1", "certificate verify failed"),
    ("kafka.sasl.password_file", "wrong", "(?i)authentication failed"),
]


def test_a_wrong_server_or_login(site, certificates):
    """Nothing is read or written, and the log says why. It keeps trying; if PostgreSQL refuses the login, it ends
    with status 4, because somebody must act."""
    values = {"other_ca": certificates.other_ca, "wrong": certificates.secret("wrong.password", WRONG)}
    before = n_tickets(site)
    site.stream.send_events([event("ticket.opened", "not by these")])
    daemons = {}
    for i, (option, wrong, said) in enumerate(WRONG_ONES):
        value = f"127.0.0.1:{site.kafka.secured_port}" if option == "kafka.bootstrap.servers" else values.get(wrong, wrong)
        daemons[option] = site.start(f"wrong{i}", **{option.replace(".", "_", 1): value}), said
    for option in ("postgres.password_file", "postgres.sslmode"):
        daemon, said = daemons.pop(option)
        daemon.killed = True  # its status is not 0
        wait_until(lambda: not daemon.running(), f"{option}: to end", 30)
        assert daemon.process.returncode == 4 and re.search(said, daemon.log()), daemon.log()
    for option, (daemon, said) in daemons.items():
        wait_until(lambda: re.search(said, "\n".join(daemon.logged(r".* (?:warning|error) .*"))), f"{option}: {said}", 30)
    time.sleep(1)
    assert n_tickets(site) == before
    for daemon, _ in daemons.values():
        assert daemon.running()
        daemon.stop(10)


def test_scram(site_of_kafka_3, certificates):
    """With the right password everything works; with a wrong one nothing does."""
    site = site_of_kafka_3
    before = n_tickets(site)
    scram = {"kafka_sasl.mechanism": "SCRAM-SHA-512"}
    site.stream.send_events([event("ticket.opened", f"SCRAM-{i}") for i in range(50)])
    wrong = site.start("a", **scram, **{"kafka_sasl.password_file": certificates.secret("wrong.password", WRONG)})
    wait_until(lambda: wrong.logged(r"(?i)warning .*authentication failed"), "it to be refused", 30)
    wrong.stop(10)
    assert n_tickets(site) == before
    right = site.start("a", **scram)
    wait_until(lambda: n_tickets(site) == before + 50, "the tickets")
    wait_until(lambda: len(site.kafka.consume_all(site.alert_topic)) >= 50, "the alerts")
    right.stop(10)


def test_scram_with_kafka_4(site):
    """A librdkafka that cannot log in to Kafka 4 by SCRAM logs that with the remedy; from 2.6.1 on it can."""
    librdkafka = ctypes.CDLL(ctypes.util.find_library("rdkafka"))
    before = n_tickets(site)
    site.stream.send_events([event("ticket.opened", "by SCRAM")])
    daemon = site.start("a", **{"kafka_sasl.mechanism": "SCRAM-SHA-512"})
    if librdkafka.rd_kafka_version() >= 0x020601ff:
        wait_until(lambda: n_tickets(site) == before + 1, "the ticket")
    else:
        wait_until(lambda: daemon.logged(r"warning .*SCRAM.*before 2\.6\.1.*PLAIN over TLS"), "the reason to be logged", 30)
        assert n_tickets(site) == before
        found = site.command("doctor", "--set", "kafka.sasl.mechanism=SCRAM-SHA-512", status=None).stdout
        assert re.search(r"before 2\.6\.1", " ".join(found.split()))
    daemon.stop(10)


def test_a_missing_right_is_named(site):
    """Without the right to read its group the daemon reads nothing and names the missing right."""
    site.command("settings", "set", "kafka.group.id", "a-group-of-others")
    daemon = site.start("a", **{"kafka_group.id": "a-group-of-others"})
    wait_until(lambda: daemon.logged(r"(?i)(?:warning|error).*group.*(?:authoriz|access denied)"), "the log line", 30)
    daemon.stop(10)


# Text that looks like a statement, a format, a path, an address, a row, another log line, or a terminal control
# sequence.
HOSTILE = [
    "'; DROP TABLE kpid.ticket; --", '"; SELECT pg_sleep(60); --', "$1 $$ $body$ \\' E'\\x27", "{1,NULL}", "(1,2)", 'NULL,"}',
    "%s%n%p {0} ${HOME} `id`", "../../../etc/passwd", "http://169.254.169.254/latest", "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;owned\x07\x9b31m", "a\n2026-01-01T00:00:00.000Z error   forged", "b\r\u2028\u202egnp.exe", "\u0085\ufeff\U000e0041", "  ",
]
ATTRIBUTES = ["project_id", "channel", "category", "priority", "team_id", "requester_ref"]


def story_of(ticket, text):
    """Each type of event, with the text in each of its text fields."""
    happens = itertools.count()

    def then(type, **data):
        moment = now() - timedelta(hours=1) + timedelta(minutes=next(happens))
        return event(type, ticket, at=moment, id=f"{text}{next(happens)}", source=text, **data)

    return [then("ticket.opened", agent_id=text, **dict.fromkeys(ATTRIBUTES, text)),
            then("ticket.assigned", agent_id=text), then("ticket.requester_replied"),
            then("ticket.responded", agent_id=text), then("ticket.arrived", agent_id=text),
            then("ticket.paused", agent_id=text, reason=text), then("ticket.resumed", agent_id=text, reason=text),
            then("ticket.updated", **dict.fromkeys(ATTRIBUTES, text)),
            then("ticket.resolved", agent_id=text, resolution="solved"), then("ticket.reopened", agent_id=text),
            then("ticket.closed", agent_id=text, resolution="solved"),
            then("survey.submitted", agent_id=text, survey_id=text, score=4, answers={text: 3})]


def drives_no_terminal(said):
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", said)


def test_text_is_text(site):
    """In every field: rows contain it as sent, nothing else happens, and no output is affected by it."""
    tickets = {f"{text}{i}": text for i, text in enumerate(HOSTILE)}
    before = n_tickets(site)
    for ticket, text in tickets.items():
        site.stream.send_events(story_of(ticket, text))
    opened = {f"{ticket} is open": text for ticket, text in tickets.items()}
    site.stream.send_events([event("ticket.opened", ticket, agent_id=text, project_id=text) for ticket, text in opened.items()])
    site.stream.send([("opened", 0, text.encode() + b" no json") for text in HOSTILE])
    daemon = site.start("a")
    wait_until(lambda: n_tickets(site) == before + 2 * len(tickets), "the tickets")
    site.wait_read()
    n_rejected = site.one("SELECT count(*) FROM report.dead_letter")

    for ticket, text in tickets.items():
        ((*attributes, state, closer),) = site.rows(
            f"SELECT {', '.join(ATTRIBUTES)}, state, closer_id FROM report.ticket WHERE ticket_id = %s", ticket)
        assert attributes == [text] * len(ATTRIBUTES) and (state, closer) == ("closed", text), ticket
        assert site.one("SELECT sum(resolved) FROM report.agent_kpi_5m WHERE agent_id = %s", text) == 2
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE ticket_id = %s AND owner_at_breach = %s", ticket,
                                    text), "its alert")
        assert site.one("SELECT report.explain_ticket(%s) -> 'ticket' ->> 'project_id'", ticket) == text
    for ticket, text in tickets.items():
        if text.isascii() and text.isprintable():
            continue
        explained = json.loads(site.command("explain", "--json", ticket).stdout)
        assert explained["ticket_id"] == ticket and explained["agrees_with_record"]
        events = [step["event"]["data"] for step in explained["events"]]
        assert {data["reason"] for data in events if "reason" in data} == {text}
        assert drives_no_terminal(site.command("explain", ticket).stdout)
    assert n_rejected == len(HOSTILE)
    for arguments in (["dlq", "list"], ["top", "--once"], ["alerts", "list"], ["verify"], ["gap", "list"]):
        assert drives_no_terminal(site.command(*arguments, status=None).stdout), arguments
    assert json.loads(site.command("verify", "--json").stdout)["differences"] == []

    # Alerts are still valid JSON, and each line of the log is one that the daemon wrote.
    def alerts():
        return [json.loads(message.value)["data"] for message in site.kafka.consume_all(site.alert_topic)]

    wait_until(lambda: len(alerts()) >= len(opened), "the alerts")
    assert {alert["ticket_id"]: (alert["owner_at_breach"], alert["project_id"]) for alert in alerts()} == {
        ticket: (text, text) for ticket, text in opened.items()}
    daemon.stop(10)
    assert drives_no_terminal(daemon.log()) and not daemon.logged("(?m)^.{26}error +forged")
    for line in daemon.log().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) +\S", line), line
