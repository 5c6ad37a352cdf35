"""kpid ingest: a file counts once, however often it is read or interrupted."""
import datetime
import json
import signal

import pytest

from conftest import POLICY
from daemon import event, now, policy, recompute, wait_until

TABLES = ("SELECT * FROM kpid.ticket ORDER BY ticket_id", "SELECT * FROM kpid.agent_kpi_5m ORDER BY \"time\", agent_id",
          "SELECT * FROM kpid.alert ORDER BY alert_id", "SELECT * FROM kpid.past_cycle ORDER BY ticket_id, cycle",
          "SELECT * FROM kpid.sla_clock ORDER BY ticket_id, target, n", "SELECT * FROM kpid.outbox ORDER BY seq",
          "SELECT * FROM kpid.agent_backlog ORDER BY agent_id", "SELECT * FROM kpid.dead_letter",
          "SELECT * FROM kpid.policy_revision ORDER BY revision_no")
# claimed_at, epoch and seen_at change when a file is checked again
PLACE = "SELECT topic, partition, next_offset, state, n_messages, n_duplicates, n_dead_letters FROM kpid.source_partition"


def fingerprints(site):
    return [site.one(f"SELECT md5(coalesce(string_agg(q::text, E'\\n'), '')) FROM ({sql}) q")
            for sql in (*TABLES, PLACE)]


def test_ingest_is_counted_once(make_site, incidents, incidents_expected):
    site = make_site(policy=POLICY)
    report = json.loads(site.command("ingest", "--json", incidents).stdout)
    assert report["messages"] == report["applied"] == report["lines"] and report["dead_letters"] == 0
    site.check(incidents_expected.get())
    before = fingerprints(site)
    again = json.loads(site.command("ingest", "--json", incidents).stdout)
    assert again["lines"] == 0 and again["skipped"] == report["lines"]
    assert fingerprints(site) == before


def test_ingest_killed_and_resumed(make_site, incidents, incidents_expected):
    site = make_site(policy=POLICY, settings={"run": {"batch_max_events": 1500}})
    read = []
    for _ in range(4):
        ingest = site.start_ingest(incidents)
        site.wait_progress(15_000)
        ingest.kill()
        read.append(site.n_read())
    n_lines = json.loads(site.command("ingest", "--json", incidents).stdout)["lines"]
    assert read == sorted(set(read)) and n_lines > 0, f"not killed in the middle: {read} read, {n_lines} were left"
    site.check(incidents_expected.get())


def test_ingest_asked_to_end(make_site, part):
    site = make_site(policy=POLICY, settings={"run": {"batch_max_events": 500}})
    ingest = site.start_ingest(part.path)
    site.wait_progress(5_000)
    ingest.signal(signal.SIGTERM)
    ingest.killed = True  # it ends with a status other than 0: not everything was read
    assert ingest.wait(10) != 0
    assert site.n_read() < len(part.values)
    site.command("ingest", part.path)
    site.check(part.expected.get())


def test_two_at_once_on_one_file(make_site, part):
    """The second process takes the file over; the first stops and reports it."""
    site = make_site(policy=POLICY, settings={"run": {"batch_max_events": 500}})
    first = site.start_ingest(part.path)
    site.wait_progress(3_000)
    second = site.start_ingest(part.path)
    first.killed = True  # its status is not 0
    wait_until(lambda: not first.running() and not second.running(), "both to end")
    assert second.process.returncode == 0 and first.process.returncode != 0
    assert "another kpid ingest is reading the same file" in first.log()
    site.check(part.expected.get())


@pytest.mark.parametrize("most_events", [50_000, 1_500], ids=["within one batch", "across batches"])
def test_sums_do_not_overflow(make_site, tmp_path, most_events):
    """9,000 tickets of 1990, closed by one account in one bucket, exceed 64 bits of microseconds."""
    at = datetime.datetime(2026, 3, 2, 8, 1, tzinfo=datetime.timezone.utc)
    path = tmp_path / "old.ndjson"
    path.write_bytes(b"".join(
        event("ticket.closed", f"T{i}", at, id="c", agent_id="ann", opened_at=f"1990-01-01T00:00:{i % 60:02}Z") + b"\n"
        for i in range(9_000)))
    site = make_site(policy=policy("1h", "8h"), settings={"run": {"batch_max_events": most_events}})
    site.command("ingest", str(path))
    site.check(recompute([str(path)], site.policy, str(tmp_path / "expected"), as_of=now()))
    assert site.one("SELECT sum(resolution_us_sum) > 9223372036854775807 FROM kpid.agent_kpi_5m")
    assert json.loads(site.command("verify", "--json").stdout)["differences"] == []
    site.rows("UPDATE kpid.agent_kpi_5m SET resolution_us_sum = resolution_us_sum - 18446744073709551616 "
              "WHERE resolution_us_sum > 0")  # 2^64: a 64-bit sum would wrap
    found = json.loads(site.command("verify", "--json", "--repair", "--who", "ann", "--why", "test").stdout)
    assert [d["column"] for d in found["differences"]] == ["resolution_us_sum"]
    assert json.loads(site.command("verify", "--json").stdout)["differences"] == []
