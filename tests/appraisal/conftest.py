"""A migrated database, and what kpid and the second program say of one ledger."""
import datetime
import json
import os
import subprocess
import sys
from fractions import Fraction

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "fixture")]

from second import KEYS, OF_LEVEL, appraise, dates_of  # noqa: E402
from servers import Postgres  # noqa: E402

BINARY = os.environ.get("KPID_BINARY", os.path.join(ROOT, "build", "test", "kpid"))
SCALES = {"_us_sum": "_seconds_sum", "_micros_sum": "_sum"}


class Database:
    def __init__(self, pg, folder):
        self.pg, self.folder = pg, folder
        self.connection = pg.connect("kpid")
        self.connection.cursor().execute("SET TIME ZONE 'UTC'")
        self.columns = [column for (column,) in self.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'kpid.ledger'::regclass AND attnum > 8 AND NOT attisdropped")]

    def rows(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def insert(self, table, names, found):
        from psycopg2.extras import execute_values
        with self.connection.cursor() as cursor:
            if found:
                execute_values(cursor, f"INSERT INTO {table} ({', '.join(names)}) VALUES %s",
                               [[one.get(name) for name in names] for one in found], page_size=1000)

    def fill(self, ledger=(), items=(), roster=(), manual=None, key="2026-03"):
        # Triggers keep the rows of appraisals; a replica does not fire them.
        self.rows("SET session_replication_role = replica; TRUNCATE kpid.ledger, kpid.ledger_item, appraisal.roster, appraisal.manual_entry,"
                  " appraisal.plan_revision, appraisal.closing, appraisal.closed_row, appraisal.closed_item, appraisal.closed_manual,"
                  " appraisal.closed_pool, appraisal.closed_card, appraisal.closed_indicator, appraisal.adjustment, appraisal.appeal,"
                  " appraisal.appeal_end, appraisal.access, appraisal.note, appraisal.note_step, appraisal.pseudonym, appraisal.erasure,"
                  " appraisal.digest_renewal; RESET session_replication_role")
        self.fill_ledger(ledger, items)
        self.insert("appraisal.roster", ["agent_id", "role", "team_id", "since", "until", "login", "leads"], [
            {"team_id": "", "login": "", "leads": "", "agent_id": one["agent"], **one} for one in roster])
        self.insert("appraisal.manual_entry", ["key", "plan", "level", "subject", "indicator", "above", "base", "entered_by", "why"], [
            {"key": key, "plan": plan, "level": level, "subject": subject, "indicator": indicator, "above": above, "base": base,
             "entered_by": "test", "why": "test"} for (plan, level, subject, indicator), (above, base) in (manual or {}).items()])

    def fill_ledger(self, ledger, items=()):
        self.rows("TRUNCATE kpid.ledger, kpid.ledger_item")
        attributes = [*KEYS, "channel", "category", "priority"]
        self.insert("kpid.ledger", [*attributes, *self.columns], [
            {**dict.fromkeys(attributes, ""), **{name: value or None for name, value in row.items() if name in self.columns},
             **{name: row[name] for name in attributes if name in row}} for row in ledger])
        self.insert("kpid.ledger_item", [*KEYS, "item", "kind", "answered", "perceived_sum", "paired", "gap_sum"], list(items))
        self.rows("SELECT kpid.remake_ledger_months()")

    def change_ledger(self, sql):
        """As a refresh does: with the sums per month."""
        self.rows(sql)
        self.rows("SELECT kpid.remake_ledger_months()")

    def store_plan(self, *revisions):
        self.rows("SELECT appraisal.apply_revisions(%s, 'test')", json.dumps([
            {"id": one["id"], "effective_from": one.get("effective_from", "-infinity"),
             "json": json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False)} for one in revisions]))

    def refreshed(self, as_of="2026-12-01Z"):
        """The ledger is up to date, and time is known until then."""
        self.rows("UPDATE kpid.ledger_state SET as_of = %s, refreshed_at = now(), made_with = kpid.ledger_settings()", as_of)

    def document(self, sql, *values, connection=None):
        """The JSON document that a function returns, with exact numbers."""
        with (connection or self.connection).cursor() as cursor:
            cursor.execute(f"SELECT ({sql})::text", values or None)
            return json.loads(cursor.fetchone()[0], parse_float=Fraction, parse_int=Fraction)

    def preview(self, plan_file=None, key="2026-03"):
        (document,), = self.rows("SELECT appraisal.preview(%s, %s)::text", key, None if plan_file is None else json.dumps(plan_file))
        return json.loads(document, parse_float=Fraction, parse_int=Fraction)

    def kpid(self, *arguments, user="postgres", status=0, stdin=None):
        env = {**os.environ, **self.pg.env("kpid"), "PGUSER": user, "KPID_CONFIG": "/dev/null"}
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False, env=env, cwd=self.folder, input=stdin,
                              timeout=60)
        assert done.returncode == status, done.stdout + done.stderr
        return done


@pytest.fixture(scope="session")
def db(tmp_path_factory):
    with Postgres(settings={"fsync": "off"}) as pg:
        pg.create_database("kpid")
        subprocess.run([BINARY, "migrate", "up"], env={**os.environ, **pg.env("kpid"), "KPID_CONFIG": "/dev/null"}, check=True,
                       stdout=subprocess.DEVNULL)
        yield Database(pg, tmp_path_factory.mktemp("files"))


def ledger_row(agent, day="2026-03-05", ticket=None, **values):
    """A row of the ledger, for one agent on one day; attributes that are not given are not set."""
    ledger_row.n = getattr(ledger_row, "n", 0) + 1
    return {**dict.fromkeys(("project_id", "team_id", "channel", "category", "priority"), ""),
            "day": datetime.date.fromisoformat(day), "ticket_id": ticket or f"N{ledger_row.n}", "agent_id": agent, **values}


def public(columns, row):
    """A row of report.ledger of one of kpid.ledger."""
    found = dict(row)
    for column in columns:
        ending = next((ending for ending in SCALES if column.endswith(ending)), "")
        name = column.removesuffix(ending) + SCALES.get(ending, "")
        found[name] = Fraction(row.get(column, 0), 10 ** 6) if ending else row.get(column, 0)
    return found


def period_rows(db, ledger, items, key="2026-03", today=None):
    """(cycle, rows, items) of a period, as the second program takes them."""
    cycle, first, last = dates_of(key, today)
    return (cycle, [public(db.columns, row) for row in ledger if first <= row["day"] <= last],
            [one for one in items if first <= one["day"] <= last])


def expected(db, revision, ledger, items=(), roster=(), manual=None, key="2026-03", today=None):
    """The plans of the second program for a period."""
    cycle, rows, items = period_rows(db, ledger, items, key, today)
    return appraise(revision, cycle, rows, items, roster, manual)


def in_order(plans):
    """Lists whose order says nothing are sorted, so that two documents can be compared."""
    for plan in plans:
        plan.pop("rules", None)  # the plan itself, beside the cards of kpid
        plan["cards"].sort(key=lambda card: (list(OF_LEVEL).index(card["level"]), card["subject"]))
        for reference in plan["reference"]:
            reference["pools"].sort(key=lambda pool: pool["pool"])
            for pool in reference["pools"]:
                pool["strata"].sort()
    return plans


def differences(found, wanted, path=""):
    """Paths where two documents differ, with both values."""
    if isinstance(wanted, dict) and isinstance(found, dict) and set(found) == set(wanted):
        return [text for key in wanted for text in differences(found[key], wanted[key], f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        return [text for i, (a, b) in enumerate(zip(found, wanted)) for text in differences(a, b, f"{path}[{i}]")]
    return [] if found == wanted else [f"{path}: kpid {show(found)}, second program {show(wanted)}"]


def show(value):
    return str(float(value)) + f" ({value})" if isinstance(value, Fraction) else repr(value)

