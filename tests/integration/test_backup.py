"""Databases that come back from a backup: the daemon continues at the offsets in it, and nothing is lost or counted twice. The commands
are those of docs/operations.md."""
import os
import re
import shutil
import subprocess

import pytest

from daemon import ROOT, Site, create_migrated, event, policy, wait_until
from servers import PG_BIN, Postgres, ServerError

SMALL = {"fsync": "off", "shared_buffers": "64MB"}
PROMISE = policy(first_response="1h", resolution="8h")
# `systemctl stop kpid` ends the daemon; sudo is not needed here.
SHIMS = {
    "sudo": '[ "$1" != -u ] || shift 2\nexec "$@"\n',
    "systemctl": '[ "$*" = "stop kpid" ] || exit 2\nkill "$DAEMON"\n'
                 'while kill -0 "$DAEMON" 2>/dev/null && ! grep -q "^State:.Z" /proc/$DAEMON/status; do sleep 0.05; done\n',
}


def walk_through(name):
    """The commands that follow <!-- walk-through: NAME --> in docs/operations.md."""
    with open(os.path.join(ROOT, "docs/operations.md"), encoding="utf-8") as file:
        return re.search(rf"<!-- walk-through: {name} -->\n```sh\n(.*?)```\n", file.read(), re.S)[1]


def follow(site, name, folder):
    """Runs these commands in `folder`; the database and the new one are those of the test."""
    commands = re.sub(r"\brestored\b", f"{site.database}_restored", walk_through(name))
    commands = commands.replace("kpid.dump kpid\n", f"kpid.dump {site.database}\n")
    shims = folder / "shims"
    shims.mkdir(exist_ok=True)
    for program, body in SHIMS.items():
        (shims / program).write_text("#!/bin/bash\n" + body)
        (shims / program).chmod(0o755)
    # PostgreSQL's roles exist already, which psql reports.
    done = subprocess.run(["bash", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, check=False, timeout=120, env={
        **site.pg.env("postgres"), "PATH": f"{shims}:{PG_BIN}:{os.environ['PATH']}", "DAEMON": str(site.daemons["a"].pid)})
    assert done.returncode == 0, done.stdout + done.stderr


def use(site, database, pg=None):
    """As an administrator changes the configuration: only where the database is."""
    site.configure(kafka={"group.id": site.database})
    site.disconnect()
    site.database = database
    if pg:
        site.pg, site.pg_port = pg, pg.port
    site.configure()


def tickets(first, n):
    return [message for i in range(first, first + n) for message in (
        event("ticket.opened", f"T{i}", id=f"o{i}", agent_id="ann"), event("ticket.responded", f"T{i}", id=f"r{i}", agent_id="ann"))]


@pytest.fixture
def running(make_stream, make_site):
    stream = make_stream(2)
    site = make_site(stream, PROMISE)
    site.start()
    stream.send_events(tickets(0, 300))
    site.wait_read()
    return stream, site


def test_a_dump_is_restored_into_another_database(running, tmp_path):
    stream, site = running
    follow(site, "dump", tmp_path)
    stream.send_events(tickets(300, 200))
    site.wait_read()
    acted = site.one("SELECT count(*) FROM report.ticket")
    follow(site, "restore", tmp_path)
    use(site, site.database + "_restored")
    assert site.one("SELECT count(*) FROM report.ticket") == 300 < acted == 500
    site.start("b")
    stream.send_events(tickets(500, 100))
    site.check_recomputed()
    assert site.one("SELECT count(*) FROM report.ticket") == 600
    site.command("migrate", "verify")
    site.command("verify")


def test_a_topic_that_is_kept_shorter_than_the_backup_is_old(running, kafka, tmp_path):
    """The partition stops, and everything that shows it names both offsets. Once the gap is accepted, it goes on."""
    stream, site = running
    topic = stream.topics["opened"]
    follow(site, "dump", tmp_path)
    before = site.places()[topic, 0]
    stream.send_events(tickets(300, 200))
    site.wait_read()
    first = stream.ends()[topic, 0] - 10
    kafka.delete_records(topic, {0: first})
    follow(site, "restore", tmp_path)
    use(site, site.database + "_restored")
    daemon = site.start("b")
    gap = wait_until(lambda: site.rows("SELECT expected_offset, low_offset FROM report.gap WHERE topic = %s AND partition = 0", topic),
                     "the gap")
    assert gap == [(before, first)]
    wait_until(lambda: daemon.logged(rf"{topic}/0 is stopped"), "the log to name the partition")
    listed = site.command("gap", "list", "--json").stdout
    assert topic in listed and str(before) in listed and str(first) in listed
    site.wait_read(but=((topic, 0),))
    site.command("gap", "accept", f"{topic}/0")
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket WHERE opened_at IS NOT NULL") < 500
    site.command("verify")


class Recovered(Postgres):
    """A server that begins with a base backup and recovers to a point in time."""

    def __init__(self, base, archive, target):
        super().__init__(settings={**SMALL, "restore_command": f"cp {archive}/%f %p", "recovery_target_time": target,
                                   "recovery_target_action": "promote"})
        self.base = base

    def _create(self):
        done = self._run("cp", "-a", self.base, self._data())
        if done.returncode != 0:
            raise ServerError(f"cp: {done.stderr}")
        self._run("touch", os.path.join(self._data(), "recovery.signal"))


def test_recovery_to_a_time_before_a_mistake(make_stream, kafka, binary, tmp_path):
    stream = make_stream(2)
    archive = f"/var/tmp/kpid-archive-{os.getpid()}"
    base = archive + "/base"
    os.makedirs(archive)
    if os.getuid() == 0:
        shutil.chown(archive, "postgres")
    try:
        with Postgres(settings={**SMALL, "archive_mode": "on", "archive_command": f"cp %p {archive}/%f"}) as primary:
            create_migrated(primary, binary, "recovered")
            site = Site(primary, kafka, binary, "recovered", tmp_path / "site", stream, PROMISE)
            site.start()
            stream.send_events(tickets(0, 200))
            site.wait_read()
            done = primary._run(f"{PG_BIN}/pg_basebackup", "-D", base, "-X", "none", "-c", "fast", "-h", "127.0.0.1",
                                "-p", str(primary.port), "-U", "postgres")
            assert done.returncode == 0, done.stderr
            stream.send_events(tickets(200, 200))
            site.wait_read()
            target = primary.psql("SELECT clock_timestamp()")
            stream.send_events(tickets(400, 100))
            site.wait_read()
            site.daemons["a"].stop()
            primary.psql("DELETE FROM kpid.agent_kpi_5m; UPDATE kpid.ticket SET rev = rev + 1", "recovered")  # the mistake
            primary.psql("SELECT pg_switch_wal()")
            archived = "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) FROM pg_stat_archiver"
            wait_until(lambda: primary.psql(archived) == "t", "the WAL to be archived")
            with Recovered(base, archive, target) as again:
                wait_until(lambda: again.psql("SELECT pg_is_in_recovery()") == "f", "the end of the recovery")
                use(site, "recovered", again)
                assert site.one("SELECT count(*) FROM report.ticket") == 400
                site.start("b")
                stream.send_events(tickets(500, 50))
                site.check_recomputed()
                assert site.one("SELECT count(*) FROM report.ticket") == 550
                assert not site.close()
                kafka.delete_topic(site.alert_topic)
    finally:
        shutil.rmtree(archive, ignore_errors=True)
