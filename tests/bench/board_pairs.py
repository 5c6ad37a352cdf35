"""What board and metrics cost the daemon: catching up with and without them, in turn on the same topic."""
import contextlib
import statistics

from board_live import Viewers, board_of
from catchup import SPAN_S, catch_up, check, start_s
from metrics import N_PARTITIONS, Scraper
from rig import Kpid, say
from servers import Ports


def one(rig, results, pg, ports, name, policy, expected, n_events):
    """name: begins with "on" or "off"."""
    is_on = name.startswith("on")
    address = f"127.0.0.1:{ports.reserve()}" if is_on else ""
    kpid = Kpid(rig, pg, f"board-{name}", ["board-pairs"], policy, sets=[f"metrics.listen={address}"])
    with contextlib.ExitStack() as stack:
        if is_on:
            port = ports.reserve()
            stack.enter_context(board_of(rig, kpid, port))
            for thread in (Viewers(port, 1), Scraper(address)):
                thread.start()
                stack.callback(thread.end)
        figures = catch_up(kpid, n_events)
    check(kpid, expected)
    kpid.drop()
    results.add("board_pairs", f"catching up, {name}", figures)
    say(f"catching up, board and metrics {name}: {figures}")
    return figures


def run(rig, results, options):
    ports = Ports()
    n_events = options.events or (300_000 if options.quick else 2_000_000)
    start, rounds, found = start_s(), options.rounds or (2 if options.quick else 5), {"off": [], "on": []}
    policy = rig.write_policy("board-pairs", first_response="15m", resolution="4h")
    rig.kafka().create_topic("board-pairs", N_PARTITIONS)
    expected = rig.produce_events("board-pairs", "tsv", n_events, start, SPAN_S)
    with rig.postgres() as pg:
        for i in range(rounds):
            for mode in ("off", "on") if i % 2 else ("on", "off"):
                found[mode].append(one(rig, results, pg, ports, f"{mode}-{i}", policy, expected, n_events))
    rig.kafka().delete_topic("board-pairs")
    keys = ("events_per_s", "own_cpu_s_per_million", "pg_cpu_s_per_million")
    rows = [[mode] + [statistics.median(figures[key] for figures in found[mode]) for key in keys] for mode in found]
    ratios = {key: [on[key] / off[key] for on, off in zip(found["on"], found["off"])] for key in keys}
    results.add("board_pairs", "on / off", {key: [round(ratio, 4) for ratio in ratios[key]] for key in keys})
    rows.append(["on / off, median of the pairs"] + [round(statistics.median(ratios[key]), 4) for key in keys])
    results.table(f"Catching up with {n_events:,} events, the board (1 stream) and metrics (asked for every second) on or off (median of {rounds})",
                  ["board and metrics", "events/s", "CPU s per million: kpid", "PostgreSQL"], rows)
