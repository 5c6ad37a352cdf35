"""PostgreSQL runs but cannot be used: it is read-only, a right is missing, a pooler is in between, a role has its
own settings. Each is logged once with its reason and remedy, the daemon continues as soon as it can, and commands
end with status 4.
"""
import contextlib
import json
import os
import re
import signal
import time

import pytest

from daemon import ROOT, Site, create_migrated, event, policy, wait_until
from guard import descendants
from pooler import Pooler
from servers import Postgres
from test_disasters import SETTINGS, Standby

SOON = 12  # seconds until a daemon is back: its pause grows to 5 s


@pytest.fixture
def clerk(pg, make_stream, make_site):
    """A site whose daemon logs in as a member of kpid_writer and nothing else."""
    site = make_site(make_stream(2), policy())
    pg.psql("DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN IN ROLE kpid_writer")
    site.user = "clerk"
    site.configure()
    yield site
    site.close()
    pg.psql("DROP ROLE clerk")


def send(site, *tickets):
    site.stream.send_events([event("ticket.opened", ticket) for ticket in tickets])


def wait_for(site, ticket, timeout=30):
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.ticket WHERE ticket_id = %s", ticket) == 1, f"{ticket} to be there",
               timeout)


def troubles(daemon):
    return daemon.logged(r"(?m)^\S+ (?:warning|error) .*$")


def check_lines(daemon, most):
    """Nothing is logged more than once, and no line contains a foreign line break."""
    lines = troubles(daemon)
    said = [re.sub(r"^\S+ +", "", line) for line in lines]
    assert len(said) == len(set(said)) <= most, "\n".join(lines)
    assert r"\x0a" not in daemon.log(), daemon.log()


def write_file(site, *tickets):
    path = os.path.join(site.folder, "events.ndjson")
    with open(path, "wb") as file:
        file.writelines(event("ticket.opened", ticket) + b"\n" for ticket in tickets)
    return path


def test_a_read_only_server_is_left(clerk, pg):
    """While running, and at start: it reads again within seconds after the server accepts writes."""
    daemon = clerk.start("a")
    send(clerk, "T1")
    wait_for(clerk, "T1")
    for how in ("while running", "at a start"):
        pg.psql(f"ALTER DATABASE {clerk.database} SET default_transaction_read_only = on")
        if how == "while running":
            clerk.disconnect()
            pg.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{clerk.database}'")
        else:
            daemon.stop()
            daemon = clerk.start("a")
        wait_until(lambda: daemon.logged(r"cannot be used: .*default_transaction_read_only"), f"the log line {how}", 10)
        time.sleep(1)
        done = clerk.command("ingest", write_file(clerk, "T2"), status=4)
        assert "default_transaction_read_only" in done.stderr, done.stderr
        pg.psql(f"ALTER DATABASE {clerk.database} RESET default_transaction_read_only")
        clerk.disconnect()
        send(clerk, how)
        wait_for(clerk, how, SOON)
        check_lines(daemon, most=14)  # each session logs that its connection was ended, and that it cannot be used
    daemon.stop(5)


def test_a_session_that_turns_read_only_is_closed(clerk, pg):
    """Nobody ends the sessions: SQLSTATE 25006 itself makes the daemon close them."""
    daemon = clerk.start("a")
    send(clerk, "T1")
    wait_for(clerk, "T1")
    pg.psql("ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
    try:
        wait_until(lambda: daemon.logged(r"cannot be used: .*default_transaction_read_only"), "the log line", 10)
    finally:
        pg.psql("SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only", "postgres")
        pg.psql("SELECT pg_reload_conf()")
    clerk.disconnect()
    send(clerk, "T2")
    wait_for(clerk, "T2", SOON)
    daemon.stop(5)


def test_a_standby_is_left_when_the_primary_returns(make_stream, kafka, binary, tmp_path):
    with Postgres(settings=SETTINGS) as primary:
        create_migrated(primary, binary, "standby")
        with Standby(primary) as standby:
            site = Site(primary, kafka, binary, "standby", tmp_path / "site", make_stream(2))
            site.pg_port = standby.port
            site.configure()
            daemon = site.start("a")
            wait_until(lambda: daemon.logged(r"cannot be used: this server is a standby"), "the log line", 10)
            assert daemon.running() and "read-write" in daemon.log()
            done = site.command("ingest", write_file(site, "T1"), status=4)
            assert "this server is a standby" in done.stderr and "target_session_attrs" in done.stderr, done.stderr
            primary.kill()
            assert standby.psql("SELECT pg_promote()") == "t"
            site.pg = standby
            send(site, "T2")
            wait_for(site, "T2", SOON)
            check_lines(daemon, most=6)
            daemon.stop(5)
            assert not site.close()
            kafka.delete_topic(site.alert_topic)


def test_a_refused_start_up_statement_is_logged_once(clerk, pg):
    """It was once retried forever without a log line."""
    clerk.rows("REVOKE INSERT, UPDATE ON kpid.setting FROM kpid_writer")
    daemon = clerk.start("a")
    wait_until(lambda: troubles(daemon), "the log line", 10)
    time.sleep(2)
    (line,) = troubles(daemon)
    for words in ("settings_agree.sql", "permission denied for table setting (42501)", 'the role "clerk"', "GRANT kpid_writer"):
        assert words in line, line
    done = clerk.command("ingest", write_file(clerk, "T1"), status=4)
    assert "permission denied for table setting" in done.stderr, done.stderr
    clerk.rows("GRANT INSERT, UPDATE ON kpid.setting TO kpid_writer")
    send(clerk, "T2")
    wait_for(clerk, "T2", SOON)
    check_lines(daemon, most=1)
    daemon.stop(5)


def test_a_lock_at_the_start_is_logged_once(clerk):
    connection = clerk.pg.connect(clerk.database)
    connection.autocommit = False
    connection.cursor().execute("LOCK TABLE kpid.policy_revision IN ACCESS EXCLUSIVE MODE")
    daemon = clerk.start("a")
    wait_until(lambda: daemon.logged(r"refused queries/policy_\w+\.sql: .*lock timeout \(55P03\)"), "the log line", 10)
    connection.rollback()
    connection.close()
    send(clerk, "T1")
    wait_for(clerk, "T1", SOON)
    check_lines(daemon, most=1)
    daemon.stop(5)


def test_a_missing_right_is_logged_once(clerk):
    """There were once ten lines a second, from the lane and from the deadlines."""
    daemon = clerk.start("a")
    clerk.rows("REVOKE INSERT, UPDATE ON kpid.sla_clock, kpid.ticket FROM kpid_writer")
    send(clerk, "T1")
    wait_until(lambda: troubles(daemon), "the log line", 20)
    time.sleep(4)
    (line,) = troubles(daemon)
    for words in ("permission denied for table ticket (42501)", 'the role "clerk"', "GRANT kpid_writer"):
        assert words in line, line
    assert clerk.one("SELECT count(*) FROM kpid.ticket") == 0
    clerk.rows("GRANT INSERT, UPDATE ON kpid.sla_clock, kpid.ticket TO kpid_writer")
    wait_for(clerk, "T1")  # retried at least every 30 s
    send(clerk, "T2")
    wait_for(clerk, "T2")
    wait_until(lambda: send(clerk, f"again {time.time()}") or daemon.logged("accepts queries/ticket_write.sql again, after"),
               "the recovery to be logged", 15, every=0.5)
    daemon.stop(5)


def test_a_missing_right_to_write_alerts_is_logged_once(clerk):
    """There were once ten lines a second, and lines of the lane that met the breach too."""
    clerk.write_policy(policy("1s"))
    daemon = clerk.start("a")
    clerk.rows("REVOKE INSERT ON kpid.alert FROM kpid_writer")
    send(clerk, "T1", "T2")
    wait_until(lambda: troubles(daemon), "the log line", 20)
    time.sleep(5)
    (line,) = troubles(daemon)
    for words in ("permission denied for table alert (42501)", 'the role "clerk"', "GRANT kpid_writer"):
        assert words in line, line
    clerk.rows("GRANT INSERT ON kpid.alert TO kpid_writer")
    wait_until(lambda: clerk.one("SELECT count(*) FROM report.alert") == 2, "the breaches", 40)  # retried at least every 30 s
    daemon.stop(5)


@pytest.mark.parametrize("settings, role, words", [
    ({"dbname": "there_is_none"}, None, ["there_is_none", "3D000", "create the database"]),
    ({"user": "nobody_at_all"}, None, ["nobody_at_all", "28000", "password_file"]),
    ({}, "stranger", ["permission denied for schema kpid", 'the role "stranger"', 'GRANT kpid_writer TO "stranger"']),
])
def test_a_configuration_error_is_not_an_outage(make_stream, make_site, pg, settings, role, words):
    """A missing database or role was once reported as "away", a missing right as exit status 1."""
    site = make_site(make_stream(1))
    if role:
        pg.psql(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN")
        site.user = role
    site.configure(postgres=settings)
    for command in (["run"], ["ingest", write_file(site, "T1")]):
        done = site.command(*command, status=4)
        for word in words:
            assert word in done.stderr, done.stderr


COMMANDS = {
    "kpid_writer": ["explain T1", "verify", "settings show", "settings set alert.topic x"],
    "kpid_reader": ["top --once", "alerts list"],
    "kpid_operator": ["alerts ack T1/first_response/1 --why seen", "alerts unack T1/first_response/1 --why seen",
                      "alerts silence --project p --until 4h --why seen", "alerts unsilence 1"],
    "kpid_owner": ["migrate up"],
}


@pytest.mark.parametrize("rights", ["none", "kpid_reader"])
def test_a_command_names_the_role_that_it_needs(make_site, pg, rights):
    """An acknowledgement by a reader once advised to GRANT kpid_writer."""
    site = make_site()
    pg.psql("DROP ROLE IF EXISTS someone; CREATE ROLE someone LOGIN" + (f" IN ROLE {rights}" if rights != "none" else ""))
    site.user = "someone"
    site.configure()
    for role, commands in COMMANDS.items():
        for command in commands if role != rights else ():
            done = site.command(*command.split(), status=4)
            assert "permission denied for " in done.stderr and f'the role "someone" lacks this privilege: GRANT {role} TO "someone"' in (
                done.stderr), f"{command}: {done.stderr}"


def test_a_pooler_in_transaction_mode_is_named(clerk, pg):
    """It was once answered with "run kpid migrate up first", and doctor found nothing."""
    with Pooler(pg, "transaction", ["clerk"]) as pooler:
        clerk.pg_port = pooler.port
        clerk.configure()
        for command in (["run"], ["ingest", write_file(clerk, "T1")]):
            done = clerk.command(*command, status=4)
            for words in ("pooler", "its own server session", "pool_mode = session"):
                assert words in done.stderr, done.stderr
            assert "migrate up" not in done.stderr
        found = clerk.command("doctor", status=1).stdout
        assert "a connection pooler in transaction mode" in " ".join(found.split()), found


def test_a_pooler_that_comes_later_is_named(clerk, pg):
    """There was no check before the start, because the server was down then."""
    with Pooler(pg, "transaction", ["clerk"]) as pooler:
        clerk.pg_port = pooler.port
        clerk.configure()
        os.kill(pooler.pid, signal.SIGSTOP)
        daemon = clerk.start("a", **{"postgres_connect_timeout": 2})
        time.sleep(3)
        os.kill(pooler.pid, signal.SIGCONT)
        wait_until(lambda: daemon.logged("pool_mode = session"), "the log line", 30)
        time.sleep(2)
        assert len(troubles(daemon)) <= 15, daemon.log()
        assert "migrate up" not in daemon.log(), daemon.log()
        daemon.kill()


def test_a_pooler_in_session_mode_works(clerk, pg):
    with Pooler(pg, "session", ["clerk"]) as pooler:
        clerk.pg_port = pooler.port
        clerk.configure()
        daemon = clerk.start("a")
        send(clerk, "T1")
        wait_for(clerk, "T1")
        assert "a pooler" not in clerk.command("doctor", status=None).stdout
        daemon.stop(5)


HOSTILE = {"idle_session_timeout": "'1s'", "TimeZone": "'Asia/Kathmandu'", "DateStyle": "'SQL, DMY'", "bytea_output": "escape",
           "IntervalStyle": "sql_standard", "standard_conforming_strings": "off", "search_path": "public", "array_nulls": "off",
           "default_transaction_isolation": "serializable", "statement_timeout": "'900ms'", "extra_float_digits": "-15",
           "transform_null_equals": "on", "jit": "on", "lock_timeout": "'1ms'", "idle_in_transaction_session_timeout": "'1ms'"}


def test_settings_of_the_role_change_nothing(clerk, pg):
    """idle_session_timeout once filled the log with errors; other settings could change a figure."""
    for name, value in HOSTILE.items():
        pg.psql(f"ALTER ROLE clerk SET {name} = {value}")
    daemon = clerk.start("a")
    send(clerk, *(f"T{i}" for i in range(50)))
    clerk.wait_read()
    time.sleep(3)  # idle sessions live
    send(clerk, "late")
    clerk.check_recomputed()
    assert not troubles(daemon), daemon.log()
    assert json.loads(clerk.command("explain", "--json", "T1").stdout)["agrees_with_record"]
    daemon.stop(5)


def test_a_stopped_server_process_is_reported(clerk, pg):
    """A server that was stopped for 75 s caused no log line."""
    daemon = clerk.start("a")
    send(clerk, "T1")
    wait_for(clerk, "T1")
    pids = [row[0] for row in clerk.rows("SELECT pid FROM pg_stat_activity WHERE usename = 'clerk'")]
    assert set(pids) <= set(descendants(pg.pid))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: daemon.logged(r"PostgreSQL \(control\) has not answered queries/\w+\.sql for 1\d s"), "the log line", 25)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    wait_until(lambda: daemon.logged(r"PostgreSQL \(control\) answers again, after 1\d s"), "the recovery to be logged", 10)
    send(clerk, "T2")
    wait_for(clerk, "T2")
    check_lines(daemon, most=7)
    daemon.stop(5)


@pytest.mark.parametrize("lost", ["UPDATE kpid.source_partition SET epoch = epoch - 1", "DELETE FROM kpid.source_partition"])
def test_lost_commits_are_not_blamed_on_another_instance(clerk, lost):
    """After a failover the log once claimed "claimed by another instance" though there is none, and nothing was
    read for 15 s."""
    daemon = clerk.start("a")
    send(clerk, "T1")
    wait_for(clerk, "T1")
    clerk.rows(lost)
    send(clerk, "T2", "T3", "T4")
    for ticket in ("T2", "T3", "T4"):
        wait_for(clerk, ticket, 8)
    assert daemon.logged("PostgreSQL has lost commits of") and "another instance" not in daemon.log(), daemon.log()
    clerk.wait_read()
    daemon.stop(5)


FORGET_TICKETS = """DELETE FROM kpid.sla_clock; DELETE FROM kpid.agent_kpi_5m; DELETE FROM kpid.agent_backlog;
    DELETE FROM kpid.ticket;"""


@pytest.mark.parametrize("lost", ["UPDATE kpid.source_partition SET next_offset = NULL, n_messages = 0", "DELETE FROM kpid.source_partition"])
def test_lost_commits_of_an_idle_partition_are_read_again(clerk, lost):
    """After a failover, events that the new primary had not received were missing until the next message of their
    partition."""
    daemon = clerk.start("a")
    send(clerk, "T1", "T2")
    wait_for(clerk, "T2")
    clerk.wait_read()
    clerk.rows(f"BEGIN; {FORGET_TICKETS} {lost}; COMMIT")
    clerk.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'")
    wait_for(clerk, "T1", 12)
    wait_for(clerk, "T2", 12)
    assert daemon.logged("PostgreSQL has lost commits of") and "another instance" not in daemon.log(), daemon.log()
    clerk.check_recomputed()
    daemon.stop(5)


def test_the_documents_recommend_a_writable_server():
    for name in ("docs/install.md", "deploy/kpid.sample.ini"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            assert "target_session_attrs" in file.read(), name
