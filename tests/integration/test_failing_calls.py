"""Makes each call of libpq and librdkafka fail once (tests/fixture/fail_call.c): the result is an error, a retry or
a clean end of the daemon, which is then restarted. Also kills the daemon at such calls. Tables are never wrong.
"""
import os
import random
import signal

from daemon import LONG, event, failing_calls, now, wait_until

# Which calls of a function fail; the first one always happens.
CALLS = {
    "PQconnectStartParams": (1, 3), "PQconnectPoll": (1, 4), "PQconnectdbParams": (1,), "PQexecParams": (1, 2),
    "PQsetnonblocking": (1, 3), "PQenterPipelineMode": (1, 3), "PQsendPrepare": (1, 5, 12, 20, 30),
    "PQsendQueryParams": (1, 2, 3, 7), "PQsendQueryPrepared": (1, 8, 14, 20, 26, 33, 40, 60, 90),
    "PQpipelineSync": (1, 5, 9, 20, 40), "PQsendFlushRequest": (1, 3), "PQflush": (1, 10, 30, 60, 100, 150),
    "PQconsumeInput": (1, 10, 30, 60, 90), "PQgetResult": (1, 15, 40, 80, 120, 160, 200),
    "rd_kafka_conf_set": (1, 20), "rd_kafka_new": (1, 2, 3, 4), "rd_kafka_poll_set_consumer": (1,),
    "rd_kafka_subscribe": (1,), "rd_kafka_assign": (1, 2), "rd_kafka_queue_get_partition": (1, 3),
    "rd_kafka_consume_batch_queue": (1, 2, 5), "rd_kafka_consumer_poll": (1, 3), "rd_kafka_query_watermark_offsets": (1, 7, 20),
    "rd_kafka_metadata": (1, 2), "rd_kafka_topic_new": (1, 2),
    "rd_kafka_producev": (1, 4), "rd_kafka_commit": (1,), "rd_kafka_consumer_close_queue": (1,),
    "rd_kafka_incremental_assign": (1,), "rd_kafka_incremental_unassign": (1,),
}  # fmt: skip
ALL = [(function, call) for function, calls in CALLS.items() for call in calls]
# Always tried: these once lost part of a transaction, or partitions.
FIRST = [("PQsendQueryPrepared", 20), ("PQpipelineSync", 9), ("rd_kafka_assign", 1)]
BY_TIMER = ("rd_kafka_commit", "rd_kafka_producev", "rd_kafka_consumer_poll")  # not part of an event's path: worth waiting for
N_SHORT = 12
POLICY = {"revisions": [{"id": "1", "calendars": {"always": {"always": True}}, "policies": [{"name": "all", "targets": {
    "first_response": {"within": "1h", "calendar": "always"}, "resolution": {"within": "8h", "calendar": "always"}}}]}]}


def events(chance, round_no):
    """Events of two days ago, so that everything that can be late is late: tickets of this round, and of earlier
    ones."""
    started = now().timestamp() - 2 * 86400
    yield event("ticket.opened", f"late {round_no}", now().fromtimestamp(started, now().tzinfo), agent_id="ann")
    for i in range(60):
        ticket = f"T{chance.randrange(20 * (round_no + 1))}"
        kind = chance.choice(["ticket.opened", "ticket.responded", "ticket.resolved", "ticket.reopened", "ticket.closed",
                              "ticket.assigned"])
        at = now().fromtimestamp(started + round_no * 300 + i * 13 + chance.randrange(40_000), now().tzinfo)
        yield event(kind, ticket, at, agent_id=chance.choice(["ann", "bob", "cai"]))


def fail(site, library, function, call, variable="KPID_FAIL"):
    cooperative = "incremental" in function
    site.configure(kafka={"partition.assignment.strategy": "cooperative-sticky" if cooperative else "range"})
    return site.start("a", failing_calls(site.binary, library, **{variable: f"{function}:{call}"}))


def go_through(site, daemon, function, call):
    """Waits until everything is read and the daemon has ended; returns whether the call has failed. If the daemon
    ended earlier, another one reads the rest."""
    def read():
        places = site.places()
        return all(places.get(place) == end for place, end in site.stream.ends().items() if end > 0)

    has_failed = f"fail_call: {function}:{call} fails"
    wait_until(lambda: not daemon.running() or read(), f"{function} {call}: all to be read, or the daemon to end")
    if function in BY_TIMER:
        wait_until(lambda: has_failed in daemon.log(), f"{function} to be called {call} times")
    if daemon.running():
        site.wait_settled()
        daemon.signal(15)
        status = daemon.wait()
    else:
        status = daemon.process.returncode
    assert status >= 0 and status < 100, f"{function} {call}: ended with {status}\n{daemon.log()[-3000:]}"
    failed = has_failed in daemon.log()
    if status != 0:
        assert failed, daemon.log()[-3000:]
        assert daemon.logged(r"(?m)^(?!fail_call|\S+ info ).*\w$"), f"{function} {call}: ended with {status}, logged nothing"
        daemon.killed = True  # checked above
        again = site.start("a")
        wait_until(lambda: "is running as" in again.log(), "it to run again")  # before that, the signal would end it
        site.wait_read()
        site.wait_settled()
        again.stop()
    return failed


def seed_of_run():
    return int(os.environ.get("KPID_SEED", 1 if not LONG else random.randrange(1 << 30)))


def new_site(make_stream, make_site):
    return make_site(make_stream(2), POLICY, {"kafka": {"session.timeout.ms": 1500, "heartbeat.interval.ms": 200},
                                              "run": {"batch_max_events": 40, "lanes": 2}, "sla": {"max_silence": "5s"},
                                              "alert": {"max_age": "30d"}})  # otherwise none of these would be sent


def test_failing_calls(make_stream, make_site, library):
    seed = seed_of_run()
    chance = random.Random(seed)
    tried = list(ALL) if LONG else FIRST + chance.sample([one for one in ALL if one not in FIRST], N_SHORT)
    site = new_site(make_stream, make_site)
    failed = []
    for round_no, (function, call) in enumerate(tried):
        site.stream.send_events(list(events(chance, round_no)))
        if go_through(site, fail(site, library, function, call), function, call):
            failed.append((function, call))
        try:
            site.check_recomputed()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, after {function} {call}: {error}") from error
    print(f"seed {seed}: {len(failed)} of {len(tried)} calls failed: {failed}")
    missed = [one for one in tried if one[1] == 1 and one not in failed]
    assert not missed, f"never called: {missed}"


def test_killed_at_a_call(make_stream, make_site, library):
    """kill -9 where the daemon is about to call a server, at each place in the list: the next daemon continues."""
    seed = seed_of_run()
    chance = random.Random(seed)
    places = [one for one in ALL if one[0] != "rd_kafka_consumer_close_queue"]
    tried = places if LONG else [("PQpipelineSync", 9)] + chance.sample(places, N_SHORT // 2)
    site = new_site(make_stream, make_site)
    n_killed = 0
    for round_no, (function, call) in enumerate(tried):
        site.stream.send_events(list(events(chance, round_no)))
        daemon = fail(site, library, function, call, "KPID_KILL")
        daemon.killed = True  # or not at all: some calls are rare
        wait_until(lambda: not daemon.running() or site.n_read() == len(site.stream.sent), f"{function} {call}: death, or the end")
        if daemon.running():
            daemon.kill()
        else:
            n_killed += daemon.process.returncode == -signal.SIGKILL
    again = site.start("a")
    site.wait_read()
    site.wait_settled()
    site.check_recomputed()
    again.stop()
    print(f"seed {seed}: killed at {n_killed} of {len(tried)} places")
    assert n_killed > len(tried) // 2
