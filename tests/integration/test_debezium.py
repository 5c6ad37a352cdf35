"""A real Debezium in Kafka Connect reads Zammad's tables from PostgreSQL, while tickets change, it is killed, and it takes another
snapshot: every table is that of the changes that were made (M1, M5, M12, M14)."""
import contextlib
import datetime
import json
import os
import random
import threading
import time

import pytest

from connect import Debezium
from daemon import ROOT, now, policy, recompute, wait_until
from own_mappings import debezium_zammad
from servers import Postgres
from test_mapped_topics import wait_for_end

pytestmark = pytest.mark.skipif(not os.path.isdir(Debezium.jars()), reason="Debezium is not installed: deploy/lib/setup.sh test")

MAPPING = os.path.join(ROOT, "deploy", "mappings", "zammad_debezium.lua")
TOPICS = ["zammad.public.tickets", "zammad.public.ticket_articles"]
# Of Zammad's tables, the columns that matter here, with Zammad's types.
SCHEMA = """
CREATE TABLE tickets (id serial PRIMARY KEY, group_id integer NOT NULL, priority_id integer NOT NULL, state_id integer NOT NULL,
	organization_id integer, number varchar(60) NOT NULL, title varchar(250) NOT NULL, owner_id integer NOT NULL, customer_id bigint NOT NULL,
	first_response_at timestamp(3), updated_by_id integer NOT NULL, created_at timestamp(3) NOT NULL, updated_at timestamp(3) NOT NULL);
CREATE TABLE ticket_articles (id serial PRIMARY KEY, ticket_id integer NOT NULL, body text NOT NULL, created_at timestamp(3) NOT NULL);
CREATE INDEX ON ticket_articles (ticket_id);
"""
NAMES = ("group_id", "priority_id", "state_id", "organization_id", "number", "owner_id", "customer_id", "first_response_at",
         "updated_by_id", "created_at", "updated_at")
EPOCH = datetime.datetime(1970, 1, 1)


class Zammad:
    """Tickets that change in a database. Keeps every state in which a row has ever been."""

    def __init__(self, pg):
        self.random = random.Random(24)
        self.connection = pg.connect("zammad")
        self.began = now().replace(tzinfo=None, microsecond=0) - datetime.timedelta(days=10)  # all deadlines have passed
        self.rows, self.states = {}, []

    def sql(self, text, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(text, values)

    def keep(self, ticket, **columns):
        row = self.rows.setdefault(ticket, {})
        row.update(columns)
        self.states.append({name: round((value - EPOCH).total_seconds() * 1000) if isinstance(value, datetime.datetime) else value
                            for name, value in row.items()})

    def forget_the_past(self):
        """A snapshot has the last state of each ticket only."""
        last = {state["number"]: state for state in self.states}
        self.states = list(last.values())

    def open(self):
        r, number = self.random, str(20_000 + len(self.rows))
        at = self.began + datetime.timedelta(milliseconds=r.randrange(86_400_000))
        self.keep(number, group_id=r.randrange(1, 4), priority_id=r.randrange(1, 4), state_id=1, organization_id=r.choice([None, 7]),
                  number=number, owner_id=1, customer_id=2**53 + r.randrange(9), first_response_at=None, updated_by_id=1,
                  created_at=at, updated_at=at)
        row = self.rows[number]
        self.sql(f"INSERT INTO tickets (title, {', '.join(NAMES)}) VALUES ('T', {', '.join(['%s'] * len(NAMES))})",
                 *(row[name] for name in NAMES))
        self.write(number)

    def write(self, number):
        """An article. PostgreSQL stores its text apart from the row, because it is large."""
        self.sql("INSERT INTO ticket_articles (ticket_id, body, created_at) VALUES (%s, %s, %s)", int(number),
                 self.random.randbytes(4000).hex(), self.rows[number]["updated_at"])

    def change(self, number=None):
        r = self.random
        number = number or r.choice(list(self.rows))
        row = self.rows[number]
        at = row["updated_at"] + datetime.timedelta(milliseconds=r.randrange(1, 3 * 3_600_000))
        changes = {"state_id": r.choice([2, 2, 3, 4, 4, 5, 7]), "updated_by_id": r.choice([1, 5, 6]), "updated_at": at}
        changes.update(r.choice([{}, {"owner_id": r.choice([1, 5, 6])}, {"priority_id": r.randrange(1, 4)},
                                 {"group_id": r.randrange(1, 4)}]))
        if row["first_response_at"] is None and r.random() < 0.3:
            changes["first_response_at"] = at
        self.keep(number, **changes)
        self.sql(f"UPDATE tickets SET {', '.join(name + ' = %s' for name in changes)} WHERE number = %s", *changes.values(), number)
        self.sql("UPDATE ticket_articles SET created_at = %s WHERE ticket_id = %s", at, int(number))  # its body is a placeholder then
        if r.random() < 0.2:
            self.write(number)

    @contextlib.contextmanager
    def busy(self):
        """Tickets are opened and change meanwhile."""
        stop, errors = threading.Event(), []

        def work():
            try:
                while not stop.wait(0.02):
                    if self.random.random() < 0.1:
                        self.open()
                    else:
                        self.change()
            except BaseException as error:
                errors.append(error)
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        assert not errors, errors

    def expected(self, site, folder):
        path = folder / "states.ndjson"
        events = [event for row in self.states for event in debezium_zammad({"after": row, "source": {"table": "tickets"}}, "/zammad")]
        path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        return recompute([str(path)], site.policy, str(folder / "expected"), as_of=now())


@pytest.fixture
def zammad():
    with Postgres(settings={"fsync": "off", "wal_level": "logical"}) as pg:
        pg.create_database("zammad")
        pg.psql(SCHEMA, "zammad")
        yield pg


@pytest.fixture
def topics(kafka):
    for topic in TOPICS:
        kafka.create_topic(topic, 2)
    yield TOPICS
    for topic in TOPICS:
        kafka.delete_topic(topic)


def test_a_real_debezium_with_a_kill_and_a_second_snapshot(zammad, topics, kafka, make_stream, make_site, tmp_path):
    desk = Zammad(zammad)
    site = make_site(make_stream(1), policy("1h", "8h", pause_on=["pending reminder"]), {
        "topics": dict.fromkeys(topics, "map zammad"), "map zammad": {"file": MAPPING, "source": "/zammad"}})
    site.start("a")
    for _ in range(30):
        desk.open()
        desk.change()
    connector = {"database.hostname": "127.0.0.1", "database.port": zammad.port, "database.user": "postgres", "database.password": "none",
                 "database.dbname": "zammad", "topic.prefix": "zammad", "publication.autocreate.mode": "filtered",
                 "table.include.list": "public.tickets,public.ticket_articles"}

    def wait_right():
        """Every state of every ticket has arrived."""
        def found():
            return site.differences(expected)
        expected = desk.expected(site, tmp_path)
        wait_until(lambda: not found(), lambda: "\n".join(found()) + connect.log_tail(40), every=0.3)

    desk.forget_the_past()
    with Debezium(kafka, connector) as connect:
        wait_until(lambda: sum(end for _, end in kafka.offsets(topics[0]).values()) >= len(desk.rows) and connect.has_offsets(),
                   connect.log_tail)
        with desk.busy():
            time.sleep(2)
            connect.kill()
            time.sleep(0.5)
            connect.start()
            time.sleep(1)
        wait_right()

        # Another snapshot: what happened meanwhile is only there as the last state of each ticket.
        connect.kill()
        connect.forget_offsets()
        for number in list(desk.rows)[::3]:
            desk.change(number)
        desk.open()
        desk.sql("DELETE FROM ticket_articles WHERE ticket_id = %s", 20_001)
        connect.start()
        wait_right()
        with desk.busy():
            time.sleep(1)
        desk.sql("DELETE FROM tickets WHERE number = %s", "20000")  # a tombstone; figures stay
        wait_right()
    for topic in topics:
        wait_for_end(site, topic)
    site.wait_settled()
    site.check(desk.expected(site, tmp_path))
    counts = site.dicts("SELECT * FROM report.mapping")[0]
    read_twice = sum(b'"op":"r"' in message.value and b'"number":"20001"' in message.value
                     for message in kafka.consume_all(topics[0]) if message.value)
    assert read_twice == 2, "each ticket is in both snapshots"
    assert counts["n_rejected"] == 0 and counts["n_tombstones"] >= 1, counts
    assert "table ticket_articles" in counts["skips"] and "a row was deleted" in counts["skips"]
