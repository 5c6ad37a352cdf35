"""The events of a ticket with very many: two mail robots that answer each other. Tests and a benchmark read them."""
import datetime

from daemon import event, now, policy

SHAPES = {  # targets, and the types of the events that follow the opening in turn
    "all in time": ({"first_response": "1h", "next_response": "1h"}, ("ticket.requester_replied", "ticket.responded")),
    "all breached": ({"first_response": "1h", "next_response": "1s"}, ("ticket.requester_replied", "ticket.responded")),
    "reopened and resolved": ({"first_response": "1h", "resolution": "30d"}, ("ticket.reopened", "ticket.resolved")),
}


def long_ago(n_seconds):
    return now() - datetime.timedelta(seconds=n_seconds + 60)


def robots(n, ticket_id="ROBOTS", start=0, since=None, types=("ticket.requester_replied", "ticket.responded"), every=1):
    """n events of one ticket, one every `every` seconds; the first one opens it unless start is above 0."""
    since = since or long_ago(n * every)
    for i in range(start, start + n):
        yield event("ticket.opened" if i == 0 else types[i % 2], ticket_id, since + datetime.timedelta(seconds=i * every),
                    id=f"{ticket_id}-{i}", **({"agent_id": "robot"} if i % 2 else {}))


def policy_of(shape):
    targets = {name: {"within": within, "calendar": "always"} for name, within in SHAPES[shape][0].items()}
    whole = policy("1h")
    whole["revisions"][0]["policies"][0]["targets"] = targets
    return whole
