"""How long a preview of a month, its closing, and what checks a closed month take, with 1,000,000 tickets."""
import contextlib
import json
import os
import subprocess
import time

from rig import ROOT, BenchError, say

DATABASE = "closing"
PLAN = os.path.join(ROOT, "deploy", "appraisal", "frontdesk.json")
LIMITS_S = {"preview": 2, "close": 60}
# Three rows a ticket: who opened it, who answered it in time or not, who resolved it. 50 teams of 10 agents in 20 projects; 3 channels,
# 24 categories and 3 priorities, so that an agent has rows of most of the 216 mixtures. 10 agents have their role since the 11th.
FILL = """
    SET synchronous_commit = off;
    INSERT INTO kpid.ledger (day, ticket_id, agent_id, project_id, team_id, channel, category, priority, opened, accepted, accept_us_sum,
        first_response_measured, first_response_within_sla, responded, first_response_us_sum, resolved, resolution_measured, resolution_within_sla,
        resolution_us_sum, csat_responses, csat_satisfied, csat_score_micros_sum, repeated)
    SELECT date '2026-03-01' + least(30, n % 31 + step / 2), 'T-' || n, CASE WHEN step = 0 THEN '' ELSE 'agent-' || team || '-' || (n / 50 + step) % 10 END,
        'binjiang-' || team % 20, 'team-' || team, (ARRAY['app', 'phone', 'counter'])[mix / 72 + 1],
        (ARRAY['repair/water', 'repair/power', 'complaint/noise', 'enquiry'])[mix / 18 % 4 + 1] || '/' || mix / 3 % 6, (mix % 3 + 1)::text,
        CASE step WHEN 0 THEN 1 END, CASE step WHEN 1 THEN 1 END, CASE step WHEN 1 THEN n % 1000 * 1000000::bigint END,
        CASE step WHEN 1 THEN 1 END, CASE WHEN step = 1 AND n % 11 <> 0 THEN 1 END, CASE step WHEN 1 THEN 1 END,
        CASE step WHEN 1 THEN n % 5000 * 1000000::bigint END, CASE step WHEN 2 THEN 1 END, CASE step WHEN 2 THEN 1 END,
        CASE WHEN step = 2 AND n % 7 <> 0 THEN 1 END, CASE step WHEN 2 THEN n % 90000 * 1000000::bigint END,
        CASE WHEN step = 2 AND n % 3 = 0 THEN 1 END, CASE WHEN step = 2 AND n % 3 = 0 AND n % 13 <> 0 THEN 1 END,
        CASE WHEN step = 2 AND n % 3 = 0 THEN 800000 END, CASE WHEN step = 0 AND n % 40 = 0 THEN 1 END
    FROM (SELECT n, n % 50 AS team, abs(hashint4(n)::bigint) % 216 AS mix FROM generate_series(1, {n_tickets}) AS n) t, generate_series(0, 2) AS step;
    INSERT INTO kpid.ledger_item (day, ticket_id, agent_id, project_id, team_id, item, kind, answered, perceived_sum, paired, gap_sum)
    SELECT l.day, l.ticket_id, l.agent_id, l.project_id, l.team_id, i, 'csat', 1, 800000, 1, -200000
    FROM kpid.ledger l, unnest(ARRAY['kept_word', 'speed']) AS i
    WHERE l.csat_responses > 0;
    SELECT kpid.remake_ledger_months();
    INSERT INTO kpid.ticket (ticket_id, rev, as_of, revised_at, cycle, reopen_count, transfer_count, state, first_response_verdict,
        resolution_verdict, cycle_verdict, resolution, history)
    SELECT 'T-' || n, 1, now(), now(), 1, 0, 0, 4, 2, 2, 2, 1, '' FROM generate_series(1, {n_tickets}) AS n;
    INSERT INTO kpid.ledger_ticket (ticket_id, rev, generation, project_id, channel, category, priority, opened_project_id, opened_team_id)
    SELECT t.ticket_id, 1, s.generation, '', '', '', '', '', '' FROM kpid.ticket t, kpid.ledger_state s;
    INSERT INTO appraisal.roster (agent_id, role, team_id, since, login, leads)
    SELECT 'agent-' || team || '-' || n, 'frontdesk', 'team-' || team, CASE WHEN n = 0 AND team % 5 = 0 THEN date '2026-03-11' END, '', ''
    FROM generate_series(0, 49) AS team, generate_series(0, 9) AS n;
    UPDATE kpid.ledger_state SET as_of = now(), refreshed_at = now(), made_with = kpid.ledger_settings();"""
STEPS = (("preview", "appraisal.preview('2026-03')"), ("close", "appraisal.close('2026-03', 'bench', 'bench')"),
         ("closed", "appraisal.closed('2026-03')"), ("verify", "appraisal.verify('2026-03')"),
         ("adjust", "appraisal.adjust('2026-03', NULL, 'agent', 'agent-1-1', '{\"points\": 1}', 'bench', 'bench')"),
         ("drift", "appraisal.drift('2026-03')"))


def fill(rig, pg, n_tickets):
    pg.create_database(DATABASE)
    done = subprocess.run([rig.kpid, "migrate", "up", *(part for name, value in (("host", "127.0.0.1"), ("port", pg.port), ("dbname", DATABASE), ("user", "postgres"))
                                                        for part in ("--set", f"postgres.{name}={value}"))],
                          check=False, capture_output=True, text=True, env={**os.environ, "KPID_CONFIG": "/dev/null"})
    if done.returncode != 0:
        raise BenchError(f"kpid migrate: {done.stderr}")
    pg.psql(FILL.format(n_tickets=n_tickets), DATABASE)
    pg.psql("VACUUM (ANALYZE)", DATABASE)


def store_plan(cursor):
    with open(PLAN, encoding="utf-8") as file:
        revision = json.load(file)["revisions"][0]
    revision["plans"] = revision["plans"][:1]
    cursor.execute("SELECT appraisal.apply_revisions(%s, 'bench')", [json.dumps([
        {"id": revision["id"], "effective_from": "2026-01-01T00:00:00Z", "json": json.dumps(revision, sort_keys=True, ensure_ascii=False)}])])


def run(rig, results, options):
    n_tickets = 50_000 if options.quick else 1_000_000
    rows = []
    with rig.postgres() as pg:
        fill(rig, pg, n_tickets)
        with contextlib.closing(pg.connect(DATABASE)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            store_plan(cursor)
            for name, sql in STEPS:
                if name == "drift":  # 1 of 100 tickets has changed
                    cursor.execute("UPDATE kpid.ledger SET resolution_within_sla = NULL WHERE hashtext(ticket_id) % 100 = 0;"
                                   " SELECT kpid.remake_ledger_months()")
                began = time.perf_counter()
                cursor.execute(f"SELECT {sql}")
                cursor.fetchall()
                seconds = round(time.perf_counter() - began, 2)
                results.add("closing", name, {"seconds": seconds, "tickets": n_tickets})
                say(f"{name}: {seconds} s")
                rows.append([name, seconds])
    results.table(f"A month of {n_tickets:,} tickets and 500 agents, in s", ["step", "seconds"], rows)
    slow = [name for name, seconds in rows if seconds > LIMITS_S.get(name, seconds)]
    if slow and not options.quick:
        results.note(f"over the limit: {', '.join(slow)}")
