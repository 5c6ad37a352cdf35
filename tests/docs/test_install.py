"""cmake --install: what comes where, and that it works from there."""
import os
import re
import subprocess

import pytest

EXPECTED = """
    bin/kpid
    lib/systemd/system/kpid-board.service
    lib/systemd/system/kpid-board.socket
    lib/systemd/system/kpid-hook.service
    lib/systemd/system/kpid-hook.socket
    lib/systemd/system/kpid.service
    lib/sysusers.d/kpid.conf
    lib/tmpfiles.d/kpid.conf
    share/bash-completion/completions/kpid
    share/doc/kpid/CHANGELOG.md
    share/doc/kpid/LICENSE
    share/doc/kpid/README.md
    share/doc/kpid/README.zh-CN.md
    share/doc/kpid/docs/architecture.md
    share/doc/kpid/docs/install.md
    share/doc/kpid/docs/operations.md
    share/doc/kpid/docs/semantics.md
    share/doc/kpid/examples/asyncapi/asyncapi.yaml
    share/doc/kpid/examples/asyncapi/schemas/ticket.opened.json
    share/doc/kpid/examples/grafana/kpid-sla.json
    share/doc/kpid/examples/kpid.sample.ini
    share/doc/kpid/examples/nginx/board-oidc.conf
    share/doc/kpid/examples/nginx/hook.conf
    share/doc/kpid/examples/policy.calendars.json
    share/doc/kpid/examples/policy.minimal.json
    share/doc/kpid/examples/policy.sample.json
    share/doc/kpid/examples/prometheus/kpid.rules.yml
    share/doc/kpid/examples/receivers.sample.json
    share/kpid/policy.schema.json
    share/man/man1/kpid-run.1
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


def readelf(prefix, *options):
    return subprocess.run(["readelf", "--wide", *options, prefix / "bin" / "kpid"], capture_output=True, text=True,
                          check=True).stdout


def test_program_is_hardened(prefix, binary):
    """Loaded anywhere, nothing both writable and executable, all symbols bound at the start and read-only then."""
    assert "DYN" in next(line for line in readelf(prefix, "--file-header").splitlines() if "Type:" in line)
    segments = readelf(prefix, "--program-headers")
    assert "GNU_RELRO" in segments
    stack = next(line for line in segments.splitlines() if "GNU_STACK" in line).split()
    assert "RWE" not in segments and stack[-2] == "RW"
    dynamic = readelf(prefix, "--dynamic")
    assert "BIND_NOW" in dynamic and "PIE" in dynamic
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    symbols = readelf(prefix, "--dyn-syms")
    assert "__stack_chk_fail" in symbols
    if "CMAKE_BUILD_TYPE:STRING=Release" in open(os.path.join(os.path.dirname(binary), "CMakeCache.txt")).read():
        assert "__snprintf_chk" in symbols or "__vsnprintf_chk" in symbols


def test_manual_pages_are_whole(prefix):
    for path in ("man1/kpid.1", "man5/kpid.ini.5"):
        text = (prefix / "share/man" / path).read_text()
        assert text.startswith(".") and ".SH NAME" in text and "@" not in text.partition(".SH NAME")[0]
    for option in ("max_silence", "bootstrap.servers", "time_zone"):
        assert option in (prefix / "share/man/man5/kpid.ini.5").read_text().replace("\\-", "-").replace("\\&", "")


UNITS = pytest.mark.parametrize("unit, command", [("kpid", "run"), ("kpid-board", "board --config /etc/kpid-board/kpid.ini"),
                                                  ("kpid-hook", "hook --config /etc/kpid-hook/kpid.ini")])


@UNITS
def test_service(prefix, unit, command):
    text = (prefix / f"lib/systemd/system/{unit}.service").read_text()
    lines = text.splitlines()
    start = next(line for line in lines if line.startswith("ExecStart="))
    assert start.endswith(f"/bin/kpid {command}") and start.startswith("ExecStart=/")
    user = next(line for line in lines if line.startswith("User=")).partition("=")[2]
    assert user == unit and f"u {user} " in (prefix / "lib/sysusers.d/kpid.conf").read_text()


@UNITS
def test_service_is_a_sandbox(prefix, tmp_path, unit, command):
    """`systemd-analyze` finds the unit right, and little that it could do to the machine."""
    name, unit = f"{unit}.service", prefix / f"lib/systemd/system/{unit}.service"
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", unit], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and "Overall exposure level" in done.stdout, done.stdout + done.stderr
    # What is not of this machine: the user, and where the program was installed.
    text = unit.read_text().replace("=kpid\n", "=root\n").replace("=kpid-board\n", "=root\n").replace("=kpid-hook\n", "=root\n")
    here = tmp_path / name
    here.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={prefix}/bin/kpid", text))
    done = subprocess.run(["systemd-analyze", "verify", "--man=false", here], capture_output=True, text=True, check=False)
    assert name not in done.stdout + done.stderr, done.stdout + done.stderr
