"""Settings that all instances share: a default overrides nothing, a difference is refused or logged, and one
command changes them.
"""
import json
import os
import signal

import pytest

from daemon import event, policy, wait_until


def write_file(site, *tickets):
    path = os.path.join(site.folder, "events.ndjson")
    with open(path, "wb") as file:
        file.writelines(event("ticket.opened", ticket) + b"\n" for ticket in tickets)
    return path


def settings(site):
    return json.loads(site.command("settings", "show", "--json").stdout)


def test_a_default_overrides_no_setting(make_site):
    """An ingest without a configured zone once set it to UTC for everybody."""
    site = make_site()
    site.command("ingest", write_file(site, "T1"))
    assert "report.time_zone" not in settings(site)  # nothing that was not configured
    site.command("ingest", "--set", "report.time_zone=Asia/Shanghai", "--set", "kpi.fcr_window=7d", write_file(site, "T2"))
    site.command("ingest", write_file(site, "T3"))
    assert settings(site)["report.time_zone"] == "Asia/Shanghai"


def test_a_default_window_is_replaced(make_site):
    site = make_site()
    site.command("ingest", "--set", "kpi.fcr_window=3d", write_file(site, "T1"))
    site.command("ingest", write_file(site, "T2"))
    assert settings(site)["kpi.fcr_window_us"] == str(3 * 86400 * 1_000_000)
    refused = site.command("ingest", "--set", "kpi.fcr_window=4d", write_file(site, "T3"), status=3).stderr
    assert f"{3 * 86400} s" in refused and f"{4 * 86400} s" in refused, refused
    assert site.one("SELECT count(*) FROM kpid.ticket") == 2


def test_a_zone_that_differs_is_refused_with_both_values(make_site):
    site = make_site()
    shanghai, berlin = ["--set", "report.time_zone=Asia/Shanghai"], ["--set", "report.time_zone=Europe/Berlin"]
    site.command("ingest", *shanghai, write_file(site, "T1"))
    refused = site.command("ingest", *berlin, write_file(site, "T2"), status=3).stderr
    for words in ("Europe/Berlin", "Asia/Shanghai", "kpid settings set report.time_zone"):
        assert words in refused, refused
    assert settings(site)["report.time_zone"] == "Asia/Shanghai"
    said = site.command("settings", "set", "report.time_zone", "Europe/Berlin").stdout
    assert "Europe/Berlin" in said and "Asia/Shanghai" in said, said
    site.command("ingest", *berlin, write_file(site, "T2"))
    site.command("ingest", *shanghai, write_file(site, "T3"), status=3)
    assert site.one("SELECT count(*) FROM kpid.ticket") == 2


def test_a_second_group_on_one_database_is_refused(make_stream, make_site):
    """Two groups would take every partition from each other forever, unnoticed."""
    site = make_site(make_stream(1), policy("1h"))
    daemon = site.start("a")
    wait_until(lambda: settings(site).get("kafka.group.id") == site.database, "the group to be stored")
    daemon.stop(10)
    other = ["--set", "kafka.group.id=another"]
    refused = site.command("run", *other, status=3).stderr
    for words in ("another", site.database, "kpid settings set kafka.group.id"):
        assert words in refused, refused
    finding, = [f for f in json.loads(site.command("doctor", "--json", *other, status=None).stdout)["findings"]
                if f["check"] == "settings" and f["level"] != "ok"]
    assert "another" in finding["what"] and "kpid settings set kafka.group.id" in finding["advice"]
    site.command("settings", "set", "kafka.group.id", "another")
    assert settings(site)["kafka.group.id"] == "another"
    assert site.database in site.command("run", status=3).stderr


def test_unchangeable_settings_are_refused(make_site):
    site = make_site()
    assert "every stored figure" in site.command("settings", "set", "kpi.fcr_window", "4d", status=2).stderr
    assert "does not know the time zone Mars/Base" in site.command("settings", "set", "report.time_zone", "Mars/Base", status=1).stderr
    assert "report.time_zone" in site.command("settings", "set", "run.lanes", "4", status=2).stderr


@pytest.fixture
def two(make_stream, make_site):
    """A site with one instance that runs."""
    site = make_site(make_stream(1), policy("1h"), {"report": {"time_zone": "Asia/Shanghai"}})
    site.start("a")
    wait_until(lambda: site.daemons["a"].logged("is running as a"), "the first to run")
    return site


def findings(site, *options):
    found = json.loads(site.command("doctor", "--json", *options, status=None).stdout)["findings"]
    return [f["what"] for f in found if f["check"] == "settings" and f["level"] != "ok"]


DIFFERENCES = {
    "time_zone": ("report.time_zone=Europe/Berlin", "report.time_zone is Europe/Berlin here, but daily figures use Asia/Shanghai"),
    "alert_topic": ("alert.topic=else", "alert.topic is else here, but alerts of this database go to {alerts}"),
    "no_alert_topic": ("alert.topic=", "alert.topic is none here, but alerts of this database go to {alerts}"),
    "types": ("topics.{opened}=ticket.opened, ticket.updated",
              "the topic {opened} has the types ticket.opened, ticket.updated here, but ticket.opened in the database"),
    "policies": ("sla.policy_file={other}", "the policy file here has the revisions other, and another instance has read 1"),
    "no_policies": ("sla.policy_file=", "the policy file here has the revisions none, and another instance has read 1"),
}


@pytest.mark.parametrize("which", DIFFERENCES)
def test_an_instance_that_disagrees_does_not_start(two, which):
    """It once ran beside the other: two alert topics, two zones, tickets split by partition. Now it names the option, and
    takes over only if asked to."""
    site = two
    other = os.path.join(site.folder, "other.json")
    with open(other, "w", encoding="utf-8") as file:
        json.dump(policy("2h", id="other"), file)
    words = {"alerts": site.alert_topic, "opened": site.stream.topics["opened"], "other": other}
    option, difference = (text.format(**words) for text in DIFFERENCES[which])
    refused = site.command("run", "--set", "run.instance=b", "--set", option, status=3).stderr
    assert difference in refused and "--take-over-settings" in refused, refused
    assert findings(site, "--set", option) == [difference]
    assert not findings(site)

    second = site.start("b", options=["--take-over-settings"], **dict([option.replace(".", "_", 1).split("=", 1)]))
    wait_until(lambda: second.logged("is running as b"), "the second to take over")
    first = site.daemons["a"]
    wait_until(lambda: first.logged(r"warning .*(--take-over-settings)"), "the first to find out", 20)
    assert findings(site) and not findings(site, "--set", option)
    first.stop(10)
    if which != "no_policies":  # any policy file is newer than none
        refused = site.command("run", "--set", "run.instance=a", status=3).stderr
        assert "--take-over-settings" in refused, refused
    second.stop(10)


def test_all_differences_are_named_at_once(two):
    refused = two.command("run", "--set", "run.instance=b", "--set", "report.time_zone=Europe/Berlin", "--set", "alert.topic=else",
                          "--take-over-settings", "--set", "kpi.fcr_window=3d", status=3).stderr
    assert "kpi.fcr_window is 259200 s here" in refused, refused
    refused = two.command("run", "--set", "run.instance=b", "--set", "report.time_zone=Europe/Paris", "--set", "alert.topic=or", status=3).stderr
    assert "Europe/Paris" in refused and "alert.topic is or here" in refused, refused


def test_a_new_topic_and_a_new_revision_need_no_agreement(two):
    """A rolling change: the file with one more revision is the newer one, and the first instance says that it is behind."""
    site = two
    longer = {"revisions": policy("1h")["revisions"] + policy("2h", id="2", effective_from="2100-01-01T00:00:00Z")["revisions"]}
    site.write_policy(longer)
    second = site.start("b", **{"topics_one-more": "ticket.opened"})
    wait_until(lambda: second.logged("the policy file has the revisions 1, 2; the previous one had 1"), "the log line")
    assert settings(site)["topics.one-more"] == "ticket.opened"
    first = site.daemons["a"]
    wait_until(lambda: first.logged("the policy file here has the revisions 1, and another instance has read 1, 2"), "the first to find out", 20)
    first.signal(signal.SIGHUP)
    wait_until(lambda: first.logged("the configuration has been reloaded"), "the reload")
    first.stop(10)
    second.stop(10)
    first = site.start("a")
    wait_until(lambda: first.logged("is running as a"), "a restart")
    first.stop(10)


def test_settings_are_set_as_instances_write_them(make_site):
    site = make_site()
    site.command("settings", "set", "topics.tickets", "survey.submitted,ticket.opened")
    site.command("settings", "set", "alert.topic", "kpid-alarms")
    assert settings(site) == {"topics.tickets": "ticket.opened, survey.submitted", "alert.topic": "kpid-alarms"}
    assert "not an event type" in site.command("settings", "set", "topics.tickets", "ticket.open", status=3).stderr
    assert "alert.topic" in site.command("settings", "set", "alert.topic", "no topic!", status=3).stderr
    assert "reload" in site.command("settings", "set", "sla.policy_revisions", "2", status=2).stderr


def test_a_file_without_policies_beside_one_is_named(make_stream, make_site):
    site = make_site(make_stream(1), policy("1h"))
    daemon = site.start("a")
    wait_until(lambda: daemon.logged("is running as a"), "it to run")
    site.policy = None
    site.configure()
    said = site.command("ingest", write_file(site, "T1")).stderr
    assert "the policy file here has the revisions none, and another instance has read 1" in said, said
    assert site.one("SELECT value FROM kpid.setting WHERE name = 'sla.policy_revisions'") == "1"
    daemon.stop(5)
