"""Wrong clocks: only PostgreSQL's clock counts, and what a fast clock has written is corrected."""
import os

import pytest

from daemon import SECOND, event, failing_calls, now, policy, wait_until


def test_a_clock_that_was_ahead_does_not_poison_the_watermark(make_stream, make_site):
    """Rows that a clock 3 hours ahead left behind; then the clock is corrected, with a backlog of answers in time."""
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="10m"))
    site.start("a")
    wait_until(lambda: len(site.places()) == 4 and site.one("SELECT bool_and(complete_until > '-infinity') FROM "
                                                            "kpid.source_known"), "all partitions to be looked at")
    site.daemons["a"].stop(10)
    site.rows("UPDATE kpid.source_partition SET complete_until = complete_until + interval '3 h', "
              "seen_at = seen_at + interval '3 h'")
    site.rows("UPDATE kpid.heartbeat SET complete_until = complete_until + interval '3 h'")
    assert site.one("SELECT count(*) FROM report.data_freshness WHERE complete_until IS NULL") == 4
    found = site.command("doctor", status=None).stdout
    assert found.count("is ahead of PostgreSQL's clock") == 4, found
    opened = now() - 7200 * SECOND
    stream.send_events([event("ticket.opened", f"T{i}", opened, agent_id="ann") for i in range(200)])
    stream.send_events([event("ticket.responded", f"T{i}", opened + 300 * SECOND) for i in range(200)])
    site.start("a", run_batch_max_events=10)
    site.wait_read()
    wait_until(lambda: site.one("SELECT count(*) FROM report.data_freshness WHERE complete_until IS NULL") == 0,
               "all partitions to be looked at again")
    site.wait_settled()
    assert site.one("SELECT count(*) FROM report.alert") == 0
    assert site.one("SELECT max(complete_until) <= clock_timestamp() FROM kpid.source_known")
    site.check_recomputed()


@pytest.mark.parametrize("shift, says", [("10800", "ahead of"), ("-10800", "behind")])
def test_a_machine_with_a_wrong_clock_uses_that_of_the_database(make_stream, make_site, library, shift, says):
    stream = make_stream(1)
    site = make_site(stream, policy(first_response="2s"))
    clock = os.path.join(os.path.dirname(library), "shift_clock.so")
    site.start("a", environment=failing_calls(site.binary, clock, KPID_CLOCK_SHIFT=shift))
    wait_until(lambda: site.daemons["a"].logged(f"the clock of this machine is 1[0-9.]+ s {says} that of PostgreSQL"),
               "the difference to be logged")
    opened = now()
    stream.send_events([event("ticket.opened", "missed", opened, agent_id="ann"), event("ticket.opened", "met", opened),
                        event("ticket.responded", "met", opened + SECOND // 2)])
    wait_until(lambda: site.one("SELECT count(*) FROM report.alert") == 1, "the breach")
    site.wait_settled()
    assert site.rows("SELECT ticket_id, state, unconfirmed FROM report.alert") == [("missed", "breached", False)]
    assert site.one("SELECT count(*) FROM kpid.dead_letter") == 0
    assert site.one("SELECT max(complete_until) <= clock_timestamp() FROM kpid.source_known")
