"""The program whose documents are checked ($KPID_BINARY; build/test/kpid unless set), and a migrated database."""
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "fixture"))

from servers import Postgres  # noqa: E402
from story import Story  # noqa: E402


@pytest.fixture(scope="session")
def binary():
    path = os.path.abspath(os.environ.get("KPID_BINARY") or os.path.join(ROOT, "build", "test", "kpid"))
    assert os.access(path, os.X_OK), f"there is no {path}: build it (cmake --preset test && cmake --build --preset test)"
    return path


@pytest.fixture(scope="session")
def kpid(binary):
    """kpid(arguments): what it prints."""
    def run(*arguments, status=0, **options):
        done = subprocess.run([binary, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "KPID_CONFIG": "/dev/null"}, **options)
        assert done.returncode == status, f"kpid {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout
    return run


@pytest.fixture(scope="session")
def db(binary):
    """A connection to a migrated, empty database."""
    with Postgres(settings={"fsync": "off"}) as server:
        server.create_database("docs")
        done = subprocess.run([binary, "migrate", "up"], capture_output=True, text=True, check=False,
                              env={**server.env("docs"), "KPID_CONFIG": "/dev/null"})
        assert done.returncode == 0, done.stderr
        connection = server.connect("docs")
        yield connection
        connection.close()


@pytest.fixture(scope="session")
def commands(kpid):
    found = re.search(r"Commands:\n(.*?)\n\n", kpid("--help"), re.S)[1]
    return {line.split()[0]: kpid(line.split()[0], "--help") for line in found.splitlines()}


@pytest.fixture(scope="session")
def sample(kpid):
    """The sample configuration, as {section: {key}}."""
    sections, section, is_named = {}, None, False
    for line in kpid("check-config", "--sample").splitlines():
        if line.startswith("["):
            section, is_named = sections.setdefault(line.strip("[]"), set()), False
        elif found := re.fullmatch(r"# \[(\w+) NAME\]", line):
            section = sections.setdefault(found[1], set())
            is_named = True
        elif found := re.match(r"#([\w.-]+) =", line) or is_named and re.match(r"# ([\w.]+): ", line):
            section.add(found[1].removesuffix(".NAME"))
    return sections


@pytest.fixture(scope="session")
def story(binary, tmp_path_factory):
    """A small help desk that commands look at."""
    here = Story(binary, tmp_path_factory.mktemp("story"))
    yield here
    here.close()
