"""Shards: the hash of a ticket in SQL and in C, and what stays when a copy of a database becomes one of more shards."""
import contextlib
import os
import random
import subprocess

import psycopg2
import pytest

from conftest import ROOT, insert, insert_some, rows

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include "kpid/core/shard.h"
int main(void)
{
	static char id[4096];
	int c;
	size_t n = 0;
	while ((c = getchar()) != EOF) {
		if (c != 0) {
			id[n++] = (char)c;
			continue;
		}
		printf("%d\n", (int)shard_of_ticket((struct text){id, (uint32_t)n}, 7));
		n = 0;
	}
}
"""


@pytest.fixture(scope="module")
def shard_of(tmp_path_factory):
    """The shards of 7 to which daemon/core/shard/ assigns ticket ids."""
    folder = tmp_path_factory.mktemp("shard")
    (folder / "main.c").write_text(PROGRAM)
    subprocess.run(["cc", "-std=c17", "-o", folder / "main", folder / "main.c", os.path.join(ROOT, "daemon/core/shard/shard.c"),
                    f"-I{ROOT}/include"], check=True)

    def find(ids):
        done = subprocess.run([folder / "main"], input=b"".join(id.encode() + b"\0" for id in ids), capture_output=True, check=True)
        return [int(line) for line in done.stdout.split()]
    return find


def test_the_shard_of_a_ticket_is_the_same_in_sql_and_in_c(db, shard_of):
    chance = random.Random(20)
    letters = "abcXYZ0189-/. äß物业工单😀"
    ids = ["".join(chance.choice(letters) for _ in range(chance.randrange(1, 60))) for _ in range(5000)] + ["T1", "x" * 256]
    in_sql = [shard for (shard,) in rows(db, "SELECT kpid.ticket_shard(id, 7) FROM unnest(%s) WITH ORDINALITY AS t (id, no) ORDER BY no", ids)]
    assert in_sql == shard_of(ids)
    assert set(in_sql) == set(range(7))


# ---- a copy becomes one of more shards ----

def shard_is(connection, value):
    rows(connection, "INSERT INTO kpid.setting VALUES ('shard', %s) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value", value)


def refusal(connection, index, count):
    with pytest.raises(psycopg2.Error) as caught:
        rows(connection, "SELECT kpid.keep_shard(%s, %s)", index, count)
    return str(caught.value)


@pytest.mark.parametrize("was, index, count, words", [
    ("0 of 1 by ticket", 0, 1, "cannot become"), ("1 of 2 by ticket", 0, 4, "its tickets are not there"),
    ("1 of 2 by ticket", 1, 3, "multiple of 2"), ("1 of 2 by ticket", 5, 4, "cannot become"),
    ("1 of 2 by ticket", 1, 1, "cannot become"), ("1 of 2 by partition", 1, 4, "only shards by ticket"),
    (None, 0, 2, "no daemon has read into it")])
def test_a_shard_only_keeps_tickets_that_it_has(db, was, index, count, words):
    rows(db, "DELETE FROM kpid.setting WHERE name = 'shard'")
    if was:
        shard_is(db, was)
    assert words in refusal(db, index, count)


def test_no_row_of_another_shards_ticket_stays(db):
    insert_some(db)
    shard_is(db, "0 of 1 by ticket")
    tables = [name for (name,) in rows(
        db, "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'kpid' AND c.relkind = 'r' AND a.attname = 'ticket_id' AND NOT a.attisdropped")]
    assert {"ticket", "past_cycle", "sla_clock", "alert", "parked_event", "ledger"} <= set(tables)
    had = {name: rows(db, f"SELECT count(*) FROM ONLY kpid.{name}")[0][0] for name in tables}
    assert had["ticket"] and had["alert"] and had["sla_clock"], had
    tickets = [id for (id,) in rows(db, "SELECT ticket_id FROM kpid.ticket")]
    count = next(n for n in range(2, 50) if rows(db, "SELECT kpid.ticket_shard(%s, %s)", tickets[0], n)[0][0] == n - 1)
    rows(db, "SELECT kpid.keep_shard(0, %s)", count)
    for name in tables:
        assert rows(db, f"SELECT ticket_id FROM kpid.{name} WHERE kpid.ticket_shard(ticket_id, %s) <> 0", count) == [], name
    made_again = [name for (name,) in rows(
        db, "SELECT relname FROM pg_class WHERE relnamespace = 'kpid'::regnamespace AND relkind = 'r' AND relname ~ '^(ledger|backlog|group)' "
            "AND relname <> 'ledger_state'")]
    assert {"ledger", "ledger_month", "ledger_reach_change", "backlog_5m", "group_kpi_5m"} <= set(made_again)
    for name in made_again:
        assert rows(db, f"SELECT count(*) FROM kpid.{name}") == [(0,)], name
    assert tickets[0] not in [id for (id,) in rows(db, "SELECT ticket_id FROM kpid.ticket")]
    for name in ("acknowledgement", "delivery", "notification", "outbox"):
        assert rows(db, f"SELECT alert_id FROM kpid.{name} EXCEPT SELECT alert_id FROM kpid.alert") == [], name
    assert rows(db, "SELECT value FROM kpid.setting WHERE name = 'shard'") == [(f"0 of {count} by ticket",)]


def test_what_names_no_ticket_stays_with_the_old_index(db):
    insert_some(db)
    shard_is(db, "1 of 2 by ticket")
    n_letters = rows(db, "SELECT count(*) FROM kpid.dead_letter")[0][0]
    assert n_letters > 0
    rows(db, "BEGIN")
    rows(db, "SAVEPOINT whole")
    rows(db, "SELECT kpid.keep_shard(1, 4)")
    assert rows(db, "SELECT count(*) FROM kpid.dead_letter") == [(n_letters,)]
    rows(db, "ROLLBACK TO whole")
    rows(db, "SELECT kpid.keep_shard(3, 4)")
    assert rows(db, "SELECT count(*) FROM kpid.dead_letter") == [(0,)]
    assert rows(db, "SELECT coalesce(sum(n_messages + n_dead_letters), 0) FROM kpid.source_partition") == [(0,)]


def test_a_connected_daemon_is_an_obstacle(db, pg):
    shard_is(db, "0 of 1 by ticket")
    other = pg.connect(db.info.dbname)
    try:
        insert(db, "lease", name="outbox", holder="a", pid=other.info.backend_pid, epoch=1, taken_at="2026-01-05Z",
               expires_at="2026-01-05Z")
        assert "stop it first" in refusal(db, 0, 2)
    finally:
        other.close()


def test_only_the_owner_divides_a_database(db):
    rows(db, "SET ROLE kpid_writer")
    assert "permission denied" in refusal(db, 0, 2)


def test_a_database_that_has_read_something_is_whole(pg, build, program, empty):
    """An upgrade gives it the setting, so that no daemon takes it for one of several shards."""
    def without_shards(folder):
        files = sorted(folder.glob("[0-9]*.sql"))
        for file in files[next(i for i, file in enumerate(files) if file.name.endswith("_shards.sql")):]:
            file.unlink()

    build(without_shards)(empty, "up")
    with contextlib.closing(pg.connect(empty)) as connection:
        insert_some(connection)
        program(empty, "up")
        assert rows(connection, "SELECT value FROM kpid.setting WHERE name = 'shard'") == [("0 of 1 by ticket",)]
