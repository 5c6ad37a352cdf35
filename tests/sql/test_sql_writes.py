"""What the daemon's writes leave alone."""
import json
import os

import pytest

from conftest import ROOT, insert_ticket, rows


@pytest.mark.parametrize(("rev", "owner"), [(2, "ann"), (3, "ann"), (4, "bob"), (5, "ann")])
def test_a_ticket_that_was_written_since_it_was_read(db, rev, owner):
    """Only the state after the one that was read takes its place."""
    insert_ticket(db, "T1", rev=3, agent_id="ann")
    with open(os.path.join(ROOT, "sql", "queries", "ticket_write.sql"), encoding="utf-8") as file:
        rows(db, f"PREPARE write AS {file.read()}")
    (given,), = rows(db, "SELECT ARRAY[jsonb_populate_record(t, %s::jsonb)]::text FROM kpid.ticket t",
                     json.dumps({"rev": rev, "agent_id": "bob"}))
    rows(db, "EXECUTE write (%s::kpid.ticket[])", given)
    assert rows(db, "SELECT agent_id FROM kpid.ticket") == [(owner,)]
