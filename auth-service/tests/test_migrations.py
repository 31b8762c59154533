"""Revisions over data that the ones before them allowed."""

import shutil
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from auth_service.migrations import MIGRATIONS
from chassis.db.migrate import migrate
from chassis.testing import DatabaseUrls, ServiceDatabase

# Two of them within the same millisecond, as far as the front of their ids says.
FIRST = UUID("01980000-0000-7000-8000-00000000000a")
SECOND = UUID("01980000-0000-7000-8000-00000000000b")
THIRD = UUID("01980000-0000-7000-8000-00000000000c")
OTHER = UUID("01980000-0000-7000-8000-00000000000d")


@pytest.fixture
def before_0004(service_database: ServiceDatabase, tmp_path: Path) -> DatabaseUrls:
    """A database as the release before left it."""
    versions = tmp_path / "versions"
    versions.mkdir()
    for number in ("0001", "0002", "0003"):
        [revision] = (MIGRATIONS / "versions").glob(f"{number}_*.py")
        shutil.copy(revision, versions)
    return service_database("auth", tmp_path)


@pytest.mark.parametrize("name", ["default", "d" * 64])
def test_tenants_whose_names_look_alike_are_told_apart(
    before_0004: DatabaseUrls, name: str
) -> None:
    made = (
        (SECOND, name.title(), "2026-01-02"),
        (THIRD, name.upper(), "2026-01-02"),
        (FIRST, name, "2026-01-01"),
        (OTHER, "other", "2026-01-03"),
    )
    with psycopg.connect(before_0004.worker) as worker:
        for values in made:
            worker.execute("INSERT INTO tenants (id, name, created_at) VALUES (%s, %s, %s)", values)

    with psycopg.connect(before_0004.admin) as admin:
        admin.execute(
            "INSERT INTO users (id, tenant_id, role, status, created_at, deleted_at)"
            " VALUES (%s, %s, 'user', 'deleted', now(), now())",
            (OTHER, SECOND),
        )

    migrate(before_0004.owner, MIGRATIONS)

    with psycopg.connect(before_0004.worker) as worker:
        names: dict[UUID, str] = dict(worker.execute("SELECT id, name FROM tenants").fetchall())
    assert names == {
        FIRST: name,
        SECOND: f"{name.title()[:51]}-00000000000b",
        THIRD: f"{name.upper()[:51]}-00000000000c",
        OTHER: "other",
    }
    assert max(len(name) for name in names.values()) <= 64
