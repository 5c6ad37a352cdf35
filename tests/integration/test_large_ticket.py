"""A ticket with very many events: two mail robots that answer each other."""
import datetime
import json
import os
import re
import subprocess
import time

import pytest

from daemon import event, is_instrumented, policy, wait_until
from large_ticket import SHAPES, long_ago, policy_of, robots

MOST_ABOVE_NORMAL_MIB = 64


def peak_of_command(site, *arguments):
    """The peak of resident memory of a command that succeeds, in MiB, as far as a look every few milliseconds shows it."""
    command = [site.binary, arguments[0], "--config", site.ini, *arguments[1:]]
    peak_kib = 0
    with open(os.path.join(site.folder, "output"), "wb") as output, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                peak_kib = max([peak_kib, *map(int, re.findall(r"VmHWM:\s+(\d+)", file.read()))])
            time.sleep(0.003)
    with open(os.path.join(site.folder, "output"), encoding="utf-8") as file:
        assert process.returncode == 0, file.read()[-3000:]
    return peak_kib / 1024


def check_above_normal(site, normal, peak, what):
    print(f"{what}: {peak:.1f} MiB, normally {normal:.1f}")
    assert is_instrumented(site.binary) or peak <= normal + MOST_ABOVE_NORMAL_MIB, f"{what}: {peak:.1f} MiB, {normal:.1f} normally"


def dead_letters(site):
    return site.rows("SELECT reason, detail, value FROM kpid.dead_letter ORDER BY read_at, \"offset\"")


def n_events(site, ticket_id="ROBOTS"):
    return site.one("SELECT count(*) FROM kpid.ticket t, kpid.history_events(t.history) WHERE t.ticket_id = %s", ticket_id)


def test_too_many_events_of_a_ticket_are_dead_letters_that_can_be_requeued(make_site, make_stream):
    stream = make_stream(1)
    site = make_site(stream, policy("1h"), {"run": {"ticket_max_events": 20}})
    events = list(robots(25))
    site.start()
    stream.send_events([events[0], event("ticket.opened", "ANOTHER")])
    site.wait_read()
    stream.send_events(events[1:])
    site.wait_read()
    letters = dead_letters(site)
    assert [reason for reason, *_ in letters] == ["too_many"] * 5
    assert "20 events already; raise run.ticket_max_events" in letters[0][1]
    assert {json.loads(bytes(value))["id"] for *_, value in letters} == {json.loads(e)["id"] for e in events[20:]}
    assert site.one("SELECT sum(n_dead_letters) FROM kpid.source_partition") == 5
    assert n_events(site) == 20 and n_events(site, "ANOTHER") == 1
    assert "raise run.ticket_max_events" in " ".join(site.command("doctor", status=None).stdout.split())

    site.configure(run={"ticket_max_events": 30})
    site.daemons["a"].stop()
    site.start()
    done = json.loads(site.command("dlq", "requeue", "--json", "--reason", "too_many").stdout)
    assert (done["requeued"], done["refused"], done["failed"]) == (5, 0, 0)
    wait_until(lambda: n_events(site) == 25, "all events to be in the ticket")
    assert len(dead_letters(site)) == 5
    assert json.loads(site.command("verify", "--json").stdout)["differences"] == []


def test_100000_events_of_one_ticket_block_no_other(make_site, make_stream):
    """While they are read all at once, and one after the other, breaches of other tickets are detected within a
    second plus twice the time that one event of the large ticket takes here, because a batch must commit before
    what follows it is known."""
    stream = make_stream(1)
    site = make_site(stream, policy("2s", resolution="30d"))
    site.start()
    stream.send_events([event("ticket.opened", "SMALL")])
    site.wait_read()
    normal = site.check_memory()
    stream.send_events(robots(99_900))
    site.wait_read()
    check_above_normal(site, normal, site.peak_mib(), "99,900 events")
    start = time.monotonic()
    stream.send_events(robots(1, start=99_900, since=long_ago(99_900)))
    site.wait_read()
    cost = datetime.timedelta(seconds=time.monotonic() - start)

    for i in range(10):
        stream.send_events([event("ticket.opened", f"OTHER-{i}")])
        stream.send_events(robots(3, start=99_910 + 3 * i, since=long_ago(99_920)))
    site.wait_read()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE ticket_id LIKE 'OTHER%%'") == 10, "their breaches")
    late = site.rows("SELECT ticket_id, detected_at - breached_at FROM report.alert WHERE ticket_id LIKE 'OTHER%%'"
                     " AND detected_at > breached_at + interval '1 second' + 2 * %s", cost)
    assert late == [], f"an event of the large ticket took {cost}"
    check_above_normal(site, normal, site.peak_mib(), "further events")


@pytest.mark.parametrize("shape", SHAPES)
def test_commands_need_little_memory_for_100000_events_of_one_ticket(make_site, tmp_path, shape):
    site = make_site(None, policy_of(shape))

    def file_of(name, events):
        path = tmp_path / name
        path.write_bytes(b"\n".join(events) + b"\n")
        return str(path)

    normal = {"ingest": peak_of_command(site, "ingest", file_of("small.jsonl", [event("ticket.opened", "SMALL", long_ago(0))])),
              "verify": peak_of_command(site, "verify"), "explain": peak_of_command(site, "explain", "SMALL")}
    since, types = long_ago(2 * 100_000), SHAPES[shape][1]
    large = file_of("large.jsonl", robots(99_900, since=since, types=types, every=2))
    further = file_of("further.jsonl", robots(1, start=99_900, since=since, types=types, every=2))
    for command, argument in (("ingest", large), ("ingest", further), ("verify", None), ("explain", "ROBOTS")):
        peak = peak_of_command(site, command, *filter(None, [argument]))
        check_above_normal(site, normal[command], peak, f"{command} {os.path.basename(argument or '')}")
    assert n_events(site) == 99_901


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "all in time"])
def test_the_daemon_needs_little_memory_for_100000_events_of_one_ticket(make_site, make_stream, shape):
    stream = make_stream(1)
    site = make_site(stream, policy_of(shape))
    site.start()
    stream.send_events([event("ticket.opened", "SMALL")])
    site.wait_read()
    normal = site.check_memory()
    since, types = long_ago(2 * 100_000), SHAPES[shape][1]
    stream.send_events(robots(99_900, since=since, types=types, every=2))
    site.wait_read()
    check_above_normal(site, normal, site.peak_mib(), "99,900 events")
    stream.send_events(robots(1, start=99_900, since=since, types=types, every=2))
    site.wait_read()
    check_above_normal(site, normal, site.peak_mib(), "a further event")
