"""The diagram of a partition's states in docs/architecture.md is the table of daemon/core/partition/partition.c."""
import os
import re
import subprocess

from documents import read


def test_the_diagram_shows_the_table(binary):
    program = os.path.join(os.path.dirname(binary), "tests", "partition_diagram")
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    pattern = r"<!-- partition-states:begin -->\n```mermaid\n(.*?)```\n<!-- partition-states:end -->"
    [shown] = re.findall(pattern, read("docs/architecture.md"), re.DOTALL)
    assert shown == printed, f"replace the diagram by what {os.path.basename(program)} prints:\n{printed}"
