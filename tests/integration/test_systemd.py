"""The units as installed, under a real systemd: sandbox, readiness, reload, watchdog and stop; a restart of the hook loses nothing."""
import os
import re
import signal
import subprocess

import pytest

from container import Container
from daemon import event, is_instrumented, policy, wait_until
from hook import SECRET, Hook, Senders

WATCHDOG = "[Service]\nWatchdogSec=4\nRestartSec=0\n"
METRICS = "/run/kpid/metrics.sock"  # in the folder that the unit makes
ASK = """import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    client.sendall(b"GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    while piece := client.recv(65536):
        sys.stdout.buffer.write(piece)
"""


@pytest.fixture
def machine(binary, tmp_path):
    if is_instrumented(binary):
        pytest.skip("a sanitizer does not run in the sandbox of the unit")
    try:
        made = Container(tmp_path / "machine", f"kpid-{os.getpid()}")
    except OSError as error:
        pytest.skip(f"cannot create a container here: {error}")
    try:
        subprocess.run(["cmake", "--install", os.path.dirname(binary)], check=True, capture_output=True,
                       env={**os.environ, "DESTDIR": made.root})
        for command in ("systemd-sysusers", "systemd-tmpfiles --create --prefix=/etc/kpid"):
            subprocess.run([*command.split(), f"--root={made.root}"], check=True, capture_output=True)
        yield made
    finally:
        made.close()


def install(machine, site):
    """Its configuration, where the service reads it: readable by its group only."""
    with open(site.ini, encoding="utf-8") as file:
        text = file.read().replace(site.policy_path, "/etc/kpid/policy.json")
    machine.write("/etc/kpid/kpid.ini", text, group="kpid", mode=0o640)
    with open(site.policy_path, encoding="utf-8") as file:
        machine.write("/etc/kpid/policy.json", file.read(), group="kpid", mode=0o640)


def openings(first, n):
    return [event("ticket.opened", f"T{i}", agent_id="ann") for i in range(first, first + n)]


def test_the_unit(make_stream, make_site, machine):
    stream = make_stream(2)
    site = make_site(stream, policy(first_response="1h"), {"metrics": {"listen": METRICS}})
    install(machine, site)
    machine.write("/etc/systemd/system/kpid.service.d/watchdog.conf", WATCHDOG)
    try:
        machine.boot()
    except OSError as error:
        pytest.skip(f"systemd does not start in a container here: {error}")
    wait_until(lambda: machine.property("ActiveState") == "active", lambda: machine.journal()[-2000:] + machine.console())
    assert machine.property("StatusText") == "running"
    stream.send_events(openings(0, 100))
    site.wait_read()

    # It runs as user kpid without capabilities, in its sandbox.
    pid = machine.property("MainPID")
    status = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)
    uid = machine.run("id", "-u", "kpid").strip()
    assert status["Uid"].split()[0] == uid != "0"
    assert status["CapEff"] == status["CapBnd"] == "0" * 16 and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"

    # Its sandbox leaves room for the metrics, which read /proc.
    metrics = machine.run("/usr/bin/python3", "-c", ASK, METRICS)
    for name in ("process_max_fds", "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds"):
        assert float(re.search(rf"(?m)^{name} (.*)$", metrics)[1]) > 0, metrics

    # Reload: accepted, and refused as a whole.
    later = policy(first_response="2h", id="2", effective_from="2100-01-01T00:00:00Z")
    site.write_policy({"revisions": site.policy["revisions"] + later["revisions"]})
    install(machine, site)
    machine.systemctl("reload", "kpid.service")
    assert "the configuration has been reloaded" in machine.journal()
    assert site.one("SELECT count(*) FROM kpid.policy_revision") == 2
    machine.write("/etc/kpid/policy.json", "{", group="kpid", mode=0o640)
    machine.systemctl("reload", "kpid.service")
    assert "nothing was reloaded" in machine.journal() and machine.property("ActiveState") == "active"
    install(machine, site)

    # A hung daemon is ended and restarted.
    machine.run("kill", f"-{signal.SIGSTOP.value}", pid)
    wait_until(lambda: machine.property("NRestarts") == "1" and machine.property("ActiveState") == "active",
               lambda: "a restart by the watchdog:\n" + machine.journal()[-2000:])
    assert machine.property("MainPID") != pid and "Watchdog timeout" in machine.journal()
    stream.send_events(openings(100, 100))
    site.wait_read()
    assert site.one("SELECT count(*) FROM report.ticket") == 200

    # It ends cleanly, and is not restarted after a configuration error.
    machine.systemctl("stop", "kpid.service")
    assert machine.property("Result") == "success" and machine.property("ActiveState") == "inactive"
    machine.write("/etc/kpid/kpid.ini", "[kafka]\nno.such = 1\n", group="kpid", mode=0o640)
    machine.systemctl("start", "kpid.service")
    assert machine.property("ActiveState") == "failed" and machine.property("ExecMainStatus") == "3"
    assert machine.property("NRestarts") == "0"
    site.check_recomputed()


def test_the_hook_unit(kafka, binary, make_topic, machine, tmp_path):
    """Its first request starts it; it runs as a user of its own; restarts lose no request and refuse none."""
    hook = Hook(kafka, binary, tmp_path / "hook", {"desk": make_topic(2)},
                {"desk": {"signature": "hub-sha256", "key": "/ticket", "secret_file": "desk.secret"}})
    with open(hook.ini, encoding="utf-8") as file:
        machine.write("/etc/kpid-hook/kpid.ini", file.read(), group="kpid-hook", mode=0o640)
    machine.write("/etc/kpid-hook/desk.secret", SECRET, group="kpid-hook", mode=0o640)
    machine.write("/etc/systemd/system/kpid-hook.socket.d/address.conf", f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{hook.port}\n")
    try:
        machine.boot()
    except OSError as error:
        pytest.skip(f"systemd does not start in a container here: {error}")
    unit = "kpid-hook.service"
    machine.systemctl("start", "kpid-hook.socket")
    wait_until(lambda: hook.post("desk", {"ticket": 1}).status == 200, lambda: machine.journal(unit)[-2000:] + machine.console())
    status = machine.run("cat", f"/proc/{machine.property('MainPID', unit)}/status")
    uid = machine.run("id", "-u", "kpid-hook").strip()
    assert re.search(rf"(?m)^Uid:\t{uid}\t", status) and uid != "0" and "CapEff:\t0000000000000000" in status and "Seccomp:\t2" in status
    for name in ("process_open_fds", "process_resident_memory_bytes"):  # its sandbox leaves room for the metrics
        assert float(re.search(rf"(?m)^{name} (.*)$", hook.get("/metrics").body.decode())[1]) > 0

    senders = Senders(hook, "desk")
    for _ in range(3):
        senders.wait(200, 20)
        machine.systemctl("restart", unit)
    senders.wait(200, 20)
    senders.stop().check()
    assert set(senders.answers) == {200}, senders.answers
    machine.systemctl("stop", unit, "kpid-hook.socket")
    assert machine.property("Result", unit) == "success"
    assert not hook.close()
