"""The package of kpid, built from this checkout once for all tests; or those in the folder $KPID_PACKAGE."""
import glob
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", part) for part in ("fixture", "integration")]

from servers import Kafka, Postgres  # noqa: E402


def run(*command, status=0, **options):
    """Runs a command; returns what it prints on both streams."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          **options)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with what deploy/package/deb makes."""
    folder = os.environ.get("KPID_PACKAGE")
    if not folder:
        folder = str(tmp_path_factory.mktemp("package"))
        run(os.path.join(ROOT, "deploy/package/deb"), "--no-setup", "--output", folder)
    return folder


@pytest.fixture(scope="session")
def deb(built):
    found = glob.glob(f"{built}/kpid_*.deb")
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="session")
def unpacked(deb, tmp_path_factory):
    """The files of the package, with its scripts in DEBIAN."""
    folder = tmp_path_factory.mktemp("unpacked") / "kpid"
    run("dpkg-deb", "--raw-extract", deb, str(folder))
    return folder


@pytest.fixture(scope="session")
def pg():
    with Postgres(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture(scope="session")
def kafka():
    with Kafka(settings={"group.min.session.timeout.ms": 500}) as server:
        yield server
