"""Events as other CloudEvents libraries send them: accepted, or a dead letter whose detail says what to send
instead (rules E1, E5, E7).
"""
import contextlib
import json

import pytest

from test_commands import Database, Postgres


@pytest.fixture(scope="module")
def pg():
    with Postgres(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture
def database(pg, tmp_path):
    with contextlib.ExitStack() as stack:
        database = Database(pg, "sdks", tmp_path)
        stack.callback(pg.drop_database, database.name)
        database.run("migrate", "up")
        yield database


def envelope(**fields):
    fields = {"specversion": "1.0", "id": "1", "source": "/c", "type": "ticket.opened", "time": "2026-03-12T19:42:10Z",
              **fields}
    return json.dumps(fields) + "\n"


LINES = [
    (envelope(time="2026-03-12T19:42Z", data={"ticket_id": "S1"}), "bad_time", "write 2026-11-01T08:00:00+08:00"),
    (envelope(time="2026-03-12T19:42:10.000+0800", data={"ticket_id": "S2"}), "bad_time", "write 2026-11-01T08:00:00+08:00"),
    (envelope(time="2026-03-12T19:42:10.54America/Los_Angeles", data={"ticket_id": "S3"}), "bad_time", "write 2026-"),
    (envelope(time="2026-03-12T19:42:10.37GMT", data={"ticket_id": "S4"}), "bad_time", "write 2026-"),
    (envelope(time=1773315730000, data={"ticket_id": "S5"}), "bad_value", 'time: not a string; write "2026-'),
    ("[" + envelope(data={"ticket_id": "S6"}).strip() + "]\n", "not_an_object", "send one message per event"),
    (envelope(data='{"ticket_id":"S7"}'), "bad_value", "data: a string; send the object itself"),
    (envelope(data={"ticket_id": 20.0}), "bad_value", "data.ticket_id: not a whole number of at most 20 digits"),
    (envelope(data_base64="eyJ0aWNrZXRfaWQiOiJTOSJ9"), "event", "S9"),
    (envelope(data={"ticket_id": 1827364550192837465}), "event", "1827364550192837465"),
    (envelope(data_base64="eyJ0aWNrZXRfaWQiOiJTOSJ9", data={"ticket_id": "S9"}), "bad_value", "send one of the two"),
]


def test_events_of_other_sdks_are_accepted_or_rejected_with_a_remedy(database):
    database.ingest("events.ndjson", [line for line, _, _ in LINES])
    found = {row["offset"]: row for row in database.json("dlq", "list")}
    for number, (line, expected, words) in enumerate(LINES):
        if expected == "event":
            assert number not in found, line
            assert database.sql(f"SELECT state FROM report.ticket WHERE ticket_id = '{words}'") == "open"
        else:
            assert found[number]["reason"] == expected and words in found[number]["detail"], found[number]
    assert len(found) == 9


def test_survey_items_have_their_own_scale(database):
    """E6: a thumbs-up survey with items of 1 to 5 was rejected as a whole."""
    survey = {"ticket_id": "T", "score": 1, "scale_max": 1, "answers": {"speed": 5}, "answers_scale_max": 5}
    database.ingest("surveys.ndjson", [
        envelope(id="o", data={"ticket_id": "T", "requester_ref": "r"}),
        envelope(id="s", type="survey.submitted", time="2026-03-12T20:00:00Z", data=survey),
        envelope(id="u", type="ticket.updated", time="2026-03-12T20:01:00Z", data={"ticket_id": "T", "requester_ref": "s"}),
    ])
    assert database.json("dlq", "list") == []
    assert database.sql("SELECT csat_score, csat_scale_max, requester_ref FROM report.ticket") == "1.000000|1.000000|s"
    in_c = json.loads(database.run("explain", "--json", "T").stdout)
    in_sql = json.loads(database.sql("SELECT report.explain_ticket('T')"))
    for explained in (in_c, in_sql):
        assert explained["events"][1]["event"]["data"] == survey, explained["events"][1]
    # The same event again is a duplicate; with another scale of its items it is a conflict.
    database.ingest("again.ndjson", [
        envelope(id="s", type="survey.submitted", time="2026-03-12T20:00:00Z", data=survey),
        envelope(id="s", type="survey.submitted", time="2026-03-12T20:00:00Z", data={**survey, "answers_scale_max": 10}),
    ])
    assert [row["reason"] for row in database.json("dlq", "list")] == ["id_conflict"]
