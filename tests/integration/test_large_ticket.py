"""A ticket with very many events: two mail robots that answer each other."""
import datetime
import json
import time

from daemon import event, now, policy, wait_until


def long_ago(n_seconds):
    return now() - datetime.timedelta(seconds=n_seconds + 60)


def robots(n, ticket_id="ROBOTS", start=0, since=None):
    """n events of one ticket, the first of which opens it unless start is more than 0."""
    since = since or long_ago(n)
    kinds = ("ticket.requester_replied", "ticket.responded")
    for i in range(start, start + n):
        yield event("ticket.opened" if i == 0 else kinds[i % 2], ticket_id, since + datetime.timedelta(seconds=i), id=f"{ticket_id}-{i}",
                    **({"agent_id": "robot"} if i % 2 else {}))


def dead_letters(site):
    return site.rows("SELECT reason, detail, value FROM kpid.dead_letter ORDER BY read_at, \"offset\"")


def n_events(site, ticket_id="ROBOTS"):
    return site.one("SELECT count(*) FROM kpid.ticket t, kpid.history_events(t.history) WHERE t.ticket_id = %s", ticket_id)


def test_too_many_events_of_a_ticket_are_dead_letters_that_can_be_read_again(make_site, make_stream):
    stream = make_stream(1)
    site = make_site(stream, policy("1h"), {"run": {"ticket_max_events": 20}})
    events = list(robots(25))
    site.start()
    stream.send_events([events[0], event("ticket.opened", "ANOTHER")])
    site.wait_read()
    stream.send_events(events[1:])
    site.wait_read()
    letters = dead_letters(site)
    assert [reason for reason, *_ in letters] == ["too_many"] * 5
    assert "20 events already; raise run.ticket_max_events" in letters[0][1]
    assert {json.loads(bytes(value))["id"] for *_, value in letters} == {json.loads(e)["id"] for e in events[20:]}
    assert site.one("SELECT sum(n_dead_letters) FROM kpid.source_partition") == 5
    assert n_events(site) == 20 and n_events(site, "ANOTHER") == 1
    assert "raise run.ticket_max_events" in " ".join(site.command("doctor", status=None).stdout.split())

    site.configure(run={"ticket_max_events": 30})
    site.daemons["a"].stop()
    site.start()
    done = json.loads(site.command("dlq", "requeue", "--json", "--reason", "too_many").stdout)
    assert (done["requeued"], done["refused"], done["failed"]) == (5, 0, 0)
    wait_until(lambda: n_events(site) == 25, "all events to be in the ticket")
    assert len(dead_letters(site)) == 5
    assert json.loads(site.command("verify", "--json").stdout)["differences"] == []


def test_100000_events_of_one_ticket_hold_up_no_other(make_site, make_stream):
    """While they are read, and while one comes after the other, breaches of other tickets are seen within a second: that,
    and twice what an event of it costs on this machine, as a batch must be committed before anything behind it is known."""
    stream = make_stream(1)
    site = make_site(stream, policy("2s", resolution="30d"))
    site.start()
    stream.send_events(robots(99_900))
    site.wait_read()
    site.check_memory(84)
    start = time.monotonic()
    stream.send_events(robots(1, start=99_900, since=long_ago(99_900)))
    site.wait_read()
    cost = datetime.timedelta(seconds=time.monotonic() - start)

    for i in range(10):
        stream.send_events([event("ticket.opened", f"OTHER-{i}")])
        stream.send_events(robots(3, start=99_910 + 3 * i, since=long_ago(99_920)))
    site.wait_read()
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE ticket_id LIKE 'OTHER%%'") == 10, "their breaches")
    late = site.rows("SELECT ticket_id, detected_at - breached_at FROM report.alert WHERE ticket_id LIKE 'OTHER%%'"
                     " AND detected_at > breached_at + interval '1 second' + 2 * %s", cost)
    assert late == [], f"an event of the large ticket took {cost}"
    site.check_memory(84)
