"""The package on a minimal Debian 12 of its own: installed, used, upgraded, removed and purged. This machine does not change."""
import glob
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from conftest import run
from daemon import LONG, Site, Stream, create_migrated, event, policy

# Runs the program of the package inside, as its user. The folder of the test is at the same path there. Nothing stays mounted.
INSIDE = """#!/bin/sh
exec unshare --mount sh -c 'mount --bind {folder} {root}{folder} && exec chroot --userspec=kpid:kpid {root} /usr/bin/kpid "$@"' sh "$@"
"""


class System:
    """A root file system with Debian 12 and apt."""

    def __init__(self, folder):
        self.root = str(folder)
        run("mmdebstrap", "--quiet", "--mode=root", "--variant=apt", "--include=ca-certificates", "--skip=cleanup/apt", "bookworm",
            self.root)
        # Settings of this machine for reaching the package servers.
        for path in ("/etc/hosts", "/etc/resolv.conf"):
            shutil.copy(path, self.root + "/etc/")
        for path in glob.glob("/etc/apt/apt.conf.d/99*"):
            shutil.copy(path, self.root + "/etc/apt/apt.conf.d/")
        os.makedirs(f"{self.root}/usr/local/share/ca-certificates", exist_ok=True)
        for path in glob.glob("/usr/local/share/ca-certificates/*.crt"):
            shutil.copy(path, f"{self.root}/usr/local/share/ca-certificates/")

    def run(self, *command, status=0):
        return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                   'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" env -i '
                   'PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"', self.root, *command,
                   status=status)

    def apt(self, *arguments):
        return self.run("apt-get", "-y", "-q", "--no-install-recommends", *arguments)

    def copy(self, path):
        shutil.copy(path, self.root + "/tmp/")
        return "/tmp/" + os.path.basename(path)

    def files(self):
        """The paths outside of the folders that other programs write to."""
        found = set()
        for folder, folders, names in os.walk(self.root):
            inside = folder.removeprefix(self.root) or "/"
            if inside in ("/proc", "/sys", "/dev", "/tmp", "/var/lib/apt", "/var/lib/dpkg", "/var/cache", "/var/log", "/run"):
                folders.clear()
                continue
            found.update(os.path.join(inside, name) for name in folders + names)
        return found


@pytest.fixture(scope="module")
def older(deb, tmp_path_factory):
    """The same package under an older version."""
    folder = tmp_path_factory.mktemp("older")
    run("dpkg-deb", "--raw-extract", deb, str(folder / "kpid"))
    control = folder / "kpid/DEBIAN/control"
    text = control.read_text()
    version = run("dpkg-deb", "--field", deb, "Version").strip()
    control.write_text(text.replace(f"Version: {version}\n", f"Version: {version}~older\n"))
    path = folder / f"kpid_{version}~older.deb"
    run("dpkg-deb", "--root-owner-group", "--build", str(folder / "kpid"), str(path))
    return str(path)


@pytest.fixture
def open_folder():
    """A folder that users other than root can enter, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="kpid-package-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def system(open_folder):
    if os.geteuid() != 0:
        pytest.skip("needs root: it creates a root file system")
    return System(open_folder / "system")


def test_the_package_is_installed_used_upgraded_and_purged(system, deb, older, pg, kafka, open_folder):
    system.apt("install", "systemd-standalone-sysusers", "tzdata")
    before = system.files()

    # Its dependencies are complete: apt installs them, and the program runs.
    system.apt("install", system.copy(older))
    assert "~older" in system.run("dpkg-query", "-W", "kpid")
    assert system.run("kpid", "version").startswith("kpid ")
    for user in ("kpid", "kpid-board", "kpid-hook"):
        assert ":/nonexistent:/usr/sbin/nologin" in system.run("getent", "passwd", user)
    uid = int(system.run("id", "-u", "kpid"))

    # The administrator writes a configuration; the upgrade keeps it.
    os.makedirs(system.root + "/etc/kpid", exist_ok=True)
    with open(system.root + "/etc/kpid/kpid.ini", "w", encoding="utf-8") as file:
        file.write("[run]\nlanes = 2\n")
    system.apt("install", system.copy(deb))
    assert "~older" not in system.run("dpkg-query", "-W", "kpid")
    assert "ok" in system.run("kpid", "check-config")

    # The daemon of the package, as its user: it migrates, reads from Kafka, and its tables are right.
    here = open_folder / "here"
    here.mkdir()
    program = here / "kpid"
    program.write_text(INSIDE.format(folder=here, root=system.root))
    program.chmod(0o755)
    os.makedirs(system.root + str(here))
    create_migrated(pg, str(program), "packaged")
    stream = Stream(kafka, "packaged", 2)
    site = Site(pg, kafka, str(program), "packaged", here / "site", stream, policy(first_response="1h"))
    for path in (site.folder, site.ini, site.policy_path):
        os.chown(path, uid, uid)
    try:
        site.start()
        stream.send_events([event("ticket.opened", f"T{i}", agent_id="ann") for i in range(50)])
        site.wait_read()
        with open(f"/proc/{site.daemons['a'].pid}/status", encoding="ascii") as file:
            assert f"Uid:\t{uid}\t" in file.read()
        assert site.one("SELECT count(*) FROM report.ticket") == 50
        site.check_recomputed()
    finally:
        site.close()

    # It is removed; a purge leaves what the administrator wrote, and nothing else.
    system.run("dpkg", "--remove", "kpid")
    assert system.run("sh", "-c", "command -v kpid || echo none").strip() == "none"
    assert "lanes = 2" in system.run("cat", "/etc/kpid/kpid.ini")
    system.run("dpkg", "--purge", "kpid")
    assert "/etc/kpid/kpid.ini" in system.files()
    os.remove(system.root + "/etc/kpid/kpid.ini")
    os.rmdir(system.root + "/etc/kpid")
    system.apt("autoremove", "--purge")
    left = {path for path in system.files() - before if "kpid" in path and not path.startswith("/var/tmp/kpid-package-")}
    assert not left


@pytest.mark.skipif(not LONG, reason="piuparts takes two minutes (KPID_LONG=1)")
def test_piuparts_finds_nothing(system, deb, older, open_folder):
    """Debian's own program for this: it installs and purges the package, upgrades the older one, and finds each file that stays."""
    system.apt("install", "systemd-standalone-sysusers", "tzdata")  # what systemd itself would leave is not of this package
    base = open_folder / "base.tar.gz"
    run("tar", "-C", system.root, "--exclude=./proc/*", "--exclude=./dev/*", "-czf", str(base), ".")
    repository = open_folder / "repository"
    repository.mkdir()
    shutil.copy(older, repository)
    index = subprocess.run(["dpkg-scanpackages", "--multiversion", "."], cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           check=True).stdout
    (repository / "Packages").write_bytes(index)
    found = run("piuparts", f"--basetgz={base}", f"--tmpdir={open_folder}", "--distribution=bookworm", "--no-eatmydata",
                "--mirror=http://deb.debian.org/debian main", f"--bindmount={repository}",
                f"--extra-repo=deb [trusted=yes] file:{repository} ./", deb)
    assert "PASS: Installation and purging test." in found and "PASS: Installation, upgrade and purging tests." in found, found[-3000:]
