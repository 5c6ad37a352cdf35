"""One ticket with 100,000 events: how long each command takes, in three shapes."""
import os
import subprocess
import time

from large_ticket import SHAPES, long_ago, policy_of, robots
from rig import BenchError, Kpid, say

COMMANDS = ("ingest", "one more event", "verify", "explain", "explain in SQL")


def timed(command):
    """Wall and own CPU seconds of a command that succeeds."""
    start = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {said}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime


def measure(rig, pg, shape, n_events):
    """Wall seconds of each command, and the CPU seconds of ingest."""
    name = f"large-{len(shape)}"
    policy = rig.write_json(name, policy_of(shape))
    kpid = Kpid(rig, pg, name, [], policy)
    types, since = SHAPES[shape][1], long_ago(2 * n_events)
    paths = [rig.path(name + end) for end in (".jsonl", "-further.jsonl")]
    for path, n, start in ((paths[0], n_events, 0), (paths[1], 1, n_events)):
        with open(path, "wb") as file:
            file.writelines(line + b"\n" for line in robots(n, start=start, since=since, types=types, every=2))
    ingest, cpu = timed(kpid.command("ingest", paths[0]))
    further, verify, explain = (timed(kpid.command(*words))[0] for words in (
        ("ingest", paths[1]), ("verify",), ("explain", "ROBOTS")))
    start = time.monotonic()
    pg.psql("SELECT report.explain_ticket('ROBOTS')", kpid.database)
    in_sql = time.monotonic() - start
    stored = int(pg.psql("SELECT count(*) FROM kpid.ticket t, kpid.history_events(t.history)", kpid.database))
    if stored != n_events + 1:
        raise BenchError(f"{stored} events are stored, not {n_events + 1}")
    kpid.drop()
    return {"shape": shape, "events": n_events, "ingest_cpu_s": round(cpu, 2),
            **{f"{key.replace(' ', '_')}_s": round(value, 2)
               for key, value in zip(COMMANDS, (ingest, further, verify, explain, in_sql))}}


def run(rig, results, options):
    n_events = 10_000 if options.quick else 99_900
    rows = []
    with rig.postgres() as pg:
        for shape in SHAPES:
            figures = measure(rig, pg, shape, n_events)
            results.add("large", shape, figures)
            say(f"large: {figures}")
            rows.append([shape, *(figures[f"{key.replace(' ', '_')}_s"] for key in COMMANDS), figures["ingest_cpu_s"]])
    results.table(f"One ticket of {n_events:,} events: seconds of each command", ["shape", *COMMANDS, "own CPU of ingest"], rows)
