"""kpid policy: what it says of a file, and that the schema of the file says the same."""
import json
import os
import subprocess

import pytest

from conftest import ROOT
from documents import read


def test_policy_show_tells_what_a_target_comes_to(kpid):
    text = kpid("policy", "show", os.path.join(ROOT, "deploy", "policy.calendars.json"))
    assert "opened Mon 2026-01-05 08:30, due Tue 2026-01-06 17:30" in text  # two working days
    assert "opened Wed 2025-12-31 16:30, due Mon 2026-01-05 16:30" in text  # New Year, and a Sunday that is worked
    assert kpid("policy", "check", os.path.join(ROOT, "deploy", "policy.calendars.json")) == "ok\n"


NIGHTS = {"time_zone": "Asia/Shanghai", "weekly": {"mon": ["08:00-12:00", "22:00-06:00"], "tue": ["08:00-12:00"]},
          "days": {"2026-10-01": ["20:00-02:00"]}}


def policy_file(path, calendar, **target):
    """A file with one target on one calendar."""
    target = {"within": "8h", "calendar": "desk", **target}
    path.write_text(json.dumps({"revisions": [{"id": "r1", "calendars": {"desk": calendar}, "policies": [
        {"name": "all", "targets": {"first_response": target}}]}]}))
    return str(path)


def test_hours_over_midnight_are_shown_and_long_ones_warned_of(kpid, binary, tmp_path):
    path = policy_file(tmp_path / "p.json", NIGHTS)
    assert kpid("policy", "check", path) == "ok\n"
    # 4 h of Monday morning, 4 h of Monday night
    assert "opened Mon 2026-01-05 08:00, due Tue 2026-01-06 02:00" in kpid("policy", "show", path)
    path = policy_file(tmp_path / "p.json", {**NIGHTS, "weekly": {"mon": ["17:00-09:00"]}})
    done = subprocess.run([binary, "policy", "check", path], capture_output=True, text=True, check=True)
    assert done.stdout == "ok\n"
    assert done.stderr == (
        f'{path}:1: revisions[0].calendars.desk.weekly.mon[0]: warning: "17:00-09:00" ends on the next day, 16 h 00 min after '
        "it begins; if that is not intended, swap the two times, or write 24:00 for the end of the day\n")
    warning, = json.loads(kpid("policy", "check", "--json", path))
    assert (warning["level"], warning["line"]) == ("warning", 1)


def test_target_that_never_falls_due_is_a_fault(kpid, tmp_path):
    path = policy_file(tmp_path / "p.json", {**NIGHTS, "weekly": {"mon": ["00:00-00:01"]}, "days": {}}, within="8000h")
    fault, = json.loads(kpid("policy", "check", "--json", path, status=3))
    assert fault["key"].endswith(".within") and "would never be due" in fault["message"] and fault["level"] == "error"


@pytest.mark.parametrize("calendar, target, good", [
    (NIGHTS, {}, True),
    ({**NIGHTS, "weekly": {"mon-fri": ["24:00-06:00"], "sun": ["00:00-24:00"]}}, {}, True),
    ({**NIGHTS, "weekly": {"mon": ["13:00-13:00"]}}, {}, False),
    ({**NIGHTS, "weekly": {"mon": ["24:00-00:00"]}}, {}, False),
    ({**NIGHTS, "weekly": {"mon-": ["09:00-17:00"]}}, {}, False),
    ({**NIGHTS, "days": {"2026-10-01/2026-10-07": [], "12-25": [], "02-29": ["09:00-17:00"]}}, {}, True),
    ({**NIGHTS, "days": {"2026-10-01/": []}}, {}, False),
    ({**NIGHTS, "days": {"12-5": []}}, {}, False),
    (NIGHTS, {"warn_at": ["50%", "99.999%", "0.001%", "2h before"], "escalate_after": ["1h", "1d"]}, True),
    (NIGHTS, {"warn_at": ["0.000%"]}, False),
    (NIGHTS, {"warn_at": ["100%"]}, False),
    (NIGHTS, {"warn_at": ["12.3456%"]}, False),
    (NIGHTS, {"escalate_after": ["1wd"]}, False),
])  # fmt: skip
def test_policy_schema_says_what_the_program_says(kpid, tmp_path, calendar, target, good):
    jsonschema = pytest.importorskip("jsonschema")
    schema = jsonschema.Draft202012Validator(json.loads(read("deploy/policy.schema.json")))
    path = policy_file(tmp_path / "p.json", calendar, **target)
    kpid("policy", "check", path, status=0 if good else 3)
    with open(path, encoding="utf-8") as file:
        assert schema.is_valid(json.load(file)) == good


@pytest.mark.parametrize("policy", ["policy.minimal.json", "policy.sample.json", "policy.calendars.json"])
def test_policy_schema_knows_the_samples(policy):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator(json.loads(read("deploy/policy.schema.json"))).validate(json.loads(read(f"deploy/{policy}")))


def test_policy_diff_tells_what_changes(kpid, tmp_path):
    sample = os.path.join(ROOT, "deploy", "policy.calendars.json")
    assert kpid("policy", "diff", sample, sample) == "no changes\n"
    with open(sample, encoding="utf-8") as file:
        changed = json.load(file)
    revision = changed["revisions"][0]
    revision["policies"][2]["targets"]["resolution"]["within"] = "3wd"
    revision["policies"][0], revision["policies"][1] = revision["policies"][1], revision["policies"][0]
    del revision["policies"][2]["targets"]["arrival"]
    del revision["calendars"]["china"]["days"]["2026-10-10"]
    changed["revisions"].append({"id": "later", "effective_from": "2027-01-01T00:00:00Z",
                                 "policies": [{"name": "all", "targets": {}}]})
    other = tmp_path / "other.json"
    other.write_text(json.dumps(changed))
    lines = kpid("policy", "diff", sample, str(other)).splitlines()
    start = 'revision "calendars-2026", '
    assert sorted(lines) == sorted([
        start + "calendars.china.days.2026-10-10 was removed",
        start + 'policy "china", targets.arrival was removed',
        start + 'policy "china", targets.resolution.within: "2wd" → "3wd"',
        'revision "calendars-2026": the policies are in another order, and the first that matches applies',
        'revision "later" is new: {"effective_from":"2027-01-01T00:00:00Z","id":"later","policies":[{"name":"all","targets":{}}]}',
    ])
