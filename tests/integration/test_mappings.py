"""kpid ingest --map: records of real shape give the tables that were checked by hand, however often and in any order they come
(M1 to M9, M13, M14). The records are not part of the project: see tests/README.md."""
import csv
import gzip
import io
import json
import os
import random
import subprocess

import pytest

from daemon import ROOT, now, policy, recompute
from own_mappings import Rejected, debezium_zammad, wuye

SHARED = os.environ.get("KPID_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
CASES = os.path.join(SHARED, "cases", "mapping")
MAPPINGS = os.path.join(ROOT, "deploy", "mappings")
# input, mapping, options, encoding of CSV
INPUTS = [("zendesk.ndjson", "zendesk_webhook", [], None), ("zendesk_export.ndjson", "zendesk_export", [], None),
          ("zammad.ndjson", "zammad_webhook", [], None), ("debezium_zammad.ndjson", "zammad_debezium", [], None),
          ("chatwoot.ndjson", "chatwoot", [], None), ("jira.ndjson", "jira", [], None),
          ("servicenow.csv", "servicenow", ["--zone", "America/New_York"], "utf-8-sig"),
          ("wuye.csv", "wuye", ["--zone", "Asia/Shanghai"], "gb18030")]  # fmt: skip

needs_cases = pytest.mark.skipif(not os.path.isdir(CASES), reason=f"there are no records in {CASES}")


def queries():
    """The queries of tables.sql by the name of their file."""
    with open(os.path.join(CASES, "tables.sql"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    return {line[3:]: lines[i + 1].rstrip(";") for i, line in enumerate(lines) if line.endswith(".csv")}


def differences(site, name, may_remain=lambda file, line: False):
    found = []
    for file, query in queries().items():
        with site.pg.connect(site.database) as connection, connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            out = io.StringIO()
            cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH CSV HEADER", out)
        have = list(csv.reader(out.getvalue().splitlines()))
        with open(os.path.join(CASES, f"{name}.expected", file), encoding="utf-8") as expected:
            want = list(csv.reader(expected))
        found += [f"{file}: only here: {line}" for line in have if line not in want and not may_remain(file, line)]
        found += [f"{file}: missing: {line}" for line in want if line not in have]
    return found


def doubled_and_shuffled(path, target, encoding, seed):
    """Writes the records twice and in another order; returns the path."""
    order = random.Random(seed)
    if encoding is None:
        with open(path, "rb") as file:
            lines = file.read().splitlines() * 2
        order.shuffle(lines)
        with gzip.open(target + ".ndjson.gz", "wb") as file:
            file.write(b"\n".join(lines))
        return target + ".ndjson.gz"
    with open(path, encoding=encoding, newline="") as file:
        header, *rows = csv.reader(file)
    rows *= 2
    order.shuffle(rows)
    with open(target + ".csv", "w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return target + ".csv"


@needs_cases
@pytest.mark.parametrize(("file", "mapping", "options", "encoding"), INPUTS, ids=[name for name, *_ in INPUTS])
def test_M1_records_give_their_tables_twice_and_in_any_order(make_site, tmp_path, file, mapping, options, encoding):
    name = file.partition(".")[0]
    with open(os.path.join(CASES, "policy.json"), encoding="utf-8") as rules:
        zone = "Asia/Shanghai" if name == "wuye" else "UTC"
        site = make_site(policy=json.load(rules), settings={"report": {"time_zone": zone}})
    path = os.path.join(CASES, file)
    read = ["ingest", "--map", os.path.join(MAPPINGS, mapping + ".lua"), "--source", "/map/" + name, *options]
    site.command(*read, doubled_and_shuffled(path, str(tmp_path / "again"), encoding, name))
    assert not differences(site, name)
    site.command(*read, path)
    assert not differences(site, name)
    with open(os.path.join(CASES, f"{name}.expected", "rejected.ndjson"), encoding="utf-8") as rejected:
        n_rejected = len(rejected.readlines())
    assert site.one("SELECT count(*) FROM report.dead_letter WHERE topic LIKE 'ingest:%%' AND topic LIKE %s",
                    f"%{file}%") == n_rejected


def records_of(path, encoding):
    """The records of a file as Python has them, with the integers of JSON in full; what is no JSON is left out."""
    if encoding is not None:
        with open(path, encoding=encoding, newline="") as file:
            return list(csv.DictReader(file))
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@needs_cases
@pytest.mark.parametrize(("file", "own"), [("debezium_zammad.ndjson", debezium_zammad), ("wuye.csv", wuye)], ids=["debezium_zammad", "wuye"])
def test_M1_a_second_mapping_gives_the_same_tables(make_site, tmp_path, file, own):
    """Another mapping, in Python, and the recomputation: every table, not only those that were checked by hand."""
    name = file.partition(".")[0]
    _, mapping, options, encoding = next(row for row in INPUTS if row[0] == file)
    with open(os.path.join(CASES, "policy.json"), encoding="utf-8") as rules:
        site = make_site(policy=json.load(rules))
    site.command("ingest", "--map", os.path.join(MAPPINGS, mapping + ".lua"), "--source", "/map/" + name, *options,
                 os.path.join(CASES, file))
    events, n_rejected = [], 0
    for record in records_of(os.path.join(CASES, file), encoding):
        try:
            events += own(record)
        except Rejected:
            n_rejected += 1
    path = tmp_path / "own.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    site.check(recompute([str(path)], site.policy, str(tmp_path / "expected"), as_of=now()))
    assert site.one("SELECT count(*) FROM report.dead_letter") == n_rejected > 0


LUA = """
local kinds = { new = "opened", done = "resolved" }
event{ type = "ticket." .. word(kinds, record.what, "what"), id = record.id, time = record.at, ticket_id = record.ticket }
"""


def test_M7_a_better_mapping_reads_the_file_again(make_site, tmp_path):
    site = make_site(policy=policy("1h", "8h"))
    mapping, file = tmp_path / "x.lua", tmp_path / "x.ndjson"
    records = [{"what": what, "id": i, "at": "2026-03-02T09:00:00Z", "ticket": "T1"}
               for i, what in enumerate(["new", "finished"])]
    file.write_text("\n".join(json.dumps(record) for record in records))
    mapping.write_text(LUA)
    read = ["ingest", "--json", "--map", str(mapping), str(file)]
    assert json.loads(site.command(*read).stdout)["dead_letters"] == 1
    reason, detail = site.rows("SELECT reason, detail FROM report.dead_letter")[0]
    assert reason == "map_error" and detail == 'x.lua:3: what: "finished" is not in the table'
    assert site.rows("SELECT state FROM report.ticket") == [("open",)]
    again = json.loads(site.command(*read).stdout)
    assert again["lines"] == 0 and again["skipped"] == 2
    mapping.write_text(LUA.replace("done", "finished"))
    again = json.loads(site.command(*read).stdout)
    assert again["lines"] == 2 and again["duplicates"] == 1 and again["dead_letters"] == 0
    assert site.rows("SELECT state FROM report.ticket") == [("resolved",)]


@pytest.mark.parametrize("name", sorted(name for name in os.listdir(MAPPINGS) if name.endswith(".lua")))
def test_M9_shipped_mappings_pass_their_checks_and_cases(binary, name):
    for action in ("check", "test"):
        done = subprocess.run([binary, "map", action, os.path.join(MAPPINGS, name)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_M13_a_dry_run_shows_what_would_follow(binary, tmp_path):
    mapping, file = tmp_path / "x.lua", tmp_path / "x.csv"
    mapping.write_text(LUA)
    file.write_bytes("id;what;at;ticket;note\r\n1;new;2026-03-29 02:30;T1;\"a\r\nb\"\r\n\r\n2;gone;2026-03-29 04:00;T1;ü\r\n"
                     "3;done;2026-03-29 05:00;T2\r\n".encode("latin-1"))
    done = subprocess.run([binary, "ingest", "--dry-run", "--map", str(mapping), "--zone", "Europe/Berlin", "--encoding",
                           "ISO-8859-1", str(file)], capture_output=True, text=True, check=True)
    assert "CSV in ISO-8859-1 with ; between its 5 columns" in done.stderr
    for part in ("line 2: 1;new", '"time":"2026-03-29T01:30:00Z"', 'line 5: x.lua:3: what: "gone" is not in the table',
                 "line 6: it has too few cells", "3 records: 1 gave 1 events, 0 skipped, 0 empty, 2 rejected",
                 "1 local times do not exist"):
        assert part in done.stdout, done.stdout


@pytest.mark.parametrize(("content", "options", "message"), [
    (b"a,b,a\n1,2,3\n", [], 'the header has "a" twice'), (b'a,b\n1,"2\n', [], "the quote in the row that begins in line 2 is not closed"),
    (b'a,b\n1,"' + b"x\n" * 600_000, [], "more than 1000000 bytes"), (b'a"b,c\n', [], "not a row of CSV"),
    (b"a,b\n", ["--encoding", "none"], "is no encoding that iconv knows"), (b"", ["--delimiter", "ab"], "takes one character"),
    (b"", ["--zone", "Mars"], "unknown time zone"), (b"", ["--flat"], "exclude each other"), (b"", ["--param", "x"], "NAME=VALUE"),
    (b"", ["--each", "/x"], "for JSON")], ids=range(10))  # fmt: skip
def test_M13_what_cannot_be_read_is_named(binary, tmp_path, content, options, message):
    mapping, file = tmp_path / "x.lua", tmp_path / "x.csv"
    mapping.write_text("skip('x')")
    file.write_bytes(content)
    done = subprocess.run([binary, "ingest", "--dry-run", "--map", str(mapping), *options, str(file)], capture_output=True,
                          text=True, check=False)
    assert done.returncode != 0 and message in done.stderr, done.stderr
