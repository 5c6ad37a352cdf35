"""Shards: each is exact by itself, and together they equal one database."""
import contextlib
import json
import random
import time

import psycopg2
import pytest

from conftest import POLICY
from daemon import LONG, create_migrated, event, incident_lines, now, recompute, shuffle_within_an_hour, wait_until
from servers import Postgres
from shards import Shards, coordinator, wait_for_end

N_LINES = 40_000 if LONG else 4_000
COUNT = 4
QUICK = {"kafka": {"session.timeout.ms": 1500, "heartbeat.interval.ms": 300}, "run": {"batch_max_events": 400}}
CONFIG_ERROR = 3


def shard(index, count=COUNT, by="ticket"):
    return {"index": index, "count": count, "by": by}


@pytest.fixture(scope="session")
def unkeyed(incidents, kafka, tmp_path_factory):
    """Events in any partition, whatever their ticket, 5 % of them twice, and messages that name no ticket; and what a recomputation
    makes of them."""
    from daemon import Stream
    chance = random.Random(20)
    stream = Stream(kafka, "unkeyed", {"opened": 3, "closed": 4, "survey": 2, "activity": 5})
    messages = []
    for value in shuffle_within_an_hour(list(incident_lines(N_LINES)), 0.05, seed=20):
        kind, _, value = stream.place(value)
        messages.append((kind, chance.randrange(stream.n_partitions[kind]), value))
        if chance.random() < 0.005:
            messages.append((kind, chance.randrange(stream.n_partitions[kind]), chance.choice((None, b"{", b'{"ticket_id": 1}'))))
    stream.send(messages)
    folder = tmp_path_factory.mktemp("unkeyed")
    path = stream.write(str(folder / "all.msgs"))
    return stream, recompute([path], POLICY, str(folder / "expected"), stream.topic_type_options(), now())


@pytest.fixture
def last_server():
    """A server of its own for one of the shards."""
    with Postgres(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture
def four(make_site, unkeyed, last_server, binary, pg, tmp_path, request):
    """Four shards, the last one on a server of its own, and a coordinator."""
    sites = [make_site(unkeyed[0], POLICY, {**QUICK, "shard": shard(i)}) for i in range(COUNT)]
    last = sites[-1]
    last.disconnect()
    create_migrated(last_server, binary, last.database)
    last.pg, last.pg_port, first = last_server, last_server.port, last.pg
    last.configure()
    name = f"coordinator_{len(request.node.name)}"
    together = Shards(sites, coordinator(pg, binary, name, tmp_path / name))
    yield together
    together.coordinator.disconnect()
    last.disconnect()
    last.pg = first
    pg.drop_database(name)


def test_shards_equal_one_database(four, make_site, unkeyed, chance):
    """With unkeyed topics and kills: the coordinator equals the recomputation and one database, row by row."""
    stream, expected = unkeyed
    alone = make_site(stream, POLICY, QUICK)
    alone.start("alone")
    four.start("a")
    for _ in range(8 if LONG else 3):
        victim = chance.choice(four.sites)
        wait_until(lambda: victim.n_read() > 500, "the shard to read", every=0.02)
        time.sleep(chance.uniform(0, 0.1))
        victim.daemons["a"].kill()
        victim.start("a")
    four.wait_settled()
    alone.wait_read()
    alone.wait_settled()
    four.federate()
    found = four.differences(expected)
    assert not found, "\n".join(found)

    one = four.coordinator
    total = sum(stream.ends().values())
    for site in four.sites:
        n_read, n_passed, n_tickets = site.rows("SELECT sum(n_messages), sum(n_passed_over), (SELECT count(*) FROM kpid.ticket) "
                                                "FROM kpid.source_partition")[0]
        assert n_read == total and 0.6 * total < n_passed < 0.9 * total and n_tickets > 0
        assert site.faults_inside() == []
    for what in ("ticket", "ticket_cycle", "alert"):
        assert one.one(f"SELECT count(DISTINCT shard) FROM report.{what}") == COUNT
    # What names no ticket is in shard 0, once.
    letters = "SELECT topic, partition, \"offset\", reason FROM report.dead_letter ORDER BY 1, 2, 3, 4"
    assert one.rows(letters) == alone.rows(letters) != []
    assert four.sites[0].one("SELECT sum(n_tombstones) FROM kpid.source_partition") == alone.one(
        "SELECT sum(n_tombstones) FROM kpid.source_partition") > 0
    compare_reports(one, alone)
    run_examples(one)
    act(four)


def compare_reports(one, alone):
    """Views whose rows do not depend on when something was read."""
    for view, columns in {
        "agent_kpi_5m": "*", "agent_kpi_hourly": "*", "agent_kpi_daily": "*", "agent_backlog": "*",
        "sla_clock": "ticket_id, target, n, due_at, breached", "silence": "*", "version": "*",
    }.items():
        sql = f"SELECT to_jsonb(q)::text FROM (SELECT {columns} FROM report.{view}) q ORDER BY 1"
        if view.startswith("agent_kpi"):
            sql = (f"SELECT to_jsonb(q)::text FROM (SELECT * FROM report.{view} v WHERE EXISTS (SELECT FROM jsonb_each(to_jsonb(v)) e "
                   "WHERE e.key NOT IN ('agent_id', 'time') AND e.value::text NOT IN ('0', '0.000000'))) q ORDER BY 1")
        assert one.rows(sql) == alone.rows(sql), view


def run_examples(one):
    """Every example of the analysts runs, and every column has its comment."""
    for name, example in one.rows("SELECT object, example FROM report.readme"):
        one.rows(example)
        if one.one("SELECT to_regclass(%s) IS NOT NULL", name):
            assert one.one("SELECT obj_description(%s::regclass)", name), name
    assert one.one("SELECT col_description('report.ticket'::regclass, 1)")
    plan = "\n".join(row[0] for row in one.rows("EXPLAIN (VERBOSE) SELECT * FROM report.ticket WHERE ticket_id = 'T1'"))
    assert plan.count("Async Foreign Scan") == COUNT and "ticket_id" in plan.split("Remote SQL")[1], plan
    plan = "\n".join(row[0] for row in one.rows(
        "EXPLAIN (VERBOSE) SELECT * FROM report.agent_kpi_daily WHERE \"time\" >= now() - interval '1 day' AND agent_id = 'x'"))
    assert plan.count("Remote SQL") == COUNT and plan.count("agent_id = 'x'") == COUNT, plan


def act(four):
    """Functions go to the shard of the ticket, or to all."""
    one = four.coordinator
    for index, site in enumerate(four.sites):
        ticket = site.one("SELECT min(ticket_id) FROM kpid.ticket")
        assert one.one("SELECT report.explain_ticket(%s)", ticket)["ticket"] == site.one("SELECT report.explain_ticket(%s)", ticket)["ticket"]
        assert one.one("SELECT kpid_shards.of_ticket(%s)", ticket) == index
        assert json.loads(site.command("shard", "find", ticket, "--of", str(COUNT), "--json").stdout)["shard"] == index
    alert, index = one.rows("SELECT alert_id, shard FROM report.alert WHERE state = 'breached' AND shard > 0 ORDER BY 1 LIMIT 1")[0]
    assert one.one("SELECT report.ack_alert(%s, 'bob', 'on it')", alert) == "acknowledged"
    assert four.sites[index].one("SELECT acknowledged_by FROM kpid.acknowledgement WHERE alert_id = %s", alert) == "bob"
    with pytest.raises(psycopg2.Error, match="there is no alert nothing"):
        one.rows("SELECT report.ack_alert('nothing', 'bob', 'on it')")
    number = one.one("SELECT report.silence_alerts(now() + interval '1 hour', 'bob', 'works', 'p1')")
    assert [site.one("SELECT count(*) FROM report.silence WHERE made_by = 'bob'") for site in four.sites] == [1] * COUNT
    assert one.rows("SELECT silence_no, project_id FROM report.silence") == [(number, "p1")]
    assert one.one("SELECT report.end_silence(%s)", number) is True
    assert [site.one("SELECT count(*) FROM report.silence WHERE ends_at > now()") for site in four.sites] == [0] * COUNT
    one.rows("CREATE ROLE reader_of_shards LOGIN IN ROLE kpid_reader")
    try:
        with contextlib.closing(one.pg.connect(one.database, user="reader_of_shards")) as reader, reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM report.ticket")
            assert cursor.fetchone()[0] > 0
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("SELECT report.ack_alert('x', 'y', 'z')")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("SELECT * FROM kpid_shard_0.ticket")
    finally:
        one.rows("DROP ROLE reader_of_shards")


def test_a_shard_that_is_down_is_an_error_and_not_half_a_sum(four, last_server):
    for i, site in enumerate(four.sites):
        site.rows("INSERT INTO kpid.setting VALUES ('shard', %s)", f"{i} of {COUNT} by ticket")
    four.federate()
    four.federate()  # again, over what is there
    one = four.coordinator
    assert one.one("SELECT count(*) FROM report.ticket") == 0
    assert [row[0] for row in one.rows("SELECT state FROM report.shard_status ORDER BY shard")] == ["ok"] * COUNT
    four.sites[1].rows("UPDATE kpid.setting SET value = '2 of 4 by ticket' WHERE name = 'shard'")
    assert one.rows("SELECT state, detail FROM report.shard_status WHERE shard = 1") == [
        ("wrong", "it is shard 2 of 4 by ticket, and should be 1 of 4 by ticket")]
    done = one.command("federate", "--shards", four.file(), status=1)
    assert "the database of shard 1 is shard 2 of 4 by ticket; it should be 1 of 4 by ticket" in done.stderr
    four.sites[3].disconnect()
    last_server.kill()
    try:
        with pytest.raises(psycopg2.Error, match="kpid_shard_3"):
            one.rows("SELECT count(*) FROM report.ticket")
        states = one.rows("SELECT state, detail FROM report.shard_status ORDER BY shard")
        assert [state for state, _ in states] == ["ok", "wrong", "ok", "unreachable"] and states[3][1]
    finally:
        last_server.start()


def test_a_daemon_of_another_shard_is_refused(make_site, make_stream):
    site = make_site(make_stream(1), None, {**QUICK, "shard": shard(2)})
    daemon = site.start("a")
    wait_until(lambda: site.rows("SELECT value FROM kpid.setting WHERE name = 'shard'") == [("2 of 4 by ticket",)], "the setting")
    for options in (shard(1), shard(2, 8), shard(2, by="partition"), shard(0, 1)):
        other = site.start("b", options=("--take-over-settings",), **{f"shard.{name}": value for name, value in options.items()})
        wait_for_end(other, "this instance is shard .*, but the database is shard 2 of 4 by ticket", CONFIG_ERROR)
        assert "for all instances from now on" not in other.log()
    assert daemon.running()
    groups = site.one("SELECT value FROM kpid.setting WHERE name = 'kafka.group.id'")
    assert groups == f"{site.database}-2-of-4"
    wrong = site.command("check-config", "--set", "shard.index=4", status=CONFIG_ERROR)
    assert "shard.index: must be less than shard.count" in wrong.stdout
    daemon.stop()


def keyed(stream, kafka, tickets):
    """Sends an opening of each ticket, keyed and placed by its ticket."""
    for ticket in tickets:
        kafka.produce([(stream.topics["opened"], stream.partition_of("opened", ticket), ticket.encode(), event("ticket.opened", ticket))])


def test_shards_by_partition_read_only_their_own(make_site, make_stream, kafka):
    stream = make_stream(4)
    sites = [make_site(stream, None, {**QUICK, "shard": shard(i, 2, "partition")}) for i in range(2)]
    tickets = [f"T{i}" for i in range(40)]
    keyed(stream, kafka, tickets)
    for site in sites:
        site.start("a")
    wait_until(lambda: sum(site.one("SELECT count(*) FROM kpid.ticket") for site in sites) == len(tickets), "all tickets")
    for i, site in enumerate(sites):
        assert {partition % 2 for _, partition in site.places()} == {i}
        assert {id for (id,) in site.rows("SELECT ticket_id FROM kpid.ticket")} == {
            id for id in tickets if stream.partition_of("opened", id) % 2 == i}
        assert site.one("SELECT sum(n_passed_over) FROM kpid.source_partition") == 0
    done = sites[0].command("ingest", "/dev/null", status=2)
    assert "the lines of a file have no partition" in done.stderr

    # A message without a key shows that a ticket may be anywhere: nothing of it is stored.
    own = next(p for p in range(4) if p % 2 == 0)
    kafka.produce([(stream.topics["opened"], own, None, event("ticket.opened", "T-unkeyed"))])
    wait_for_end(sites[0].daemons["a"], "has a message without a key", CONFIG_ERROR)
    assert sites[0].one("SELECT count(*) FROM kpid.ticket WHERE ticket_id = 'T-unkeyed'") == 0

    # More partitions would send tickets elsewhere.
    sites[1].daemons["a"].stop()
    stream.add_partitions("opened", 8)
    wait_for_end(sites[1].start("a"), "has 8 partitions now, and had 4", CONFIG_ERROR)
    other = make_site(stream, None, {**QUICK, "shard": shard(1, 3, "partition")})
    wait_for_end(other.start("a"), "must be a multiple of the number of shards", CONFIG_ERROR)


def test_growing_from_two_shards_to_four(make_site, make_stream, pg, binary, tmp_path):
    """Copies become the other half, sums are repaired, and reading goes on: nothing is lost or doubled."""
    stream = make_stream(3)
    chance = random.Random(4)
    lines = shuffle_within_an_hour(list(incident_lines(2_000)), 0.05, seed=4)

    def send(values):
        stream.send([(stream.place(value)[0], chance.randrange(3), value) for value in values])

    send(lines[:len(lines) // 2])
    before = [make_site(stream, POLICY, {**QUICK, "shard": shard(i, 2)}) for i in range(2)]
    for site in before:
        site.start("a")
    for site in before:
        site.wait_read()
        site.command("appraisal", "refresh")
        site.daemons["a"].stop()
        site.disconnect()
    after = []
    for index in range(4):
        site = make_site(stream, POLICY, {**QUICK, "shard": shard(index, 4)})
        pg.drop_database(site.database)
        pg.create_database(site.database, before[index % 2].database)
        after.append(site)
        done = json.loads(site.command("shard", "keep", str(index), "--of", "4", "--json").stdout)
        assert done["deleted_tickets"] > 0
        site.command("verify", "--repair", "--why", "four shards")
    send(lines[len(lines) // 2:])
    name = "grown"
    together = Shards(after, coordinator(pg, binary, name, tmp_path / name))
    try:
        together.start("a", options=("--take-over-settings",))
        together.wait_settled()
        together.federate()
        path = stream.write(str(tmp_path / "all.msgs"))
        expected = recompute([path], POLICY, str(tmp_path / "expected"), stream.topic_type_options(), now())
        found = together.differences(expected)
        assert not found, "\n".join(found)
        for site in after:
            site.command("appraisal", "refresh")
            assert site.one("SELECT behind FROM report.ledger_status") == 0
            site.command("verify")
    finally:
        together.coordinator.disconnect()
        pg.drop_database(name)
