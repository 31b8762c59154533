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


def _as_of(number: int, service_database: ServiceDatabase, directory: Path) -> DatabaseUrls:
    """A database as the release left it whose newest revision this is."""
    versions = directory / "versions"
    versions.mkdir()
    for each in range(1, number + 1):
        [revision] = (MIGRATIONS / "versions").glob(f"{each:04}_*.py")
        shutil.copy(revision, versions)
    return service_database("auth", directory)


@pytest.fixture
def before_0004(service_database: ServiceDatabase, tmp_path: Path) -> DatabaseUrls:
    return _as_of(3, service_database, tmp_path)


@pytest.fixture
def before_0008(service_database: ServiceDatabase, tmp_path: Path) -> DatabaseUrls:
    return _as_of(7, service_database, tmp_path)


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


def test_what_users_had_set_gets_numbers_each_its_own(before_0008: DatabaseUrls) -> None:
    with psycopg.connect(before_0008.admin) as admin:
        admin.execute("INSERT INTO tenants (id, name, created_at) VALUES (%s, 'x', now())", [OTHER])
        admin.execute(
            "INSERT INTO users (id, tenant_id, role, status, created_at, deleted_at)"
            " SELECT gen_random_uuid(), %s, 'user', 'deleted', now(), now()"
            " FROM generate_series(1, 1200)",
            [OTHER],
        )
        admin.execute(
            "INSERT INTO user_settings (user_id, tenant_id, settings, version, updated_at)"
            " SELECT id, tenant_id, '{}', 1, now() FROM users"
        )
    migrate(before_0008.owner, MIGRATIONS)
    with psycopg.connect(before_0008.admin) as admin:
        numbers = admin.execute(
            "SELECT count(DISTINCT change), min(change), max(change) FROM user_settings"
        ).fetchone()
        forced = admin.execute(
            "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'user_settings'"
        ).fetchone()
        newest = admin.execute("SELECT last_value FROM user_settings_changes").fetchone()
    assert numbers == (1200, 1, 1200)
    assert newest == (1200,)
    assert forced == (True,)
