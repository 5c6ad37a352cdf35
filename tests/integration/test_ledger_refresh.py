"""The refresh of the ledger beside two daemons: kill -9, late events, a recalculation. At the end its sums are the daily figures.
"""
import json
import signal

import pytest

from daemon import event, generated, wait_until

SEED = 20261130


def status(site):
    return site.dicts("SELECT * FROM report.ledger_status")[0]


def wait_current(site):
    """Waits for a refresh that has begun after now and leaves no ticket behind."""
    before = site.one("SELECT clock_timestamp()")
    wait_until(lambda: site.one("SELECT behind = 0 AND refreshed_at > %s FROM report.ledger_status", before),
               "the ledger to be up to date")


def verify(site):
    found = json.loads(site.command("verify", "--json").stdout)
    assert found["n_differences"] == 0, found["differences"][:3]


def test_L2_L8_the_ledger_follows_the_daemons(make_stream, make_site):
    stream = make_stream()
    messages, policy = generated(stream, SEED, 200)
    site = make_site(stream, policy, {"appraisal": {"refresh": "1s"}})
    stream.send(messages[:len(messages) // 2])
    daemon = site.start("a")
    wait_until(lambda: site.one("SELECT count(*) FROM kpid.ledger") > 0, "the first rows of the ledger")
    stream.send(messages[len(messages) // 2:])
    site.start("b")
    daemon.kill()
    site.start("a")
    site.wait_read()
    site.wait_settled()
    wait_current(site)
    verify(site)
    assert status(site)["as_of"] is not None
    n_rows = site.one("SELECT count(*) FROM report.ledger")
    assert n_rows > 200

    later = json.loads(json.dumps(policy))
    for revision in later["revisions"]:
        revision["id"] += " again"
        for target in (target for policy in revision["policies"] for target in policy["targets"].values()):
            target["within"] = "3m"
            target.pop("warn_at", None)
    path = f"{site.folder}/later.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(later, file)
    recalculated = json.loads(site.command("policy", "recalc", "--json", path, "--why", "a test").stdout)
    assert recalculated["judged"] > 0
    wait_current(site)
    verify(site)

    # L5: a changed setting makes all rows again.
    generation = site.one("SELECT generation FROM kpid.ledger_state")
    site.command("settings", "set", "appraisal.last_part", "100%")
    assert status(site)["behind"] == site.one("SELECT count(*) FROM kpid.ticket")
    wait_current(site)
    assert site.one("SELECT generation FROM kpid.ledger_state") == generation + 1
    assert site.one("SELECT sum(resolution_within_sla) = sum(resolution_last_part) FROM report.ledger")
    verify(site)
    # What is wrong is found, and made again.
    site.rows("UPDATE kpid.ledger SET resolved = resolved + 1 WHERE resolved > 0")
    assert json.loads(site.command("verify", "--json", status=1).stdout)["differences"][0]["table"] == "ledger"
    site.command("appraisal", "refresh", "--all")
    verify(site)
    # So are the sums of the board.
    site.rows("INSERT INTO kpid.group_kpi_5m VALUES (now(), 'north', '', 1, 0, 0, 0, 0, 0, 0)")
    site.rows("UPDATE kpid.backlog_5m SET change = change + 1")
    found = json.loads(site.command("verify", "--json", status=1).stdout)["differences"]
    assert {(one["table"], one["column"]) for one in found} == {("group_kpi_5m", "opened"), ("backlog_5m", "change")}
    site.command("appraisal", "refresh", "--all")
    verify(site)
    # And those per month, with what is noted to be added to them.
    site.rows("UPDATE kpid.ledger_month SET n_team = n_team + 1, resolved = coalesce(resolved, 0) + 1 WHERE n_rows > 0")
    site.rows("INSERT INTO kpid.ledger_item_month_change VALUES ('2026-01-01', 'ann', '', '', '', '', '', 'speed', 1, 800000, 0, 0)")
    site.rows("INSERT INTO kpid.ledger_reach_change VALUES ('2026-01-01', 'agent', 'ann', '{}', 2)")
    found = json.loads(site.command("verify", "--json", status=1).stdout)["differences"]
    assert {(one["table"], one["column"]) for one in found} == {
        ("ledger_month", "n_team"), ("ledger_month", "resolved"), ("ledger_item_month", "answered"),
        ("ledger_item_month", "perceived_sum"), ("ledger_reach", "n")}
    site.command("appraisal", "refresh", "--all")
    verify(site)


@pytest.mark.parametrize("before", ["0", "1d"])
def test_L8_a_reload_changes_how_often(make_stream, make_site, before):
    """Nothing else wakes the refresh up: it must not wait for the pause that was in force before."""
    stream = make_stream(1)
    site = make_site(stream, settings={"appraisal": {"refresh": before}})
    daemon = site.start("a")
    if before != "0":
        wait_until(lambda: status(site)["refreshed_at"] is not None, "the first refresh")
    stream.send_events([event("ticket.opened", "T", agent_id="ann")])
    site.wait_read()
    assert status(site)["behind"] == 1
    site.configure(appraisal={"refresh": "200ms"})
    daemon.signal(signal.SIGHUP)
    wait_current(site)
    wait_current(site)
