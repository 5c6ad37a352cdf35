"""Results as JSON lines, and as Markdown tables."""
import json
import os
import time

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


class Results:
    """Writes each measurement to a file at once, so that an interrupted run keeps its results."""

    def __init__(self, path, machine, is_quick):
        self.common = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "quick": is_quick, **machine}
        self.path = path
        self.tables = []  # (heading, columns, rows)
        self.notes = []
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)

    def add(self, part, name, figures):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({**self.common, "part": part, "name": name, "figures": figures}) + "\n")

    def table(self, heading, columns, rows):
        self.tables.append((heading, columns, [[show(cell) for cell in row] for row in rows]))

    def note(self, text):
        self.notes.append(text)

    def markdown(self):
        lines = [f"Measured {self.common['at'][:10]} on {self.common['cores']} cores ({self.common['processor']}), "
                 f"PostgreSQL {self.common['postgresql']} and Kafka on the same machine, commit {self.common['commit']}"
                 f"{', the short form' if self.common['quick'] else ''}"
                 f"{', with ' + ' '.join(self.common['set']) if self.common['set'] else ''}. "
                 "What each figure means: [tests/bench/README.md](../tests/bench/README.md).", ""]
        for heading, columns, rows in self.tables:
            widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
            lines += [f"**{heading}**", ""]
            lines.append("| " + " | ".join(cell.ljust(width) for cell, width in zip(columns, widths)) + " |")
            lines.append("|" + "|".join("-" * (widths[i] + (2 if i == 0 else 1)) + ("" if i == 0 else ":")
                                        for i in range(len(columns))) + "|")
            for row in rows:
                lines.append("| " + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                               for i, (cell, width) in enumerate(zip(row, widths))) + " |")
            lines.append("")
        lines += [f"- {note}" for note in self.notes] + ([""] if self.notes else [])
        return "\n".join(lines)


def show(value):
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return str(value)


def update_document(path, text):
    """Replaces the text between the two markers."""
    with open(path, encoding="utf-8") as file:
        before, begin, rest = file.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no {BEGIN} … {END}")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{text.rstrip()}\n{end}{after}")
    os.replace(path + ".new", path)
