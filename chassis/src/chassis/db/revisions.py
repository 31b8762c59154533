"""What revisions there are, and whether a database has them all: without Alembic, which is heavy."""

import ast
from pathlib import Path
from typing import Final

import psycopg

#: What ``is_current`` raises where a database is away or refuses.
CANNOT_LOOK: Final = psycopg.Error

# Also whether every role may read the table: that is granted behind the last revision.
_FOUND = """
SELECT version_num FROM alembic_version
WHERE has_table_privilege('public', 'alembic_version', 'SELECT')
"""


def read_revisions(migrations: Path) -> dict[str, str | None]:
    """The revisions of ``migrations``/versions, each with the one before it."""
    return dict(_revision(path) for path in (migrations / "versions").glob("[!_]*.py"))


def is_current(owner_url: str, migrations: Path) -> bool:
    """Whether nothing is left to migrate. Raises CANNOT_LOOK."""
    revisions = read_revisions(migrations)
    heads = revisions.keys() - set(revisions.values())
    with psycopg.connect(owner_url, connect_timeout=10, application_name="migrate") as connection:
        there = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if there is None or there[0] is None:
            return False
        return {name for (name,) in connection.execute(_FOUND)} == heads


def _revision(path: Path) -> tuple[str, str | None]:
    """The ``revision`` of a file and its ``down_revision``."""
    names: dict[str, str | None] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            target = node.target
        else:
            continue
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str | None):
            names[target.id] = node.value.value
    revision = names.get("revision")
    if revision is None or "down_revision" not in names:
        raise ValueError(f"{path.name} must name its revision and down_revision as constants")
    return revision, names["down_revision"]
