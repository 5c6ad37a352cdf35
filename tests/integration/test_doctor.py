"""kpid doctor: reports no problem where there is none; finds each problem and shows its remedy."""
import json
import os
import re
import time

import pytest

from daemon import ROOT, event, failing_calls, policy, wait_until

EVERYTHING = """program configuration policies server clock schema backlog tables rights indexes sessions calendars gaps types deadlines
outbox deliveries settings sources revisions brokers topics partitions offsets retention group""".split()


def examine(site, *options, status=None):
    done = site.command("doctor", "--json", *options, status=status)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)["findings"]


def bad(site, *options):
    return [f for f in examine(site, *options) if f["level"] != "ok"]


def expect(site, check, level, what, advice, *options, words=True):
    """Checks a finding: in JSON, in the text (from a second run), and in the exit status."""
    findings = examine(site, *options, status=1 if level == "fail" else None)
    assert [f for f in findings if f["check"] == check and f["level"] == level and what in f["what"]
            and advice in f["advice"]], json.dumps([f for f in findings if f["level"] != "ok"], indent=1)
    if words:
        assert " ".join(advice.split()) in " ".join(site.command("doctor", *options, status=None).stdout.split())


@pytest.fixture
def writer(pg):
    """A role with the rights that the daemon should have."""
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
    # The test server runs without fsync, and doctor reports that.
    assert [f["what"] for f in findings if f["level"] != "ok"] == ["fsync is off: a power cut can ruin the database"]
    words = well.command("doctor").stdout
    assert words.endswith("ok, 1 warn, 0 fail\n") and "→ switch it on" in words
    for finding in findings:  # columns do not touch
        assert re.search(rf"(?m)^  {finding['level']:<4}  {finding['check']} {{2,}}\S", words), finding["check"]


def test_problems_in_the_database(well):
    site = well
    site.rows("INSERT INTO kpid.gap (topic, partition, expected_offset, reason) VALUES ('some', 3, 17, 'they are gone')")
    expect(site, "gaps", "fail", "some/3 misses messages from offset 17", "kpid gap accept some/3")
    site.rows("UPDATE kpid.gap SET accepted_at = now()")

    site.rows("INSERT INTO kpid.dead_letter (topic, partition, \"offset\", reason, detail, value) "
              "SELECT 'x', 0, n, 'bad_time', '', '' FROM generate_series(1, 30) n")
    expect(site, "dead letters", "warn", "30 messages were rejected as bad_time", "kpid dlq list --reason bad_time")

    site.rows("UPDATE kpid.setting SET value = '1000000' WHERE name = 'kpi.fcr_window_us'")
    expect(site, "settings", "fail", "all figures were computed with 1 s", "set kpi.fcr_window to the value in the database",
           "--set", "kpi.fcr_window=7d")
    site.rows("UPDATE kpid.setting SET value = '604800000000' WHERE name = 'kpi.fcr_window_us'")
    site.command("settings", "set", "report.time_zone", "Asia/Shanghai")
    expect(site, "settings", "fail", "report.time_zone is Asia/Tokyo here, but daily figures use Asia/Shanghai",
           "kpid settings set report.time_zone 'Asia/Tokyo'", "--set", "report.time_zone=Asia/Tokyo")

    site.rows("INSERT INTO kpid.calendar SELECT max(revision_no), 'short', gen_random_uuid() FROM kpid.policy_revision; "
              "INSERT INTO kpid.calendar_hours SELECT hours_id, floor(extract(epoch FROM now()) / 2419200), '{}', 0 "
              "FROM kpid.calendar; UPDATE kpid.ticket SET revision_no = (SELECT max(revision_no) FROM kpid.policy_revision) "
              "WHERE ticket_id = (SELECT min(ticket_id) FROM kpid.ticket); "
              "INSERT INTO kpid.sla_clock SELECT min(ticket_id), 2, 99, 1, now(), now() + interval '9 days', now() + interval "
              "'9 days', now() + interval '9 days', NULL, NULL, false, false, false, 'short' FROM kpid.ticket")
    expect(site, "calendars", "warn", 'the hours of calendar "short"', "extends them a year ahead")
    site.rows("DELETE FROM kpid.sla_clock WHERE calendar = 'short'")

    site.rows("INSERT INTO kpid.delivery (receiver, alert_id, revision, state, attempts, next_at, last_error) "
              "VALUES ('ops', 'x', 1, 'pending', 3, 'infinity', 'HTTP 500')")
    expect(site, "deliveries", "fail", "ops: 1 alerts could not be sent: HTTP 500", "kpid alerts test ops")

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
    expect(site, "deadlines", "warn", "1 active breaches were declared while a source was silent", "bring the silent sources back")


def test_M4_tickets_that_two_sources_opened_are_named(well, tmp_path):
    """Two help desks number their tickets alike. A second opening by the same source is no such case."""
    assert not [f for f in bad(well) if f["check"] == "openings"]
    for source, time in (("/zendesk", "09:00"), ("/zendesk", "09:30"), ("/zammad", "10:00")):
        file = tmp_path / f"{source[1:]}-{time}.ndjson"
        file.write_text("".join(json.dumps({"type": "ticket.opened", "id": f"{source}-{time}-{n}", "ticket_id": n,
                                            "time": f"2026-03-02T{time}:00Z"}) + "\n"
                                for n in (5001, 5002) if source != "/zammad" or n == 5001))
        well.command("ingest", "--flat", "--source", source, file)
    expect(well, "openings", "warn", "1 of the latest 10000 tickets were opened by two sources: 5001 by /zendesk and /zammad",
           "need a ticket_prefix each")


def test_dead_rows_and_non_hot_updates(well):
    site = well
    site.rows("ALTER TABLE kpid.ticket SET (autovacuum_enabled = false)")
    site.rows("CREATE INDEX theirs ON kpid.ticket (rev)")
    for _ in range(1100):
        site.rows("UPDATE kpid.ticket SET rev = rev + 1")
    site.disconnect()  # its statistics are reported when it ends
    wait_until(lambda: [f for f in bad(site) if f["check"] == "tables" and "dead rows" in f["what"]], "the statistics")
    expect(site, "tables", "warn", "kpid.ticket has ", "VACUUM (ANALYZE) kpid.ticket")
    expect(site, "tables", "warn", "of the updates of kpid.ticket are HOT", "drop indexes that kpid did not create")
    # A backlog is the reason for both while it is read. No index is.
    wait_until(lambda: not site.rows("SELECT 1 FROM report.data_freshness WHERE lag_messages IS NULL"), "all lags to be known")
    site.rows("INSERT INTO kpid.source_partition (topic, partition, epoch, owner, next_offset, high_offset, state, seen_at, end_seen_at, "
              "complete_until) VALUES ('much', 0, 1, 'one', 10, 7010, 'running', now(), now(), now() - interval '1 minute')")
    expect(site, "backlog", "warn", "a backlog is being read: 7000 messages are left", "wait until it is caught up")
    found = [f["what"] for f in bad(site) if f["check"] == "tables"]
    assert found == ["autovacuum is switched off for kpid.ticket"]
    site.rows("INSERT INTO kpid.source_partition (topic, partition, epoch, owner, state, seen_at, complete_until) "
              "VALUES ('much', 1, 1, 'one', 'running', now(), now())")
    site.rows("UPDATE kpid.source_partition SET seen_at = now(), end_seen_at = now() WHERE topic = 'much'")
    expect(site, "backlog", "warn", "at least 7000 messages are left", "wait until it is caught up")


def test_an_old_transaction(well, pg):
    """Only its age counts; instead of waiting five minutes, the query gets a lower limit."""
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
    wait_until(lambda: [f for f in bad(site) if f["check"] == "sources" and "s ago, by a" in f["what"]], "the silence")
    expect(site, "sources", "fail", "s ago, by a", "check that kpid run is running")
    expect(site, "group", "fail", "nothing reads the topics", "start kpid run")
    site.rows("INSERT INTO kpid.outbox (alert_id, key, payload, created_at) VALUES ('x', 'x', '{}', now() - interval '9 min')")
    expect(site, "outbox", "fail", "1 messages about alerts wait", "may write to the alert topic")
    site.rows("INSERT INTO kpid.sla_clock (ticket_id, target, n, cycle, started_at, fires_at, breached, paused, stopped) "
              "VALUES ('T1', 2, 1, 1, now(), now() - interval '5 min', false, false, false)")
    site.rows("UPDATE kpid.source_partition SET complete_until = clock_timestamp() - interval '1 min'")
    expect(site, "deadlines", "fail", "1 deadlines have passed", "all sources are read beyond them: check in the log of kpid run that it is running")
    site.rows("UPDATE kpid.sla_clock SET fires_at = (SELECT max(complete_until) FROM report.data_freshness) + interval '1 ms'")
    wait_until(lambda: [f for f in bad(site) if f["check"] == "deadlines"], "it to be late")
    expect(site, "deadlines", "warn", "deadlines have passed", "they wait for sources")


def test_two_instances_of_one_name(well):
    """As on two machines: on one, the second would not start."""
    site = well
    site.start("b", run_instance="a", **{"kafka_group.instance.id": "b"})
    wait_until(lambda: [f for f in bad(site) if f["check"] == "group" and "share a name" in f["what"]],
               lambda: f"both to have partitions: {bad(site)}")
    expect(site, "group", "warn", "2 members of the group", "its own run.instance")


def test_messages_that_kafka_has_lost(well, kafka):
    site, stream = well, well.stream
    site.daemons["a"].stop(10)
    place = stream.topics["opened"]
    stream.send([("opened", 0, event("ticket.opened", f"L{i}")) for i in range(20)])
    kafka.delete_records(place, {0: 25})
    expect(site, "offsets", "fail", f"messages were deleted before they were read: {place}/0", "raise retention.ms")
    site.rows("UPDATE kpid.source_partition SET next_offset = 99 WHERE topic = %s AND partition = 0", place)
    expect(site, "offsets", "fail", f"the stored offset is beyond the end: {place}/0", "truncated or recreated")
    kafka.delete_topic(place)
    kafka.create_topic(place, 2, **{"retention.ms": 3600000})
    site.rows("UPDATE kpid.source_partition SET complete_until = now() - interval '50 min', heartbeat_no = NULL WHERE topic = %s", place)
    expect(site, "retention", "warn", f"{place} keeps messages for 60 min", "raise retention.ms")
    kafka.delete_topic(stream.topics["survey"])
    expect(site, "topics", "fail", f"there is no topic {stream.topics['survey']}", "remove it from [topics]")


def test_topics_that_differ(make_stream, make_site):
    stream = make_stream({"opened": 2, "closed": 2, "survey": 1, "activity": 2})
    expect(make_site(stream), "partitions", "warn", "different numbers of partitions", "key all topics by ticket_id")


def test_unreachable_servers(well):
    site = well
    expect(site, "database", "fail", "PostgreSQL cannot be reached", "check host, port", "--set", "postgres.port=1")
    expect(site, "brokers", "fail", "Kafka cannot be reached", "check bootstrap.servers", 
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
    expect(site, "revisions", "fail", "differs from the stored revision of the same id", "a later effective_from")
    file["revisions"][0]["policies"][0]["targets"]["first_response"]["within"] = "soon"
    site.write_policy(file)
    expect(site, "policies", "fail", "soon", "kpid policy check FILE")
    receivers = f"{site.folder}/receivers.json"
    with open(receivers, "w", encoding="utf-8") as out:
        out.write("{")
    expect(site, "receivers", "fail", "receivers.json", "correct the file", "--set", f"alert.receivers_file={receivers}")


def test_a_wrong_clock(well, binary, library):
    site = well
    environment = {**os.environ, **failing_calls(binary, library, KPID_CLOCK_AHEAD_S="42")}
    findings = json.loads(site.command("doctor", "--json", status=1, env=environment).stdout)["findings"]
    (clock,) = [finding for finding in findings if finding["check"] == "clock"]
    assert clock["level"] == "fail" and "NTP" in clock["advice"], clock
    assert clock["what"].startswith(("PostgreSQL's clock is 41.9", "PostgreSQL's clock is 42.")), clock
