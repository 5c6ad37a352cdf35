"""A ticket with very many events: two mail robots that answer each other."""
import datetime
import json

from daemon import event, now, policy, wait_until


def robots(n, ticket_id="ROBOTS", start=0, since=None):
    """n events of one ticket, the first of which opens it unless start is more than 0."""
    since = since or now() - datetime.timedelta(seconds=n + 60)
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

    site.configure(run={"ticket_max_events": 30})
    site.daemons["a"].stop()
    site.start()
    done = json.loads(site.command("dlq", "requeue", "--json", "--reason", "too_many").stdout)
    assert (done["requeued"], done["refused"], done["failed"]) == (5, 0, 0)
    wait_until(lambda: n_events(site) == 25, "all events to be in the ticket")
    assert len(dead_letters(site)) == 5
    assert json.loads(site.command("verify", "--json").stdout)["differences"] == []


def test_100000_events_of_one_ticket_hold_up_no_other(make_site, make_stream):
    """While they are read, and while one comes after the other, breaches of other tickets are seen within a second."""
    stream = make_stream(1)
    site = make_site(stream, policy("2s", resolution="30d"))
    site.start()
    stream.send_events(robots(99_900))
    site.wait_read()
    assert site.one("SELECT rev FROM kpid.ticket WHERE ticket_id = 'ROBOTS'") > 0
    site.check_memory(150)
    site.command("explain", "ROBOTS")

    opened = []
    for i in range(10):
        opened.append(f"OTHER-{i}")
        stream.send_events([event("ticket.opened", opened[-1])])
        stream.send_events(robots(3, start=99_900 + 3 * i, since=now() - datetime.timedelta(seconds=99_990 + 3 * i)))
        wait_until(lambda: site.one("SELECT count(*) FROM report.ticket WHERE ticket_id = %s", opened[-1]) == 1, "the ticket")
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE ticket_id LIKE 'OTHER%%'") == 10, "its breach")
    late = site.rows("SELECT ticket_id, detected_at - breached_at FROM report.alert WHERE ticket_id LIKE 'OTHER%%'"
                     " AND detected_at > breached_at + interval '1 second'")
    assert late == []
