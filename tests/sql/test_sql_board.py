"""The questions of the board read a piece at a time: the pieces together are the whole, each row once."""
import os
import re

import pytest

from conftest import ROOT, rows


def question(name, **values):
    """A query of the board, and its parameters, which are given by name."""
    with open(os.path.join(ROOT, "sql", "queries", f"board_{name}.sql"), encoding="utf-8") as file:
        lines = file.readlines()
    head = "".join(line for line in lines if line.startswith("--"))
    names = {int(n): found for n, found in re.findall(r"\$(\d+) ([a-z_]+)", head)}
    assert set(values) <= set(names.values())
    text = re.sub(r"\$(\d+)", lambda found: f"%(p{found[1]})s", "".join(lines[head.count("\n"):]).replace("%", "%%"))
    return text, {f"p{n}": values.get(found) for n, found in names.items()}


def ask(db, name, **values):
    """The rows of a query of the board as dictionaries."""
    with db.cursor() as cursor:
        cursor.execute(*question(name, **values))
        return [dict(zip((column.name for column in cursor.description), row)) for row in cursor.fetchall()]


@pytest.fixture
def desk(db):
    """60 tickets with one clock or two, in any state; some without a project; 20 agents, some with work alone or backlog alone."""
    rows(db, """INSERT INTO kpid.ticket (ticket_id, rev, as_of, opened_at, revised_at, cycle, reopen_count, transfer_count, state,
            first_response_verdict, resolution_verdict, cycle_verdict, resolution, project_id, team_id, agent_id, priority, category, history)
        SELECT 't' || i, 1, now(), now() - (i / 3) * interval '1 hour', now(), 1, 0, 0, 1 + i % 4, 0, 0, 0, 0, nullif('p' || i % 4, 'p0'),
            nullif('m' || i % 3, 'm0'), 'a' || i % 5, 'high', 'lift', '\\x01' FROM generate_series(1, 60) i""")
    rows(db, """INSERT INTO kpid.sla_clock (ticket_id, target, n, cycle, started_at, due_at, fires_at, at_risk_at, breached, paused, stopped)
        SELECT 't' || i, t, 1, 1, now(), d, d, d - interval '1 hour', false, false, false
        FROM generate_series(1, 60) i, unnest(ARRAY[0, 3]) t, LATERAL (SELECT now() + (i / 4) * interval '20 minutes') x (d)
        WHERE i % 5 > 1 AND (t = 3 OR i % 2 = 0)""")
    rows(db, """INSERT INTO kpid.sla_clock_idle (ticket_id, target, n, cycle, started_at, due_at, left_us, breached, paused, stopped)
        SELECT 't' || i, 3, 1, 1, now(), CASE WHEN i % 5 = 0 THEN now() - (i / 6) * interval '1 minute' END,
            CASE WHEN i % 5 = 1 THEN i / 10 END, i % 5 = 0, i % 5 = 1, false
        FROM generate_series(1, 60) i WHERE i % 5 <= 1""")
    rows(db, """INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at, cause, detected_at, unconfirmed,
            delivery, project_id, owner_at_breach)
        SELECT 'b' || i, 't' || i, 'resolution', 1, 1, 'breached', 0, now(), now() - (i / 3) * interval '1 minute', 'deadline',
            now() - (i / 3) * interval '1 minute', false, 'off', nullif('p' || i % 4, 'p0'), 'a' || i % 5 FROM generate_series(1, 60) i""")
    rows(db, """INSERT INTO kpid.agent_kpi_5m ("time", agent_id, opened, resolved, resolution_measured)
        SELECT date_bin('5 minutes', now(), '2000-01-01Z') - b * interval '5 minutes', CASE WHEN i = 0 THEN '' ELSE 'a' || i END, 1, i, i
        FROM generate_series(0, 14) i, generate_series(0, 12) b WHERE (i + b) % 3 = 0""")
    rows(db, "INSERT INTO kpid.agent_backlog SELECT CASE WHEN i = 0 THEN '' ELSE 'a' || i END, i % 4 FROM generate_series(0, 19) i")
    return db


def pieces(db, name, most):
    """All pieces, one after the other."""
    after, found = None, []
    for _ in range(100):
        piece = ask(db, name, after=after, most=most)
        found.append(piece)
        after = piece[0]["next"] if piece else None
        if after is None:
            return found
    raise AssertionError(f"{name} does not end")


@pytest.mark.parametrize("most", [1, 3, 7])
def test_pieces_of_agents_are_the_whole(desk, most):
    whole, = pieces(desk, "agents", 1000)
    parts = pieces(desk, "agents", most)
    assert len(parts) > 1 and len(whole) == 20 - 1  # a16 has neither work nor backlog
    strip = lambda piece: sorted(({**row, "next": None} for row in piece), key=lambda row: row["key"])  # noqa: E731
    assert strip(row for part in parts for row in part) == strip(whole)
    counts = {row["key"]: row for row in whole}
    assert counts["a6"]["resolved"] == 24 == sum(counts["a6"]["spark"]) and counts["a6"]["breached"] == 24
    assert counts[""]["opened"] == 4 and counts["a19"]["backlog"] == 3


@pytest.mark.parametrize("most", [3, 8, 20])
def test_pieces_of_groups_are_the_whole(desk, most):
    def sums(parts):
        total = {}
        for row in (row for part in parts for row in part):
            for key in (("project", row["project"]), ("team", row["team"])):
                sums = total.setdefault(key, [0] * 5)
                for i, name in enumerate(("open", "pending", "at_risk", "breached", "paused")):
                    sums[i] += row[name]
        return total
    parts = pieces(desk, "groups", most)
    whole = sums([ask(desk, "groups", most=1000)])
    assert len(parts) > 2 and sums(parts) == whole
    assert {key[1] for key in whole if key[0] == "project"} == {"", "p1", "p2", "p3"}
    expected = rows(desk, """SELECT coalesce(t.project_id, ''), count(DISTINCT c.ticket_id), count(*) FILTER (WHERE c.breached), count(*) FILTER (WHERE c.paused)
        FROM report.sla_clock c JOIN report.ticket t USING (ticket_id) GROUP BY 1""")
    assert {project: (n, breached, paused) for project, n, breached, paused in expected} == {
        key[1]: (sums[0], sums[3], sums[4]) for key, sums in whole.items() if key[0] == "project"}


FILTERS = [{}, {"project": "p1"}, {"project": ""}, {"team": "m2", "agent": "a3"}, {"q": "T1"}, {"priority": "none"}]


@pytest.mark.parametrize("name", ["clocks", "breaches", "tickets"])
@pytest.mark.parametrize("look, most", [(5, 9), (9, 2), (1000, 7)])
def test_pieces_of_lists_are_the_whole(desk, name, look, most):
    """However few rows are looked at or returned at a time: each row once, in its order, and counted once."""
    for chosen in FILTERS + [{"state": "open" if name == "tickets" else "breached"}]:
        whole = [row["key"] for row in ask(desk, f"list_{name}", look=1000, most=1000, with_total=True, **chosen) if row["key"]]
        found, total, after, n = [], 0, {}, 0
        while True:
            n += 1
            assert n < 200
            piece = ask(desk, f"list_{name}", look=look, most=most, with_total=True, **chosen, **after)
            new = [row for row in piece if row["key"] is not None]
            found += [row["key"] for row in new]
            if len(new) == most:
                after = {"after_value": new[-1]["sort_value"], "after_key": new[-1]["key"]}
            elif not piece or piece[0]["is_end"]:
                break
            else:
                after = {"after_value": piece[0]["seen_value"], "after_key": piece[0]["seen_key"]}
        assert found == whole, chosen
        after = {}
        while piece := ask(desk, f"list_{name}", look=look, most=0, with_total=True, **chosen, **after):
            assert len(piece) == 1 and piece[0]["key"] is None
            total += piece[0]["total"]
            after = {"after_value": piece[0]["seen_value"], "after_key": piece[0]["seen_key"]}
        assert total == len(whole), chosen
        assert bool(whole) == (chosen != {"priority": "none"}), chosen


def nodes_of(plan):
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes_of(part)


@pytest.mark.parametrize("page", ["first", "later"])
def test_newest_tickets_are_read_from_their_index_a_page_at_a_time(db, page):
    """Also where many were opened at once: the index has no ids, so PostgreSQL sorts those of an instant."""
    rows(db, """INSERT INTO kpid.ticket (ticket_id, rev, as_of, opened_at, revised_at, cycle, reopen_count, transfer_count, state,
            first_response_verdict, resolution_verdict, cycle_verdict, resolution, history)
        SELECT 't' || i, 1, now(), timestamptz '2026-11-01Z' + (i / 20) * interval '1 s', now(), 1, 0, 0, 1, 0, 0, 0, 0, '\\x01'
        FROM generate_series(1, 20000) i""")
    rows(db, "ANALYZE kpid.ticket")
    wanted = [key for key, in rows(db, "SELECT ticket_id FROM kpid.ticket ORDER BY opened_at DESC, ticket_id DESC LIMIT 1000")]
    after = {}
    if page == "later":
        seen = ask(db, "list_tickets", most=500, look=500)[0]
        after = {"after_value": seen["seen_value"], "after_key": seen["seen_key"]}
        assert after["after_key"] == wanted[499]
    found = [row["key"] for row in ask(db, "list_tickets", most=500, look=500, **after)]
    assert found == (wanted[500:] if after else wanted[:500])
    text, values = question("list_tickets", most=500, look=500, **after)
    with db.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT json) " + text, values)
        nodes = list(nodes_of(cursor.fetchone()[0][0]["Plan"]))
    read = [node for node in nodes if node.get("Index Name") == "ticket_opened"]
    assert len(read) == 1 and read[0]["Actual Rows"] + read[0].get("Rows Removed by Filter", 0) <= 600, read
    assert not any(node["Node Type"] == "Seq Scan" and node.get("Relation Name") == "ticket" for node in nodes)
