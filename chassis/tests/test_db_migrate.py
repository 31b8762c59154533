import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from chassis.db.engine import Database
from chassis.db.migrate import migrate
from chassis.db.provision import provision
from chassis.db.schema import SchemaCheck, SchemaOutdated
from chassis.embedded import EmbeddedPostgres
from chassis.ids import new_id
from chassis.testing import ServiceDatabase

LEDGER = Path(__file__).parent / "ledger"


@pytest.fixture
def empty_database(embedded_postgres: EmbeddedPostgres) -> dict[str, str]:
    """A provisioned database without any table: its URLs by role."""
    database = f"empty_{new_id().hex}"
    passwords = {role: f"of-{role}" for role in ("owner", "app", "worker")}
    provision(embedded_postgres.admin_url, database=database, service="empty", passwords=passwords)
    return {
        role: embedded_postgres.url(f"parley_empty_{role}", password, database)
        for role, password in passwords.items()
    }


def write_revision(migrations: Path, number: int, ddl: str) -> None:
    versions = migrations / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    parent = None if number == 1 else f"{number - 1:04}"
    (versions / f"{number:04}_step.py").write_text(
        f'"""Step {number}."""\nfrom alembic import op\n\nrevision = "{number:04}"\n'
        f"down_revision = {parent!r}\n\n\ndef upgrade() -> None:\n    op.execute({ddl!r})\n"
    )


def columns(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'steps' ORDER BY ordinal_position"
        ).fetchall()
    return [str(row[0]) for row in rows]


def test_migrations_run_once_and_in_order(empty_database: dict[str, str], tmp_path: Path) -> None:
    write_revision(tmp_path, 1, "CREATE TABLE steps (a int)")
    migrate(empty_database["owner"], tmp_path)
    write_revision(tmp_path, 2, "ALTER TABLE steps ADD b int")
    write_revision(tmp_path, 3, "ALTER TABLE steps ADD c int")
    migrate(empty_database["owner"], tmp_path)
    migrate(empty_database["owner"], tmp_path)
    assert columns(empty_database["owner"]) == ["a", "b", "c"]


def test_a_failing_migration_keeps_those_before_it_and_can_be_mended(
    empty_database: dict[str, str], tmp_path: Path
) -> None:
    write_revision(tmp_path, 1, "CREATE TABLE steps (a int)")
    write_revision(tmp_path, 2, "ALTER TABLE steps ADD b int; SELECT 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        migrate(empty_database["owner"], tmp_path)
    assert columns(empty_database["owner"]) == ["a"]
    write_revision(tmp_path, 2, "ALTER TABLE steps ADD b int")
    migrate(empty_database["owner"], tmp_path)
    assert columns(empty_database["owner"]) == ["a", "b"]


def test_replicas_may_race(empty_database: dict[str, str], tmp_path: Path) -> None:
    write_revision(tmp_path, 1, "CREATE TABLE steps (a int); SELECT pg_sleep(1)")
    write_revision(tmp_path, 2, "ALTER TABLE steps ADD b int")
    # Built beside traffic, it waits for every older snapshot: the waiting replicas' as well.
    (tmp_path / "versions" / "0003_index.py").write_text(
        '"""Index."""\nfrom alembic import op\nfrom chassis.db.migrate import beside_traffic\n\n'
        'revision = "0003"\ndown_revision = "0002"\n\n\n'
        "def upgrade() -> None:\n    with beside_traffic():\n"
        '        op.execute("CREATE INDEX CONCURRENTLY steps_a ON steps (a)")\n'
    )
    program = (
        "import sys; from pathlib import Path; from chassis.db.migrate import migrate;"
        "migrate(sys.argv[1], Path(sys.argv[2]))"
    )
    replicas = [
        subprocess.Popen([sys.executable, "-c", program, empty_database["owner"], str(tmp_path)])
        for _ in range(3)
    ]
    assert [replica.wait(90) for replica in replicas] == [0, 0, 0]
    assert columns(empty_database["owner"]) == ["a", "b"]


async def test_whoever_uses_a_table_is_not_kept_waiting_behind_a_migration_that_waits(
    empty_database: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = empty_database["owner"]
    write_revision(tmp_path, 1, "CREATE TABLE steps (a int)")
    migrate(url, tmp_path)
    write_revision(tmp_path, 2, "ALTER TABLE steps ADD b int")
    said = ""
    async with await psycopg.AsyncConnection.connect(url) as long:
        # A transaction that is in no hurry, as a backup's is.
        await long.execute("SELECT a FROM steps")
        migrating = asyncio.create_task(asyncio.to_thread(migrate, url, tmp_path))
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            await other.execute("SET lock_timeout = '3s'")
            while said.count("migrate.table_in_use") < 3:
                assert not migrating.done(), "it did not have to wait"
                await other.execute("SELECT a FROM steps")
                await asyncio.sleep(0.01)
                said += capsys.readouterr().out
    await migrating
    assert columns(url) == ["a", "b"]


def test_every_revision_builds_beside_traffic_what_no_transaction_can_hold() -> None:
    """Alembic's own block would wait for 30 ms, and be begun anew for ever beside long transactions."""
    revisions = list(LEDGER.parents[2].glob("*/src/*/migrations/versions/*.py"))
    assert len(revisions) > 20
    assert [path.name for path in revisions if "autocommit_block" in path.read_text()] == []


def test_a_percent_sign_in_the_path_is_a_percent_sign(
    empty_database: dict[str, str], tmp_path: Path
) -> None:
    odd = tmp_path / "100%(odd)s"
    write_revision(odd, 1, "CREATE TABLE steps (a int)")
    migrate(empty_database["owner"], odd)
    assert columns(empty_database["owner"]) == ["a"]


def test_the_app_role_cannot_migrate(empty_database: dict[str, str], tmp_path: Path) -> None:
    write_revision(tmp_path, 1, "CREATE TABLE steps (a int)")
    with pytest.raises(Exception, match="permission denied"):
        migrate(empty_database["app"], tmp_path)


async def test_the_check_tells_a_missing_an_old_a_current_and_a_newer_schema(
    empty_database: dict[str, str], tmp_path: Path
) -> None:
    old, current, newer = tmp_path / "old", tmp_path / "current", tmp_path / "newer"
    write_revision(old, 1, "CREATE TABLE steps (a int)")
    shutil.copytree(old, current)
    write_revision(current, 2, "ALTER TABLE steps ADD b int")
    shutil.copytree(current, newer)
    write_revision(newer, 3, "ALTER TABLE steps ADD c int")
    database = Database(empty_database["app"], application_name="test-app")
    check = SchemaCheck(database, current)
    with pytest.raises(SchemaOutdated):
        await check()
    await asyncio.to_thread(migrate, empty_database["owner"], old)
    with pytest.raises(SchemaOutdated):
        await check()
    await asyncio.to_thread(migrate, empty_database["owner"], current)
    await check()
    await asyncio.to_thread(migrate, empty_database["owner"], newer)
    await SchemaCheck(database, current)()
    await database.stop()


def test_row_level_security_is_forced_on_every_table_of_users(
    service_database: ServiceDatabase,
) -> None:
    with psycopg.connect(service_database("ledger", LEDGER).worker) as connection:
        rows = connection.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert dict(rows) == {
        "alembic_version": False,
        "dead_letters": True,
        "entries": True,
        "outbox": True,
        "owners": True,
    }
