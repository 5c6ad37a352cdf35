"""A backlog is read in large batches, whose new rows are inserted plainly."""
import datetime
import re

from daemon import SECOND, event, now, policy, wait_until
from service_manager import ServiceManager

N = 600  # tickets; a batch has 50 events
SMALL = {"run": {"batch_max_events": 50}}


def openings():
    start = (now() - datetime.timedelta(hours=10)).replace(minute=0, second=0, microsecond=0)
    return [event("ticket.opened", f"T{i:04}", start + i * 30 * SECOND, id="o", agent_id=f"agent-{i % 3}") for i in range(N)]


def test_another_writer_was_first(make_stream, make_site):
    """KPI rows that seemed new exist: they are added to. No ticket is set aside, and nothing is logged as refused."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1d"), SMALL)
    stream.send_events(openings())
    site.rows("INSERT INTO kpid.agent_kpi_5m (\"time\", agent_id, closed) SELECT date_bin('5 minutes', now() - i * "
              "interval '5 minutes', '2000-01-01'), 'agent-1', 7 FROM generate_series(1, 120, 10) i")
    n_before, = site.rows("SELECT count(*), sum(closed) FROM report.agent_kpi_5m")
    site.start("a")
    site.wait_read()
    assert site.rows("SELECT sum(opened), sum(closed) FROM report.agent_kpi_5m") == [(N, n_before[1])]
    assert site.one("SELECT count(*) FROM report.ticket") == N
    log = site.daemons["a"].log()
    assert "set aside" not in log and "refuse" not in log


def test_a_breach_that_begins_within_a_batch_is_sent(make_stream, make_site):
    """The ticket, its clock and its alert are new, and the alert has its message."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="15m"), SMALL)
    late = [event("ticket.responded", f"T{i:04}", now() - datetime.timedelta(hours=2), id="r", agent_id="ann")
            for i in range(N)]
    site.start("a")
    wait_until(lambda: site.one("SELECT bool_and(complete_until > now() - interval '1 hour') FROM kpid.source_partition"),
               "the sources to be complete: no breach is recorded before")
    stream.send([("activity", 0, value) for i, opened in enumerate(openings()) for value in (opened, late[i])])
    site.wait_read()
    site.wait_settled()
    assert site.rows("SELECT delivery, state, count(*) FROM report.alert GROUP BY 1, 2") == [("sent", "resolved", N)]
    assert len({key for key, _, _ in site.alerts()}) == N
    site.check_recomputed()


def test_a_backlog_is_reported_until_it_is_caught_up(make_stream, make_site):
    """It once was read without a word: nobody knew for how long. A slow database makes it last
    until it was reported."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1d"), {"run": {"batch_max_events": 100}})
    at = now() - datetime.timedelta(hours=10)
    stream.send_events([event("ticket.opened", f"T{i % 50}", at + i * SECOND, id=f"{i}") for i in range(14000)])
    site.rows("CREATE FUNCTION kpid.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN new; END'; "
              "CREATE TRIGGER slow BEFORE UPDATE OF next_offset ON kpid.source_partition FOR EACH ROW "
              "WHEN (new.next_offset > old.next_offset) EXECUTE FUNCTION kpid.slow()")
    with ServiceManager() as manager:
        daemon = site.start("a", environment=manager.environment)
        wait_until(lambda: daemon.logged("reading a backlog: "), daemon.log, 40)
        words = re.search(r"reading a backlog: (\d+) messages read, (\d+)/s, (\d+) left, about (\d+) (s|min) to go", daemon.log())
        assert words and int(words[1]) + int(words[3]) <= 14000 and int(words[2]) > 0 and int(words[3]) >= 5000, daemon.log()
        wait_until(lambda: manager.status() == words[0], lambda: manager.statuses)
        site.rows("DROP TRIGGER slow ON kpid.source_partition")
        site.wait_read()
        wait_until(lambda: daemon.logged(r"caught up: 1[34]\d{3} messages read in \d+ s"), daemon.log)
        wait_until(lambda: manager.status() == "running", lambda: manager.statuses)


def test_no_table_is_read_whole(make_stream, make_site):
    """Plans of the first batch are made for empty tables, and kept. Each clock that ended was once searched for in all of them."""
    n = 2000
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="1h"), {"run": {"batch_max_events": 500}})
    start = now() - datetime.timedelta(hours=10)
    opened = [event("ticket.opened", f"T{i:04}", start + i * 3 * SECOND, id="o", agent_id="ann") for i in range(n)]
    answered = [event("ticket.responded", f"T{i:04}", start + (i + 600) * 3 * SECOND, id="r", agent_id="ann") for i in range(n)]
    stream.send_events(opened[:600] + [one for pair in zip(opened[600:], answered) for one in pair] + answered[n - 600:])
    site.start("a")
    site.wait_read()
    site.daemons["a"].stop()  # the server counts what a session read once it has ended
    wait_until(lambda: site.one("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'ticket'") == n, "the counts")
    counts = dict(site.rows("SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname IN ('ticket', 'sla_clock', "
                            "'sla_clock_idle', 'alert', 'parked_ticket', 'agent_kpi_5m')"))
    assert max(counts.values()) < 10 * n, counts
