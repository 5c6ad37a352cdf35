"""The structure of the C code as docs/architecture.md promises it: layers, folders, and the sizes of files and functions."""
import collections
import os
import re

from documents import TREE, read

# Each layer may include itself and those before it. Contracts in include/kpid count as part of the layer that implements
# them; `port` is what the core asks of adapters, so nothing lies below it.
LAYERS = ["port", "base", "config", "core", "adapters", "app", "board", "hook", "cli", "main"]
# Names of event types are read from the configuration ([topics]) and from events: one table, which is part of the contract.
EXCEPTIONS = {("config", "include/kpid/core/event.h")}
# The core takes what is configured as values: it does not know the configuration.
FORBIDDEN = {("core", "config")}
# Folders that still include each other. Remove a pair from here when its circle is gone.
CIRCLES = {("app", "app/kafka")}
MOST_LINES_OF_A_FILE = 600
MOST_LINES_OF_A_FUNCTION = 60

FILES = [path for path in TREE if path.startswith(("daemon/", "include/")) and path.endswith((".c", ".h"))]
LISTS = [path for path in TREE if path.startswith("include/") and path.endswith(".def")]  # included several times
GENERATED = {"sql/queries.h"}  # by sql/CMakeLists.txt
Include = collections.namedtuple("Include", "file included")


def target_of(path, name):
    """The file that `#include "name"` in path means."""
    for folder in (os.path.dirname(path), "daemon", "include"):
        target = os.path.normpath(os.path.join(folder, name))
        if target in FILES + LISTS:
            return target
    raise AssertionError(f'{path}: #include "{name}" is not a file of daemon/ or include/')


INCLUDES = [Include(path, target_of(path, name)) for path in FILES
            for name in re.findall(r'(?m)^\s*#\s*include "([^"]+)"', read(path)) if name not in GENERATED]


def folder_of(path):
    """The folder below daemon/. A header of include/kpid belongs to the folder with the C file of the same name."""
    if not path.startswith("include/"):
        return os.path.dirname(path).removeprefix("daemon").lstrip("/")
    layer = os.path.dirname(path).removeprefix("include/kpid").lstrip("/") or "config"
    name = os.path.basename(path).removesuffix(".h") + ".c"
    owners = [source for source in FILES if source.startswith(f"daemon/{layer}/") and os.path.basename(source) == name]
    return os.path.dirname(owners[0]).removeprefix("daemon/") if owners else layer


def layer_of(path):
    folder = folder_of(path)
    return folder.partition("/")[0] if folder else "main"


def test_every_file_is_in_a_layer():
    assert not [path for path in FILES if layer_of(path) not in LAYERS]
    assert {layer_of(path) for path in FILES} == set(LAYERS)


def test_no_include_goes_up():
    upward = []
    for file, included in INCLUDES:
        layer, below = layer_of(file), layer_of(included)
        goes_up = LAYERS.index(layer) < LAYERS.index(below) or (layer, below) in FORBIDDEN
        if goes_up and (layer, included) not in EXCEPTIONS:
            upward.append(f"{file} ({layer}) must not include {included} ({below})")
    assert not upward, "\n".join(upward)


def test_generated_names_of_columns_are_used_above_the_core():
    users = {layer_of(path) for path in FILES if any(f'"{name}"' in read(path) for name in GENERATED)}
    assert users <= {"adapters", "app", "board", "cli"}, users


def test_no_two_folders_include_each_other():
    edges = collections.defaultdict(list)
    for file, included in INCLUDES:
        edges[folder_of(file), folder_of(included)].append(f"{file} includes {included}")
    circles = [lines + edges[b, a] for (a, b), lines in list(edges.items())
               if a < b and (b, a) in edges and (a, b) not in CIRCLES]
    assert not circles, "\n\n".join("\n".join(lines) for lines in circles)


def functions(path):
    """(name, lines) of each function: from the line that declares it to its closing brace, as clang-format lays them out."""
    lines = read(path).splitlines()
    for end, line in enumerate(lines):
        if line != "}":
            continue
        brace = max((i for i in range(end) if lines[i] == "{"), default=None)
        if brace is None:
            continue
        start = brace - 1
        while start > 0 and not re.match(r"\w.*\(", lines[start]):
            start -= 1
        yield re.search(r"(\w+) ?\(", lines[start])[1], end - start + 1


def test_functions_are_found():
    """The test below sees every function: as many as there are opening braces at the start of a line."""
    found = [name for path in FILES for name, _ in functions(path)]
    assert len(found) == sum(read(path).count("\n{\n") for path in FILES)
    assert len(found) > 1000


def test_files_and_functions_are_short():
    long = [f"{path} has {n} lines" for path in FILES if (n := read(path).count("\n")) > MOST_LINES_OF_A_FILE]
    long += [f"{path}: {name}() has {n} lines" for path in FILES for name, n in functions(path)
             if n > MOST_LINES_OF_A_FUNCTION]
    assert not long, "\n".join(long)
