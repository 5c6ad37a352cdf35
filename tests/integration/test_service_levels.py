"""Warnings, escalations and calendars by the wall clock, on real servers."""
import contextlib
import csv
import datetime
import json
import signal
import subprocess

from conftest import POLICY
from daemon import SECOND, event, is_instrumented, now, recompute, wait_until
from test_deadlines import SOON, seconds

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MINUTE = 60 * SECOND


def states(site, key):
    """The messages about an alert, in order: (state, warnings, level, the due time in the body)."""
    return [(body["data"]["state"], body["data"]["warnings"], body["data"]["level"]) for k, body, _ in site.alerts() if k == key]


def test_one_alert_from_warning_to_resolution(make_stream, make_site):
    """S8, A2: each step of one alert is a message under its key, within a second of its instant."""
    stream = make_stream(2)
    site = make_site(stream, {"revisions": [{"id": "1", "policies": [{"name": "all", "targets": {"first_response": {
        "within": "6s", "calendar": "always", "warn_at": ["50%", "1s before"], "escalate_after": ["2s", "4s"]}}}]}]})
    site.start("a")
    site.start("b")
    wait_until(lambda: len(site.places()) == 8 and site.one(
        "SELECT count(*) FROM kpid.source_partition WHERE epoch > 0") == 8, "all partitions to be claimed")
    opened = now()
    stream.send_events([event("ticket.opened", "T", opened, agent_id="ann"),
                        event("ticket.opened", "quick", opened, agent_id="ann")])
    wait_until(lambda: len(states(site, "quick/first_response/1")) == 1, "the first warning")
    stream.send_events([event("ticket.responded", "quick", agent_id="ann")])
    wait_until(lambda: len(states(site, "T/first_response/1")) == 5, "five messages", timeout=40)
    stream.send_events([event("ticket.responded", "T", agent_id="bob")])
    wait_until(lambda: len(states(site, "T/first_response/1")) == 6, "the end of it")
    assert states(site, "T/first_response/1") == [
        ("warning", 1, 0), ("warning", 2, 0), ("breached", 2, 0), ("breached", 2, 1), ("breached", 2, 2),
        ("resolved", 2, 2)]
    assert states(site, "quick/first_response/1") == [("warning", 1, 0), ("averted", 1, 0)]
    instants = [seconds(opened) + after for after in (3, 5, 6, 8, 10)]
    sent = [at for key, _, at in site.alerts() if key == "T/first_response/1"]
    late = [at - instant for at, instant in zip(sent, instants)]
    assert all(-0.001 <= by <= SOON for by in late), f"seconds after their instants: {late}"
    row, = site.dicts("SELECT * FROM report.alert WHERE ticket_id = 'quick'")
    assert row["state"] == "averted" and row["breached_at"] is None and row["cause"] is None and row["delivery"] == "sent"
    site.check_recomputed()


def test_seconds_left_do_not_run_outside_the_calendar(make_stream, make_site):
    """S9: today is a day off and every other day is a working day, so no time runs today, and all of it is left."""
    today = now()
    old = datetime.timedelta(days=70)  # hours are stored in periods of 28 days
    days = {(today + datetime.timedelta(days=i)).date().isoformat(): [] for i in (-1, 0, 1)}
    week = {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    stream = make_stream(1)
    site = make_site(stream, {"revisions": [{"id": "1", "calendars": {
        "but today": {"time_zone": "UTC", "weekly": week, "days": days}}, "policies": [{"name": "all", "targets": {
            "resolution": {"within": "30h", "calendar": "but today", "pause_on": ["wait"]}}}]}]})
    site.start("a")
    stream.send_events([event("ticket.opened", "T", today - 5 * SECOND, agent_id="ann"),
                        event("ticket.opened", "P", today - 5 * SECOND, agent_id="ann"),
                        event("ticket.paused", "P", today - 4 * SECOND, reason="wait"),
                        event("ticket.opened", "old", today - old, agent_id="ann")])
    wait_until(lambda: site.one("SELECT count(*) FROM report.sla_live") == 3, "three clocks")
    wait_until(lambda: site.one("SELECT count(*) FROM report.sla_live WHERE seconds_left IS NULL") == 0, "the hours of the calendar")
    live = {row["ticket_id"]: row for row in site.dicts("SELECT * FROM report.sla_live")}
    assert live["T"]["state"] == "pending" and live["T"]["seconds_left"] == 30 * 3600
    assert live["P"]["state"] == "paused" and live["P"]["seconds_left"] == 30 * 3600 and live["P"]["due_at"] is None
    midnight = datetime.datetime.combine(today.date(), datetime.time(0), datetime.timezone.utc)
    due = midnight + datetime.timedelta(days=2, hours=30)
    assert datetime.datetime.fromisoformat(live["T"]["due_at"]) == due
    # The old one ran on all days before yesterday: it is late by everything beyond 30 hours.
    wait_until(lambda: site.one("SELECT state FROM report.sla_live WHERE ticket_id = 'old'") == "breached", "its breach")
    ran = midnight - datetime.timedelta(days=1) - (today - old)
    left = site.one("SELECT seconds_left FROM report.sla_live WHERE ticket_id = 'old'")
    assert float(left) == 30 * 3600 - ran.total_seconds()
    # From the oldest clock to a year ahead, without gaps.
    first, last, n = site.rows("SELECT min(period), max(period), count(*) FROM kpid.calendar_hours")[0]
    assert n == last - first + 1
    period = datetime.timedelta(days=28)
    assert EPOCH + first * period <= today - old + datetime.timedelta(hours=30) < EPOCH + (first + 1) * period
    assert EPOCH + last * period <= today + datetime.timedelta(days=366) + MINUTE < EPOCH + (last + 1) * period
    site.check_recomputed()


def test_hours_of_many_calendars_are_stored_only_where_needed(make_stream, make_site):
    """Revisions without effective_from, 400 calendars with equal hours and 100 with others: only the hours that
    clocks use are stored, equal hours once, and a due time years ahead is covered."""
    def week(minute):
        return {"time_zone": "Asia/Shanghai", "weekly": {"mon-sun": [f"09:{minute:02}-10:00"]}}
    calendars = {f"equal {i}": week(0) for i in range(400)} | {f"own {i}": week(i % 59 + 1) for i in range(100)}
    policies = [{"name": name, "match": {"category": [name]}, "targets": {"resolution": {
        "within": "1000h" if name == "own 0" else "8h", "calendar": name}}} for name in calendars]
    stream = make_stream(1)
    site = make_site(stream, {"revisions": [{"id": "1", "calendars": calendars, "policies": policies}]})
    daemon = site.start("a")
    stream.send_events([event("ticket.opened", name, category=name) for name in ("equal 0", "equal 1", "own 0", "own 1")])
    wait_until(lambda: site.one("SELECT count(*) FROM report.sla_live WHERE seconds_left > 0") == 4, "seconds left")
    left = dict(site.rows("SELECT ticket_id, round(seconds_left) FROM report.sla_live"))
    assert 3_600_000 - 3600 <= left["own 0"] <= 3_600_000 and left["equal 0"] == left["equal 1"]
    assert site.one("SELECT count(DISTINCT hours_id) FROM kpid.calendar_hours") == 3
    assert site.one("SELECT count(*) FROM kpid.calendar") == 4
    assert site.one("SELECT count(*) FROM kpid.calendar_hours WHERE period < (extract(epoch FROM now()) / 2419200)::int - 1") == 0
    # After a restart the stored hours are enough.
    daemon.stop()
    site.start("a")
    n_rows = site.one("SELECT count(*) FROM kpid.calendar_hours")
    stream.send_events([event("ticket.opened", "again", category="equal 3")])
    wait_until(lambda: site.one("SELECT count(*) FROM report.sla_live WHERE seconds_left > 0") == 5, "seconds left")
    assert site.one("SELECT count(*) FROM kpid.calendar_hours") == n_rows
    if not is_instrumented(site.binary):
        site.check_memory()


def test_explanation_draws_the_clock(make_site, tmp_path):
    """The hours of the calendar, in its zone and in UTC; pauses; warnings; and why other policies did not match."""
    site = make_site(policy={"revisions": [{"id": "1", "calendars": {"office": {
        "time_zone": "Asia/Shanghai", "weekly": {day: ["08:30-12:00", "13:30-17:30"] for day in ("mon", "tue")}}},
        "policies": [{"name": "lift", "match": {"category": ["lift/*"]}, "targets": {}},
                     {"name": "other", "targets": {"resolution": {
                         "within": "5h", "calendar": "office", "pause_on": ["parts"], "warn_at": ["50%"],
                         "escalate_after": ["1h"]}}}]}]})
    path = tmp_path / "events.ndjson"
    at = datetime.datetime.fromisoformat
    path.write_bytes(b"\n".join([
        event("ticket.opened", "T", at("2026-03-09T11:00:00+08:00"), category="repair/pipe", agent_id="ann"),
        event("ticket.paused", "T", at("2026-03-09T14:00:00+08:00"), reason="parts"),
        event("ticket.resumed", "T", at("2026-03-09T15:00:00+08:00")),
        event("ticket.resolved", "T", at("2026-03-10T17:00:00+08:00"))]))
    site.command("ingest", str(path))
    words = site.command("explain", "T").stdout
    for line in (
            "no match        lift: category is repair/pipe",
            "5h of the calendar office (Asia/Shanghai) by policy other",
            "2026-03-09 03:00:00 (2026-03-09 11:00:00 local) runs 1h, 1h in total",
            "2026-03-09 04:00:00 (2026-03-09 12:00:00 local) rests 1h30m",
            "2026-03-09 06:00:00 (2026-03-09 14:00:00 local) paused 1h, reason: parts",
            "warned          2026-03-09 08:00:00",
            "due             2026-03-10 01:30:00",
            "escalated       1 time"):
        assert line in words, words
    clock, = json.loads(site.command("explain", "--json", "T").stdout)["clocks"]
    assert [piece["state"] for piece in clock["timeline"]][:5] == ["runs", "rests", "runs", "stands", "runs"]
    assert clock["calendar"] == "office" and clock["warnings"] == 1 and clock["level"] == 1


def test_a_policy_is_tried_on_recorded_tickets(make_site, incidents, tmp_path):
    """kpid policy test: the file in force changes nothing; for another one it reports the changes that the
    recomputation predicts."""
    other = json.loads(json.dumps(POLICY))
    other["revisions"][1]["policies"][3]["targets"]["resolution"]["within"] = "1wd"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(other))
    site = make_site(policy=POLICY)
    site.command("ingest", "--json", incidents)
    before = site.one("SELECT md5(string_agg(t::text, '' ORDER BY ticket_id)) FROM kpid.ticket t")
    same = json.loads(site.command("policy", "test", "--json", site.policy_path).stdout)
    assert same["tickets"] == site.one("SELECT count(*) FROM report.ticket WHERE opened_at IS NOT NULL") and not same["changes"]
    tried = json.loads(site.command("policy", "test", "--json", str(path)).stdout)
    assert tried["changes"] and all(change["target"] == "resolution" for change in tried["changes"])
    judged, met = site.rows("SELECT sum(resolution_measured), sum(resolution_within_sla) FROM report.agent_kpi_5m")[0]
    assert (tried["targets"]["resolution"]["judged_before"], tried["targets"]["resolution"]["met_before"]) == (judged, met)
    words = site.command("policy", "test", str(path)).stdout
    n_changes = len(tried["changes"])
    assert f"{tried['tickets']:,} tickets judged again, nothing was changed; {n_changes} verdicts would change" in words
    change = tried["changes"][0]
    assert f"{change['ticket_id']}/resolution/{change['n']}  {change['before']} → {change['after']}" in words
    # The most affected policies come first.
    first_agent = words.splitlines()[next(i for i, line in enumerate(words.splitlines()) if line.startswith("  agent")) + 1].split()
    touched = {name: abs(of["judged_after"] - of["judged_before"]) + abs(of["met_after"] - of["met_before"])
               for name, of in tried["agents"].items()}
    assert touched[first_agent[0]] == max(touched.values()) > 0
    recompute([incidents], other, str(tmp_path / "expected"), as_of=now())
    with open(tmp_path / "expected" / "agent_kpi_5m.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tried["targets"]["resolution"]["judged_after"] == sum(int(row["resolution_measured"]) for row in rows)
    assert tried["targets"]["resolution"]["met_after"] == sum(int(row["resolution_within_sla"]) for row in rows)
    assert site.one("SELECT md5(string_agg(t::text, '' ORDER BY ticket_id)) FROM kpid.ticket t") == before
    assert "does not take --since or --until" in site.command("policy", "check", str(path), "--since", "x", status=2).stderr


def judged_again(tmp_path, place, within):
    """POLICY with new ids and another resolution target in one policy (at these positions), and its file."""
    other = json.loads(json.dumps(POLICY))
    for revision in other["revisions"]:
        revision["id"] += " again"
    other["revisions"][place[0]]["policies"][place[1]]["targets"]["resolution"]["within"] = within
    path = tmp_path / "other.json"
    path.write_text(json.dumps(other))
    return other, path


def test_tickets_are_judged_again_on_purpose(make_site, incidents, tmp_path):
    """kpid policy recalc: as if the other file had been in force from the start; by a writer without DDL, with a
    record."""
    other, path = judged_again(tmp_path, (1, 3), "10wd")
    site = make_site(policy=POLICY)
    site.command("ingest", "--json", incidents)
    opened, = site.rows("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY opened_at) FROM report.ticket")[0]
    tried = json.loads(site.command("policy", "test", "--json", str(path)).stdout)

    # In two halves, the first of them twice: the second run finds nothing to do.
    n_tickets = site.one("SELECT count(*) FROM report.ticket WHERE opened_at IS NOT NULL")
    judged = 0
    for bounds in (["--until", opened.isoformat()], ["--until", opened.isoformat()], ["--since", opened.isoformat()]):
        result = json.loads(site.command("policy", "recalc", "--json", str(path), "--why", "a test", *bounds).stdout)
        assert 0 < result["tickets"] < n_tickets and result["judged"] in (0, result["tickets"])
        judged += result["judged"]
    assert judged == n_tickets
    records = site.dicts("SELECT * FROM report.recalculation ORDER BY recalculation_no")
    assert [row["judged"] for row in records][1] == 0 and all(row["why"] == "a test" and row["ended_at"] for row in records)
    assert records[0]["policy_versions"] == ", ".join(revision["id"] for revision in other["revisions"])
    explained = site.one("SELECT report.explain_ticket(min(ticket_id)) FROM report.ticket WHERE opened_at < %s", opened)
    assert [row["recalculation_no"] for row in explained["recalculations"]] == [1, 2]

    expected = str(tmp_path / "expected")
    recompute([incidents], other, expected, as_of=now())
    found = site.differences(expected, but=("sla_live", "alert"))
    assert not found, found
    voided, = site.rows("SELECT count(*) FROM report.alert WHERE state = 'voided' AND breached_at IS NOT NULL")[0]
    averted = sum(change["before"] == "breached" for change in tried["changes"])
    assert averted > 0 and voided == averted
    # The remaining breaches are those of the other file.
    with open(tmp_path / "expected" / "alert.csv", encoding="utf-8", newline="") as file:
        breaches = {(row["ticket_id"], row["target"], int(row["n"])) for row in csv.DictReader(file) if row["breached_at"]}
    assert breaches == set(site.rows("SELECT ticket_id, target, n FROM report.alert WHERE breached_at IS NOT NULL "
                                     "AND state <> 'voided'"))

    # Invalid requests change nothing: the same id with other content, no reason, no such file.
    other["revisions"][1]["policies"][3]["targets"]["resolution"]["within"] = "2wd"
    path.write_text(json.dumps(other))
    assert "give the changed one a new id" in site.command("policy", "recalc", str(path), "--why", "x", status=3).stderr
    assert "needs --why" in site.command("policy", "recalc", str(path), status=2).stderr
    assert "cannot be read" in site.command("policy", "recalc", str(tmp_path / "none"), "--why", "x", status=3).stderr
    assert site.one("SELECT count(*) FROM report.recalculation") == 3


@contextlib.contextmanager
def held(site, ticket_id):
    """A ticket that another session is writing: yields a cursor of that transaction."""
    connection = site.pg.connect(site.database)
    connection.autocommit = False
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT FROM kpid.ticket WHERE ticket_id = %s FOR UPDATE", (ticket_id,))
        yield cursor
        connection.commit()
    finally:
        connection.close()


def waiting(site):
    """The server process that waits for a lock."""
    return wait_until(lambda: site.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
                                        "wait_event_type = 'Lock'"), "a page to wait for a lock")[0][0]


def test_a_recalculation_is_disturbed(make_site, part, tmp_path):
    """Its connection is lost, it is asked to end, a ticket is written meanwhile: in the end all are judged again,
    once."""
    other, path = judged_again(tmp_path, (0, 2), "90h")
    site = make_site(policy=POLICY)
    site.command("ingest", part.path)
    n_tickets = site.one("SELECT count(*) FROM report.ticket WHERE opened_at IS NOT NULL")
    middle = site.one("SELECT ticket_id FROM kpid.ticket ORDER BY ticket_id OFFSET %s LIMIT 1", n_tickets // 2)

    def recalc():
        return subprocess.Popen([site.binary, "policy", "recalc", "--config", site.ini, "--json", str(path), "--why", "a test"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    with held(site, middle):
        program = recalc()
        for _ in range(3):
            site.rows("SELECT pg_terminate_backend(%s)", waiting(site))
        waiting(site)
        program.send_signal(signal.SIGTERM)
    _, said = program.communicate(timeout=60)
    assert program.returncode == 1 and "interrupted" in said, said
    judged = site.one("SELECT count(*) FROM report.ticket WHERE policy_version LIKE '%% again'")
    assert 0 < judged < n_tickets

    last = site.one("SELECT max(ticket_id) FROM report.ticket WHERE policy_version NOT LIKE '%% again'")
    with held(site, last) as cursor:
        program = recalc()
        waiting(site)
        cursor.execute("UPDATE kpid.ticket SET rev = rev + 1 WHERE ticket_id = %s", (last,))
    output, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    assert json.loads(output)["tickets"] == n_tickets and 0 < json.loads(output)["judged"] <= n_tickets - judged + 500
    site.command("ingest", part.path)  # nothing is new, but the watermark has passed more deadlines
    recompute([part.path], other, str(tmp_path / "expected"), as_of=now())
    found = site.differences(str(tmp_path / "expected"), but=("sla_live", "alert"))
    assert not found, "\n".join(found)
    site.command("verify")
