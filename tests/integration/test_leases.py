"""Leases, and locks that others hold: nobody stops alerts."""
import contextlib
import json
import time

import psycopg2
import pytest

from daemon import GENTLE, event, policy, wait_until
from service_manager import ServiceManager
from test_delivery import Server, site_with

SOON = 3.0 if GENTLE else 1.0


def holder(site, name):
    found = site.rows("SELECT holder FROM kpid.lease WHERE name = %s", name)
    return found[0][0] if found else None


def put_alert(site, number):
    """An alert that changes, with its message to Kafka and one to receivers. Returns the message's id."""
    site.rows("""
        INSERT INTO kpid.alert AS a (alert_id, ticket_id, target, n, revision, state, level, detected_at, breached_at, due_at,
            unconfirmed, delivery)
        VALUES (%s, %s, 'arrival', 1, 1, 'breached', 0, now(), now(), now(), false, 'queued')
        ON CONFLICT (alert_id) DO UPDATE SET revision = a.revision + 1""", f"alert{number}", f"T{number}")
    site.rows("SELECT kpid.publish_alert(a) FROM kpid.alert a WHERE a.alert_id = %s", f"alert{number}")
    return f"alert{number}/" + str(site.one("SELECT revision FROM kpid.alert WHERE alert_id = %s", f"alert{number}"))


def check_order(bodies):
    """Counting first arrivals only, the messages of an alert are in the order of their revisions."""
    newest = {}
    for body in bodies:
        data = body["data"]
        assert data["revision"] <= newest.get(data["alert_id"], 0) + 1
        newest[data["alert_id"]] = max(data["revision"], newest.get(data["alert_id"], 0))


def test_a_frozen_sender_is_replaced(make_stream, make_site, tmp_path):
    """With default times: the other instance sends after 15 to 20 s, the log and doctor name the frozen one, and
    when it wakes up it sends nothing old."""
    with Server() as hook, ServiceManager() as manager:
        site = site_with(make_site, make_stream(1), [{"name": "hook", "type": "webhook", "url": hook.url}], tmp_path,
                         policy(first_response="1h"))
        first = site.start("a")
        wait_until(lambda: holder(site, "outbox") == holder(site, "receivers") == "a", "the leases to be taken")
        other = site.start("b", environment=manager.environment)
        wait_until(lambda: len(other.logged("is running as b")) == 1, "the other")
        put_alert(site, 1)
        wait_until(lambda: len(site.alerts()) == 1 and len(hook.got) == 1, "the first to be sent")
        first.pause()
        frozen = time.monotonic()
        for number in (1, 1, 2):
            put_alert(site, number)
        wait_until(lambda: time.monotonic() - frozen > 11, "the messages to be late")
        late = [finding["what"] for finding in json.loads(site.command("doctor", "--json", status=None).stdout)["findings"]
                if finding["check"] == "outbox"]
        assert len(late) == 2 and all("; a (process " in what and "holds the lease" in what for what in late), late
        wait_until(lambda: len(site.alerts()) == 4 and len(hook.got) == 3, "the other to send")
        took = time.monotonic() - frozen
        assert took <= 20, f"{took:.1f} s"
        assert holder(site, "outbox") == holder(site, "receivers") == "b"
        assert other.logged(r"messages about alerts have waited for 1\d s: a holds the lease outbox \(process \d+ of the server\)")
        assert other.logged(r"alerts for receivers have waited for 1\d s: a holds the lease receivers")
        wait_until(lambda: manager.status() == "running", manager.status, 10)
        for what in ("messages about alerts wait: a holds the lease outbox", "alerts for receivers wait: a holds the lease receivers"):
            assert any(what in words for words in manager.statuses), manager.statuses
        first.cont()
        wait_until(lambda: len(first.logged("another instance has taken over")) == 2, "it to find out")
        for number in (1, 2):
            put_alert(site, number)
        wait_until(lambda: len(site.alerts()) == 6 and len(hook.got) == 5, "the last to be sent")
        print(f"sent by the other {took:.1f} s after the first was frozen")
        check_order([body for _, body, _ in site.alerts()])
        for number in (1, 2):  # receivers get the state at the time of sending
            revisions = [body["data"]["revision"] for body in hook.events() if body["data"]["alert_id"] == f"alert{number}"]
            assert revisions == sorted(revisions)


def test_a_killed_sender_is_replaced_at_once(make_stream, make_site):
    """The server notices the end of its session: no lease has to expire."""
    site = make_site(make_stream(1), policy(first_response="1h"))
    site.start("a").log()
    wait_until(lambda: holder(site, "outbox") == "a", "the lease to be taken")
    site.daemons["a"].kill()
    put_alert(site, 1)
    site.start("a")
    since = time.monotonic()
    wait_until(lambda: site.alerts(), "the message")
    assert time.monotonic() - since < 5


def test_advisory_locks_of_others_do_not_stop_alerts(make_stream, make_site, pg):
    """Any role that may connect can take all of them."""
    site = make_site(make_stream(1), policy(first_response="1s"))
    with contextlib.suppress(psycopg2.Error):
        site.rows("CREATE ROLE a_stranger LOGIN")
    with contextlib.closing(pg.connect(site.database, user="a_stranger")) as stranger, stranger.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1802529124, 1869968482), pg_advisory_lock(hashtext('kpid dispatch')::bigint),"
                       " pg_advisory_lock(hashtext('kpid repair')::bigint)")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT * FROM kpid.lease FOR UPDATE")
        site.start("a")
        site.stream.send_events([event("ticket.opened", "T1", agent_id="ann")])
        wait_until(lambda: site.alerts(), "the message", 20)
        site.command("verify", "--repair", "--why", "to see that nothing is in its way")


def test_two_repairs_at_once(make_stream, make_site, pg):
    """The second one reports who holds the lock."""
    site = make_site(make_stream(1), policy(first_response="1s"))
    with contextlib.closing(pg.connect(site.database)) as other, other.cursor() as cursor:
        cursor.execute("INSERT INTO kpid.lease VALUES ('repair', 'bob', pg_backend_pid(), 1, now(), now() + interval '1 day')")
        done = site.command("verify", "--repair", "--why", "a bad disk", status=1)
        assert "another repair is running, by bob (server process " in done.stderr
    wait_until(lambda: site.command("verify", "--repair", "--why", "a bad disk", status=None).returncode == 0,
               "the lease of a session that has ended to be free")


def test_an_open_transaction_of_an_operator_stops_neither_lane_nor_alerts(make_stream, make_site, pg):
    """report.ack_alert without COMMIT."""
    site = make_site(make_stream(1), policy(first_response="2s", resolution="1h"))
    site.start("a")
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.source_partition WHERE epoch > 0") == 4, "partitions to be taken")
    site.stream.send_events([event("ticket.opened", "T1", agent_id="ann")])
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == 1, "the first breach")
    (alert_id,), = site.rows("SELECT alert_id FROM report.alert")
    with contextlib.closing(pg.connect(site.database)) as operator, operator.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT report.ack_alert(%s, 'bob', 'on it')", (alert_id,))
        site.stream.send_events([event("ticket.opened", "T2"), event("ticket.updated", "T1", category="lift")])
        since = time.monotonic()
        site.wait_read(5)
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == 2, "the second breach", 10)
        assert time.monotonic() - since < 2 + 2 * SOON
        site.stream.send_events([event("ticket.responded", "T2", agent_id="ann")])
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'resolved'") == 1, "its end", 5)
        cursor.execute("COMMIT")
    assert site.one("SELECT state FROM report.alert WHERE alert_id = %s", alert_id) == "acknowledged"
    wait_until(lambda: [body["data"]["state"] for _, body, _ in site.alerts() if body["data"]["alert_id"] == alert_id] == [
        "breached", "acknowledged"], "the message about it", 5)
    site.stream.send_events([event("ticket.responded", "T1", agent_id="ann")])
    site.check_recomputed()


@pytest.mark.parametrize("locked", ["kpid.ticket", "kpid.alert"])
def test_a_locked_row_does_not_stop_other_deadlines(make_stream, make_site, pg, locked):
    """The scheduler skips rows that it cannot lock, names their holder, and returns to them."""
    site = make_site(make_stream(1), policy(first_response="3s", resolution="6s"))
    with contextlib.suppress(psycopg2.Error):
        site.rows("CREATE ROLE a_person SUPERUSER LOGIN")
    daemon = site.start("a")
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.source_partition WHERE epoch > 0") == 4, "partitions to be taken")
    site.stream.send_events([event("ticket.opened", f"T{number}") for number in range(1, 4)])
    site.wait_read()
    if locked == "kpid.alert":
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == 3, "the first deadlines", 20)
    n_before = site.one("SELECT count(*) FROM report.alert")
    with contextlib.closing(pg.connect(site.database, user="a_person", application_name="psql")) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT FROM {locked} WHERE ticket_id = 'T1' FOR UPDATE")
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == n_before + 2, "the others", 15)
        late = site.one("SELECT max(extract(epoch FROM detected_at - due_at))::float8 FROM report.alert")
        assert late < SOON, f"{late:.3f} s"
        site.stream.send_events([event("ticket.opened", "T4")])
        wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE ticket_id = 'T4'") == 1, "a later one", 15)
        assert site.one("SELECT max(extract(epoch FROM detected_at - due_at))::float8 FROM report.alert"
                        " WHERE ticket_id = 'T4'") < SOON
        pid = other.get_backend_pid()
        wait_until(lambda: daemon.logged(rf"process {pid} of a_person \(psql\), in a transaction since .* holds rows"), "its name", 20)
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE ticket_id = 'T1'") == 2, "T1", 20)
    site.check_recomputed()
