"""PostgreSQL fails over to a lagging standby, and runs out of disk space: in the end all tables are right."""
import os
import subprocess
import tempfile
import time

import pytest

from conftest import POLICY
from daemon import Proxy, Site, create_migrated, wait_until
from servers import PG_BIN, Postgres, ServerError
from test_outages import Load

SETTINGS = {"fsync": "off", "shared_buffers": "64MB"}
SMALL = {"run": {"batch_max_events": 400}, "kafka": {"session.timeout.ms": 3000, "heartbeat.interval.ms": 500}}


class Standby(Postgres):
    """A standby that follows a server until it is promoted."""

    ready_words = ("ready", "standby")

    def __init__(self, primary):
        super().__init__(settings=primary.settings)
        self.primary = primary

    def _create(self):
        done = self._run(f"{PG_BIN}/pg_basebackup", "-D", self._data(), "-R", "-X", "stream", "-c", "fast", "-h", "127.0.0.1",
                         "-p", str(self.primary.port), "-U", "postgres")
        if done.returncode != 0:
            raise ServerError(f"pg_basebackup: {done.stderr.strip()}")


def new_site(pg, kafka, binary, stream, folder):
    create_migrated(pg, binary, "disaster")
    return Site(pg, kafka, binary, "disaster", folder, stream, POLICY, SMALL)


def end(site, load, part):
    load.finish()
    site.wait_read()
    site.wait_settled()
    site.check(part.expected.get())
    faults = site.close()
    site.kafka.delete_topic(site.alert_topic)
    assert not faults, faults


def test_failover_to_a_standby_that_lags(make_stream, part, kafka, binary, tmp_path):
    """What the standby had not received is lost, offsets together with their effects, and so is read again."""
    with Postgres(settings=SETTINGS) as primary:
        stream = make_stream(4)
        site = new_site(primary, kafka, binary, stream, tmp_path / "site")
        with Standby(primary) as standby:
            proxy = Proxy(primary.port)
            site.pg_port = proxy.port
            site.configure()
            load = Load(stream, part.disordered(seed=3), 2000)
            load.start()
            site.start("a")
            site.start("b")
            site.wait_progress(2_000)
            standby.psql("ALTER SYSTEM SET primary_conninfo = ''; SELECT pg_reload_conf()")  # receives nothing from now on
            wait_until(lambda: standby.psql("SELECT count(*) FROM pg_stat_wal_receiver") == "0", "the standby to be cut off")
            n_lost = site.wait_progress(1_500)
            site.disconnect()
            primary.kill()
            assert standby.psql("SELECT pg_promote()") == "t"
            site.pg, proxy.target = standby, standby.port
            n_known = site.n_read()
            assert n_known < n_lost, "nothing was lost: the standby had received everything"
            end(site, load, part)
            proxy.close()


@pytest.fixture
def small_disk():
    """A folder on a disk of its own, of 800 MB."""
    folder = tempfile.mkdtemp(prefix="kpid-disk-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=800m,mode=755", "kpid-test", folder], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        os.rmdir(folder)
        pytest.skip(f"this machine cannot mount a small disk: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)
    os.rmdir(folder)


def fill(path):
    """Fills all free space, to the last byte."""
    for size in (1 << 20, 1 << 12, 1):
        try:
            with open(path, "ab", buffering=0) as ballast:
                while ballast.write(b"\0" * size) == size:
                    pass
        except OSError:
            pass


def test_full_disk(make_stream, part, kafka, binary, small_disk, tmp_path):
    """The server refuses writes or stops; when there is space again, everything continues."""
    with Postgres(small_disk, settings={**SETTINGS, "max_wal_size": "64MB", "min_wal_size": "32MB"}) as pg:
        stream = make_stream(4)
        site = new_site(pg, kafka, binary, stream, tmp_path / "site")
        load = Load(stream, part.disordered(seed=4), 3000)
        load.start()
        daemon = site.start("a")
        site.wait_progress(2_000)
        ballast = os.path.join(small_disk, "ballast")
        fill(ballast)
        said = r"(?i)no space left|PostgreSQL .* is unreachable"
        wait_until(lambda: fill(ballast) or daemon.logged(said), "the disk to be full", every=0.2)
        time.sleep(2)
        site.disconnect()
        os.unlink(ballast)
        wait_until(lambda: pg.running() and pg.psql("SELECT 1") == "1" if pg.running() else pg.start(), "the server to be back")
        assert daemon.running()
        end(site, load, part)
