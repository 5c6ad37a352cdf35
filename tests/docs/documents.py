"""What the documents say: their code blocks, the code within their sentences, their links."""
import collections
import os
import re
import subprocess

from conftest import ROOT

# A block's language is '' when it is indented or says none.
Block = collections.namedtuple("Block", "file line language text")
Code = collections.namedtuple("Code", "file line text")

EXPECTED = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "sql/README.md",
            "tests/README.md", "tests/bench/README.md", "docs/bring-your-own.md", "docs/connect-a-help-desk.md", *(f"docs/{name}.md" for name in (
                "install", "configuration", "policies", "events", "reporting", "operations", "semantics", "appraisal", "architecture", "adding",
                 "design-notes", "benchmarks", "shards", "appraise", "appraise.zh-CN", "my-score", "my-score.zh-CN"))]
SKIPPED_FOLDERS = {".git", "build", "__pycache__", "node_modules"}


def tree():
    """All files of the project, as paths from its top: those that git knows or would, else all but what is built."""
    done = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return sorted(path for path in done.stdout.splitlines() if os.path.exists(os.path.join(ROOT, path)))
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


TREE = tree()
FOLDERS = {path[:i] for path in TREE for i, c in enumerate(path) if c == "/"}
DOCUMENTS = sorted(path for path in TREE if path.endswith(".md"))


def blocks_and_prose(path):
    """The blocks of code of a document, and its other lines as (number, line)."""
    blocks, prose = [], []
    fence = None  # of the block that is open
    indented = []
    for number, line in enumerate([*read(path).splitlines(), ""], 1):
        mark = re.match(r"\s*(```+|~~~+)\s*([\w+-]*)", line)
        if fence:
            if mark and mark[1].startswith(fence[0]) and not mark[2]:
                blocks.append(Block(path, fence[2], fence[1], "\n".join(lines)))
                fence = None
            else:
                lines.append(line)
            continue
        # Four blanks begin a block after an empty line, and go on with a paragraph otherwise.
        if line.startswith("    ") and (indented or not (prose and prose[-1][1].strip())):
            indented.append(line[4:])
            continue
        if indented and not line.strip():
            indented.append("")
            continue
        if indented:
            blocks.append(Block(path, number - len(indented), "", "\n".join(indented).rstrip()))
            indented = []
        if mark:
            fence, lines = (mark[1], mark[2], number + 1), []
        else:
            prose.append((number, line))
    if indented:
        blocks.append(Block(path, number - len(indented), "", "\n".join(indented).rstrip()))
    return blocks, prose


def inline_code(path):
    """The code within sentences; it may go on in the next line."""
    _, prose = blocks_and_prose(path)
    text = "\n".join(line for _, line in prose)
    numbers = [number for number, _ in prose]
    for found in re.finditer(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", text, re.S):
        if "\n\n" not in found[2]:
            yield Code(path, numbers[text.count("\n", 0, found.start())], " ".join(found[2].split()))


def links(path):
    _, prose = blocks_and_prose(path)
    for number, line in prose:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            yield Code(path, number, target)


def headings(path):
    """(level, text) of each heading of a document."""
    _, prose = blocks_and_prose(path)
    return [(len(found[1]), found[2].strip()) for _, line in prose if (found := re.match(r"(#+) (.*)", line))]


def anchors(path):
    """What a link to a heading of a document says after the #."""
    found = []
    for _, text in headings(path):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", text).lower()).replace(" ", "-")
        found.append(name if name not in found else f"{name}-{found.count(name)}")
    return found


def table_rows(path, heading):
    """The rows of all tables below a heading, as lists of cells; heads and rulers left out."""
    rows, here, head = [], False, True
    for line in read(path).splitlines():
        if line.startswith("#"):
            here = line.lstrip("# ") == heading
        elif here and line.strip().startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if re.fullmatch(r"[-:]+", cells[0]):
                head = False
            elif not head:
                rows.append(cells)
        else:
            head = True
    return rows


BLOCKS = [block for path in DOCUMENTS for block in blocks_and_prose(path)[0]]
INLINE = [code for path in DOCUMENTS for code in inline_code(path)]
LINKS = [link for path in DOCUMENTS for link in links(path)]
