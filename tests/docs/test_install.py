"""cmake --install: what comes where, and that it works from there."""
import os
import subprocess

import pytest

EXPECTED = """
    bin/kpid
    lib/systemd/system/kpid.service
    lib/sysusers.d/kpid.conf
    lib/tmpfiles.d/kpid.conf
    share/doc/kpid/CHANGELOG.md
    share/doc/kpid/LICENSE
    share/doc/kpid/README.md
    share/doc/kpid/examples/asyncapi/asyncapi.yaml
    share/doc/kpid/examples/asyncapi/schemas/ticket.opened.json
    share/doc/kpid/examples/kpid.sample.ini
    share/doc/kpid/examples/policy.calendars.json
    share/doc/kpid/examples/policy.minimal.json
    share/doc/kpid/examples/policy.sample.json
    share/doc/kpid/examples/receivers.sample.json
    share/kpid/policy.schema.json
    share/man/man1/kpid.1
    share/man/man5/kpid.ini.5
""".split()


@pytest.fixture(scope="module")
def prefix(binary, tmp_path_factory):
    prefix = tmp_path_factory.mktemp("usr")
    done = subprocess.run(["cmake", "--install", os.path.dirname(binary), "--prefix", prefix], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return prefix


def test_files(prefix):
    assert not [path for path in EXPECTED if not (prefix / path).is_file()]
    assert sorted(os.listdir(prefix)) == ["bin", "lib", "share"] and os.listdir(prefix / "bin") == ["kpid"]


def test_program(prefix):
    done = subprocess.run([prefix / "bin" / "kpid", "version"], capture_output=True, text=True, check=True)
    version = done.stdout.split()[1]
    assert f'"kpid {version}"' in (prefix / "share/man/man1/kpid.1").read_text()


def test_manual_pages_are_whole(prefix):
    for path in ("man1/kpid.1", "man5/kpid.ini.5"):
        text = (prefix / "share/man" / path).read_text()
        assert text.startswith(".") and ".SH NAME" in text and "@" not in text.partition(".SH NAME")[0]
    for option in ("max_silence", "bootstrap.servers", "time_zone"):
        assert option in (prefix / "share/man/man5/kpid.ini.5").read_text().replace("\\-", "-").replace("\\&", "")


def test_service(prefix):
    text = (prefix / "lib/systemd/system/kpid.service").read_text()
    lines = text.splitlines()
    start = next(line for line in lines if line.startswith("ExecStart="))
    assert start.endswith("/bin/kpid run") and start.startswith("ExecStart=/")
    user = next(line for line in lines if line.startswith("User=")).partition("=")[2]
    assert f"u {user} " in (prefix / "lib/sysusers.d/kpid.conf").read_text()
