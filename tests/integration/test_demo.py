"""deploy/demo, the first command of the README: its output is correct, it ends by itself and leaves nothing behind.

It is built in build/release, or in $KPID_DEMO_BUILD if set; never in the build folder of the tests, whose settings
it would change.
"""
import base64
import decimal
import glob
import gzip
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = os.path.join(ROOT, "deploy", "demo")
SAMPLES = os.path.join(ROOT, "deploy", "asyncapi", "samples", "*.structured.json")
EXACT = 9  # lines of the check at the end


@pytest.fixture(scope="module", autouse=True)
def built(tmp_path_factory):
    """Builds before anything is timed."""
    path = tmp_path_factory.mktemp("built")
    assert finish(start(path, "--events", events_file(path, []))) == (0, "ok: 0 tickets, and the agents' sums say the"
                                                                         " same; read twice, counted once.")


def start(folder, *arguments):
    environment = {**os.environ, "TMPDIR": str(folder), "KPID_BUILD": os.environ.get("KPID_DEMO_BUILD", "")}
    with open(os.path.join(folder, "output"), "w", encoding="utf-8") as output:
        process = subprocess.Popen([DEMO, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    process.folder = folder
    return process


def output_of(process):
    with open(os.path.join(process.folder, "output"), encoding="utf-8") as file:
        return file.read()


def finish(process, seconds=240):
    """The status and the last line."""
    status = process.wait(seconds)
    return status, output_of(process).rstrip().rpartition("\n")[2]


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def wait_for_output(process, text):
    wait_until(lambda: text in output_of(process) or process.poll() is not None, text)
    assert text in output_of(process), output_of(process)


def processes_of(folder):
    """The command lines of processes that name the folder or run in it, as all processes of a demo do."""
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{path}/cmdline", "rb") as file:
                words = file.read().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in words or os.readlink(f"{path}/cwd").startswith(str(folder)):
                found.append(words)
        except OSError:
            continue  # it has ended meanwhile
    return found


def assert_nothing_left(folder):
    assert glob.glob(os.path.join(folder, "kpid-demo.*")) == []
    assert processes_of(folder) == []


def events_file(folder, events, name="events.ndjson"):
    path = os.path.join(folder, name)
    with (gzip.open if name.endswith(".gz") else open)(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
    return path


def sample_events():
    found = []
    for path in sorted(glob.glob(SAMPLES)):
        with open(path, encoding="utf-8") as file:
            event = json.load(file)
        if not event["type"].startswith("kpid."):
            found.append(event)
    return found


def assert_story_told(text):
    latencies = [int(number) for number in re.findall(r"(\d+) ms after (?:the|its) deadline", text)]
    assert len(latencies) == 3 and all(0 <= number <= 3000 for number in latencies), text
    for words in ("BREACH  DEMO-UNTOUCHED", "BREACH  DEMO-LATE-PROOF", "VOIDED  DEMO-LATE-PROOF",
                  '"type": "kpid.alert.breached"', "kpid explain DEMO-LATE-PROOF", "kpid dlq list", "id_conflict"):
        assert words in text, words
    assert len(re.findall(r"^ .* (\d+) +\1  equal$", text, re.MULTILINE)) == EXACT, text
    assert "DIFFERENT" not in text
    assert_card_shown(text)


def assert_card_shown(text):
    """The score of an agent is the sum of its lines, and its worst ticket is named."""
    card = text[text.index("kpid appraisal explain last:28d"):]
    score = re.search(r"front desk: .*?, score ([\d.]+) \(between [\d.]+ and [\d.]+\), grade [ABCD], rank ", card)
    lines = re.findall(r"^ +[\w ]+: ([\d.]+) of (\d+) points$", card, re.MULTILINE)
    assert len(lines) >= 2, card
    points, weights = sum(decimal.Decimal(one) for one, _ in lines), sum(int(one) for _, one in lines)
    assert abs(100 * points / weights - decimal.Decimal(score[1])) <= decimal.Decimal("0.0051")
    assert re.search(r"And kpid explain \S+ shows its events", card), card
    assert re.search(r"by kpid appraisal report: \d+ pages and 3 lists$", card, re.MULTILINE), card


def test_live_with_both_brokers_side_by_side(tmp_path):
    """One demo leaves everything running; the other, with a real Kafka, disappears without a trace."""
    folders = [tmp_path / "embedded", tmp_path / "kafka"]
    for folder in folders:
        folder.mkdir()
    embedded = start(folders[0], "--seconds", 45, "--keep")
    kafka = start(folders[1], "--seconds", 45, "--kafka")
    try:
        for process in (embedded, kafka):
            status, last = finish(process)
            assert status == 0 and last.startswith("ok: every event counted once"), output_of(process)
            assert_story_told(output_of(process))
        assert_nothing_left(folders[1])

        text = output_of(embedded)
        psql = re.search(r"psql (-h 127\.0\.0\.1 -p \d+ -U demo_analyst -d kpid)", text)[1].split()

        def ask(query):
            return subprocess.run(["psql", "-X", "-A", "-t", *psql, "-c", query], capture_output=True, text=True,
                                  check=False)

        def messages():
            return int(ask("SELECT sum(n_messages) FROM report.data_freshness").stdout)

        board = re.search(r"watch in a browser +(\S+)", text)[1]
        with urllib.request.urlopen(board + "api/now", timeout=10) as answer:
            assert json.load(answer)["totals"]["open"] > 0

        with urllib.request.urlopen(re.search(r"read the score cards +(\S+)", text)[1], timeout=10) as page:
            assert "Score cards last:28d" in page.read().decode()

        before = messages()
        wait_until(lambda: messages() > before, "the new shift to work")
        assert "permission denied" in ask("SELECT * FROM kpid.ticket").stderr
        assert "permission denied" in ask("CREATE TABLE report.mine ()").stderr
    finally:
        for folder in glob.glob(os.path.join(folders[0], "kpid-demo.*")):
            stopped = subprocess.run([DEMO, "--stop", folder], capture_output=True, text=True, check=False)
            assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "Stopped and removed.\n", "")
        for process in (embedded, kafka):
            process.kill()
    assert_nothing_left(folders[0])


@pytest.mark.parametrize("number, to_all, status", [
    (signal.SIGINT, True, 130), pytest.param(signal.SIGTERM, False, 143, marks=pytest.mark.long),
    pytest.param(signal.SIGHUP, True, 129, marks=pytest.mark.long), (signal.SIGKILL, False, -9)])
def test_interrupted(tmp_path, number, to_all, status):
    process = start(tmp_path)
    wait_for_output(process, "DEMO-UNTOUCHED has 10 s")
    assert processes_of(tmp_path)
    if to_all:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    assert finish(process, 30)[0] == status
    if number == signal.SIGKILL:
        wait_until(lambda: not glob.glob(os.path.join(tmp_path, "kpid-demo.*")), "the caretaker")
    assert_nothing_left(tmp_path)


def test_daemon_dies(tmp_path):
    process = start(tmp_path)
    wait_for_output(process, "DEMO-UNTOUCHED has 10 s")
    with open(glob.glob(os.path.join(tmp_path, "kpid-demo.*", "processes"))[0], encoding="utf-8") as file:
        daemon = int(re.search(r"^kpid (\d+) ", file.read(), re.MULTILINE)[1])
    os.kill(daemon, signal.SIGKILL)
    assert finish(process, 60) == (1, "demo failed: the daemon has ended")
    assert "The last lines of the daemon:" in output_of(process)
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("name", [pytest.param("events.ndjson", marks=pytest.mark.long), "events.ndjson.gz"])
def test_file(tmp_path, name):
    events = sample_events()
    tickets = {(event.get("data") or json.loads(base64.b64decode(event["data_base64"])))["ticket_id"]
               for event in events if event["type"].endswith("ticket.opened")}
    poison = {**events[0], "id": "poison", "time": "yesterday"}
    process = start(tmp_path, "--events", events_file(tmp_path, events + [poison], name))
    status, last = finish(process)
    assert status == 0, output_of(process)
    assert last == (f"ok: {len(tickets)} tickets, and the agents' sums say the same; read twice, counted once.")
    assert re.search(r"bad_time +\| +1 ", output_of(process))
    assert_nothing_left(tmp_path)


RECORDS = os.path.join(ROOT, "deploy", "mappings", "wuye.cases", "repairs.csv")
WUYE = os.path.join(ROOT, "deploy", "mappings", "wuye.lua")


@pytest.mark.parametrize("mapping", [None, pytest.param(WUYE, marks=pytest.mark.long)])
def test_records(tmp_path, mapping):
    """An export becomes figures, by the mapping that is guessed or by a given one."""
    process = start(tmp_path, "--records", RECORDS, "--zone", "Asia/Shanghai", *(["--map", mapping] if mapping else []))
    status, last = finish(process)
    text = output_of(process)
    assert status == 0, text
    n_tickets = 3 if mapping else 4  # a guess keeps a word that it does not know
    assert last == f"ok: {n_tickets} tickets, and the agents' sums say the same; read twice, counted once."
    assert ("kpid map guess" in text) == (mapping is None) and re.search(r"ticket\.opened", text)
    assert re.search(r"陈工 +\|", text), text
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("arguments, words", [
    (["--seconds", "5"], "--seconds takes 45 to 600"), (["--seconds"], "--seconds needs a value"),
    (["--what"], "unknown: --what"), (["--events", "/nowhere"], "/nowhere: no such file"),
    (["--events", DEMO, "--kafka"], "one of them"), (["--policy", DEMO], "--policy goes with --events"),
    (["--map", WUYE], "go with --records"), (["--records", "/nowhere"], "/nowhere: no such file"),
    (["--records", RECORDS, "--map", "/nowhere"], "/nowhere: no such file"),
    (["--records", RECORDS, "--events", RECORDS], "use one of them"),
    (["--stop", "/"], "not the folder of a demo")])
def test_usage(tmp_path, arguments, words):
    process = start(tmp_path, *arguments)
    status, last = finish(process)
    assert status == 2 and words in last
    assert_nothing_left(tmp_path)


def test_help(tmp_path):
    process = start(tmp_path, "--help")
    assert finish(process)[0] == 0
    for option in ("--events", "--records", "--map", "--zone", "--policy", "--kafka", "--seconds", "--keep", "--stop"):
        assert option in output_of(process)
