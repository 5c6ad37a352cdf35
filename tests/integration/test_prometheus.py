"""A real Prometheus and a real Alertmanager beside two real daemons: every expression of deploy/prometheus and
deploy/grafana finds what it is about, and an alert goes all the way. Nothing here renders a panel in Grafana."""
import datetime
import glob
import json
import os
import re
import subprocess

import pytest
import yaml

from daemon import ROOT, SECOND, event, now, policy, rfc3339, wait_until
from scrape import Endpoint, fetch_json, running_alertmanager, running_prometheus, table

RULES = os.path.join(ROOT, "deploy", "prometheus", "kpid.rules.yml")
DASHBOARDS = sorted(glob.glob(os.path.join(ROOT, "deploy", "grafana", "*.json")))


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def panels(path):
    return [panel for panel in load(path)["panels"] if panel["type"] != "row"]


def rules():
    with open(RULES, encoding="utf-8") as file:
        return [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]


def operands(expression):
    """The parts of an alert's expression, each without its condition: what is compared must exist."""
    for part in re.split(r"\s(?:unless|or|and on \(\))\s", " ".join(expression.split())):
        inner = re.fullmatch(r"absent\((.*)\)", part)
        yield inner[1] if inner else re.sub(r"\s(==|!=|>=|<=|>|<)\s", r" \1bool ", part)


def expressions():
    """(where, PromQL) of every rule and of every panel on Prometheus."""
    for rule in rules():
        name = rule.get("record") or rule["alert"]
        for part in [rule["expr"]] if "record" in rule else operands(rule["expr"]):
            yield name, part
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel["targets"]:
                if "expr" in target:
                    # The range must cover several scrapes.
                    yield panel["title"], target["expr"].replace("$__rate_interval", "20s").replace("$instance", ".*")


def statements(since, until):
    """(where, SQL) of every panel on PostgreSQL, with Grafana's macros replaced as Grafana does."""
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel["targets"]:
                if "rawSql" in target:
                    yield panel["title"], (target["rawSql"].replace("$__timeFrom()", f"'{rfc3339(since)}'")
                                           .replace("$__timeTo()", f"'{rfc3339(until)}'"))


# ---- without servers ----

def test_the_rules_do_what_their_tests_say():
    for command in (["check", "rules", "kpid.rules.yml"], ["check", "config", "prometheus.sample.yml"],
                    ["test", "rules", "kpid.rules.test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=os.path.dirname(RULES), capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_and_says_what_to_do():
    with open(RULES.replace(".rules.", ".rules.test."), encoding="utf-8") as file:
        tests = file.read()
    for rule in rules():
        assert (rule.get("record") or rule["alert"]) in tests
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            assert rule["annotations"]["summary"] and rule["annotations"]["description"].endswith((".", "}}")), rule


def test_only_metrics_that_exist_are_used():
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    suffixes = {"COUNTER": ["_total"], "INFO": ["_info"], "GAUGE": [""], "HISTOGRAM": ["_bucket", "_sum", "_count"]}
    known = recorded | {name + suffix for name, (type, _, _) in table().items() for suffix in suffixes[type]}
    for where, expression in expressions():
        used = set(re.findall(r"\b(?:kpid|process)[_:][\w:]+", re.sub(r"\{[^}]*\}", "", expression)))
        assert used <= known, (where, used - known)


@pytest.mark.parametrize("path", DASHBOARDS, ids=os.path.basename)
def test_a_dashboard_is_well_formed(path):
    board = load(path)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    places = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places, f"{panel['title']} lies on another panel"
        places |= cells
        if panel["type"] != "row":
            assert panel["description"] and panel["targets"] and panel["fieldConfig"]["defaults"]["unit"]
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
    assert board["templating"]["list"][0]["type"] == "datasource"
    assert {os.path.basename(path) for path in DASHBOARDS} == {"kpid-daemon.json", "kpid-sla.json"}


# ---- with servers ----

def send_a_day_of_work(stream):
    """Something for each panel: tickets in every state, surveys, breaches, a late proof, a reopening, dead letters."""
    at = now() - 90 * 60 * SECOND

    def minutes(n):
        return at + n * 60 * SECOND
    events = []
    for i in range(12):
        ticket, about = f"T{i}", {"project_id": "north" if i % 2 else "south", "agent_id": ("ann", "bob")[i % 2], "priority": "1"}
        events += [event("ticket.opened", ticket, minutes(i), **about)]
        if i >= 4:
            events += [event("ticket.responded", ticket, minutes(i + 1), agent_id="ann"),
                       event("ticket.requester_replied", ticket, minutes(i + 2)),
                       event("ticket.responded", ticket, minutes(i + 3), agent_id="ann")]
        if i >= 6:
            events += [event("ticket.arrived", ticket, minutes(i + 4), agent_id="bob"),
                       event("ticket.resolved", ticket, minutes(i + 20), agent_id="ann"),
                       event("survey.submitted", ticket, minutes(i + 21), score=4)]
        if i == 11:
            events += [event("ticket.reopened", ticket, minutes(40))]
        if i == 5:
            events += [event("ticket.paused", ticket, minutes(30), reason="requester")]
    events += [event("ticket.opened", "now", now(), project_id="north", agent_id="ann")]
    stream.send_events(events)
    stream.send([("activity", 0, b"nonsense"), ("activity", 1, None)])
    return events


POLICY = policy()
POLICY["revisions"][0]["policies"][0]["targets"] = {
    target: {"within": within, "calendar": "always", **more} for target, within, more in
    (("first_response", "30m", {}), ("next_response", "30m", {}), ("arrival", "1h", {}),
     ("resolution", "2h", {"pause_on": ["requester"]}))}


def test_every_expression_and_statement_finds_something(make_stream, make_site, tmp_path):
    stream = make_stream(2)
    receivers = tmp_path / "receivers.json"
    receivers.write_text('{"receivers": [{"name": "dead", "type": "webhook", "url": "http://127.0.0.1:9/"}]}')
    site = make_site(stream, POLICY, {"alert": {"receivers_file": str(receivers)}})
    endpoints = {name: Endpoint() for name in "ab"}
    for name, endpoint in endpoints.items():
        site.start(name, metrics_listen=endpoint.address)
    (tmp_path / "am.yml").write_text("route: {receiver: none, group_wait: 1s}\nreceivers: [{name: none}]\n")
    with running_alertmanager(tmp_path / "am.yml", tmp_path / "am") as alertmanager:
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [RULES],
            "scrape_configs": [{"job_name": "kpid", "static_configs": [
                {"targets": [endpoint.address for endpoint in endpoints.values()]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}]}}))
        with running_prometheus(tmp_path / "prometheus.yml", tmp_path / "prometheus") as prometheus:
            wait_until(lambda: [target["health"] for target in fetch_json(prometheus + "/api/v1/targets")["data"]["activeTargets"]]
                       == ["up", "up"], "both targets to be up")
            since = now() - 7200 * SECOND
            send_a_day_of_work(stream)
            site.wait_read()
            stream.send_events([event("ticket.responded", "T0", now() - 85 * 60 * SECOND, agent_id="ann")])
            wait_until(lambda: site.one("SELECT count(*) FROM report.alert WHERE state = 'voided'") > 0, "a late proof")
            check_expressions(prometheus)
            wait_until(lambda: {"alertname": "KpidDeadLetters", "reason": "not_json", "severity": "warning"} in
                       [alert["labels"] for alert in fetch_json(alertmanager + "/api/v2/alerts")], "the alert at Alertmanager")
    check_statements(site, since)


def check_expressions(prometheus):
    missing = dict.fromkeys(expressions())

    def found():
        for where, expression in list(missing):
            answer = fetch_json(prometheus + "/api/v1/query", query=expression)
            if answer["data"]["result"]:
                del missing[where, expression]
        return not missing
    # What comes from the database is read every 15 s.
    wait_until(found, lambda: f"a series for {missing}", every=1)
    health = {rule["name"]: rule["health"] for group in fetch_json(prometheus + "/api/v1/rules")["data"]["groups"]
              for rule in group["rules"]}
    assert set(health.values()) == {"ok"}, health


def check_statements(site, since):
    site.rows("SET ROLE kpid_reader")
    empty = [where for where, sql in statements(since, now() + datetime.timedelta(minutes=1)) if not site.rows(sql)]
    assert not empty, empty
    with pytest.raises(Exception, match="permission denied"):
        site.rows("SELECT * FROM kpid.ticket")
