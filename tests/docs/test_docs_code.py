"""Headers have a contract and a user, queries are files that the daemon asks, and every KPI measure has its rule."""
import os
import re

from documents import TREE, read
from measures import MEASURES
from names import complain

DAEMON = [path for path in TREE if path.startswith(("daemon/", "include/")) and path.endswith((".c", ".h"))]


def test_every_header_says_what_it_is_for():
    """Its first comment, before its first declaration."""
    complain([f"{path}: its contract is missing" for path in DAEMON if path.endswith(".h") and not re.match(
        r"(\s*#\s*(pragma|ifndef|define)\b[^\n]*\n|\s*\n)*\s*/\*", read(path))])


def test_every_header_is_included():
    included = {os.path.basename(name) for path in TREE if path.endswith((".c", ".h"))
                for name in re.findall(r'#include "([^"]+)"', read(path))}
    complain([f"{path}: nobody includes it" for path in DAEMON
              if path.endswith(".h") and os.path.basename(path) not in included])


def test_queries_and_their_uses():
    """Every query is a file, and every file is asked by the daemon."""
    used = {}
    for path in TREE:
        if path.startswith("daemon/") and path.endswith((".c", ".h")):
            for name in re.findall(r'"(queries/\w+\.sql)"', read(path)):
                used.setdefault(name, path)
    there = {path.removeprefix("sql/") for path in TREE if path.startswith("sql/queries/")}
    complain([f"{path}: there is no sql/{name}" for name, path in used.items() if name not in there] +
             [f"sql/{name}: nobody asks it" for name in sorted(there - set(used))])


def test_every_measure_has_its_rule():
    """The table of rules K names each measure of kpi_measures.def once, as schema report does, and no other."""
    rules = read("docs/semantics.md").split("\n## K. ")[1].split("\n- **K1**")[0]
    named = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]+) \|", rules, re.MULTILINE)))
    assert sorted(named) == sorted(measure.public for measure in MEASURES)
