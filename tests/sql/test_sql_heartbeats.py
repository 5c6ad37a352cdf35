"""Heartbeats: one row vouches for all partitions that name it, and never for one that has moved."""
import contextlib
import os
import threading

import pytest

from conftest import ROOT, insert, rows

KNOWN = """SELECT topic, round(extract(epoch FROM now() - complete_until))::int, round(extract(epoch FROM now() - seen_at))::int,
    round(extract(epoch FROM now() - end_seen_at))::int FROM kpid.source_known ORDER BY topic"""


def query(name):
    with open(os.path.join(ROOT, "sql", "queries", name + ".sql"), encoding="utf-8") as file:
        return file.read()


@pytest.fixture
def idle(db):
    """Three partitions that were seen 90 s ago; a heartbeat of 5 s ago vouches for a and b, the latter until 30 s ago."""
    insert(db, "heartbeat", instance="one")
    for topic in "abc":
        insert(db, "source_partition", topic=topic, partition=0, epoch=1, owner="one", next_offset=7)
    rows(db, "UPDATE kpid.source_partition SET complete_until = now() - interval '90 s', seen_at = now() - interval '90 s',"
             " end_seen_at = now() - interval '90 s', heartbeat_no = CASE WHEN topic <> 'c' THEN 1 END")
    beat(db, 5, {2: 30})
    return db


def beat(db, age, exceptions=()):
    exceptions = dict(exceptions)
    (until, untils), = rows(db, "SELECT now() - %s * interval '1 s', array(SELECT now() - i * interval '1 s'"
                                " FROM unnest(%s::int[]) i)", age, list(exceptions.values()))
    run(db, "heartbeat_beat", "bigint, timestamptz, int[], timestamptz[]", 1, until, list(exceptions), untils)


def run(db, name, types, *values):
    marks = ", ".join(["%s"] * len(values))
    rows(db, f"PREPARE {name} ({types}) AS {query(name)}")
    found = rows(db, f"EXECUTE {name} ({marks})", *values)
    rows(db, f"DEALLOCATE {name}")
    return found


def test_a_partition_is_complete_until_its_row_or_its_heartbeat_says_so(idle):
    assert rows(idle, KNOWN) == [("a", 5, 5, 5), ("b", 30, 30, 30), ("c", 90, 90, 90)]
    beat(idle, 100)  # an earlier time changes nothing
    assert rows(idle, KNOWN)[0] == ("a", 5, 5, 5)


def test_a_heartbeat_from_before_the_clock_was_set_back_counts_for_nothing(idle):
    rows(idle, "UPDATE kpid.heartbeat SET complete_until = now() + interval '3 h', except_nos = NULL")
    assert rows(idle, KNOWN)[0] == ("a", 90, 90, 90)
    rows(idle, "UPDATE kpid.source_partition SET complete_until = now() + interval '3 h'")
    assert rows(idle, "SELECT count(*) FROM report.data_freshness WHERE complete_until IS NULL") == [(3,)]
    beat(idle, 5)  # now the row is ahead, and the heartbeat is not
    assert rows(idle, KNOWN)[0][:2] == ("a", 5)


def test_a_partition_that_leaves_keeps_what_its_heartbeat_knew(idle):
    run(idle, "heartbeat_leave", "bigint, int[]", 1, [1, 2, 3])
    assert rows(idle, KNOWN) == [("a", 5, 5, 5), ("b", 30, 30, 30), ("c", 90, 90, 90)]
    assert rows(idle, "SELECT count(heartbeat_no) FROM kpid.source_partition") == [(0,)]


def test_a_claim_ends_what_the_former_owner_vouches_for(idle):
    run(idle, "source_claim", "text[], int[], text", ["a", "b"], [0, 0], "two")
    beat(idle, 1)
    assert rows(idle, KNOWN)[:2] == [("a", 5, 0, 90), ("b", 30, 0, 90)]
    assert run(idle, "heartbeat_check", "bigint, int[]", 1, [])[0][0] == 0


def test_a_claim_waits_for_a_heartbeat_that_others_may_have_read(pg, database, idle):
    with contextlib.closing(pg.connect(database)) as owner:
        rows(owner, "BEGIN")
        beat(owner, 1)
        claim = threading.Thread(target=run, args=(idle, "source_claim", "text[], int[], text", ["a"], [0], "two"))
        claim.start()
        while claim.is_alive() and not rows(owner, "SELECT 1 FROM pg_stat_clear_snapshot(), pg_stat_activity WHERE wait_event_type = 'Lock'"):
            pass
        rows(owner, "COMMIT")
        claim.join()
    assert rows(idle, KNOWN)[0][:2] == ("a", 1)


def test_a_batch_ends_what_the_heartbeat_vouches_for(idle):
    rows(idle, "PREPARE it AS " + query("offset_move"))
    rows(idle, "EXECUTE it ('{1}', '{1}', '{7}', '{8}', '{1}', '{NULL}', '{NULL}', '{NULL}', '{1}', '{0}', '{0}', '{0}', '{0}',"
               " '{NULL}', '{NULL}', '{NULL}', ARRAY[now() - interval '3 s'], '{NULL}', '{0}')")
    beat(idle, 1)
    assert rows(idle, KNOWN)[0] == ("a", 3, 0, 3)


OBSERVED = "int[], bigint[], bigint[], timestamptz[], bigint[], bigint[], boolean[], boolean[], timestamptz[], bigint[]"


def test_a_late_statement_of_a_lost_session_does_not_bring_its_heartbeat_back(idle):
    insert(idle, "heartbeat", instance="one")
    for number in (2, 1):
        assert run(idle, "source_observed", OBSERVED, [1], [1], [7], [None], [7], [None], [True], [False], [None],
                   [number]) == [(1,)]
        assert rows(idle, "SELECT heartbeat_no FROM kpid.source_partition WHERE topic = 'a'") == [(2,)]


def test_a_late_observation_of_a_lost_session_changes_nothing(idle):
    """The heartbeat of the next session vouches for the row already, so nothing would correct it."""
    def observe(seconds_ago, high):
        (at,), = rows(idle, "SELECT clock_timestamp() - make_interval(secs => %s)", seconds_ago)
        found = run(idle, "source_observed", OBSERVED, [1], [1], [7], [None], [high], [None], [True], [False], [at], [1])
        return found, rows(idle, "SELECT high_offset FROM kpid.source_partition WHERE topic = 'a'")[0][0]
    assert observe(1, 9) == ([(1,)], 9)
    assert observe(2, 8) == ([], 9)
    assert observe(0, 10) == ([(1,)], 10)
    rows(idle, "UPDATE kpid.source_partition SET end_seen_at = now() + interval '1 hour'")
    assert observe(0, 11) == ([(1,)], 11), "the clock was set back"


def test_an_observation_of_another_instance_leaves_the_heartbeat(idle):
    run(idle, "source_observed", OBSERVED, [1], [1], [7], [None], [7], [None], [True], [False], [None], [None])
    assert rows(idle, "SELECT heartbeat_no FROM kpid.source_partition WHERE topic = 'a'") == [(1,)]


LAG = "SELECT lag_messages, complete_until IS NOT NULL, end_seen_at IS NOT NULL FROM report.data_freshness WHERE topic = %s"


def test_a_batch_brings_the_time_at_which_its_end_was_looked_at(idle):
    """During a backlog, observations come too late: the offset has moved meanwhile."""
    rows(idle, "PREPARE it AS " + query("offset_move"))
    rows(idle, "EXECUTE it ('{3}', '{1}', '{7}', '{8}', '{1}', '{20}', '{NULL}', '{NULL}', '{1}', '{0}', '{0}', '{0}', '{0}',"
               " '{NULL}', '{NULL}', '{NULL}', '{NULL}', ARRAY[now() - interval '2 s'], '{0}')")
    assert rows(idle, KNOWN)[2][3] == 2 and rows(idle, LAG, "c")[0][0] == 12


def test_an_empty_partition_that_was_seen_at_its_end_is_complete_and_has_no_lag(idle):
    insert(idle, "source_partition", topic="empty", partition=0, epoch=1, owner="one")
    assert rows(idle, LAG, "empty") == [(None, False, False)]
    (at,), = rows(idle, "SELECT now()")
    assert run(idle, "source_observed", OBSERVED, [4], [1], [None], [at], [0], [0], [True], [False], [at], [1]) == [(4,)]
    assert rows(idle, LAG, "empty") == [(0, True, True)]
    rows(idle, "UPDATE kpid.source_partition SET end_seen_at = NULL, complete_until = '-infinity' WHERE topic = 'empty'")
    beat(idle, 1)
    assert rows(idle, LAG, "empty") == [(0, True, True)]


def test_a_released_partition_has_no_lag_until_it_is_claimed_and_looked_at(idle):
    rows(idle, "UPDATE kpid.source_partition SET high_offset = 7, end_seen_at = now()")
    assert rows(idle, LAG, "c")[0][0] == 0
    run(idle, "source_release", "int[], bigint[]", [2, 3], [0, 1])  # b was claimed since
    assert rows(idle, "SELECT topic FROM report.data_freshness WHERE lag_messages IS NULL") == [("c",)]
    run(idle, "source_claim", "text[], int[], text", ["c"], [0], "two")
    assert rows(idle, LAG, "c")[0][0] == 0


def test_doctor_says_why_a_lag_is_unknown(idle):
    rows(idle, "UPDATE kpid.source_partition SET high_offset = 7, seen_at = now(), complete_until = now(), claimed_at = now() - interval '1 h'")
    rows(idle, "UPDATE kpid.source_partition SET released_at = now() WHERE topic = 'b'")
    insert(idle, "source_partition", topic="new", partition=0, epoch=0, owner="")
    insert(idle, "source_partition", topic="ingest:x", partition=0, epoch=1, owner="one")
    found = run(idle, "doctor_sources", "text, text", "60", "300")
    whats = sorted(what for level, what, _ in found if level == "warn")
    assert len(whats) == len(found) == 3, found
    assert "1 partition of b: lag unknown since" in whats[0] and "gave them up" in whats[0]
    assert "1 partition of c: lag unknown since" in whats[1] and "not looked at" in whats[1]
    assert whats[2] == "1 partition of new: lag unknown, because no instance has taken them yet"


def test_doctor_asks_for_no_more_lanes_while_a_backlog_is_read(idle):
    rows(idle, "UPDATE kpid.source_partition SET high_offset = 900, seen_at = now(), end_seen_at = now(), claimed_at = now(),"
               " heartbeat_no = NULL, complete_until = now() - interval '1 h', committed_at = now() - CASE topic WHEN 'a' THEN 100 ELSE 1 END * interval '1 s'")
    found = {what[0]: advice for _, what, advice in run(idle, "doctor_sources", "text, text", "60", "300")}
    assert found == {"a": "nothing of it was written for 60 s: check the log of kpid run",
                     "b": "it is being read: kpid top shows the rate and the time to go",
                     "c": "it is being read: kpid top shows the rate and the time to go"}


def test_a_sum_of_lags_with_unknown_parts_says_so(idle):
    rows(idle, "UPDATE kpid.source_partition SET high_offset = 10, end_seen_at = now() WHERE topic = 'a'")
    assert rows(idle, query("top_sources"))[0][2:4] == (3, 2)
    assert rows(idle, query("board_fresh"))[0][-2:] == (3, 2)


def test_an_accepted_gap_and_a_retirement_end_what_the_heartbeat_vouches_for(idle):
    rows(idle, "UPDATE kpid.source_partition SET state = 'stopped' WHERE topic = 'a'")
    insert(idle, "gap", topic="a", partition=0, expected_offset=7, reason="gone")
    run(idle, "gap_accept", "text, int, bigint, bigint, text", "a", 0, 1, 9, "bob")
    run(idle, "gap_retire", "text, int, text", "b", None, "bob")
    assert rows(idle, KNOWN)[:2] == [("a", 5, 90, 90), ("b", 30, 90, 90)]
    assert rows(idle, "SELECT count(heartbeat_no) FROM kpid.source_partition") == [(0,)]


def test_old_heartbeats_that_nothing_names_are_deleted(idle):
    insert(idle, "heartbeat", instance="two")
    insert(idle, "heartbeat", instance="three")
    rows(idle, "UPDATE kpid.heartbeat SET beat_at = beat_at - interval '2 days' WHERE instance <> 'three'")
    assert run(idle, "heartbeat_start", "text", "four") == [(4,)]
    assert rows(idle, "SELECT instance FROM kpid.heartbeat ORDER BY 1") == [("four",), ("one",), ("three",)]


@pytest.mark.parametrize("stored, shown, answer", [
    (-5, -9, -5), (-9, -5, -5), (0.5, -5, 0), (10800, -5, -5), (10800, "-infinity", "-infinity"), ("-infinity", -5, -5), (-5, 10800, 0)])
def test_a_watermark_is_never_ahead_of_the_clock(db, stored, shown, answer):
    """In seconds from now. A stored time that is ahead by more than a second was written before the clock was set back."""
    def at(seconds):
        return "'-infinity'::timestamptz" if seconds == "-infinity" else f"n.now + interval '{seconds} s'"
    assert rows(db, f"SELECT kpid.not_ahead({at(stored)}, n.now, {at(shown)}) = {at(answer)} FROM (SELECT now()) n (now)") == [(True,)]
