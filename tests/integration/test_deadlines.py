"""Every breach is detected within a second of its deadline, and nothing else is reported as a breach."""
import os
import datetime
import threading
import time

import pytest

from daemon import GENTLE, LONG, PATIENCE, SECOND, event, is_instrumented, now, policy, rfc3339, wait_until

# Seconds from a deadline to its alert. Sanitizers make everything several times slower.
SOON = 3.0 if GENTLE or "san" in os.environ.get("KPID_BINARY", "") else 1.0


def alert_of(site, ticket_id, target="first_response"):
    found = site.dicts(f"SELECT *, extract(epoch FROM due_at)::float8 AS due, extract(epoch FROM detected_at)::float8 "
                       f"AS detected FROM report.alert WHERE ticket_id = '{ticket_id}' AND target = '{target}'")
    assert len(found) <= 1
    return found[0] if found else None


def seconds(at):
    return at.timestamp()


class CommitWatch(threading.Thread):
    """Records when PostgreSQL committed the row of each alert."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site = site
        self.at = {}
        self.ending = threading.Event()

    def run(self):
        connection = self.site.pg.connect(self.site.database)
        cursor = connection.cursor()
        while not self.ending.wait(0.01):
            cursor.execute("SELECT ticket_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 "
                           "FROM kpid.alert")
            for ticket_id, at in cursor.fetchall():
                self.at.setdefault(ticket_id, at)
        connection.close()

    def end(self):
        self.ending.set()
        self.join()


def first_messages(site):
    """When the first message about each ticket reached the topic."""
    first = {}
    for key, _, at in site.alerts():
        first.setdefault(key.rpartition("/")[0].rpartition("/")[0], at)
    return first


def test_breach_without_traffic(make_stream, make_site):
    """16 partitions, nearly all of them empty; nothing is sent after the openings."""
    stream = make_stream(4)
    site = make_site(stream, policy(first_response="3s", resolution="1h"))
    site.write_policy({"revisions": [{"id": "1", "calendars": {"always": {"always": True}}, "policies": [
        {"name": name, "match": {"priority": [name]}, "targets": {"first_response": {
            "within": within, "calendar": "always"}}} for name, within in (("quick", "3s"), ("slow", "10s"))]}]})
    site.start("a")
    site.start("b")
    wait_until(lambda: len(site.places()) == 16 and site.one(
        "SELECT count(*) FROM kpid.source_partition WHERE epoch > 0") == 16, "all partitions to be claimed")
    watch = CommitWatch(site)
    watch.start()
    opened = now()
    due = {"quick": seconds(opened) + 3, "slow": seconds(opened) + 10}
    stream.send_events([event("ticket.opened", name, opened, priority=name, agent_id="ann") for name in due])
    for name in due:
        wait_until(lambda name=name: alert_of(site, name), f"the alert of {name}")
    wait_until(lambda: len(site.alerts()) == 2 and len(watch.at) == 2, "two messages")
    watch.end()
    sent = first_messages(site)
    for name, at in due.items():
        alert = alert_of(site, name)
        row, message = watch.at[name] - at, sent[name] - at
        assert alert["state"] == "breached" and not alert["unconfirmed"] and abs(alert["due"] - at) < 0.001
        assert 0 <= alert["detected"] - at <= row <= SOON and message <= SOON + 0.001, (
            f"{name}: the row was committed {row:.3f} s and the message written {message:.3f} s after the deadline")
    # Exactly one of each, also after a while.
    site.wait_settled()
    assert site.one("SELECT count(*) FROM report.alert") == 2 and len(site.alerts()) == 2
    key, body, _ = site.alerts()[0]
    assert key == "quick/first_response/1" and body["type"] == "kpid.alert.breached" and body["subject"] == key
    assert body["data"]["owner_at_breach"] == "ann" and body["data"]["policy"] == "quick"
    assert site.one("SELECT string_agg(delivery, ',') FROM report.alert") == "sent,sent"
    site.check_recomputed()


def test_many_deadlines(make_stream, make_site, chance):
    """Deadlines spread over some seconds while other events keep coming: each fires within a second, none early or
    twice."""
    n_tickets = 20_000 if LONG else 2_000
    stream = make_stream(4)
    site = make_site(stream, policy(first_response="8s"))
    site.start("a")
    site.start("b")
    watch = CommitWatch(site)
    watch.start()
    start = now()
    opened = {f"T{i}": start - chance.uniform(0, 4) * SECOND for i in range(n_tickets)}
    stream.send_events([event("ticket.opened", ticket, at) for ticket, at in opened.items()])
    answered = {ticket for ticket in opened if chance.random() < 0.5}
    stream.send_events([event("ticket.responded", ticket, agent_id="bob") for ticket in sorted(answered)])
    n_due = n_tickets - len(answered)
    while site.one("SELECT count(*) FROM report.alert") < n_due:
        stream.send_events([event("ticket.updated", "other", category=str(i)) for i in range(20)])
        assert now() - start < PATIENCE * SECOND
    wait_until(lambda: len(watch.at) == n_due, "the last to be noted")
    watch.end()
    site.wait_settled()
    alerts = site.dicts("SELECT ticket_id, state FROM report.alert")
    assert {row["ticket_id"] for row in alerts} == set(opened) - answered and len(alerts) == n_due
    late = sorted(watch.at[ticket] - seconds(opened[ticket]) - 8 for ticket in set(opened) - answered)
    assert late[0] >= 0, "an alert came early"
    p99 = late[int(len(late) * 0.99)]
    assert p99 <= SOON, (
        f"half within {late[len(late) // 2]:.3f} s, 99 % within {p99:.3f} s, all within {late[-1]:.3f} s")
    keys = [key for key, _, _ in site.alerts()]
    assert len(keys) == len(set(keys)) == n_due
    site.check_recomputed()


def test_late_proof(make_stream, make_site):
    """A response in time that arrives after the breach: the alert is voided, figures are corrected, and a message
    is sent."""
    stream = make_stream(4)
    site = make_site(stream, policy(first_response="2s"))
    site.start("a")
    opened = now()
    stream.send_events([event("ticket.opened", "T1", opened, agent_id="ann")])
    wait_until(lambda: alert_of(site, "T1"), "the alert")
    site.wait_settled()
    assert site.dicts("SELECT sum(first_response_measured) AS m, sum(first_response_within_sla) AS w "
                      "FROM report.agent_kpi_5m") == [{"m": 1, "w": 0}]
    stream.send_events([event("ticket.responded", "T1", opened + SECOND, agent_id="bob")])
    site.wait_read()
    wait_until(lambda: alert_of(site, "T1")["state"] == "voided", "the alert to be voided")
    site.wait_settled()
    assert site.dicts("SELECT agent_id, sum(first_response_measured) AS m, sum(first_response_within_sla) AS w "
                      "FROM report.agent_kpi_5m WHERE first_response_measured <> 0 GROUP BY 1") == [
                          {"agent_id": "bob", "m": 1, "w": 1}]
    messages = site.alerts()
    assert [(key, body["type"]) for key, body, _ in messages] == [
        ("T1/first_response/1", "kpid.alert.breached"), ("T1/first_response/1", "kpid.alert.voided")]
    assert len({body["id"] for _, body, _ in messages}) == 2
    site.check_recomputed()
    story = site.command("explain", "T1", status=None)
    if story.returncode == 2:
        pytest.skip("everything else holds; kpid explain is not there yet")
    assert story.returncode == 0 and "voided" in story.stdout, story.stdout + story.stderr


def test_late_response_after_the_deadline(make_stream, make_site):
    """A response after the deadline resolves the alert, once; if a proof is refuted, the alert becomes a breach
    again."""
    stream = make_stream(4)
    site = make_site(stream, policy(first_response="1s"))
    site.start("a")
    opened = now()
    stream.send_events([event("ticket.opened", "T1", opened, agent_id="ann")])
    wait_until(lambda: alert_of(site, "T1"), "the alert")
    stream.send_events([event("ticket.responded", "T1", opened + 1.5 * SECOND, agent_id="bob")])
    wait_until(lambda: alert_of(site, "T1")["state"] == "resolved", "the alert to be resolved")
    stream.send_events([event("ticket.responded", "T1", opened + 0.5 * SECOND, agent_id="eve")])
    wait_until(lambda: alert_of(site, "T1")["state"] == "voided", "the alert to be voided")
    # The supposed opening turns out to be the second one: the response came after the deadline.
    stream.send_events([event("ticket.opened", "T1", opened - 5 * SECOND, agent_id="ann")])
    wait_until(lambda: alert_of(site, "T1")["state"] == "resolved", "the alert to be a breach again")
    site.wait_settled()
    assert [body["type"].rpartition(".")[2] for _, body, _ in site.alerts()] == [
        "breached", "resolved", "voided", "resolved"]
    site.check_recomputed()


def backlog_of_answered(n_tickets, chance):
    """Tickets of the last hours, each answered in time, and many more events of the same tickets."""
    opened, activity = [], []
    start = now() - datetime.timedelta(hours=6)
    for i in range(n_tickets):
        ticket, at = f"T{i}", start + chance.uniform(0, 5.5) * 3600 * SECOND
        opened.append((at, event("ticket.opened", ticket, at, agent_id=f"a{i % 7}")))
        activity += [(at + chance.uniform(1, 800) * SECOND, event("ticket.updated", ticket, at + j * SECOND,
                                                                  category="x" * 300)) for j in range(12)]
        response = at + chance.uniform(1, 890) * SECOND
        activity.append((response, event("ticket.responded", ticket, response, agent_id="bob")))
        if i % 3 == 0:
            activity.append((response + SECOND, event("ticket.resolved", ticket, response + SECOND)))
    return [[value for _, value in sorted(events)] for events in (opened, activity)]


def send_backlog(make_stream, make_site, chance, silence="1s"):
    stream = make_stream({"opened": 2, "closed": 1, "survey": 1, "activity": 3})
    opened, activity = backlog_of_answered(4_000, chance)
    stream.send_events(opened)
    stream.send_events(activity)
    return stream, make_site(stream, policy(first_response="15m", resolution="12h"), {
        "run": {"batch_max_events": 400}, "sla": {"max_silence": silence}})


def check_no_alarm(site):
    site.wait_read()
    site.wait_settled()
    assert site.one("SELECT count(*) FROM report.alert") == 0, site.dicts(
        "SELECT unconfirmed, count(*), min(detected_at), max(detected_at) FROM report.alert GROUP BY 1")
    assert site.alerts() == []
    site.check_recomputed()


@pytest.mark.parametrize("names", [pytest.param("a", marks=pytest.mark.long), "ab"])
def test_no_false_alarm_on_a_backlog(make_stream, make_site, chance, names):
    """The openings are read long before the responses, which are in a much larger topic: nothing fires, ever."""
    # When partitions move between daemons they are not read for a second or so: silence is longer than that. Where sanitizers
    # slow everything down, the broker may answer after more than a second, which is a silence as well.
    silence = "5s" if SOON > 1 else "2s" if len(names) > 1 else "1s"
    stream, site = send_backlog(make_stream, make_site, chance, silence)
    for name in names:
        site.start(name)
    # Seen while catching up, not only at the end: deadlines passed and were held back.
    held = 0
    while site.n_read() < sum(stream.ends().values()):
        held = max(held, site.one(
            "SELECT count(*) FROM kpid.sla_clock WHERE fires_at < clock_timestamp() - interval '1 second'"))
        time.sleep(0.01)
    assert held > 100, f"only {held} deadlines were passed and open at a time: this proves little"
    check_no_alarm(site)


@pytest.mark.parametrize("what", ["the daemon", "postgresql"])
def test_no_false_alarm_after_a_standstill(make_stream, make_site, chance, pg, what):
    """A daemon that was stopped itself cannot know whether a source was silent meanwhile."""
    stream, site = send_backlog(make_stream, make_site, chance)
    site.start("a")
    frozen = pg if what == "postgresql" else site.daemons["a"]
    n = sum(stream.ends().values())
    for _ in range(3):
        site.wait_progress(n // 5)
        frozen.pause()
        time.sleep(3)
        frozen.cont()
    assert site.n_read() < n, "all was read by then: this proves little"
    check_no_alarm(site)


def test_no_false_alarm_after_a_restart(make_stream, make_site, chance):
    """The daemon was down while deadlines passed and responses came."""
    stream = make_stream(2)
    site = make_site(stream, policy(first_response="3s"))
    site.start("a")
    opened = now()
    stream.send_events([event("ticket.opened", f"T{i}", opened) for i in range(50)])
    site.wait_read()
    site.daemons["a"].kill()
    wait_until(lambda: now() > opened + 3.5 * SECOND, "the deadline to pass")
    stream.send([("activity", i % 2, event("ticket.updated", f"T{i % 50}", opened, category=str(i)))
                 for i in range(20_000)])
    stream.send([("activity", i % 2, event("ticket.responded", f"T{i}", opened + SECOND)) for i in range(49)])
    site.start("a", run_batch_max_events=500)
    site.wait_read()
    site.wait_settled()
    assert [row["ticket_id"] for row in site.dicts("SELECT ticket_id FROM report.alert")] == ["T49"]
    site.check_recomputed()


def test_silent_source(make_stream, make_site, kafka):
    """A source that cannot be read for too long is not waited for: the alert is marked unconfirmed."""
    stream = make_stream(2)
    site = make_site(stream, policy(first_response="3s"), {"sla": {"max_silence": "3s"}})
    site.start("a")
    opened = now()
    stream.send_events([event("ticket.opened", f"T{i}", opened, agent_id="ann") for i in range(2)])
    site.wait_read()
    try:
        kafka.pause()
        alert = wait_until(lambda: alert_of(site, "T0"), "the alert", 30)
        wait_until(lambda: alert_of(site, "T1"), "the other alert", 30)
        assert alert["unconfirmed"] and alert["state"] == "breached"
        # Not before every source had been silent for that long.
        silent_since = site.one("SELECT extract(epoch FROM max(seen_at))::float8 FROM kpid.source_known")
        assert alert["detected"] > alert["due"] and alert["detected"] >= silent_since + 3
    finally:
        kafka.cont()
    wait_until(lambda: len(site.alerts()) >= 2, "the messages")
    assert all(body["data"]["unconfirmed"] for _, body, _ in site.alerts()[:2])
    # One of the two had been answered in time.
    stream.send_events([event("ticket.responded", "T0", opened + SECOND)])
    wait_until(lambda: alert_of(site, "T0")["state"] == "voided", "the alert to be voided")
    site.check_recomputed()


def test_old_breaches_are_recorded_and_not_sent(make_stream, make_site):
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1m"),
                     {"alert": {"max_age": "1h"}, "sla": {"shadow_projects": "trial"}})
    old, new = now() - 7200 * SECOND, now() - 120 * SECOND
    stream.send_events([event("ticket.opened", "old", old), event("ticket.opened", "new", new),
                        event("ticket.opened", "shadow", new, project_id="trial")])
    site.start("a")
    site.wait_read()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == 3, "three alerts")
    site.wait_settled()
    assert {row["ticket_id"]: row["delivery"] for row in site.dicts("SELECT ticket_id, delivery FROM report.alert")} == {
        "old": "too_old", "new": "sent", "shadow": "shadow"}
    assert [key for key, _, _ in site.alerts()] == ["new/first_response/1"]


def test_rolling_windows_decay(make_stream, make_site):
    """Rolling windows equal the sums of their buckets at any moment, with and without traffic."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1h"))
    site.start("a")
    bucket = datetime.timedelta(minutes=5)
    at = now()
    values = [event("ticket.opened", f"T{i}", at - i * bucket, agent_id="ann") for i in range(1, 40)]
    stream.send_events(values)
    site.wait_read()
    # One statement, so one value of now.
    rows = site.rows("""
        SELECT r."window", r.opened, (
            SELECT sum(k.opened) FROM report.agent_kpi_5m k WHERE k.agent_id = 'ann' AND k."time" <= statement_timestamp()
            AND k."time" > date_bin('5 minutes', statement_timestamp(), '2000-01-01Z') - r."window"::interval)
        FROM report.agent_kpi_rolling r WHERE r.agent_id = 'ann'""")
    assert len(rows) == 6 and all(rolling == summed > 0 for _, rolling, summed in rows), rows
    assert site.dicts("SELECT DISTINCT backlog FROM report.agent_kpi_rolling WHERE agent_id = 'ann'") == [{"backlog": 39}]

def test_a_minute_of_deadlines(make_stream, make_site):
    """Deadlines spread over a minute, two daemons, one killed halfway: one row each, none early, none twice."""
    n = 100_000 if LONG else 5_000
    stream = make_stream(4)
    site = make_site(stream, policy(first_response="1h"), {
        "kafka": {"session.timeout.ms": 1000, "heartbeat.interval.ms": 200}})
    for name in "ab":
        site.start(name)
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.source_partition WHERE epoch > 0") == 16, "all partitions")
    opened = now()
    first = opened + (60 if LONG else 8) * SECOND
    span = 60 if LONG else 10
    stream.send_events([event("ticket.opened", f"T{i}", opened, agent_id="ann",
                              first_response_due_at=rfc3339(first + SECOND * (i * span / n))) for i in range(n)])
    site.wait_read()
    assert now() < first, "the openings took too long to read"
    wait_until(lambda: now() >= first + SECOND * span / 2, "the middle", timeout=120)
    site.daemons["a"].kill()
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.alert") == n, "all alerts", timeout=120)
    rows = site.rows("SELECT ticket_id, extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at)::float8, revision "
                     "FROM kpid.alert")
    late = sorted(row[1] for row in rows)
    p99 = late[len(late) * 99 // 100]
    print(f"{n} deadlines in {span} s, one of two daemons killed: p50 {late[len(late) // 2]:.3f} s, p99 {p99:.3f} s, "
          f"worst {late[-1]:.3f} s")
    assert len({row[0] for row in rows}) == n and all(row[2] == 1 for row in rows)
    assert late[0] >= 0
    site.wait_settled()
    assert {key for key, _, _ in site.alerts()} == {f"T{i}/first_response/1" for i in range(n)}
    if not is_instrumented(site.binary):
        assert p99 <= 1.0  # does not wait for the group to reassign the partitions of the killed daemon


def test_a_sender_whose_clock_is_ahead_raises_no_false_alarm_in_a_backlog(make_stream, make_site):
    """One event claims a time 58 minutes ahead of those around it, later all events of one sender do."""
    n, minutes = 3000, 120
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="10m"))
    began = now() - minutes * 60 * SECOND
    values = []
    for i in range(n):
        at = began + i * 100 * 60 * SECOND // n
        values.append(event("ticket.opened", f"T{i}", at, source=f"/desk{i % 3}"))
        if i >= n // 20:  # five minutes later
            values.append(event("ticket.responded", f"T{i - n // 20}", at, source=f"/desk{i % 3}", agent_id="ann"))
        if i == n // 2 or (i > n // 2 and i % 50 == 0):
            values.append(event("ticket.updated", f"T{i}", at + 58 * 60 * SECOND, source="/fast", category="x"))
        if i == 100:
            values.append(event("ticket.updated", f"T{i}", at + 58 * 60 * SECOND, source="/desk0", category="x"))
    stream.send([("activity", 0, value) for value in values])
    site.start("a", run_batch_max_events=100, run_lanes=1)
    site.wait_read()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert") >= n // 20, "the breaches at the end")
    site.wait_settled()
    assert site.one("SELECT count(*) FROM report.alert WHERE state = 'voided'") == 0
    assert site.one("SELECT count(*) FROM report.alert") == n // 20  # the last, which nobody has answered
    site.check_recomputed()
