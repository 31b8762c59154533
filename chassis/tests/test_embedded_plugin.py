import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jwt
import nats
import psycopg
import pytest
import redis.asyncio as redis

from chassis.embedded import EmbeddedPostgres
from chassis.errors import Unauthenticated
from chassis.grpc.caller import TokenVerifier
from chassis.ids import new_id
from chassis.testing import ModelServer, ServiceDatabase, Signer, TlsSettings, eventually
from chassis.testing.databases import DatabaseFactory

MIGRATION = '''
"""Things."""
from alembic import op

revision = "0001"
down_revision = None

def upgrade():
    op.execute("CREATE TABLE things (name text)")
    op.execute("GRANT SELECT, INSERT ON things TO parley_things_app")
    op.execute(
        "CREATE TABLE shelves ("
        " number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " name text NOT NULL,"
        " length int GENERATED ALWAYS AS (length(name)) STORED)"
    )
    op.execute("CREATE TABLE contents (shelf int NOT NULL REFERENCES shelves)")
    op.execute("INSERT INTO shelves (name) VALUES ('first'), ('second')")
'''


@pytest.fixture(scope="module")
def migrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    versions = tmp_path_factory.mktemp("migrations") / "versions"
    versions.mkdir()
    (versions / "0001_things.py").write_text(MIGRATION)
    return versions.parent


def test_each_database_is_migrated_and_its_own(
    service_database: ServiceDatabase, migrations: Path
) -> None:
    first = service_database("things", migrations)
    second = service_database("things", migrations)
    with psycopg.connect(first.app) as connection:
        connection.execute("INSERT INTO things VALUES ('mine')")
    with psycopg.connect(second.app) as connection:
        assert connection.execute("SELECT count(*) FROM things").fetchone() == (0,)
    with psycopg.connect(first.worker) as connection, pytest.raises(psycopg.errors.Error):
        connection.execute("SELECT count(*) FROM things")
    with psycopg.connect(first.owner) as connection:
        assert connection.execute("SELECT name FROM things").fetchone() == ("mine",)


def test_a_database_that_was_used_is_as_it_was_and_nobody_is_connected(
    database_factory: DatabaseFactory, migrations: Path
) -> None:
    with database_factory.session() as make:
        used = make("things", migrations)
        with psycopg.connect(used.app) as connection:
            connection.execute("INSERT INTO things VALUES ('mine')")
        with psycopg.connect(used.admin) as connection:
            connection.execute("DELETE FROM shelves WHERE name = 'first'")
            connection.execute("INSERT INTO shelves (name) VALUES ('third')")
            connection.execute("INSERT INTO contents VALUES (2)")
        left = psycopg.connect(used.app)
    with left, pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")

    with database_factory.session() as make:
        again = make("things", migrations)
        assert again == used
        assert make("things", migrations) != used
        with psycopg.connect(again.admin) as connection:
            assert connection.execute("SELECT count(*) FROM things").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM contents").fetchone() == (0,)
            shelves = connection.execute("SELECT number, name FROM shelves ORDER BY number")
            assert shelves.fetchall() == [(1, "first"), (2, "second")]
            new = connection.execute("INSERT INTO shelves (name) VALUES ('x') RETURNING number")
            assert new.fetchone() == (3,)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE things ADD COLUMN other text",
        "CREATE TABLE other (name text)",
        "DROP TABLE things",
        "CREATE INDEX other ON things (name)",
        "REVOKE SELECT ON things FROM parley_things_app",
        "GRANT SELECT (name) ON things TO parley_things_worker",
        "CREATE FUNCTION other() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE POLICY other ON things USING (false)",
        "ALTER TABLE things ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE shelves DROP CONSTRAINT shelves_pkey CASCADE",
        "ALTER TABLE shelves ALTER COLUMN name SET DEFAULT 'other'",
        "CREATE SCHEMA other",
        "CREATE TYPE other AS ENUM ('other')",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO parley_things_worker",
        "ALTER DATABASE {database} SET work_mem = 64",
        "ALTER DATABASE {database} CONNECTION LIMIT 7",
        "GRANT CREATE ON DATABASE {database} TO parley_things_app",
        "INSERT INTO things SELECT repeat('x', 100) FROM generate_series(1, 100000)",
    ],
)
def test_a_database_that_was_changed_is_not_used_again(
    database_factory: DatabaseFactory, migrations: Path, change: str
) -> None:
    with database_factory.session() as make:
        changed = make("things", migrations)
        with psycopg.connect(changed.admin) as connection:
            connection.execute(change.format(database=connection.info.dbname).encode())
    with database_factory.session() as make:
        assert make("things", migrations) != changed
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(changed.app)


def test_databases_are_dropped_although_somebody_is_connected(
    embedded_postgres: EmbeddedPostgres, database_factory: DatabaseFactory, migrations: Path
) -> None:
    with database_factory.session() as make:
        urls = make("things", migrations)
        url = urls.app
        with psycopg.connect(urls.owner) as connection:
            connection.execute("CREATE TABLE other (name text)")
        connection = psycopg.connect(url)
    with connection, pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


async def streams_of(nats_url: str, events_prefix: str) -> list[str | None]:
    """The streams that hold subjects with this first token.

    All streams would be too many: a server may make one for a client that has gone meanwhile.
    """
    connection = await nats.connect(nats_url)
    try:
        found = await connection.jetstream().streams_info()
    finally:
        await connection.close()
    return [
        stream.config.name
        for stream in found
        if f"{events_prefix}.>" in (stream.config.subjects or ())
    ]


@pytest.fixture(scope="module")
def prefixes_before() -> list[tuple[str, str]]:
    """What the keys and the subjects of the tests before began with."""
    return []


async def test_redis_keys_and_event_subjects_are_the_tests_own(
    redis_url: str,
    redis_prefix: str,
    nats_url: str,
    events_prefix: str,
    prefixes_before: list[tuple[str, str]],
) -> None:
    async with redis.Redis.from_url(redis_url) as client:
        for keys, _ in prefixes_before:
            assert await client.keys(f"*{keys}*") == []
        await client.set(f"{redis_prefix}:key", "value")
        assert await client.keys(f"*{redis_prefix}*") == [f"{redis_prefix}:key".encode()]
    for _, subjects in prefixes_before:
        assert await streams_of(nats_url, subjects) == []
    connection = await nats.connect(nats_url)
    try:
        await connection.jetstream().add_stream(name=events_prefix, subjects=[f"{events_prefix}.>"])
    finally:
        await connection.close()
    assert await streams_of(nats_url, events_prefix) == [events_prefix]
    prefixes_before.append((redis_prefix, events_prefix))


# The same once more: what the test before left is gone.
test_nothing_is_left_of_a_test_before = test_redis_keys_and_event_subjects_are_the_tests_own


def test_the_signers_tokens_are_good_for_those_who_trust_it(signer: Signer) -> None:
    user_id = new_id()
    caller = TokenVerifier(signer.trust).verify(signer.token(user_id, role="operator"))
    assert (caller.user_id, caller.role) == (user_id, "operator")
    claims = jwt.decode(caller.token, options={"verify_signature": False})
    with pytest.raises(Unauthenticated):
        TokenVerifier(signer.trust).verify(signer.sign(claims, typ="JWT"))
    with pytest.raises(Unauthenticated):
        TokenVerifier(signer.trust).verify(Signer(kid=signer.kid).token(user_id))


def test_certificates_exist_for_known_names_alone(tls_settings: TlsSettings) -> None:
    assert tls_settings("chat-service")["tls_key_file"].stat().st_mode & 0o077 == 0
    with pytest.raises(KeyError):
        tls_settings("nobody")


def test_the_model_server_counts(model_server: ModelServer) -> None:
    assert isinstance(model_server.counters(), dict)


async def test_eventually_waits_and_says_what_it_saw_last() -> None:
    began = time.monotonic()
    assert await eventually(lambda: time.monotonic() - began > 0.05)

    async def refused() -> bool:
        await asyncio.sleep(0)
        raise AssertionError("as yet")

    with pytest.raises(AssertionError, match="as yet"):
        await eventually(refused, timeout=0.05)
    with pytest.raises(AssertionError, match="the last value was 0"):
        await eventually(lambda: 0, timeout=0.05)
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 / 0)


def test_servers_can_be_killed_and_started_again(embedded_postgres: EmbeddedPostgres) -> None:
    assert embedded_postgres.pid is not None
    os.kill(embedded_postgres.pid, signal.SIGKILL)
    assert embedded_postgres.wait() == -signal.SIGKILL
    embedded_postgres.restart()
    psycopg.connect(embedded_postgres.admin_url).close()


_BUSY_AND_STARTING = """
import asyncio, collections
from chassis.testing.plugin import pytest_asyncio_loop_factories
import grpc.aio

async def call(channel, ended):
    method = channel.unary_unary("/none/None")
    while not ended.is_set():
        try:
            await method(b"")
        except grpc.RpcError:
            pass

async def main():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended, statuses = asyncio.Event(), collections.Counter()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        calls = [asyncio.create_task(call(channel, ended)) for _ in range(8)]
        for _ in range(100):
            child = await asyncio.create_subprocess_exec("true")
            statuses[await child.wait()] += 1
        ended.set()
        await asyncio.gather(*calls)
    await server.stop(None)
    print(dict(statuses))

with asyncio.Runner(loop_factory=pytest_asyncio_loop_factories()["uvloop"]) as runner:
    runner.run(main())
"""


@pytest.mark.slow
def test_a_process_that_is_started_while_grpc_is_busy_begins() -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GRPC_")
    }
    ended = subprocess.run(
        [sys.executable, "-c", _BUSY_AND_STARTING],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    # What gRPC's own handlers of fork() say stands there as well.
    assert (ended.stdout, ended.stderr) == ("{0: 100}\n", "")
