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
