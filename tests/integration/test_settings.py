"""What all instances must agree on: a default overrides nothing, a difference is refused or logged, and one command changes it."""
import json
import os

from daemon import event, policy, wait_until


def write_file(site, *tickets):
    path = os.path.join(site.folder, "events.ndjson")
    with open(path, "wb") as file:
        file.writelines(event("ticket.opened", ticket) + b"\n" for ticket in tickets)
    return path


def settings(site):
    return json.loads(site.command("settings", "show", "--json").stdout)


def test_a_default_overrides_no_setting(make_site):
    """An ingest whose configuration names no zone set it to UTC for everybody."""
    site = make_site()
    site.command("ingest", write_file(site, "T1"))
    assert "report.time_zone" not in settings(site)  # nothing that nobody has named
    site.command("ingest", "--set", "report.time_zone=Asia/Shanghai", "--set", "kpi.fcr_window=7d", write_file(site, "T2"))
    site.command("ingest", write_file(site, "T3"))
    assert settings(site)["report.time_zone"] == "Asia/Shanghai"


def test_a_default_window_gives_way(make_site):
    site = make_site()
    site.command("ingest", "--set", "kpi.fcr_window=3d", write_file(site, "T1"))
    site.command("ingest", write_file(site, "T2"))
    assert settings(site)["kpi.fcr_window_us"] == str(3 * 86400 * 1_000_000)
    refused = site.command("ingest", "--set", "kpi.fcr_window=4d", write_file(site, "T3"), status=3).stderr
    assert str(3 * 86400 * 1_000_000) in refused and str(4 * 86400 * 1_000_000) in refused, refused
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
    """Two groups would take every partition from each other without end, and nobody would notice."""
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


def test_what_cannot_change_is_refused(make_site):
    site = make_site()
    assert "every figure" in site.command("settings", "set", "kpi.fcr_window", "4d", status=2).stderr
    assert "no time zone" in site.command("settings", "set", "report.time_zone", "Mars/Base", status=1).stderr
    assert "report.time_zone" in site.command("settings", "set", "run.lanes", "4", status=2).stderr


def test_two_policy_files_are_named(make_stream, make_site):
    """They split the tickets by partition without a word."""
    site = make_site(make_stream(2), policy("1h"))
    first = site.start("a")
    wait_until(lambda: first.logged("is running as a"), "the first to run")
    site.write_policy(policy("2h", id="other"))
    second = site.start("b")
    wait_until(lambda: second.logged("the policy file has the revisions other; the one before had 1"), "the second to say so")
    found = json.loads(site.command("doctor", "--json", status=None).stdout)["findings"]
    assert [f["level"] for f in found if f["check"] == "settings"] == ["ok"]
    site.write_policy(policy("1h"))
    found = json.loads(site.command("doctor", "--json", status=None).stdout)["findings"]
    assert ["the policy file here has the revisions 1, and an instance has read one with other"] == [
        f["what"] for f in found if f["check"] == "settings"]
    wait_until(lambda: first.logged("the policy file here has the revisions 1, and another instance has read other"),
               "the first to say so", 20)
    assert len(first.logged("another instance has read")) == 1
    first.stop(5)
    second.stop(5)


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
