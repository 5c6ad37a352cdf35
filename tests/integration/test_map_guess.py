"""kpid map guess: the mapping that it writes passes kpid map check, and its dry run gives events."""
import csv
import gzip
import io
import json
import os
import re
import subprocess

import pytest

from daemon import ROOT

MAPPINGS = os.path.join(ROOT, "deploy", "mappings")
CHINESE = """工单编号,项目,报修时间,接单人,接单时间,完成时间,状态,满意度
GD1,东湖,2026年5月4日 8:30,陈工,2026/5/4 8:45,2026/5/4 10:00,已完成,满意
GD2,东湖,46146.5,,,,处理中,
GD3,西湖,2026-05-04 11:00,李工,2026/5/4 11:20,,已挂起,
"""
GERMAN = """Vorgangsnummer;Erstellt am;Erledigt am;Bearbeiter;Priorität;Status;Beschreibung
V-1;03.04.2026 08:00;03.04.2026 09:30;Frau Öz;hoch;Erledigt;"Drucker druckt
nicht; gar nicht"
V-2;04.04.2026 08:00;;;niedrig;Wartet auf Kunden;
V-3;29.03.2026 02:30;;Herr Ley;niedrig;Offen;
"""
AMERICAN = """Ticket ID,Created,First Response,Closed,Assignee,Priority,Status,Customer satisfaction
1,05/31/2026 8:05 AM,05/31/2026 8:10 AM,06/01/2026 5:05 PM,ann,High,Closed,4
2,06/02/2026 8:05 AM,,,bob,Low,Open,
"""
OBJECTS = [{"key": f"HD-{i}", "fields": {"created": "2026-05-04T10:00:00.000+0200", "status": {"name": status},
                                         "assignee": {"name": who} if who else None, "priority": {"name": "High"},
                                         "resolutiondate": done}}
           for i, (status, who, done) in enumerate([("Open", None, None), ("Done", "ann", "2026-05-05T10:00:00.000+0200")])]
HISTORY = [{"id": i % 3, "created_at": 1777881600, "updated_at": 1777881600 + 60 * i, "status": "solved" if i > 8 else "new"}
           for i in range(12)]


def run(binary, *arguments, check=True, **options):
    return subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, check=check, timeout=60, **options)


def guess(binary, tmp_path, file, *options):
    """Guesses and checks a mapping; returns its path."""
    mapping = tmp_path / "guessed.lua"
    done = run(binary, "map", "guess", *options, file)
    assert run(binary, "map", "guess", *options, file).stdout == done.stdout
    mapping.write_text(done.stdout, encoding="utf-8")
    assert run(binary, "map", "check", mapping, check=False).stdout == "ok\n", done.stdout
    return mapping


def events(binary, mapping, file, *options):
    done = run(binary, "ingest", "--dry-run", "--json", "--map", mapping, *options, file)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def seen(found):
    return sorted({(event["data"]["ticket_id"], event["type"].removeprefix("ticket."), event["time"]) for event in found})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_M13_a_Chinese_export_in_any_encoding(binary, tmp_path, encoding):
    file = tmp_path / "工单.csv"
    file.write_bytes(CHINESE.replace("\n", "\r\n").encode(encoding))
    mapping = guess(binary, tmp_path, file)
    found, rejected = events(binary, mapping, file, "--zone", "Asia/Shanghai")
    assert seen(found) == [
        ("GD1", "assigned", "2026-05-04T00:45:00Z"), ("GD1", "opened", "2026-05-04T00:30:00Z"),
        ("GD1", "resolved", "2026-05-04T02:00:00Z"), ("GD1", "survey.submitted", "2026-05-04T02:00:00Z"),
        ("GD2", "opened", "2026-05-04T04:00:00Z"),
        ("GD3", "assigned", "2026-05-04T03:20:00Z"), ("GD3", "opened", "2026-05-04T03:00:00Z")], mapping.read_text()
    assert "map_error" not in rejected
    text = mapping.read_text(encoding="utf-8")
    assert '["已挂起"] = "paused", -- 1' in text and "--zone Asia/Shanghai" in text


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_a_German_export(binary, tmp_path, encoding):
    file = tmp_path / "vorgänge.csv"
    file.write_bytes(GERMAN.encode(encoding))
    named = ["--encoding", encoding] if encoding != "utf-8" else []
    mapping = guess(binary, tmp_path, file, *named)
    found, _ = events(binary, mapping, file, "--zone", "Europe/Berlin", *named)
    assert [row for row in seen(found) if row[1] in ("opened", "resolved")] == [
        ("V-1", "opened", "2026-04-03T06:00:00Z"), ("V-1", "resolved", "2026-04-03T07:30:00Z"),
        ("V-2", "opened", "2026-04-04T06:00:00Z"), ("V-3", "opened", "2026-03-29T01:30:00Z")]
    assert {event["data"].get("priority") for event in found if event["type"] == "ticket.opened"} == {"2", "4"}


def test_an_American_export_without_a_suffix(binary, tmp_path):
    file = tmp_path / "tickets.txt"
    file.write_text(AMERICAN)
    mapping = guess(binary, tmp_path, file, "--format", "csv")
    found, _ = events(binary, mapping, file, "--format", "csv", "--zone", "America/New_York")
    assert ("1", "opened", "2026-05-31T12:05:00Z") in seen(found) and ("1", "responded", "2026-05-31T12:10:00Z") in seen(found)
    assert ("1", "closed", "2026-06-01T21:05:00Z") in seen(found)
    assert "--format csv --zone" in mapping.read_text()
    assert [event["data"]["score"] for event in found if event["type"] == "survey.submitted"] == [4]


@pytest.mark.parametrize("form", ["ndjson", "ndjson.gz", "json", "each"])
def test_records_of_JSON(binary, tmp_path, form):
    file = tmp_path / f"issues.{form if form != 'each' else 'json'}"
    lines = "\n".join(map(json.dumps, OBJECTS)).encode()
    file.write_bytes(gzip.compress(lines) if form == "ndjson.gz" else lines if form == "ndjson"
                     else json.dumps({"issues": OBJECTS} if form == "each" else OBJECTS).encode())
    each = ["--each", "/issues"] if form == "each" else []
    mapping = guess(binary, tmp_path, file, *each)
    found, rejected = events(binary, mapping, file, *each)
    assert ("HD-0", "opened", "2026-05-04T08:00:00Z") in seen(found) and ("HD-1", "resolved", "2026-05-05T08:00:00Z") in seen(found)
    assert [event["data"]["agent_id"] for event in found if event["type"] == "ticket.resolved"] == ["ann"]
    assert "map_error" not in rejected and "--zone" not in mapping.read_text()


def test_a_page_of_records_names_its_array(binary, tmp_path):
    file = tmp_path / "page.json"
    file.write_text(json.dumps({"count": 2, "issues": OBJECTS}))
    done = run(binary, "map", "guess", file, check=False)
    assert done.returncode != 0 and 'elements of "issues"' in done.stdout and "skips every record" in done.stderr


def test_tickets_with_several_records(binary, tmp_path):
    file = tmp_path / "changes.ndjson"
    file.write_text("\n".join(map(json.dumps, HISTORY)))
    found, rejected = events(binary, guess(binary, tmp_path, file), file)
    types = {event["type"] for event in found}
    assert {"ticket.opened", "ticket.updated", "ticket.resumed", "ticket.resolved"} <= types
    assert "map_error" not in rejected
    assert len({event["id"] for event in found if event["type"] == "ticket.opened"}) == 1


def test_a_number_that_repeats_beside_one_that_does_not(binary, tmp_path):
    """As in an export of Jira whose keys were made anonymous."""
    rows = "".join(f"{100 + i},SD-{i // 4},2026-05-{i + 1:02}T09:46:53.000+0300\n" for i in range(9))
    (tmp_path / "x.csv").write_text("id,key,created\n" + rows)
    written = guess(binary, tmp_path, tmp_path / "x.csv").read_text(encoding="utf-8")
    assert '-- ? If each record is a ticket of its own, "key" is not its number. "id" differs in each record.' in written
    (tmp_path / "y.csv").write_text("id,key,created\n" + rows.replace("100,", "101,"))
    assert "is not its number" not in guess(binary, tmp_path, tmp_path / "y.csv").read_text(encoding="utf-8")


def test_dates_of_Jira_by_the_function_of_the_page(binary, tmp_path):
    """docs/bring-your-own.md shows how to read times with names of months."""
    with open(os.path.join(ROOT, "docs", "bring-your-own.md"), encoding="utf-8") as page:
        function = re.search(r"```lua\n(local months = .*?)```", page.read(), re.DOTALL)[1]
    mapping, file = tmp_path / "jira.lua", tmp_path / "jira.csv"
    mapping.write_text(function + "event{ type = 'ticket.opened', id = 'opened', ticket_id = record['Issue key'], "
                       "time = time(record.Created) }\n")
    file.write_text("Issue key,Created\nEX-1,11/May/24 03:26 PM\nEX-2,1/Dec/25 9:05 AM\nEX-3,1/Foo/25 9:05 AM\n")
    found, _ = events(binary, mapping, file, "--zone", "Europe/Berlin")
    assert [event["time"] for event in found if "time" in event] == ["2024-05-11T13:26:00Z", "2025-12-01T08:05:00Z"]


@pytest.mark.parametrize("name", sorted(name for name in os.listdir(MAPPINGS) if name.endswith(".cases")))
def test_the_cases_of_all_mappings(binary, tmp_path, name):
    """Whatever the records are, the mapping passes the check; and of tables with a row per ticket it gives events."""
    folder = os.path.join(MAPPINGS, name)
    for case in sorted(os.listdir(folder)):
        if case == "options" or case.endswith(".expected"):
            continue
        mapping = tmp_path / "guessed.lua"
        mapping.write_text(run(binary, "map", "guess", os.path.join(folder, case), check=False).stdout)
        assert run(binary, "map", "check", mapping, check=False).stdout == "ok\n", mapping.read_text()
        found, _ = events(binary, mapping, os.path.join(folder, case), "--zone", "UTC")
        if case in ("repairs.csv", "tickets.csv"):
            assert len(found) >= 6, mapping.read_text()


def test_a_large_file_is_read_at_its_beginning(binary, tmp_path):
    file = tmp_path / "large.csv"
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["ticket", "created", "status", "note"])
    rows.writerows([i, "2026-05-04 08:00", "late" if i >= 10000 else "open", "x" * 50] for i in range(30000))
    file.write_text(out.getvalue())
    done = run(binary, "map", "guess", file)
    assert "the first 10000 records; it has not read the rest" in done.stdout and '"late"' not in done.stdout
    assert "only its beginning was read" in done.stderr


@pytest.mark.parametrize(("content", "options", "message"), [
    ("a,b\n", [], "there are no records"), ("a,a\n1,2\n", [], "twice"), ("id,note\n1,x\n2,y\n", [], "no column looks like a time"),
    ("", ["--zone", "UTC"], "zone"), ("", ["--format", "xml"], "--format takes"), ("", ["--write"], "only test takes")])
def test_what_cannot_be_guessed_is_named(binary, tmp_path, content, options, message):
    file = tmp_path / "x.csv"
    file.write_text(content)
    done = run(binary, "map", "guess", *options, file, check=False)
    assert done.returncode != 0 and message in done.stderr, done.stderr


def test_verdicts_of_a_dry_run(binary, tmp_path):
    """--policy judges by the events of the file alone, an event that comes twice counted once."""
    file, rules = tmp_path / "tickets.csv", tmp_path / "policy.json"
    file.write_text("ticket_id,created_at,first_response_at,resolved_at,priority\n" + "".join(
        f"T{i},2026-05-04T08:00:00Z,2026-05-04T08:{10 * i:02d}:00Z,{'2026-05-04T12:00:00Z' if i else ''},{i % 2}\n"
        for i in (0, 1, 2, 3, 3)))
    rules.write_text(json.dumps({"revisions": [{"id": "1", "policies": [{
        "name": "odd", "match": {"priority": ["1"]}, "targets": {"first_response": {"within": "15m", "calendar": "always"}}}, {
        "name": "even", "match": {"priority": ["0"]}, "targets": {"resolution": {"within": "5h", "calendar": "always"}}}]}]}))
    read = ["ingest", "--dry-run", "--map", os.path.join(MAPPINGS, "tickets_csv.lua"), "--policy", rules, file]
    text = run(binary, *read).stdout
    assert re.search(r"first_response +1 met +1 breached +0 pending", text), text
    assert re.search(r"resolution +1 met +1 breached +0 pending", text), text
    assert "T3 first_response 1, due 2026-05-04 08:15:00 UTC" in text and "verdicts of 4 tickets, 0 of them" in text
    assert run(binary, *[word for word in read if word != "--dry-run"], check=False).returncode == 2
    rules.write_text("{}")
    assert "policy.json" in run(binary, *read, check=False).stderr
