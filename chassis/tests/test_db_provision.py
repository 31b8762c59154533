import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from chassis.db.provision import main, provision
from chassis.embedded import EmbeddedPostgres
from chassis.ids import new_id

PASSWORDS = {"owner": "owl-0wner", "app": "ape-4pp", "worker": "wolf-w0rker"}


@pytest.fixture
def database() -> str:
    return f"provision_{new_id().hex}"


@pytest.fixture
def admin(embedded_postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(embedded_postgres.admin_url, autocommit=True) as connection:
        yield connection


def url(server: EmbeddedPostgres, database: str, role: str, password: str | None = None) -> str:
    return server.url(f"parley_burrow_{role}", password or PASSWORDS[role], database)


def test_each_role_gets_in_and_may_do_its_part_alone(
    embedded_postgres: EmbeddedPostgres, database: str
) -> None:
    provision(embedded_postgres.admin_url, database=database, service="burrow", passwords=PASSWORDS)
    with psycopg.connect(url(embedded_postgres, database, "owner")) as owner:
        owner.execute("CREATE TABLE holes (depth int)")
        owner.execute("GRANT SELECT ON holes TO parley_burrow_app")
    with psycopg.connect(url(embedded_postgres, database, "app")) as app:
        assert app.execute("SELECT count(*) FROM holes").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE mine (a int)")
    with (
        psycopg.connect(url(embedded_postgres, database, "worker")) as worker,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        worker.execute("SELECT * FROM holes")


def test_nobody_else_gets_in(
    embedded_postgres: EmbeddedPostgres, database: str, admin: psycopg.Connection
) -> None:
    provision(embedded_postgres.admin_url, database=database, service="burrow", passwords=PASSWORDS)
    stranger = f"stranger_{new_id().hex}"
    admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'fox'").format(sql.Identifier(stranger)))
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(embedded_postgres.url(stranger, "fox", database))


def test_no_role_of_one_service_gets_into_the_database_of_another(
    embedded_postgres: EmbeddedPostgres, database: str
) -> None:
    others = f"{database}_2"
    for name, service in ((database, "burrow"), (others, "nest")):
        provision(embedded_postgres.admin_url, database=name, service=service, passwords=PASSWORDS)
    for service, name in (("nest", database), ("burrow", others)):
        for role, password in PASSWORDS.items():
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(embedded_postgres.url(f"parley_{service}_{role}", password, name))


def test_again_it_mends_what_somebody_changed(
    embedded_postgres: EmbeddedPostgres, database: str, admin: psycopg.Connection
) -> None:
    for _ in range(2):
        provision(
            embedded_postgres.admin_url, database=database, service="burrow", passwords=PASSWORDS
        )
    admin.execute("ALTER ROLE parley_burrow_app SUPERUSER BYPASSRLS NOLOGIN PASSWORD 'other'")
    admin.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO PUBLIC").format(sql.Identifier(database))
    )
    provision(embedded_postgres.admin_url, database=database, service="burrow", passwords=PASSWORDS)
    assert admin.execute(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolcanlogin"
        " FROM pg_roles WHERE rolname = 'parley_burrow_app'"
    ).fetchone() == (False, False, False, False, True)
    psycopg.connect(url(embedded_postgres, database, "app")).close()


def test_an_administrator_without_superuser_rights_will_do(
    embedded_postgres: EmbeddedPostgres, database: str, admin: psycopg.Connection
) -> None:
    name, service = f"manager_{new_id().hex}", "warren"
    admin.execute(
        sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD 'badger'").format(
            sql.Identifier(name)
        )
    )
    for _ in range(2):
        provision(
            embedded_postgres.url(name, "badger", "postgres"),
            database=database,
            service=service,
            passwords=PASSWORDS,
        )
    with psycopg.connect(
        embedded_postgres.url("parley_warren_owner", PASSWORDS["owner"], database)
    ) as owner:
        owner.execute("CREATE TABLE holes (depth int)")


def test_the_server_never_sees_a_password(
    embedded_postgres: EmbeddedPostgres, database: str, admin: psycopg.Connection
) -> None:
    admin.execute("ALTER SYSTEM SET log_statement = 'all'")
    admin.execute("SELECT pg_reload_conf()")
    try:
        provision(
            embedded_postgres.admin_url, database=database, service="burrow", passwords=PASSWORDS
        )
    finally:
        admin.execute("ALTER SYSTEM RESET log_statement")
        admin.execute("SELECT pg_reload_conf()")
    log = embedded_postgres.log.read_text()
    assert "ALTER ROLE" in log
    assert not any(password in log for password in PASSWORDS.values())


@pytest.mark.parametrize(
    ("database_name", "service"), [("x; DROP", "burrow"), ("fine", "Burrow"), ("fine", "")]
)
def test_odd_names_are_refused(database_name: str, service: str) -> None:
    with pytest.raises(ValueError, match="plain lower-case"):
        provision("postgresql://", database=database_name, service=service, passwords=PASSWORDS)


def test_an_empty_password_is_refused() -> None:
    with pytest.raises(ValueError, match="password"):
        provision("postgresql://", database="a", service="b", passwords=PASSWORDS | {"worker": ""})


def environment(server: EmbeddedPostgres, database: str) -> dict[str, str]:
    return {
        "PROVISION_ADMIN_URL": server.admin_url,
        "BURROW_OWNER_DATABASE_URL": url(server, database, "owner"),
        "BURROW_DATABASE_URL": url(server, database, "app"),
        "BURROW_WORKER_DATABASE_URL": url(server, database, "worker"),
    }


def test_the_command_provisions_what_the_environment_says(
    embedded_postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    variables = environment(embedded_postgres, database)
    secret = tmp_path / "admin-url"
    secret.write_text(variables.pop("PROVISION_ADMIN_URL") + "\n")
    variables["PROVISION_ADMIN_URL_FILE"] = str(secret)
    done = subprocess.run(
        [sys.executable, "-m", "chassis.db.provision", "burrow"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["event"] == "provision.done"
    for role in PASSWORDS:
        psycopg.connect(url(embedded_postgres, database, role)).close()


def write_revision(folder: Path, ddl: str) -> None:
    (folder / "versions").mkdir(parents=True)
    (folder / "versions" / "0001_first.py").write_text(
        'from alembic import op\n\nrevision = "0001"\ndown_revision = None\n\n\n'
        f"def upgrade() -> None:\n    op.execute({ddl!r})\n"
    )


def test_the_command_also_brings_every_database_to_its_newest_revision(
    embedded_postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    variables = environment(embedded_postgres, database)
    write_revision(tmp_path / "burrow", "CREATE TABLE holes (depth int)")
    for _ in range(2):
        assert main(["--migrations", str(tmp_path), "burrow"], variables) == 0
        with psycopg.connect(url(embedded_postgres, database, "owner")) as owner:
            assert owner.execute("SELECT count(*) FROM holes").fetchone() == (0,)
            assert owner.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def test_the_command_does_without_alembic_where_every_revision_is_there(
    embedded_postgres: EmbeddedPostgres, database: str, tmp_path: Path
) -> None:
    variables = environment(embedded_postgres, database)
    write_revision(tmp_path / "burrow", "CREATE TABLE holes (depth int)")
    assert main(["--migrations", str(tmp_path), "burrow"], variables) == 0
    program = (
        "import os, sys; from chassis.db.provision import main;"
        f" status = main(['--migrations', {str(tmp_path)!r}, 'burrow'], os.environ);"
        " sys.exit(status or 'alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], env=os.environ | variables, check=True)


def test_a_database_that_refuses_its_revisions_is_named_and_keeps_no_other_from_theirs(
    embedded_postgres: EmbeddedPostgres,
    database: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    other = f"{database}_2"
    nest = {
        name.replace("BURROW", "NEST"): value.replace("burrow", "nest").replace(database, other)
        for name, value in environment(embedded_postgres, database).items()
    }
    variables = nest | environment(embedded_postgres, database)
    write_revision(tmp_path / "nest", "CREATE TABLE twigs (length int)")
    write_revision(tmp_path / "burrow", "CREATE TABLE holes (depth int)")
    assert main(["--migrations", str(tmp_path), "burrow"], variables) == 0
    with psycopg.connect(url(embedded_postgres, database, "owner")) as owner:
        # A newer release was here.
        owner.execute("UPDATE alembic_version SET version_num = '0009'")
    capfd.readouterr()
    assert main(["--migrations", str(tmp_path), "burrow", "nest"], variables) == 1
    failed = [line for line in capfd.readouterr().out.splitlines() if "provision.failed" in line]
    assert len(failed) == 1
    assert "burrow" in failed[0]
    with psycopg.connect(
        embedded_postgres.url("parley_nest_owner", PASSWORDS["owner"], other)
    ) as owner:
        assert owner.execute("SELECT count(*) FROM twigs").fetchone() == (0,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BURROW_DATABASE_URL", None),
        ("BURROW_DATABASE_URL", "postgresql://postgres:hush@host/burrow"),
        ("BURROW_DATABASE_URL", "postgresql://parley_burrow_app@host/burrow"),
        ("BURROW_DATABASE_URL", "postgresql://parley_burrow_app:hush@host"),
        ("BURROW_DATABASE_URL", "postgresql://parley_burrow_app:hush@host/elsewhere"),
        ("BURROW_DATABASE_URL", "hush"),
        ("PROVISION_ADMIN_URL", None),
    ],
)
def test_the_command_names_a_bad_variable_and_shows_no_value(
    embedded_postgres: EmbeddedPostgres,
    name: str,
    value: str | None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    variables = environment(embedded_postgres, "burrow")
    del variables[name]
    if value is not None:
        variables[name] = value
    assert main(["burrow"], variables) == 2
    said = capfd.readouterr().out
    assert name in said or "different databases" in said
    assert "hush" not in said
    assert not any(password in said for password in PASSWORDS.values())
