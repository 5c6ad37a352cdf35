"""Exports the report tables of a database as CSV files like those of tests/recompute, and compares them row by row."""
import os

from measures import MEASURES

US = "(extract(epoch from {0}) * 1000000)::bigint"


def us(column):
    return US.format(column) + " AS " + column.strip('"').split(".")[-1]


QUERIES = {
    "ticket": "SELECT ticket_id, project_id, channel, category, priority, team_id, requester_ref, agent_id, "
    "first_owner_id, responder_id, resolver_id, " + us("opened_at") + ", " + us("first_response_at") + ", "
    + us("resolved_at") + ", " + us("closed_at") + ", state, cycle, reopen_count, transfer_count, "
    + us("first_response_due_at") + ", first_response_verdict, " + us("resolution_due_at") + ", resolution_verdict, "
    "(csat_score * 1000000)::bigint AS csat_score_micros, (csat_scale_max * 1000000)::bigint AS csat_scale_max_micros, "
    "policy, policy_version, (first_response_working_seconds * 1000000)::bigint AS first_response_working_us, "
    "(resolution_working_seconds * 1000000)::bigint AS resolution_working_us FROM report.ticket ORDER BY ticket_id",
    "ticket_cycle": "SELECT ticket_id, cycle, " + us("started_at") + ", " + us("resolved_at") + ", " + us("closed_at")
    + ", resolver_id, closer_id, resolution, " + us("due_at") + ", verdict, "
    "(resolution_working_seconds * 1000000)::bigint AS working_us FROM report.ticket_cycle "
    "ORDER BY ticket_id, cycle",
    "agent_kpi_5m": "SELECT agent_id, " + us('"time"') + ", "
    + ", ".join(f"{measure.stored} AS {measure.column}" for measure in MEASURES)
    + " FROM report.agent_kpi_5m WHERE (" + ", ".join(measure.stored for measure in MEASURES) + ") <> ("
    + ", ".join("0" for _ in MEASURES) + ') ORDER BY agent_id, "time"',
    "alert": "SELECT alert_id, ticket_id, target, n, CASE state WHEN 'acknowledged' THEN 'breached' ELSE state END AS state, level, " + us("due_at") + ", " + us("breached_at")
    + ", cause, owner_at_breach, project_id, policy, policy_version, " + us("resolved_at")
    + ", CASE delivery WHEN 'shadow' THEN 'shadow' ELSE 'normal' END AS delivery "
    "FROM report.alert WHERE state <> 'voided' ORDER BY alert_id",
    "backlog": "SELECT agent_id, backlog FROM kpid.agent_backlog WHERE backlog <> 0 ORDER BY agent_id",
    "sla_live": "SELECT ticket_id, CASE target WHEN 0 THEN 'first_response' WHEN 1 THEN 'next_response' "
    "WHEN 2 THEN 'arrival' ELSE 'resolution' END AS target, n, " + us("due_at") + " FROM kpid.sla_clock WHERE NOT stopped "
    "ORDER BY ticket_id, target, n",
}


def export(connection, directory):
    """Writes one CSV file per table into directory."""
    os.makedirs(directory, exist_ok=True)
    with connection.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        for name, query in QUERIES.items():
            with open(os.path.join(directory, name + ".csv"), "w", encoding="utf-8") as out:
                cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", out)


def _rows(path, columns=None):
    """The lines of a CSV file in byte order; only the named columns, if given."""
    import csv

    with open(path, encoding="utf-8", newline="") as source:
        # csv cannot distinguish an empty text from NULL, so the raw lines are compared first.
        reader = csv.DictReader(source)
        names = columns or reader.fieldnames
        return [tuple(row[name] for name in names) for row in reader], names


def differences(expected_dir, actual_dir, tables=tuple(QUERIES), most=10):
    """The differences, one line each; empty if all rows of all tables are equal."""
    found = []
    for name in tables:
        expected_path, actual_path = (os.path.join(d, name + ".csv") for d in (expected_dir, actual_dir))
        actual, columns = _rows(actual_path)
        expected, _ = _rows(expected_path, columns)
        if not expected and not actual:
            continue
        missing, extra = sorted(set(expected) - set(actual)), sorted(set(actual) - set(expected))
        if len(expected) != len(actual):
            found.append(f"{name}: {len(expected)} rows expected, {len(actual)} there")
        found += [f"{name}: expected {dict(zip(columns, row))}" for row in missing[:most]]
        found += [f"{name}: there is {dict(zip(columns, row))}" for row in extra[:most]]
    return found
