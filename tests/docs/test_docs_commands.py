"""Every command, option and file of configuration that documents show is one that the program takes."""
import json
import os
import re

import pytest

from conftest import ROOT
from documents import BLOCKS, EXPECTED, INLINE, TREE, read
from names import (FROM_KPID, all_commands, cmake_faults, complain, help_of, is_option, kpid_faults, option_faults, options_of,
                   selection_faults, where)

AHEAD = ("docs/semantics.md",)  # also says what this version refuses


@pytest.mark.parametrize("path, option", [("deploy/kpid.sample.ini", "--sample"), ("docs/configuration.md", "--markdown")])
def test_generated_from_the_options(kpid, path, option):
    assert read(path) == kpid("check-config", option), f"{path} is out of date: run tests/docs/generate"


@pytest.mark.parametrize("policy", ["policy.minimal.json", "policy.sample.json", "policy.calendars.json"])
def test_sample_configuration_and_policies_are_good(kpid, policy):
    deploy = os.path.join(ROOT, "deploy")
    kpid("check-config", "--config", os.path.join(deploy, "kpid.sample.ini"), "--set",
         f"sla.policy_file={os.path.join(deploy, policy)}", "--set", "kafka.bootstrap.servers=localhost")


@pytest.mark.parametrize("plan", sorted(os.listdir(os.path.join(ROOT, "deploy", "appraisal"))))
def test_sample_plans_are_good(kpid, plan):
    path = os.path.join(ROOT, "deploy", "appraisal", plan)
    assert kpid("appraisal", "check", path) == "ok\n"
    assert "Plan \"" in kpid("appraisal", "show", path) and "方案" in kpid("appraisal", "show", "--lang", "zh", path)
    assert kpid("appraisal", "diff", path, path) == "no changes\n"


def test_manual_names_every_command(commands):
    page = read("daemon/man/kpid.1.in").replace("\\-", "-").replace("\\", "")
    section = re.search(r"\.SH COMMANDS\n(.*?)\n\.SH ", page, re.S)[1]
    named = set(re.findall(r'^\.(?:B|BI|BR) "?([a-z-]+)', "\n".join(
        after for before, after in zip(section.splitlines(), section.splitlines()[1:]) if before == ".TP"), re.M))
    assert named == set(commands)


def test_documents_name_every_command(commands):
    text = "\n".join(read(path) for path in EXPECTED if path == "README.md" or
                     path.startswith("docs/") and path != "docs/design-notes.md")
    assert not [name for name in commands if name != "version" and f"kpid {name}" not in text]


def test_commands(commands, kpid, sample):
    faults = []
    n_kpid = 0
    for place, command in all_commands():
        found = []
        program = command[0].removeprefix("./")
        if program in FROM_KPID or command[0] == "./kpid":
            n_kpid += 1
            found += kpid_faults(command, commands, kpid("--help"), sample)
        elif program in ("cmake", "ctest"):
            found += cmake_faults(command)
            found += selection_faults(command) if program == "ctest" else []
        elif "pytest" in command:
            found += selection_faults(command)
        elif program.partition("/")[0] in ("tests", "deploy", ".ci"):
            path = os.path.join(ROOT, program)
            if os.path.isdir(path):
                continue
            if not os.path.exists(path):
                found.append(f"there is no {program}")
            elif os.access(path, os.X_OK):
                found += [f"{program} has no option {option}" for option in options_of(command[1:])
                          if not is_option(option, help_of(program))]
            elif len(command) > 1:
                found.append(f"{program} cannot be run")
        faults += [f"{place}: {' '.join(command)}: {fault}" for fault in found]
    complain(faults)
    assert n_kpid > 20, "the documents name hardly a command: are they read at all?"


def test_what_names_a_program_and_its_options():
    """Sentences such as "`deploy/demo --help` lists more: `--kafka` uses …": an option alone belongs to something."""
    known = "\n".join([*(help_of(path) for path in ("deploy/demo", "tests/run", "tests/bench/run")),
                       *(read(path) for path in TREE if path.startswith(("daemon/cli/", "tests/")) and
                         not path.startswith(("tests/docs/", "tests/fuzz/corpus/")))])
    complain([f"{where(code)}: nothing has an option {code.text}" for code in INLINE
              if re.fullmatch(r"--[a-z][a-z-]+(=\S+| [A-Z]+)?", code.text) and
              not is_option(re.split("[= ]", code.text)[0], known)])


def test_configurations(sample):
    faults = []
    for block in BLOCKS:
        if block.language != "ini":
            continue
        section = None
        for number, line in enumerate(block.text.splitlines(), block.line):
            if found := re.match(r"\[(map|[\w.]+)(?: [\w-]+)?\]", line):
                section = found[1]
                faults += [f"{block.file}:{number}: {fault}" for fault in option_faults(section, sample)]
            elif found := re.match(r"(param(?=\.)|[\w.]+).*?=", line) if section == "map" else re.match(r"([\w.]+)\s*=", line):
                faults += [f"{block.file}:{number}: {fault}" for fault in option_faults(f"{section}.{found[1]}", sample)]
    complain(faults)


def test_options_in_sentences(sample):
    """`sla.max_silence` and [section] alone."""
    faults = []
    for code in INLINE:
        if code.file in AHEAD:
            continue
        found = re.fullmatch(r"(run|sla|alert|kpi)\.([a-z_]+)", code.text)
        if found:
            faults += [f"{where(code)}: {fault}" for fault in option_faults(code.text, sample)]
        for section, key in re.findall(r"\[([a-z]+)\] ?([a-z_]*)", code.text):
            faults += [f"{where(code)}: {fault}" for fault in option_faults(f"{section}.{key}" if key else section, sample)]
    complain(faults)


def test_json(kpid, tmp_path):
    """JSON is JSON, and policies are policies."""
    n_policies = 0
    for block in BLOCKS:
        if block.language != "json":
            continue
        try:
            values = [json.loads(block.text)]
        except ValueError:
            values = [json.loads(line) for line in block.text.splitlines() if line.strip()]
        for value in values:
            if isinstance(value, dict) and "revisions" in value and block.file not in AHEAD:
                n_policies += 1
                if "plans" in value["revisions"][0]:
                    path = tmp_path / "appraisal.json"
                    path.write_text(json.dumps(value), encoding="utf-8")
                    kpid("appraisal", "check", str(path))
                    continue
                path = tmp_path / "policy.json"
                path.write_text(json.dumps(value), encoding="utf-8")
                kpid("check-config", "--set", f"sla.policy_file={path}", "--set", "kafka.bootstrap.servers=localhost")
    assert n_policies > 0
