"""The numbers of result columns and parameters in sql/queries.h, against what PostgreSQL says of each query."""
import os
import pathlib
import re
import subprocess

import pytest

from conftest import LEDGER_MEASURES, MEASURES

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUERIES = ROOT / "sql" / "queries"
LEFT_OUT = {"migrate_bootstrap", "kpi_add"}  # several statements; made complete by sql/embed.cmake
FINDINGS = ["level", "what", "advice"]
DIFFERENCES = ["table_name", "key", "column_name", "stored_value", "expected_value", "owner", "at", "alert_id"]
# Queries whose results one function reads, by the numbers of the first.
SAME_COLUMNS = [
    (["ticket_read", "ticket_read_locked", "ticket_read_skip"], None),
    (["verify_read", "verify_read_locked", "verify_read_these"], None),
    (["outbox_oldest", "dispatch_oldest"], None),
    (["alert_ack", "alert_unack"], None),
    (["settings_zone", "settings_put"], None),
    ([f"verify_{name}" for name in ("tickets", "cycles", "clocks", "alerts", "kpis", "backlog", "ledger", "groups")], DIFFERENCES),
    ([f"doctor_{name}" for name in (
        "calendars", "dead_letters", "deadlines", "deliveries", "gaps", "indexes", "outbox", "parked", "rights", "server",
        "sessions", "sources", "tables")], FINDINGS),
]


@pytest.fixture(scope="module")
def enums(tmp_path_factory):
    """Members of each enum of the header, in lower case and without their prefixes."""
    header = tmp_path_factory.mktemp("names") / "queries.h"
    subprocess.run(["cmake", f"-DROOT={ROOT}/sql", f"-DOUT={header}", "-P", f"{ROOT}/sql/names.cmake"], check=True)
    found = {}
    for name, members in re.findall(r"enum (\w+) \{\n(.*?)\n\};", header.read_text(), re.S):
        query, kind = name.rsplit("_", 1)
        prefix = f"{query}_param_" if kind == "param" else f"{query}_"
        found[name] = [member.lower().removeprefix(prefix) for member in re.findall(r"\w+", members)[:-1]]
    return found


def expanded(sql):
    """As sql/embed.cmake does, where each placeholder is on a line of its own."""
    for name, measures in (("measures", MEASURES), ("ledger", LEDGER_MEASURES)):
        sql = re.sub(r"\{\{%s: ([^\n]*)\}\}" % name, lambda found, measures=measures: ", ".join(
            found[1].replace("{column}", measure.column).replace("{public}", measure.public) for measure in measures), sql)
    return sql


def described(pg, database):
    """Names of the result columns of every query, as PostgreSQL describes the prepared statement."""
    script = "".join(f"\\echo === {path.stem}\n{expanded(path.read_text()).rstrip()} \\gdesc\n" for path in sorted(QUERIES.glob("*.sql"))
                     if path.stem not in LEFT_OUT)
    done = subprocess.run(["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=script, text=True, capture_output=True,
                          env={**os.environ, **pg.env(database)}, check=False)
    assert done.returncode == 0, done.stderr
    return {block.split("\n", 1)[0]: [line.rsplit("|", 1)[0] for line in block.split("\n")[1:] if "|" in line]
            for block in done.stdout.split("=== ")[1:]}


def test_columns_have_the_names_that_postgresql_gives_them(pg, database, enums):
    columns = described(pg, database)
    assert len(columns) > 100
    wrong = {query: (enums.get(f"{query}_column", []), names) for query, names in columns.items()
             if enums.get(f"{query}_column", []) != names and names != [""]}
    assert not wrong


@pytest.mark.parametrize("queries, columns", SAME_COLUMNS, ids=lambda value: value[0] if value else None)
def test_queries_with_one_reader_have_the_same_columns(enums, queries, columns):
    expected = columns or enums[f"{queries[0]}_column"]
    assert {query: enums[f"{query}_column"] for query in queries} == {query: expected for query in queries}


# Queries that take the same parameters from one caller, in the order of the last: the others may take fewer.
@pytest.mark.parametrize("queries", [
    ["dlq_count", "dlq_list"],
    ["offset_lock", "offset_move"],
    ["source_introduce", "source_claim"],
    ["verify_read_locked", "verify_read_these"],
    ["ticket_read", "ticket_read_locked", "ticket_read_skip"],
], ids=lambda queries: queries[0])
def test_queries_with_one_caller_have_the_same_parameters(enums, queries):
    last = enums[f"{queries[-1]}_param"]
    for query in queries:
        params = enums[f"{query}_param"]
        assert params == last[:len(params)], query


def test_a_ticket_is_read_alike_by_the_daemon_and_by_verify(enums):
    columns = enums["ticket_read_column"]
    assert enums["verify_read_column"][:len(columns)] == columns


def test_no_code_reads_a_column_by_its_bare_number():
    """Nor gives the number to a function of its own that reads one."""
    argument = r"(?:[^,;(){}]|\([^()]*\))+"
    reads = re.compile(rf"\b(?:pg_get_\w+|PQget(?:value|isnull|length))\({argument},{argument},\s*\d+\)"
                       rf"|\b\w+\((?:{argument},)+ rows?, {argument}, \d+\)")
    found = {str(path.relative_to(ROOT)): reads.findall(path.read_text())
             for folder in ("daemon", "tests/simulation") for path in (ROOT / folder).rglob("*.c")}
    assert not {path: calls for path, calls in found.items() if calls}
