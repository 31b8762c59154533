"""Proves that no statement of the product asks for whole rows: `SELECT *`, `TABLE runs`, `SELECT r FROM runs r`.

`chassis.db.statement.Statement` refuses them as it is made; this finds those that go another way.
Migrations are left out: each runs once, on the revision that it knows.
"""

import ast
import re
import sys
from collections.abc import Iterator
from typing import Final

from chassis.db.statement import whole_row
from tools.members import ROOT, members

_SQL: Final = re.compile(
    r"(?:^|[\s(])(?:SELECT|RETURNING)[\s*]|(?:^|\(|\bINTO\s+\w+(?:\s*\([^()]*\))?)\s*\bTABLE\s",
    re.IGNORECASE,
)


def main() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: {words!r}: name the columns"
        for member in members()
        for file in sorted((member.folder / "src").rglob("*.py"))
        if "migrations" not in file.parts and not file.is_relative_to(ROOT / "proto")
        for line, words in stars(file.read_text())
    ]
    sys.exit("\n".join(found) or 0)


def stars(source: str) -> Iterator[tuple[int, str]]:
    """Line and words of each string, but docstrings, that asks for whole rows."""
    tree = ast.parse(source)
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            # What stands between the constants is a name, each another one.
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else f"x{place}"
                for place, part in enumerate(node.values)
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if id(node) not in docstrings and _SQL.search(text) and (row := whole_row(text)):
            yield node.lineno + text.count("\n", 0, row.start()), row[0]


if __name__ == "__main__":
    main()
