"""Proves that no statement of the product asks for whole rows: `SELECT *`, `RETURNING *`.

`chassis.db.statement.Statement` refuses them as it is made; this finds those that go another way.
Migrations are left out: each runs once, on the revision that it knows.
"""

import ast
import sys
from collections.abc import Iterator

from chassis.db.statement import WHOLE_ROW
from tools.members import ROOT, members


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
    """Line and words of each star in place of columns, in any string that is no docstring."""
    tree = ast.parse(source)
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            # What stands between the constants is a name, whatever it is.
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if id(node) not in docstrings and _is_sql(text) and (star := WHOLE_ROW.search(text)):
            yield node.lineno + text.count("\n", 0, star.start()), star[0]


def _is_sql(text: str) -> bool:
    return any(word in text.upper().split() for word in ("SELECT", "RETURNING"))


if __name__ == "__main__":
    main()
