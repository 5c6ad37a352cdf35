"""What the documents name, and whether it is there: paths, commands and options."""
import fnmatch
import functools
import json
import os
import re
import shlex
import subprocess

from conftest import ROOT
from documents import BLOCKS, FOLDERS, INLINE, TREE, read

TOP = {path.partition("/")[0] for path in TREE}
# Of the project's files, and of headers of libraries.
NAMES = {os.path.basename(path) for path in TREE} | {
    name for path in TREE if path.endswith((".c", ".h")) for name in re.findall(r"#include <([\w/]+\.h)>", read(path))}
EXTENSIONS = "c h sql py sh md txt json yaml ini in cmake service sysusers tmpfiles supp expected jsonl".split()
SHELL_LANGUAGES = ("", "sh", "bash", "shell", "console")
SQL_WORDS = ("SELECT ", "WITH ", "CREATE ", "ALTER ", "GRANT ", "REVOKE ", "INSERT ", "UPDATE ", "DELETE ", "COMMENT ")
FROM_KPID = ("kpid", "build/release/kpid", "build/test/kpid", "build/debug/kpid", "build/asan/kpid", "build/tsan/kpid",
             "build/clang/kpid", "./kpid")
WRITTEN = ("tests/bench/results.jsonl", "sql/queries.h")  # by programs
FOREIGN_INI = ("kafka", "postgres", "topics")  # their keys are Kafka's, PostgreSQL's, and names of topics


def where(item):
    return f"{item.file}:{item.line}"


def complain(faults):
    assert not faults, "\n".join(faults)


def placeholders(word):
    """A pattern for a name in which NAME, NNNN, name.sql and … mean anything."""
    if word in TREE:
        return word
    word = re.sub(r"NNNN_name\b", "[0-9][0-9][0-9][0-9]_*", word)
    word = re.sub(r"(^|/)(name|one_query)\.sql$", r"\1*.sql", word)
    return re.sub(r"(?<![A-Za-z.])[A-Z]{2,}(?![A-Za-z.]*\.md)", "*", word).replace("…", "*")


def exists(text, document):
    """Whether a path exists, from the top of the tree or from the document; * and parts in capitals match anything."""
    pattern = placeholders(re.sub(r":(\d+|LINE)$", "", text).rstrip("/").removeprefix("./"))
    if pattern in WRITTEN:
        return True
    folder = os.path.dirname(document)
    for path in {pattern, os.path.normpath(os.path.join(folder, pattern))}:
        if path in FOLDERS or path in TREE or any(fnmatch.fnmatchcase(name, path) for name in (*TREE, *FOLDERS)):
            return True
    return False


def path_faults(word, document):
    """The error of a word, if it is a path that does not exist."""
    word = word.strip(",;()[]'\"")
    if not re.fullmatch(r"[\w./*…:@+-]+", word) or word.startswith(("/", "~", "-", "http", "..")):
        return None
    word = word.rstrip(".:")
    first, slash, _ = word.removeprefix("./").partition("/")
    if slash:
        # Built, or in another tree.
        beside = os.path.normpath(os.path.join(os.path.dirname(document), first))
        if first == "build" or first not in TOP and beside not in FOLDERS:
            return None
        return None if exists(word, document) else f"there is no {word}"
    if "." in word and word.rpartition(".")[2] in EXTENSIONS and not word.startswith(("*", ".")):
        # A name alone may be a file of any folder, or the reader's own file.
        if re.search(r"\.(c|h|sql|py|cmake|supp|sysusers|tmpfiles|in)$", word) and not any(
                fnmatch.fnmatchcase(name, placeholders(word)) for name in NAMES):
            return f"there is no file {word}"
    return None


def words_of(line):
    """The simple commands of a line of shell, each as a list of words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError:
        return []  # not a line of shell
    commands, current = [], []
    for word in words:
        if re.fullmatch(r"[|&;()]+", word):
            commands.append(current)
            current = []
        else:
            current.append(word)
    found = []
    for command in [*commands, current]:
        while command and (re.fullmatch(r"\w+=.*", command[0]) or command[0] in ("$", "sudo", "exec", "time", "nice")):
            command = command[1:]
            if command[:1] == ["-u"]:
                command = command[2:]
        if command:
            found.append(command)
    return found


def shell_lines(block):
    """The lines of a block; a line that ends in a backslash is joined with the next."""
    number, text = block.line, ""
    for line in block.text.splitlines():
        text += line
        if text.endswith("\\"):
            text = text[:-1]
        else:
            yield number, text
            number, text = number + 1 + text.count("\n"), ""


def all_commands():
    for block in BLOCKS:
        if block.language in SHELL_LANGUAGES:
            for number, line in shell_lines(block):
                # In a block without a language, whatever looks like a command is one.
                if block.language or re.match(r"(\$ |sudo )?(kpid|cmake|ctest|tests/|deploy/|\.ci/|/usr/bin/python3 -m pytest)", line):
                    for command in words_of(line):
                        yield f"{block.file}:{number}", command
    for code in INLINE:
        if re.match(r"(sudo |\w+=\S+ )*(kpid|cmake|ctest|tests/[\w/]+|deploy/[\w/]+|\.ci/run|/usr/bin/python3 -m pytest)( |$)", code.text):
            for command in words_of(code.text):
                yield where(code), command


@functools.lru_cache(None)
def help_of(path):
    """What a program of the tree prints for --help."""
    done = subprocess.run([os.path.join(ROOT, path), "--help"], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=60)
    return done.stdout + done.stderr if done.returncode == 0 else ""


def options_of(command):
    return [word.partition("=")[0] for word in command if re.match(r"--?[a-zA-Z]", word)]


def is_option(option, text):
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def kpid_faults(command, commands, kpid_help, sample):
    words = command[1:]
    for i, word in enumerate(words):
        if word == "--set" and i + 1 < len(words):
            yield from option_faults(words[i + 1].partition("=")[0], sample)
    general = is_option
    while words and words[0].startswith("-"):
        if not general(words[0].partition("=")[0], kpid_help):
            yield f"kpid has no option {words[0]}"
        words = words[2:] if words[0] in ("--config", "-c", "--set") else words[1:]
    if not words or words[0].isupper():
        return
    name = words[0]
    if name not in commands:
        yield f"kpid has no command {name}"
        return
    text = commands[name]
    for option in options_of(words[1:]):
        if not is_option(option, text):
            yield f"kpid {name} has no option {option}"
    # The subcommands, as "list|show|requeue" in its usage. CAPITALS are placeholders.
    usage = text.splitlines()[0].rpartition("]... ")[2] if "]... " in text.splitlines()[0] else ""
    kinds = [kind for kind in usage.split(" ")[0].split("|") if re.fullmatch("[a-z-]+", kind)]
    if kinds and len(words) > 1 and not words[1].startswith("-"):
        for kind in re.split(r"[|,]", words[1]):
            if re.fullmatch("[a-z]+", kind) and kind not in kinds:
                yield f"kpid {name} has no {kind}"


def selection_faults(command):
    """Whether what pytest or ctest is asked to run exists."""
    if "pytest" in command:
        paths = [word for word in command[command.index("pytest") + 1:] if word.startswith("tests/")]
        sources = "\n".join(read(path) for path in TREE if path.endswith(".py") and any(path.startswith(one) for one in paths))
        option = "-k"
        names = [sources]  # -k also selects by parameters
    else:
        option = "-R"
        names = [os.path.basename(path) for path in TREE if path.startswith("tests/unit")]
    if option in command:
        word = command[command.index(option) + 1]
        if not any(word in name for name in names):
            yield f"no test is selected by {word}"


def option_faults(name, sample):
    section, dot, key = name.partition(".")
    if section not in sample:
        yield f"there is no section [{section}] in the configuration"
    elif section not in FOREIGN_INI and dot and key not in sample[section] and not key.isupper():
        yield f"there is no option {name}"


def presets(kind):
    return {preset["name"] for preset in json.loads(read("CMakePresets.json"))[kind] if not preset.get("hidden")}


def cmake_faults(command):
    if "--preset" in command:
        kind = "buildPresets" if "--build" in command else "configurePresets"
        name = command[command.index("--preset") + 1]
        if not name.isupper() and name not in presets(kind):
            yield f"there is no preset {name}"
    for word in command:
        for folder in re.findall(r"^build/(\w+)", word):
            if folder not in presets("configurePresets") and not folder.isupper():
                yield f"there is no preset for {word}"
        for option in re.findall(r"^-D(KPID_\w+)", word):
            if option not in read("CMakeLists.txt"):
                yield f"there is no option {option}"
