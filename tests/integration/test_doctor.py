"""kpid doctor: nothing fails where all is well; each thing that is wrong is found, and its remedy shown."""
import json
import os
import time

import pytest

from daemon import ROOT, event, failing_calls, policy, wait_until

EVERYTHING = """program configuration policies server clock schema rights tables indexes sessions calendars gaps types deadlines
outbox deliveries settings sources revisions brokers topics partitions offsets retention group""".split()


def examine(site, *options, status=None):
    done = site.command("doctor", "--json", *options, status=status)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)["findings"]


def bad(site, *options):
    return [f for f in examine(site, *options) if f["level"] != "ok"]


def expect(site, check, level, what, advice, *options, words=True):
    """There is a finding that says so, in JSON, in words (which looks a second time), and in the exit status."""
    findings = examine(site, *options, status=1 if level == "fail" else None)
    assert [f for f in findings if f["check"] == check and f["level"] == level and what in f["what"]
            and advice in f["advice"]], [f for f in findings if f["level"] != "ok"]
    if words:
        assert " ".join(advice.split()) in " ".join(site.command("doctor", *options, status=None).stdout.split())


@pytest.fixture
def writer(pg):
    """A role as the daemon should have."""
    pg.psql("DROP ROLE IF EXISTS doctored; CREATE ROLE doctored LOGIN IN ROLE kpid_writer, pg_read_all_stats")
    yield "doctored"
    pg.psql("DROP ROLE IF EXISTS doctored")


@pytest.fixture
def well(make_stream, make_site, writer):
    stream = make_stream(2)
    site = make_site(stream, policy("1h"), {"sla": {"max_silence": "2s"}})
    site.configure(postgres={"user": writer})
    site.start("a")
    stream.send([("opened", i % 2, event("ticket.opened", f"T{i}", agent_id="ann")) for i in range(20)])
    site.wait_read()
    wait_until(lambda: not [f for f in bad(site) if f["check"] not in ("server", "sessions")], lambda: f"health: {bad(site)}", 15)
    return site


def test_all_is_well(well):
    findings = examine(well, status=0)
    assert {f["check"] for f in findings} >= set(EVERYTHING)
    # The server of the tests runs without fsync, and says so.
    assert [f["what"] for f in findings if f["level"] != "ok"] == ["fsync is off: a power cut can ruin the database"]
    words = well.command("doctor").stdout
    assert words.endswith("ok, 1 to look at, 0 to mend\n") and "→ switch it on" in words


def test_what_is_wrong_in_the_database(well):
    site = well
    site.rows("INSERT INTO kpid.gap (topic, partition, expected_offset, reason) VALUES ('some', 3, 17, 'they are gone')")
    expect(site, "gaps", "fail", "some/3 misses messages from offset 17", "kpid gap accept some/3")
    site.rows("UPDATE kpid.gap SET accepted_at = now()")

    site.rows("INSERT INTO kpid.dead_letter (topic, partition, \"offset\", reason, detail, value) "
              "SELECT 'x', 0, n, 'bad_time', '', '' FROM generate_series(1, 30) n")
    expect(site, "dead letters", "warn", "30 messages were rejected as bad_time", "kpid dlq list --reason bad_time")

    site.rows("UPDATE kpid.setting SET value = '1000000' WHERE name = 'kpi.fcr_window_us'")
    expect(site, "settings", "fail", "all figures were made with 1 s", "set kpi.fcr_window to what the database has",
           "--set", "kpi.fcr_window=7d")
    site.rows("UPDATE kpid.setting SET value = '604800000000' WHERE name = 'kpi.fcr_window_us'")
    site.command("settings", "set", "report.time_zone", "Asia/Shanghai")
    expect(site, "settings", "fail", "report.time_zone is Asia/Tokyo here, and days are those of Asia/Shanghai",
           "kpid settings set report.time_zone Asia/Tokyo", "--set", "report.time_zone=Asia/Tokyo")

    site.rows("INSERT INTO kpid.calendar SELECT max(revision_no), 'short', gen_random_uuid() FROM kpid.policy_revision; "
              "INSERT INTO kpid.calendar_hours SELECT hours_id, floor(extract(epoch FROM now()) / 2419200), '{}', 0 "
              "FROM kpid.calendar; UPDATE kpid.ticket SET revision_no = (SELECT max(revision_no) FROM kpid.policy_revision) "
              "WHERE ticket_id = (SELECT min(ticket_id) FROM kpid.ticket); "
              "INSERT INTO kpid.sla_clock SELECT min(ticket_id), 2, 99, 1, now(), now() + interval '9 days', now() + interval "
              "'9 days', now() + interval '9 days', NULL, NULL, false, false, false, 'short' FROM kpid.ticket")
    expect(site, "calendars", "warn", 'the hours of calendar "short"', "lays them out a year ahead")
    site.rows("DELETE FROM kpid.sla_clock WHERE calendar = 'short'")

    site.rows("INSERT INTO kpid.delivery (receiver, alert_id, revision, state, attempts, next_at, last_error) "
              "VALUES ('ops', 'x', 1, 'pending', 3, 'infinity', 'HTTP 500')")
    expect(site, "deliveries", "fail", "ops: 1 alerts could not be told: HTTP 500", "kpid alerts test ops")

    site.rows("CREATE INDEX bad_one ON kpid.ticket (state); UPDATE pg_index SET indisvalid = false "
              "WHERE indexrelid = 'kpid.bad_one'::regclass")
    expect(site, "indexes", "fail", "kpid.bad_one is invalid", "REINDEX INDEX CONCURRENTLY kpid.bad_one")
    site.rows("DROP INDEX kpid.bad_one")

    site.rows("ALTER TABLE kpid.ticket SET (autovacuum_enabled = false)")
    expect(site, "tables", "warn", "autovacuum is switched off for kpid.ticket", "RESET (autovacuum_enabled)")
    site.rows("UPDATE kpid.alert SET unconfirmed = true")
    site.rows("INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, breached_at, cause, detected_at, "
              "unconfirmed, delivery, n_warnings) VALUES ('x', 'T1', 'arrival', 1, 1, 'breached', 0, now(), 'deadline', "
              "now() - interval '1 hour', true, 'off', 0)")
    expect(site, "deadlines", "warn", "1 breaches were declared without news", "bring the silent sources back")


def test_dead_rows_and_updates_that_are_not_hot(well):
    site = well
    site.rows("ALTER TABLE kpid.ticket SET (autovacuum_enabled = false)")
    site.rows("CREATE INDEX theirs ON kpid.ticket (rev)")
    for _ in range(1100):
        site.rows("UPDATE kpid.ticket SET rev = rev + 1")
    site.disconnect()  # its statistics are reported when it ends
    wait_until(lambda: [f for f in bad(site) if f["check"] == "tables" and "dead rows" in f["what"]], "the statistics")
    expect(site, "tables", "warn", "kpid.ticket has ", "VACUUM (ANALYZE) kpid.ticket")
    expect(site, "tables", "warn", "of the updates of kpid.ticket are HOT", "drop indexes that kpid did not make")


def test_an_old_transaction(well, pg):
    """Its age is what counts; five minutes are not waited for, the query is asked with less."""
    site = well
    with open(os.path.join(ROOT, "sql", "queries", "doctor_sessions.sql"), encoding="utf-8") as file:
        sql = file.read().replace("$1", "0.2")
    idle = pg.connect(site.database, application_name="forgotten")
    idle.cursor().execute("BEGIN; SELECT 1")
    time.sleep(0.3)
    found = [(what, advice) for _, what, advice in site.rows(sql) if "forgotten" in what]
    assert len(found) == 1 and "idle in transaction" in found[0][0]
    assert f"pg_terminate_backend({idle.get_backend_pid()})" in found[0][1]
    idle.close()
    wait_until(lambda: not [row for row in site.rows(sql) if "forgotten" in row[1]], "it to be gone")


def test_rights(well, pg):
    site = well
    pg.psql("DROP ROLE IF EXISTS nearly; CREATE ROLE nearly LOGIN IN ROLE kpid_writer")
    try:
        expect(site, "rights", "warn", "postgres is a superuser", "member of kpid_writer alone", "--set", "postgres.user=postgres")
        pg.psql(f'GRANT TEMPORARY ON DATABASE "{site.database}" TO PUBLIC')
        expect(site, "rights", "warn", "everybody may create temporary tables", "REVOKE TEMPORARY ON DATABASE")
        pg.psql(f'REVOKE TEMPORARY ON DATABASE "{site.database}" FROM PUBLIC')
        site.rows("REVOKE DELETE ON kpid.sla_clock FROM kpid_writer")
        expect(site, "rights", "fail", "nearly lacks DELETE on kpid.sla_clock", "GRANT kpid_writer TO nearly",
               "--set", "postgres.user=nearly")
        site.rows("GRANT DELETE ON kpid.sla_clock TO kpid_writer")
        pg.psql("REVOKE kpid_writer FROM nearly; GRANT kpid_owner TO nearly")
        expect(site, "rights", "warn", "nearly may change tables", "member of kpid_writer alone", "--set", "postgres.user=nearly")
    finally:
        pg.psql("DROP ROLE nearly")


def test_nobody_reads(well):
    site = well
    site.daemons["a"].stop(10)
    wait_until(lambda: [f for f in bad(site) if f["check"] == "sources"], "the silence")
    expect(site, "sources", "fail", "s ago, by a", "see that kpid run is running")
    expect(site, "group", "fail", "nobody reads", "start kpid run")
    site.rows("INSERT INTO kpid.outbox (alert_id, key, payload, created_at) VALUES ('x', 'x', '{}', now() - interval '9 min')")
    expect(site, "outbox", "fail", "1 messages about alerts wait", "may write to the alert topic")
    site.rows("INSERT INTO kpid.sla_clock (ticket_id, target, n, cycle, started_at, fires_at, breached, paused, stopped) "
              "VALUES ('T1', 2, 1, 1, now(), now() - interval '5 min', false, false, false)")
    expect(site, "deadlines", "warn", "1 deadlines have passed", "they wait for sources")


def test_two_instances_of_one_name(well):
    site = well
    site.start("b", run_instance="a")
    wait_until(lambda: [f for f in bad(site) if f["check"] == "group" and "share a name" in f["what"]],
               lambda: f"both to have partitions: {bad(site)}")
    expect(site, "group", "warn", "2 members of the group", "run.instance of its own")


def test_what_kafka_has_lost(well, kafka):
    site, stream = well, well.stream
    site.daemons["a"].stop(10)
    place = stream.topics["opened"]
    stream.send([("opened", 0, event("ticket.opened", f"L{i}")) for i in range(20)])
    kafka.delete_records(place, {0: 25})
    expect(site, "offsets", "fail", f"messages were deleted before they were read: {place}/0", "raise retention.ms")
    site.rows("UPDATE kpid.source_partition SET next_offset = 99 WHERE topic = %s AND partition = 0", place)
    expect(site, "offsets", "fail", f"more was read than is there: {place}/0", "deleted and made again")
    kafka.delete_topic(place)
    kafka.create_topic(place, 2, **{"retention.ms": 3600000})
    site.rows("UPDATE kpid.source_partition SET complete_until = now() - interval '50 min' WHERE topic = %s", place)
    expect(site, "retention", "warn", f"{place} keeps messages for 60 min", "raise retention.ms")
    kafka.delete_topic(stream.topics["survey"])
    expect(site, "topics", "fail", f"there is no topic {stream.topics['survey']}", "leave it out of [topics]")


def test_topics_that_differ(make_stream, make_site):
    stream = make_stream({"opened": 2, "closed": 2, "survey": 1, "activity": 2})
    expect(make_site(stream), "partitions", "warn", "topics differ in their partitions", "key all by ticket_id")


def test_servers_that_are_away(well):
    site = well
    expect(site, "database", "fail", "PostgreSQL cannot be reached", "see host, port", "--set", "postgres.port=1")
    expect(site, "brokers", "fail", "Kafka cannot be reached", "see bootstrap.servers", 
           "--set", "kafka.bootstrap.servers=127.0.0.1:1", words=False)


def test_a_database_of_another_version(well, pg):
    site = well
    site.daemons["a"].stop(10)
    site.rows("DELETE FROM kpid.migration WHERE version = (SELECT max(version) FROM kpid.migration)")
    expect(site, "schema", "fail", "", "kpid migrate up")


def test_files(well):
    site = well
    file = policy("1h")
    file["revisions"][0]["policies"][0]["targets"]["first_response"]["within"] = "2h"
    site.write_policy(file)
    expect(site, "revisions", "fail", "stored under its id with other content", "an effective_from of its own")
    file["revisions"][0]["policies"][0]["targets"]["first_response"]["within"] = "soon"
    site.write_policy(file)
    expect(site, "policies", "fail", "soon", "kpid policy check FILE")
    receivers = f"{site.folder}/receivers.json"
    with open(receivers, "w", encoding="utf-8") as out:
        out.write("{")
    expect(site, "receivers", "fail", "receivers.json", "mend the file", "--set", f"alert.receivers_file={receivers}")


def test_a_clock_that_is_off(well, binary, library):
    site = well
    environment = {**os.environ, **failing_calls(binary, library, KPID_CLOCK_AHEAD_S="42")}
    findings = json.loads(site.command("doctor", "--json", status=1, env=environment).stdout)["findings"]
    (clock,) = [finding for finding in findings if finding["check"] == "clock"]
    assert clock["level"] == "fail" and "NTP" in clock["advice"], clock
    assert clock["what"].startswith(("PostgreSQL's clock is 41.9", "PostgreSQL's clock is 42.")), clock
