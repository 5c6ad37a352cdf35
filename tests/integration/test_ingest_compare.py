"""kpid ingest --compare: which tickets of a file are missing in the database, and which would change; the same command without it
brings them."""
import json

import pytest

from daemon import event, policy

RULES = policy("1h", "3h")


def row(ticket, what, minute, **fields):
    return {"type": "ticket." + what, "id": f"{ticket}/{what}", "time": f"2026-03-02T09:{minute:02}:00Z", "ticket_id": ticket, **fields}


def write(path, rows):
    path.write_text("".join(json.dumps(line) + "\n" for line in rows))
    return ("ingest", "--flat", "--source", "/export", str(path))


OPENED = [row(f"T{i}", "opened", i, agent_id="ann", priority="2") for i in range(60)]


@pytest.fixture
def reader(make_site):
    """A site with RULES, and the options of a role that only reads the report."""
    site = make_site(policy=RULES)
    name = f"reader_{site.database}"
    site.rows(f"CREATE ROLE {name} LOGIN IN ROLE kpid_reader")
    yield site, ("--set", f"postgres.user={name}")
    site.rows(f"DROP ROLE {name}")


def test_missing_and_changed_tickets(reader, tmp_path):
    site, as_reader = reader
    path = tmp_path / "nightly.ndjson"
    nightly = write(path, OPENED)
    empty = site.command(*nightly, "--compare", *as_reader, status=1).stdout.splitlines()
    assert empty[-1] == "60 tickets: 60 are missing, 0 would change, 0 are equal"
    assert empty[0].startswith("T0: missing; state open; agent_id ann; opened_at 2026-03-02T09:00:00Z")
    assert site.one("SELECT count(*) FROM kpid.ticket") == 0
    site.command(*nightly)
    assert site.command(*nightly, "--compare", *as_reader).stdout == "60 tickets: 0 are missing, 0 would change, 60 are equal\n"

    # What others sent in addition is no difference.
    others = tmp_path / "others.ndjson"
    others.write_bytes(event("ticket.responded", "T1", source="/hook", agent_id="bob") + b"\n")
    site.command("ingest", str(others))
    site.command(*nightly, "--compare", *as_reader)

    write(path, [*OPENED, row("T3", "resolved", 59, agent_id="cai"), row("T4", "assigned", 58, agent_id="eve"),
                 row("T5", "updated", 57), row("new", "opened", 30)])
    before = site.rows("SELECT ticket_id, rev FROM kpid.ticket ORDER BY 1")
    found = json.loads(site.command(*nightly, "--compare", "--json", *as_reader, status=1).stdout)
    assert site.rows("SELECT ticket_id, rev FROM kpid.ticket ORDER BY 1") == before
    assert (found["tickets"], found["missing"], found["changed"], found["not_compared"]) == (61, 1, 3, 0)
    changes = {change["ticket_id"]: change for change in found["differences"]}
    assert sorted(changes) == ["T3", "T4", "T5", "new"] and [id for id in changes if changes[id]["missing"]] == ["new"]
    assert changes["T3"]["columns"] == {
        "state": {"before": "open", "after": "resolved"},
        "first_response_at": {"before": None, "after": "2026-03-02T09:59:00Z"},
        "resolved_at": {"before": None, "after": "2026-03-02T09:59:00Z"},
        "first_response_verdict": {"before": "breached", "after": "met"},
        "resolution_verdict": {"before": "breached", "after": "met"}}
    assert changes["T4"]["columns"] == {"agent_id": {"before": "ann", "after": "eve"}}
    assert changes["T5"]["columns"] == {}
    said = site.command(*nightly, "--compare", *as_reader, status=1).stdout
    assert "T3: state open → resolved; first_response_at (none) → 2026-03-02T09:59:00Z;" in said
    assert "T5: has new events that change none of the columns" in said
    site.command(*nightly)
    site.command(*nightly, "--compare", *as_reader)
    shown = site.rows("SELECT state, first_response_verdict, resolution_verdict FROM report.ticket WHERE ticket_id = 'T3'")
    assert shown == [("resolved", "met", "met")]


def test_a_ticket_with_too_many_events_is_not_compared(reader, tmp_path):
    site, as_reader = reader
    path = tmp_path / "long.ndjson"
    nightly = write(path, [OPENED[0], *[{**row("T0", "requester_replied", i % 60), "id": str(i)} for i in range(250)]])
    site.command(*nightly)
    done = site.command(*nightly, "--compare", *as_reader, status=1)
    assert "T0 has too many events to be compared" in done.stderr
    assert done.stdout == "1 tickets: 0 are missing, 0 would change, 0 are equal\n"


def test_trouble_has_another_status_than_a_difference(reader, tmp_path):
    site, as_reader = reader
    site.command("ingest", "--flat", "--source", "/x", str(tmp_path / "nothing"), "--compare", *as_reader, status=2)
    assert "--compare needs --map FILE or --flat" in site.command("ingest", "--compare", "x", status=2).stderr
    assert "either --dry-run or --compare" in site.command("ingest", "--compare", "--dry-run", "x", status=2).stderr
