"""Proves that no Python file is long without a reason: above 300 lines its docstring says why it is longer than others.

A file of tests is about one subject, which is its reason, up to 500 lines.
"""

import ast
import subprocess
import sys
from typing import Final

from tools.members import ROOT

LINES: Final = 300
LINES_OF_TESTS: Final = 500
#: Stands in the docstring of a file that has a reason, and with it.
SAID: Final = "longer than others"


def main() -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for name in sorted(listed.stdout.splitlines()):
        file = ROOT / name
        if name.startswith("proto/src/") or not file.exists():
            continue
        source = file.read_text()
        if is_too_long(name, source):
            found.append(f"{name}: {len(source.splitlines())} lines, and no word of why")
    sys.exit("\n".join(found) or 0)


def is_too_long(name: str, source: str) -> bool:
    """Whether the file at this path from the root is longer than it may be without a reason, and tells none."""
    bound = LINES_OF_TESTS if "tests" in name.split("/") else LINES
    if len(source.splitlines()) <= bound:
        return False
    told = ast.get_docstring(ast.parse(source)) or ""
    return SAID not in " ".join(told.split())


if __name__ == "__main__":
    main()
