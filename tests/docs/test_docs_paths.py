"""Every path, link and test that documents and comments name is there."""
import glob
import os
import re

from conftest import ROOT
from documents import BLOCKS, DOCUMENTS, EXPECTED, FOLDERS, INLINE, LINKS, TREE, anchors, read
from names import NAMES, TOP, complain, exists, path_faults, where


def test_the_documents_are_there():
    assert not [path for path in EXPECTED + ["LICENSE"] if path not in TREE]


def test_every_document_is_read():
    assert set(EXPECTED) <= set(DOCUMENTS) and len(BLOCKS) > 10 and len(INLINE) > 100


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


def link_fault(link):
    path, sign, anchor = link.text.partition("#")
    if re.match(r"[a-z]+:", link.text):
        return None
    target = os.path.normpath(os.path.join(os.path.dirname(link.file), path)) if path else link.file
    if target not in TREE and target not in FOLDERS:
        return f"{link.text} leads nowhere"
    if sign and anchor not in anchors(target):
        return f"{target} has no heading {anchor}"
    return None


def test_links():
    complain([f"{where(link)}: {fault}" for link in LINKS if (fault := link_fault(link))])


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


def test_cited_rules_exist():
    """As in "rule F3" or "rules S2-S6, S8": every one is in docs/semantics.md or docs/appraisal.md."""
    defined = {rule for path in ("docs/semantics.md", "docs/appraisal.md")
               for rule in re.findall(r"\*\*([A-Z]\d+)\*\*", read(path))}
    defined |= {rule[0] for rule in defined}
    n_cited, faults = 0, []
    for path in CODE + DOCUMENTS:
        for found in re.finditer(r"\b[Rr]ules? ([A-Z]\d*(?:(?:, | and | to |-)[A-Z]\d*)*)\b(?!\w)", read(path)):
            for rule in re.findall(r"\b[A-Z]\d*\b", found[1]):
                n_cited += 1
                if rule not in defined:
                    faults.append(f"{path}: there is no rule {rule}")
    assert n_cited > 30
    complain(faults)
