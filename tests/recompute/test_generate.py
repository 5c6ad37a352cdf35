"""The generator: its policies, and what they lead to."""

import json
import subprocess
import sys
from datetime import date

import pytest

import policy
from hours import weekdays_of
from test_recompute import HERE, when

MODES = ([], ["--hours"], ["--warnings"], ["--calendars"], ["--calendars", "--warnings"], ["--hours", "--warnings"])


def generate(folder, seed, *options, tickets=0):
    command = [sys.executable, f"{HERE}/generate", "--seed", str(seed), "--tickets", str(tickets), *options]
    subprocess.run([*command, "--policy-out", folder / "p.json", "--out", folder / "e.ndjson"], check=True)
    return json.loads((folder / "p.json").read_text())


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    return [generate(folder, seed, "--calendars", "--warnings") for seed in range(16)]


@pytest.mark.parametrize("options", MODES, ids=" ".join)
def test_policies_have_no_faults(tmp_path, options):
    for seed in range(7):
        generate(tmp_path, seed, *options)
        assert policy.load(tmp_path / "p.json")


def test_realistic_calendars(many):
    calendars = [
        calendar for file in many for revision in file["revisions"]
        for name, calendar in revision["calendars"].items() if name != "always"
    ]  # fmt: skip
    assert len({calendar["time_zone"] for calendar in calendars}) == 6
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    expanded = [
        {names[day]: hours for key, hours in calendar["weekly"].items() for day in weekdays_of(key)} for calendar in calendars
    ]
    weeks = [dict.fromkeys(names, []) | week for week in expanded]
    assert any(week.get("mon") == ["08:30-12:00", "13:30-17:30"] for week in weeks)  # lunch
    assert any("22:00-24:00" in week["mon"] and "00:00-06:00" in week["tue"] for week in weeks)  # over midnight
    assert any("22:00-06:00" in week["mon"] for week in weeks)  # over midnight, in one
    keys = [key for calendar in calendars for key in (*calendar["weekly"], *calendar.get("days", {}))]
    assert "mon-fri" in keys and any("/" in key for key in keys) and any(len(key) == 5 for key in keys)
    days = [
        (hours, week[names[date.fromisoformat(day).weekday()]])
        for calendar, week in zip(calendars, weeks) for day, hours in calendar.get("days", {}).items() if len(day) == 10
    ]  # fmt: skip
    assert any(hours == [] and usual for hours, usual in days)  # a holiday
    assert any(hours and not usual for hours, usual in days)  # a make-up day


def test_targets_ask_for_everything(many):
    targets = [
        target for file in many for revision in file["revisions"] for one in revision["policies"]
        for target in one["targets"].values()
    ]  # fmt: skip
    asked = [warning for target in targets for warning in target.get("warn_at", ())]
    assert any(warning.endswith("%") for warning in asked) and any(warning.endswith("before") for warning in asked)
    assert any(target.get("escalate_after") for target in targets)
    assert any("wd" in target["within"] for target in targets)
    assert any(target.get("pause_on") and target["calendar"] != "always" for target in targets)


def test_old_options_give_the_same_policies(tmp_path):
    for options, has in ((["--calendars"], (True, False)), (["--warnings"], (False, True)), ([], (False, False))):
        text = json.dumps([generate(tmp_path, seed, *options) for seed in range(3)])
        assert ("time_zone" in text, "warn_at" in text or "escalate_after" in text) == has


def test_the_tables_of_generated_events(tmp_path):
    """Every state of an alert occurs, and the order of the events has no effect."""
    states = set()
    for seed in range(7):
        generate(tmp_path, seed, "--calendars", "--warnings", tickets=60)
        lines = (tmp_path / "e.ndjson").read_bytes().splitlines(keepends=True)
        found = []
        for name, text in (("a", lines), ("b", lines[::-1])):
            (tmp_path / f"{name}.ndjson").write_bytes(b"".join(text))
            subprocess.run(
                [
                    sys.executable, f"{HERE}/recompute", "--policy", tmp_path / "p.json", "--as-of", when(5 * 24 * 60),
                    "--read-at", when(30 * 24 * 60), "--out", tmp_path / name, tmp_path / f"{name}.ndjson",
                ],
                check=True,
            )  # fmt: skip
            tables = ("ticket", "ticket_cycle", "agent_kpi_5m", "alert", "sla_live", "sla_live_left")
            found.append([(tmp_path / name / f"{table}.csv").read_text() for table in tables])
        assert found[0] == found[1]
        states |= {row.split(",")[4] for row in found[0][3].splitlines()[1:]}
    assert states == {"warning", "averted", "breached", "resolved"}
