"""The README is short, says the same in both languages, and the documents say who they are for."""
import glob
import json
import os
import re

import pytest

from conftest import ROOT
from documents import BLOCKS, EXPECTED, INLINE, LINKS, headings, read, table_rows
from names import complain

ENGLISH, CHINESE = "README.md", "README.zh-CN.md"


@pytest.mark.parametrize("path", [ENGLISH, CHINESE])
def test_readme_is_short(path):
    assert len(read(path).encode()) <= 8192


def without_comments(block):
    return re.sub(r"(?m)\s*(#|--).*$", "", block.text).strip() if block.language in ("sh", "sql") else block.text


def test_readme_is_the_same_in_both_languages():
    def of(path, items):
        return [item for item in items if item.file == path]
    assert [level for level, _ in headings(ENGLISH)] == [level for level, _ in headings(CHINESE)]
    assert [(block.language, without_comments(block)) for block in of(ENGLISH, BLOCKS)] == [
        (block.language, without_comments(block)) for block in of(CHINESE, BLOCKS)]
    # Each has its own picture of the board.
    english, chinese = ([link.text.replace("-chinese", "") for link in of(path, LINKS) if not link.text.startswith("README")]
                        for path in (ENGLISH, CHINESE))
    assert english == chinese
    named = {code.text for code in of(ENGLISH, INLINE)}
    assert named <= {code.text for code in of(CHINESE, INLINE)}, "the Chinese one leaves something out"
    assert re.findall(r"<!-- .* -->", read(ENGLISH)) == re.findall(r"<!-- .* -->", read(CHINESE))


@pytest.mark.parametrize("name", ["appraise", "my-score"])
def test_guides_are_the_same_in_both_languages(name):
    english, chinese = f"docs/{name}.md", f"docs/{name}.zh-CN.md"
    assert [level for level, _ in headings(english)] == [level for level, _ in headings(chinese)]
    of_english, of_chinese = ([without_comments(block) for block in BLOCKS if block.file == path] for path in (english, chinese))
    assert of_english == of_chinese
    of_english, of_chinese = ({code.text.replace("--lang zh", "--lang en") for code in INLINE if code.file == path}
                              for path in (english, chinese))
    assert of_english >= of_chinese
    patterns = (r"^- \*\*", r"^\d\. \*\*", r"^\| ")
    items = [[len(re.findall(pattern, read(path), re.M)) for pattern in patterns] for path in (english, chinese)]
    assert items[0] == items[1] and sum(items[0]) > 5


def test_each_document_says_who_it_is_for():
    complain([f"{path}: does not say who it is for" for path in EXPECTED if path.startswith("docs/") and not re.match(
        r"# [^\n]+\n\n(<!--[^\n]*-->\n+)?(For |写给)", read(path))])


def test_numbers_of_files_are_not_written_by_hand():
    """How many migrations, tests or measures there are changes with each of them."""
    complain([f"{path}: “{found}” changes with every one more" for path in EXPECTED if not path.startswith("tests/")
              for found in re.findall(r"\b\d+ (?:migrations|tests|measures|queries|unit tests|mutants|faults)\b", read(path))])


def fields_of(cell):
    return set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", cell)))


def test_tables_of_fields_say_what_the_schemas_say():
    schemas = {}
    for path in glob.glob(os.path.join(ROOT, "deploy", "asyncapi", "schemas", "*.*.json")):
        with open(path, encoding="utf-8") as file:
            schemas[os.path.basename(path).removesuffix(".json")] = set(json.load(file)["properties"]) - {"ticket_id"}
    assert len(schemas) > 5
    for path, heading, column in (("docs/semantics.md", "E. Events", 1), ("docs/events.md", "Messages", 2)):
        named = {kind: fields_of(row[column]) for row in table_rows(path, heading)
                 for kind in re.findall(r"`([a-z_.]+)`", row[0])}
        assert named == {kind: fields for kind, fields in schemas.items() if kind in named} and set(named) == set(schemas), path
