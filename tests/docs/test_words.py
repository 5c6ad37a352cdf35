"""Plain English: the words of words.toml occur nowhere in the project's own text, comments and messages."""
import os
import re
import tomllib

from documents import TREE, read

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "words.toml"), "rb") as file:
    LIST = tomllib.load(file)

# A word that is quoted alone is a name: a key of JSON, a value of an enum.
WORDS = [(re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.I), instead) for pattern, instead in LIST["words"].items()]
NAMES = re.compile(r"""(["'`])[\w.-]+\1""")


def is_ours(path):
    """Everything but the licence, the list itself, and bytes that the fuzzer found."""
    return path not in ("LICENSE", "tests/docs/words.toml") and not path.startswith("tests/fuzz/corpus/")


def faults_of(text):
    """(line, word, what to write instead) of each word that has no place in a text."""
    for number, line in enumerate(text.splitlines(), 1):
        line = NAMES.sub("", line)
        for pattern, instead in WORDS:
            for found in pattern.finditer(line):
                yield number, found[0], instead


def text_of(path):
    try:
        return read(path)
    except UnicodeDecodeError:
        return ""


FILES = [path for path in TREE if is_ours(path)]


def test_words_that_have_no_place():
    faults = [f"{path}:{line}: {word}: write {instead}" for path in FILES for line, word, instead in faults_of(text_of(path))]
    assert len(FILES) > 100 and not faults, "\n".join(faults)


def test_the_check_finds_a_word_and_skips_names():
    word = "st" "ands"
    text = f"fine\n/* It {word} */\n\"{word}\": '{word}', `{word}`\n# {word} for\n{word}_alone\n"
    assert [line for line, _, _ in faults_of(text)] == [2]
