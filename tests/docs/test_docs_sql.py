"""Every statement that documents show is one that the database takes; every object that they name is there."""
import fnmatch
import re

import psycopg2
import pytest

from documents import BLOCKS, INLINE, TREE
from names import SQL_WORDS, all_commands, complain, where

def statements(text):
    """A block's statements, without the commands of psql."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("\\"))
    return [part.strip() for part in re.split(r";\s*(?:--[^\n]*)?(?:\n|$)", kept)
            if re.sub(r"--[^\n]*", "", part).strip()]


def sql_of_documents():
    for block in BLOCKS:
        if block.language == "sql" or block.language == "" and block.text.startswith(SQL_WORDS):
            for statement in statements(block.text):
                yield pytest.param(statement, id=f"{where(block)} {statement[:40]}")
    for code in INLINE:
        if code.text.startswith("SELECT ") and " FROM " in code.text and "…" not in code.text:
            yield pytest.param(code.text, id=where(code))
    for place, command in all_commands():
        if command[0] == "psql" and "-c" in command:
            yield pytest.param(command[command.index("-c") + 1], id=place)


@pytest.fixture(scope="session")
def prepared(db):
    """Statements may build on those before them, so that all are in one transaction."""
    db.autocommit = False
    yield db
    db.rollback()


@pytest.mark.parametrize("statement", sql_of_documents())
def test_sql(prepared, statement):
    with prepared.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        try:
            cursor.execute(statement)
        except psycopg2.errors.DuplicateObject:
            cursor.execute("ROLLBACK TO before")  # two documents create the same role
        except psycopg2.Error:
            cursor.execute("ROLLBACK TO before")  # for the statements to come
            raise


def test_objects_of_the_database(db):
    """`report.alert`, `kpid.ticket`, `report.sla_live.due_at`; names with * or … for several."""
    with db.cursor() as cursor:
        cursor.execute("SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                       " WHERE nspname IN ('kpid', 'report') UNION"
                       " SELECT table_schema || '.' || table_name || '.' || column_name FROM information_schema.columns"
                       " WHERE table_schema IN ('kpid', 'report') UNION"
                       " SELECT n.nspname || '.' || proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
                       " WHERE nspname IN ('kpid', 'report')")
        there = [name for (name,) in cursor.fetchall()]
    faults = []
    for code in INLINE:
        for name in re.findall(r"(?<![\w./-])((?:kpid|report)\.[a-z][\w.*…]*)", code.text):
            name = name.rstrip(".")
            if name in TREE or re.search(r"\.(ini|service|conf|1|5|in|json)$", name) or name == "report.time_zone":
                continue
            if not any(fnmatch.fnmatchcase(candidate, name.replace("…", "*")) for candidate in there):
                faults.append(f"{where(code)}: there is no {name}")
    complain(faults)
