"""A topic with only unknown types once went unnoticed: `Ticket.Opened`, `ticket.created`, a header in quotation
marks (rule E4). The log now reports it once, with an example and the remedy; kpid doctor names the topic.
"""
import json

import pytest

from daemon import event, now, rfc3339, wait_until

# How the type is written in a message of each topic, how it is shown, and the advice.
CASES = {
    "opened": ("Ticket.Opened", '"Ticket.Opened"', "send ticket.opened, spelled exactly like this"),
    "closed": ("ticket.created", '"ticket.created"', "send the types that kpid knows, such as ticket.opened"),
    "activity": ('"ticket.responded"', r'"\"ticket.responded\""', "send ticket.responded without quotation marks"),
}


def structured(type):
    return json.dumps({"specversion": "1.0", "id": "1", "source": "/c", "type": type, "time": rfc3339(now()),
                       "data": {"ticket_id": "T1"}}).encode()


def binary(type):
    return json.dumps({"ticket_id": "T1"}).encode(), [
        ("content-type", "application/json"), ("ce_specversion", "1.0"), ("ce_type", type), ("ce_id", "1"),
        ("ce_source", "/c"), ("ce_time", rfc3339(now()))]


def findings(site):
    done = site.command("doctor", "--json", status=None)
    return [f for f in json.loads(done.stdout)["findings"] if f["check"] == "types"]


def test_a_topic_with_only_unknown_types_is_reported(make_stream, make_site):
    stream = make_stream(2)
    site = make_site(stream)
    site.start("a")
    stream.send([("opened", i % 2, structured(CASES["opened"][0])) for i in range(3)])
    stream.send([("closed", 0, structured(CASES["closed"][0]))])
    stream.send([("activity", 1, *binary(CASES["activity"][0]))])
    # Other types beside events are nobody's mistake.
    stream.send([("survey", 0, structured("com.acme.invoice.paid")), ("survey", 1, event("survey.submitted", "T1", score=5))])
    daemon = site.daemons["a"]
    for kind, (_, shown, advice) in CASES.items():
        n = "3 messages are" if kind == "opened" else "1 message is"
        what = f"{stream.topics[kind]} has brought no event: {n} of types that kpid does not know, such as {shown}"
        wait_until(lambda: [line for line in daemon.log().splitlines() if what in line and advice in line],
                   lambda: f"{what}; {advice}\n{daemon.log()}")
        found = [f for f in findings(site) if f["what"] == what]
        assert found and found[0]["level"] == "warn" and advice in found[0]["advice"], findings(site)
    assert len(findings(site)) == 3, findings(site)
    assert site.one("SELECT unknown_type FROM report.data_freshness WHERE topic = %s AND partition = 0",
                    stream.topics["survey"]) == "com.acme.invoice.paid"

    # It is logged once; and when the sender is corrected, there is no finding.
    stream.send([("opened", 0, structured(CASES["opened"][0])), ("closed", 1, event("ticket.closed", "T1")),
                 ("opened", 1, event("ticket.opened", "T1")), ("activity", 1, event("ticket.responded", "T1"))])
    site.wait_read()
    assert [f["level"] for f in findings(site)] == ["ok"]
    assert daemon.log().count("has brought no event") == 3, daemon.log()


@pytest.mark.parametrize("type, shown", [("Ticket.Opened", '"Ticket.Opened"'), ("报修.开单", '"报修.开单"'),
                                         ("x" * 300, '"' + "x" * 159 + '"')])
def test_a_file_with_only_unknown_types_is_reported(make_site, tmp_path, type, shown):
    site = make_site()
    path = tmp_path / "events.ndjson"
    path.write_bytes((structured(type) + b"\n") * 5)
    done = site.command("ingest", str(path))
    assert f"has brought no event: 5 messages are of types that kpid does not know, such as {shown}" in done.stderr
    assert [f["level"] for f in findings(site)] == ["ok"], "a file that was read is no topic"
    path.write_bytes(path.read_bytes() + event("ticket.opened", "T1") + b"\n")
    assert "no event" not in site.command("ingest", str(path)).stderr
