"""How long each query of the board takes with 1,000,000 open tickets and 100,000 agents."""
import contextlib
import os
import re
import statistics
import subprocess
import time

import psycopg2

from rig import ROOT, BenchError, say

QUERIES = os.path.join(ROOT, "sql", "queries")
LIMIT_MS = 100
AFTER_CLOCKS = {"after_value": str((1 << 61) + 1_000_000_000), "after_key": ""}
LISTS = {"clocks": [{}, {"state": "pending"}, {"project": "project-5"}, {"project": "project-100"}, {"team": "team-51"}, {"agent": "agent-77"},
                    {"target": "arrival"}, {"priority": "urgent", "q": "gory-3"}, AFTER_CLOCKS],
         "breaches": [{}, {"state": "voided"}, {"project": "project-5"}, {"team": "team-51"}, {"agent": "agent-77"}, {"last": "hour"},
                      {"last": "today", "team": "team-51"}, {"last": "week_ago"}, {"q": "abc"}],
         "tickets": [{}, {"state": "closed"}, {"project": "project-5"}, {"team": "team-51"}, {"agent": "agent-77"}, {"priority": "urgent", "q": "gory-3"},
                     {"did": "opened", "last": "hour"}, {"did": "resolved", "last": "today", "agent": "agent-77"}, {"did": "responded", "last": "week_ago"}],
         "counted": [{}, {"project": "project-5", "did": "resolved"}, {"team": "team-51", "did": "within"}, {"did": "measured", "q": "gory-3"}]}
LIST = {"most": "201", "with_total": "true", "look": "5000"}


class Question:
    """A file of sql/queries that the board asks, with the names of its parameters."""

    def __init__(self, name):
        self.name = name
        with open(os.path.join(QUERIES, f"board_{name}.sql"), encoding="utf-8") as file:
            lines = file.readlines()
        head = "".join(line for line in lines if line.startswith("--"))
        self.names = [found for _, found in sorted((int(n), found) for n, found in re.findall(r"\$(\d+) ([a-z_]+)", head))]
        self.text = re.sub(r"\$(\d+)", lambda found: f"%(p{found[1]})s", "".join(lines[head.count("\n"):]).replace("%", "%%"))

    def ask(self, cursor, values):
        """The rows, and the milliseconds."""
        assert set(values) <= set(self.names), (self.name, values)
        began = time.perf_counter()
        cursor.execute(self.text, {f"p{i + 1}": values.get(name) for i, name in enumerate(self.names)})
        rows = cursor.fetchall()
        return rows, (time.perf_counter() - began) * 1000


def fill(rig, pg, database, n_tickets, n_agents):
    """Tables as the daemon would leave them, as far as these queries read them."""
    pg.create_database(database)
    done = subprocess.run([rig.kpid, "migrate", "up", *(part for name, value in (("host", "127.0.0.1"), ("port", pg.port), ("dbname", database), ("user", "postgres"))
                                                        for part in ("--set", f"postgres.{name}={value}"))],
                          check=False, capture_output=True, text=True, env={**os.environ, "KPID_CONFIG": "/dev/null"})
    if done.returncode != 0:
        raise BenchError(f"kpid migrate: {done.stderr}")
    with open(os.path.join(ROOT, "tests", "bench", "board_queries.sql"), encoding="utf-8") as file:
        text = file.read()
    pg.psql("SET synchronous_commit = off;\n" + text.replace(":n_tickets", str(n_tickets)).replace(":n_agents", str(n_agents)), database)
    pg.psql("VACUUM (ANALYZE)", database)
    pg.psql("CREATE ROLE board LOGIN IN ROLE kpid_board")


def cases():
    """(name of the query, parameters, what the table says of them)"""
    bucket = int(time.time()) // 300 * 300
    newest = {"from": time.strftime("%FT%TZ", time.gmtime(bucket)), "until": time.strftime("%FT%TZ", time.gmtime(bucket + 300))}
    yield "fresh", {}, ""
    yield "totals", {}, ""
    yield "clocks", {"most": "200", "most_breached": "100"}, ""
    yield "breaches", {"most": "100"}, ""
    yield "buckets", newest, "5 minutes"
    for after, words in ((None, "first piece"), ("agent-5", "another piece")):
        yield "agents", {"after": after, "most": "2000"}, words
    for after, words in ((None, "first piece"), ("T-8", "another piece")):
        yield "groups", {"after": after, "most": "8000"}, words
    yield "group_kpis", newest, "5 minutes"
    yield "backlog", {}, ""
    for name, filters in LISTS.items():
        for chosen in filters:
            yield f"list_{name}", {**LIST, **chosen}, "paused ones" if chosen is AFTER_CLOCKS else ", ".join(f"{key} {value}" for key, value in chosen.items())


def measure(cursor, name, values, times):
    question = Question(name)
    try:
        found = [question.ask(cursor, values)[1] for _ in range(times + 1)][1:]  # the first one plans and reads from disk
    except psycopg2.Error as error:
        raise BenchError(f"board_{name}.sql {values}: {error}") from error
    return {"p50_ms": round(statistics.median(found), 1), "max_ms": round(max(found), 1)}


def run(rig, results, options):
    n_tickets, n_agents, times = (100_000, 10_000, 5) if options.quick else (1_000_000, 100_000, 20)
    rows = []
    with rig.postgres() as pg:
        fill(rig, pg, "board_queries", n_tickets, n_agents)
        with contextlib.closing(pg.connect("board_queries", "board")) as connection, connection.cursor() as cursor:
            cursor.execute("SET jit = off; SET plan_cache_mode = force_custom_plan")
            for name, values, words in cases():
                figures = measure(cursor, name, values, times)
                results.add("board_queries", f"{name} {words}".strip(), figures)
                say(f"board_{name} {words}: {figures}")
                rows.append([f"{name} {f'({words})' if words else ''}".strip(), figures["p50_ms"], figures["max_ms"]])
    results.table(f"Queries of the board with {n_tickets:,} open tickets and {n_agents:,} agents, in ms", ["query", "p50", "max"], rows)
    slow = [name for name, p50, _ in rows if p50 > LIMIT_MS]
    if slow:
        results.note(f"over {LIMIT_MS} ms: {', '.join(slow)}")
