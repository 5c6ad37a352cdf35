"""Every kpid command that a document shows is run on a small help desk, and what documents say it prints is compared."""
import itertools
import os
import re
import subprocess

import pytest

from documents import BLOCKS, DOCUMENTS, read
from names import FROM_KPID, SHELL_LANGUAGES, shell_lines, where, words_of
from servers import PG_BIN

NOT_RUN = {
    ("run",): "does not end by itself; tests/integration starts it hundreds of times",
    ("hook",): "does not end by itself; tests/integration/test_hook.py starts it",
    ("federate",): "needs the databases of all shards; tests/integration/test_shards.py runs it",
    ("board",): "does not end by itself; tests/integration/test_board.py starts it",
}
# Where a command does not end with 0 here, and why.
STATUSES = {
    ("doctor",): (1,),  # there is no Kafka
    ("dlq", "requeue"): (0, 5),  # without --dry-run it needs one
    ("ingest", "--compare"): (0, 1),  # 1: tickets differ
    ("source", "drop"): (0, 1),  # nothing of this source is there, or no topic is mapped to it
    ("appraisal", "explain"): (1,),  # the ledger has not been refreshed, so nobody has a card
    **{("appraisal", action): (0, 1) for action in (  # nor can a period be closed
        "report", "enter", "close", "cards", "verify", "drift", "adjust", "restate", "appeal", "appeals", "withdraw", "decide", "page", "note", "acknowledge",
        "finish", "forget")},
    ("appraisal", "pseudonyms"): (3,),  # appraisal.key_file is not set
}


def commands_shown():
    """(where, its words) of each kpid command in a block of a document, once each."""
    seen = set()
    for block in BLOCKS:
        if block.language not in SHELL_LANGUAGES[1:]:
            continue
        for number, line in shell_lines(block):
            for command in words_of(line):
                words = tuple(itertools.takewhile(lambda word: word not in ("<", ">"), command))
                if command[0] in FROM_KPID and len(words) > 1 and words not in seen and not any(
                        re.fullmatch(r"[A-Z]{2,}|N", word) or "…" in word or "|" in word for word in words):
                    seen.add(words)
                    yield pytest.param(list(words[1:]), id=f"{block.file}:{number} {' '.join(words)}"[:100])


def begins(words, table):
    return next((value for key, value in table.items() if tuple(words[:len(key)]) == key), None)


# -- what they print -------------------------------------------------------------------------------------------------


def outputs():
    """(where, the command, the lines) of each block that follows a line <!-- output: COMMAND -->."""
    for path in DOCUMENTS:
        lines = read(path).splitlines()
        for number, line in enumerate(lines):
            if found := re.fullmatch(r"<!-- output: kpid (.*) -->", line):
                block = next(block for block in BLOCKS if block.file == path and block.line > number)
                yield pytest.param(found[1], block.text.splitlines(), id=f"{where(block)} {found[1]}")


def masked(line):
    """A line without what differs each time: numbers and durations, and how wide they make the columns."""
    line = re.sub(r"\b(?:\d+[dhms]){1,2}\b", "0s", re.sub(r"@[0-9a-f]{16}", "@0", line))
    return re.sub(r"\s+", " ", re.sub(r"\d+", "0", line)).strip()


@pytest.mark.parametrize("command, lines", outputs())
def test_output_is_what_the_document_shows(story, command, lines):
    """In order and without gaps, but for [...]."""
    printed = story.run(*command.split())
    left = [masked(line) for line in printed.splitlines() if line.strip()]
    may_skip = False
    for line in filter(str.strip, lines):
        if line.strip() == "[...]":
            may_skip = True
            continue
        wanted = masked(line)
        assert wanted in left if may_skip else left[:1] == [wanted], f"not here: {line}\n\n{printed}"
        left, may_skip = left[left.index(wanted) + 1:], False
    assert may_skip or not left, f"the document leaves out the end:\n{printed}"


def test_some_output_is_compared():
    assert len(list(outputs())) >= 4


# -- that they run, which changes what is stored --------------------------------------------------------------------


def test_databases_are_created_as_shown(story):
    shown = {tuple(command) for block in BLOCKS if block.language in SHELL_LANGUAGES[1:] for _, line in shell_lines(block)
             for command in words_of(line) if command[0] == "createdb"}
    assert shown
    for number, words in enumerate(shown):
        subprocess.run([os.path.join(PG_BIN, words[0]), *words[1:-1], f"shown_{number}"], check=True, env=story.env, timeout=60)


@pytest.mark.parametrize("words", commands_shown())
def test_commands_run(story, words):
    if reason := begins(words, NOT_RUN):
        pytest.skip(reason)
    story.break_something()
    words = [word.replace("/etc/kpid/", f"{story.folder}/") for word in words]
    stdin = open(os.path.join(story.folder, "desk.ndjson"), "rb") if words[-1] == "-" else None
    try:
        story.run(*words, statuses=begins(words, STATUSES) or (0,), **({"stdin": stdin} if stdin else {}))
    finally:
        if stdin:
            stdin.close()
