"""Documents cannot rot: every path, command, option, view and query that they name is there and works."""
import fnmatch
import functools
import glob
import json
import os
import re
import shlex
import subprocess

import psycopg2
import pytest

from conftest import ROOT
from documents import BLOCKS, DOCUMENTS, EXPECTED, FOLDERS, INLINE, LINKS, TREE, read

TOP = {path.partition("/")[0] for path in TREE}
# Of files, and of the headers of libraries.
NAMES = {os.path.basename(path) for path in TREE} | {
    name for path in TREE if path.endswith((".c", ".h")) for name in re.findall(r"#include <([\w/]+\.h)>", read(path))}
EXTENSIONS = "c h sql py sh md txt json yaml ini in cmake service sysusers tmpfiles supp expected jsonl".split()
SHELL_LANGUAGES = ("", "sh", "bash", "shell", "console")
SQL_WORDS = ("SELECT ", "WITH ", "CREATE ", "ALTER ", "GRANT ", "REVOKE ", "INSERT ", "UPDATE ", "DELETE ", "COMMENT ")
FROM_KPID = ("kpid", "build/release/kpid", "build/test/kpid", "build/debug/kpid", "build/asan/kpid", "build/tsan/kpid",
             "build/clang/kpid", "./kpid")
WRITTEN = ("tests/bench/results.jsonl",)  # by programs
AHEAD = ("RULES.md",)  # also says what this version refuses
FOREIGN_INI = ("kafka", "postgres", "topics")  # their keys are Kafka's, PostgreSQL's and names of topics


def where(item):
    return f"{item.file}:{item.line}"


def complain(faults):
    assert not faults, "\n".join(faults)


def test_the_documents_are_there():
    assert not [path for path in EXPECTED + ["LICENSE"] if path not in TREE]


# -- paths -----------------------------------------------------------------------------------------------------------


def placeholders(word):
    """A pattern of a name: NAME, NNNN, name.sql and … stand for any."""
    if word in TREE:
        return word
    word = re.sub(r"NNNN_name\b", "[0-9][0-9][0-9][0-9]_*", word)
    word = re.sub(r"(^|/)(name|one_query)\.sql$", r"\1*.sql", word)
    return re.sub(r"(?<![A-Za-z.])[A-Z]{2,}(?![A-Za-z.]*\.md)", "*", word).replace("…", "*")


def exists(text, document):
    """Whether a path, maybe with * or a part in capitals for any, is in the tree: from its top or the document."""
    pattern = placeholders(re.sub(r":(\d+|LINE)$", "", text).rstrip("/").removeprefix("./"))
    if pattern in WRITTEN:
        return True
    folder = os.path.dirname(document)
    for path in {pattern, os.path.normpath(os.path.join(folder, pattern))}:
        if path in FOLDERS or path in TREE or any(fnmatch.fnmatchcase(name, path) for name in (*TREE, *FOLDERS)):
            return True
    return False


def path_faults(word, document):
    """What is wrong with a word, if it is a path."""
    word = word.strip(",;()[]'\"")
    if not re.fullmatch(r"[\w./*…:@+-]+", word) or word.startswith(("/", "~", "-", "http", "..")):
        return None
    word = word.rstrip(".:")
    first, slash, _ = word.removeprefix("./").partition("/")
    if slash:
        # Made by building, or of another tree.
        beside = os.path.normpath(os.path.join(os.path.dirname(document), first))
        if first == "build" or first not in TOP and beside not in FOLDERS:
            return None
        return None if exists(word, document) else f"there is no {word}"
    if "." in word and word.rpartition(".")[2] in EXTENSIONS and not word.startswith(("*", ".")):
        # A name alone may be a file of any folder, or one that is the reader's.
        if re.search(r"\.(c|h|sql|py|cmake|supp|sysusers|tmpfiles|in)$", word) and not any(
                fnmatch.fnmatchcase(name, placeholders(word)) for name in NAMES):
            return f"there is no file {word}"
    return None


def test_paths_in_sentences():
    complain([f"{where(code)}: {fault}" for code in INLINE for word in code.text.split()
              if (fault := path_faults(word, code.file))])


def test_paths_in_blocks():
    complain([f"{where(block)}: {fault}" for block in BLOCKS if block.language not in ("json", "sql", "ini")
              for word in re.split(r"[\s=]+", block.text) if (fault := path_faults(word, block.file))])


def test_tests_that_are_named_exist():
    defined = set(re.findall(r"(?m)^(?:def|static void) (test_\w+)\(", "\n".join(
        read(path) for path in TREE if path.startswith("tests/") and path.endswith((".py", ".c")))))
    named = {code.text: where(code) for code in INLINE if re.fullmatch(r"test_\w+", code.text)}
    assert len(named) > 10
    complain([f"{place}: there is no {name}" for name, place in named.items()
              if name not in defined and not glob.glob(f"{ROOT}/tests/**/{name}.*", recursive=True)])


def test_links():
    complain([f"{where(link)}: {link.text} leads nowhere" for link in LINKS
              if not re.match(r"[a-z]+:|#", link.text) and not exists(link.text.partition("#")[0], link.file)])


def comments(path):
    """The comments of a file of code, as (line, text)."""
    text = read(path)
    if path.endswith((".c", ".h")):
        pattern = r"/\*.*?\*/|//[^\n]*"
    elif path.endswith(".sql"):
        pattern = r"--[^\n]*"
    elif path.endswith(".py") or text.startswith("#!/usr/bin/python3") or text.startswith("#!/usr/bin/env python3"):
        pattern = r'#[^\n]*|""".*?"""'
    else:
        pattern = r"(?m)^\s*#[^\n]*"
    for found in re.finditer(pattern, text, re.S):
        yield text.count("\n", 0, found.start()) + 1, found[0]


def is_script(path):
    if "/" not in path or "." in os.path.basename(path):
        return False
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.read(2) == b"#!"


CODE = [path for path in TREE
        if path.endswith((".c", ".h", ".sql", ".py", ".sh", ".cmake", "CMakeLists.txt", ".in")) or is_script(path)]


def test_comments_name_files_that_exist():
    faults = []
    for path in CODE:
        if path.startswith("tests/docs/"):
            continue
        for line, text in comments(path):
            for word in re.findall(r"(?<![\w./$<-])(?:daemon|include|kpid|sql|systemd|deploy|tests)/[\w./*-]+", text):
                word = word.rstrip(".:/-")
                candidates = [word, f"include/{word}", f"{word}.sql", f"{word}.c", f"{word}.h"]
                if "." in os.path.basename(word) or word.partition("/")[0] in TOP:
                    if not any(exists(candidate, path) for candidate in candidates):
                        faults.append(f"{path}:{line}: there is no {word}")
            if path.startswith(("daemon/", "include/", "tests/unit")) and path.endswith((".c", ".h")):
                for word in re.findall(r"(?<![\w./<-])[a-z_0-9]+\.[ch](?!\w)", text):
                    if word not in NAMES:
                        faults.append(f"{path}:{line}: there is no file {word}")
    complain(faults)


# -- code ------------------------------------------------------------------------------------------------------------


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


# -- the program -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def commands(kpid):
    found = re.search(r"Commands:\n(.*?)\n\n", kpid("--help"), re.S)[1]
    return {line.split()[0]: kpid(line.split()[0], "--help") for line in found.splitlines()}


@pytest.fixture(scope="session")
def sample(kpid):
    """The sample configuration, as {section: {key}}."""
    sections = {}
    for line in kpid("check-config", "--sample").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), set())
        elif found := re.match(r"#([\w.-]+) =", line):
            section.add(found[1])
    return sections


def test_sample_configuration(kpid):
    assert read("deploy/kpid.sample.ini") == kpid("check-config", "--sample")


@pytest.mark.parametrize("policy", ["policy.minimal.json", "policy.sample.json", "policy.calendars.json"])
def test_sample_configuration_and_policies_are_good(kpid, policy):
    deploy = os.path.join(ROOT, "deploy")
    kpid("check-config", "--config", os.path.join(deploy, "kpid.sample.ini"), "--set",
         f"sla.policy_file={os.path.join(deploy, policy)}", "--set", "kafka.bootstrap.servers=localhost")


def test_manual_names_every_command(commands):
    page = read("daemon/man/kpid.1.in").replace("\\-", "-").replace("\\", "")
    section = re.search(r"\.SH COMMANDS\n(.*?)\n\.SH ", page, re.S)[1]
    named = set(re.findall(r'^\.(?:B|BI|BR) "?([a-z-]+)', "\n".join(
        after for before, after in zip(section.splitlines(), section.splitlines()[1:]) if before == ".TP"), re.M))
    assert named == set(commands)


def test_readme_names_every_command(commands):
    text = read("README.md")
    assert not [name for name in commands if name != "version" and f"kpid {name}" not in text]


def words_of(line):
    """The simple commands of a line of shell, as lists of words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError:
        return []  # no line of shell
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
    """The lines of a block with those that go on in the next, and what stands in << >> left out."""
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
                # In a block without a language what looks like a command is one.
                if block.language or re.match(r"(\$ |sudo )?(kpid|cmake|ctest|tests/|deploy/|\.ci/)", line):
                    for command in words_of(line):
                        yield f"{block.file}:{number}", command
    for code in INLINE:
        if re.match(r"(sudo |\w+=\S+ )*(kpid|cmake|ctest|tests/[\w/]+|deploy/[\w/]+|\.ci/run)( |$)", code.text):
            for command in words_of(code.text):
                yield where(code), command


@functools.lru_cache(None)
def help_of(path):
    """What a program of the tree says for --help, and its text: some take options that they only hand on."""
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
    # The kinds of a command, as "list|show|requeue" in its usage. CAPITALS are for something else.
    usage = text.splitlines()[0].rpartition("]... ")[2] if "]... " in text.splitlines()[0] else ""
    kinds = [kind for kind in usage.split(" ")[0].split("|") if re.fullmatch("[a-z-]+", kind)]
    if kinds and len(words) > 1 and not words[1].startswith("-"):
        for kind in re.split(r"[|,]", words[1]):
            if re.fullmatch("[a-z]+", kind) and kind not in kinds:
                yield f"kpid {name} has no {kind}"


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
    """Sentences such as "`deploy/demo --help` tells more: `--kafka` takes …": an option alone belongs to something."""
    known = "\n".join([*(help_of(path) for path in ("deploy/demo", "tests/run", "tests/bench/run")),
                       *(read(path) for path in TREE if path.startswith(("daemon/cli/", "tests/")) and
                         not path.startswith(("tests/docs/", "tests/fuzz/corpus/")))])
    complain([f"{where(code)}: nothing has an option {code.text}" for code in INLINE
              if re.fullmatch(r"--[a-z][a-z-]+(=\S+| [A-Z]+)?", code.text) and
              not is_option(re.split("[= ]", code.text)[0], known)])


# -- configuration and policies --------------------------------------------------------------------------------------


def test_configurations(sample):
    faults = []
    for block in BLOCKS:
        if block.language != "ini":
            continue
        section = None
        for number, line in enumerate(block.text.splitlines(), block.line):
            if found := re.match(r"\[([\w.]+)\]", line):
                section = found[1]
                faults += [f"{block.file}:{number}: {fault}" for fault in option_faults(section, sample)]
            elif found := re.match(r"([\w.]+)\s*=", line):
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
                path = tmp_path / "policy.json"
                path.write_text(json.dumps(value), encoding="utf-8")
                kpid("check-config", "--set", f"sla.policy_file={path}", "--set", "kafka.bootstrap.servers=localhost")
    assert n_policies > 0


# -- the database ----------------------------------------------------------------------------------------------------


def statements(text):
    """A block's statements, without the commands of psql."""
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("\\"))
    return [part.strip() for part in re.split(r";\s*(?:--[^\n]*)?(?:\n|$)", kept)
            if re.sub(r"--[^\n]*", "", part).strip()]


def sql_of_documents():
    for block in BLOCKS:
        if block.language == "sql" or block.language == "" and block.text.startswith(SQL_WORDS):
            for statement in statements(block.text):
                yield pytest.param(statement, id=f"{where(block)} {statement[:40]}")
    for code in INLINE:
        if code.text.startswith("SELECT ") and " FROM " in code.text and "…" not in code.text:
            yield pytest.param(code.text, id=where(code))
    for place, command in all_commands():
        if command[0] == "psql" and "-c" in command:
            yield pytest.param(command[command.index("-c") + 1], id=place)


@pytest.fixture(scope="session")
def prepared(db):
    """Statements may build on those before them, so that all are in one transaction."""
    db.autocommit = False
    yield db
    db.rollback()


@pytest.mark.parametrize("statement", sql_of_documents())
def test_sql(prepared, statement):
    with prepared.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        try:
            cursor.execute(statement)
        except psycopg2.errors.DuplicateObject:
            cursor.execute("ROLLBACK TO before")  # two documents create the same role
        except psycopg2.Error:
            cursor.execute("ROLLBACK TO before")  # for the statements to come
            raise


def test_objects_of_the_database(db):
    """`report.alert`, `kpid.ticket`, `report.sla_live.due_at`; names with * or … for several."""
    with db.cursor() as cursor:
        cursor.execute("SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                       " WHERE nspname IN ('kpid', 'report') UNION"
                       " SELECT table_schema || '.' || table_name || '.' || column_name FROM information_schema.columns"
                       " WHERE table_schema IN ('kpid', 'report') UNION"
                       " SELECT n.nspname || '.' || proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
                       " WHERE nspname IN ('kpid', 'report')")
        there = [name for (name,) in cursor.fetchall()]
    faults = []
    for code in INLINE:
        for name in re.findall(r"(?<![\w./-])((?:kpid|report)\.[a-z][\w.*…]*)", code.text):
            name = name.rstrip(".")
            if name in TREE or re.search(r"\.(ini|service|conf|1|5|in|json)$", name) or name == "report.time_zone":
                continue
            if not any(fnmatch.fnmatchcase(candidate, name.replace("…", "*")) for candidate in there):
                faults.append(f"{where(code)}: there is no {name}")
    complain(faults)


def test_every_document_is_read():
    assert set(EXPECTED) <= set(DOCUMENTS) and len(BLOCKS) > 10 and len(INLINE) > 100


# -- kpid policy ------------------------------------------------------------------------------------------------------

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
        f'{path}:1: revisions[0].calendars.desk.weekly.mon[0]: warning: "17:00-09:00" ends on the next date, 16 h 00 min after '
        "it begins; if that is not meant, exchange the two times, or write 24:00 for the end of the day\n")
    warning, = json.loads(kpid("policy", "check", "--json", path))
    assert (warning["level"], warning["line"]) == ("warning", 1)


def test_target_that_never_falls_due_is_a_fault(kpid, tmp_path):
    path = policy_file(tmp_path / "p.json", {**NIGHTS, "weekly": {"mon": ["00:00-00:01"]}, "days": {}}, within="8000h")
    fault, = json.loads(kpid("policy", "check", "--json", path, status=3))
    assert fault["key"].endswith(".within") and "would never fall due" in fault["message"] and fault["level"] == "error"


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
    assert kpid("policy", "diff", sample, sample) == "nothing changes\n"
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
        start + "calendars.china.days.2026-10-10 is gone",
        start + 'policy "china", targets.arrival is gone',
        start + 'policy "china", targets.resolution.within: "2wd" → "3wd"',
        'revision "calendars-2026": the policies stand in another order, and the first that matches applies',
        'revision "later" is new: {"effective_from":"2027-01-01T00:00:00Z","id":"later","policies":[{"name":"all","targets":{}}]}',
    ])
