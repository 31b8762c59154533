from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    delete,
    exists,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from chassis.db.engine import Database, RowOwner
from chassis.db.errors import DatabaseBusy, StalePlan
from chassis.db.statement import Statement, columns_of
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, ServiceDatabase

LEDGER = Path(__file__).parent / "ledger"

entries = Table(
    "entries",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("text", Text, nullable=False),
)

ADD = Statement(insert(entries))
PAGE = Statement(
    select(entries.c.id, entries.c.text)
    .where(entries.c.id > bindparam("after"))
    .order_by(entries.c.id)
    .limit(2)
)
THESE = Statement(
    select(entries.c.text).where(entries.c.id == any_(bindparam("ids"))).order_by(entries.c.id)
)
RENAME = Statement(
    update(entries)
    .where(entries.c.id == bindparam("entry_id"))
    .values(text=bindparam("words"))
    .returning(entries.c.text)
)
REMOVE = Statement(delete(entries).where(entries.c.text == bindparam("words")))

ANN = RowOwner(tenant_id=new_id(), user_id=new_id())


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("ledger", LEDGER)


@pytest_asyncio.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(urls.app, application_name="test")
    yield database
    await database.stop()


def alter_entries(urls: DatabaseUrls, change: str) -> None:
    with psycopg.connect(urls.admin) as admin:
        admin.execute(f"ALTER TABLE entries {change}")


async def test_rows_come_and_go_by_name(database: Database) -> None:
    ids = [new_id() for _ in range(3)]
    async with database.transaction(ANN) as connection:
        for number, entry_id in enumerate(ids):
            touched = await ADD.run(
                connection,
                id=entry_id,
                tenant_id=ANN.tenant_id,
                user_id=ANN.user_id,
                text=f"entry {number}",
            )
            assert touched == 1
    async with database.transaction(ANN) as connection:
        first, second = await PAGE.all(connection, after=UUID(int=0))
        assert (first.id, first.text, second.text) == (ids[0], "entry 0", "entry 1")
        renamed = await RENAME.first(connection, entry_id=ids[1], words="renamed")
        assert renamed is not None
        assert renamed.text == "renamed"
        assert await RENAME.first(connection, entry_id=new_id(), words="nothing") is None
        found = await THESE.all(connection, ids=[ids[1], ids[2]])
        assert [row.text for row in found] == ["renamed", "entry 2"]
        assert await THESE.all(connection, ids=[]) == []
        assert await REMOVE.run(connection, words="entry 2") == 1


async def test_one_statement_takes_values_of_each_type_in_turn(database: Database) -> None:
    """A connection prepares it for each: read as the type of another, a value were another."""
    kind = Statement(text("SELECT pg_typeof(:value)::text AS kind, CAST(:value AS text) AS said"))
    half, some_id = 0.5, new_id()
    async with database.transaction() as connection:
        for _ in range(2):
            for value, expected in (
                (7, ("smallint", "7")),
                (7_000_000_000, ("bigint", "7000000000")),
                (half, ("double precision", "0.5")),
                (True, ("boolean", "true")),
                (some_id, ("uuid", str(some_id))),
            ):
                assert tuple(await kind.first(connection, value=value) or ()) == expected


async def test_it_shares_the_transaction_with_sqlalchemys_own_execution(
    database: Database,
) -> None:
    async with database.transaction(ANN) as connection:
        await ADD.run(
            connection, id=new_id(), tenant_id=ANN.tenant_id, user_id=ANN.user_id, text="both"
        )
        assert await connection.scalar(select(entries.c.text)) == "both"
        await connection.execute(delete(entries))
        assert await PAGE.first(connection, after=ANN.tenant_id) is None


async def test_errors_are_sqlalchemys_and_hold_no_parameters(database: Database) -> None:
    entry = {
        "id": new_id(),
        "tenant_id": ANN.tenant_id,
        "user_id": ANN.user_id,
        "text": "a secret thought",
    }
    async with database.transaction(ANN) as connection:
        await ADD.run(connection, **entry)
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction(ANN) as connection:
            await ADD.run(connection, **entry)
    assert "a secret thought" not in str(caught.value)


async def test_a_timeout_is_told_as_busy(service_database: ServiceDatabase) -> None:
    database = Database(
        service_database("ledger", LEDGER).app, application_name="test", statement_seconds=0.2
    )
    with pytest.raises(DatabaseBusy):
        async with database.transaction() as connection:
            await Statement(text("SELECT pg_sleep(5)")).run(connection)
    await database.stop()


async def test_values_of_json_and_text_and_null_keep_their_types(database: Database) -> None:
    statement = Statement(
        select(
            bindparam("document", type_=JSONB).label("document"),
            bindparam("words", type_=Text).label("words"),
            bindparam("nothing", type_=Text).label("nothing"),
        )
    )
    async with database.transaction() as connection:
        row = await statement.first(
            connection, document={"a": [1, None]}, words="ü%s :x", nothing=None
        )
    assert row is not None
    assert (row.document, row.words, row.nothing) == ({"a": [1, None]}, "ü%s :x", None)


async def test_texts_come_as_they_were_sent_where_that_is_asked_for(database: Database) -> None:
    clause = text("""
        SELECT CAST(:words AS text) AS words, CAST(NULL AS text) AS nothing, CAST('' AS text) AS empty,
            '{"ü": 1}'::jsonb AS document, 7 AS number
    """)
    sent, read = Statement(clause, texts_as_sent=True), Statement(clause)
    async with database.transaction() as connection:
        as_sent = await sent.first(connection, words="ü 中😀")
        (again,) = await sent.all(connection, words="ü 中😀")
        as_read = await read.first(connection, words="ü 中😀")
    assert as_sent == again == ("ü 中😀".encode(), None, b"", {"ü": 1}, 7)
    assert as_read == ("ü 中😀", None, "", {"ü": 1}, 7)


async def test_texts_are_utf_8_whatever_the_server_says_by_default(
    database: Database, urls: DatabaseUrls
) -> None:
    statement = Statement(text("SELECT current_setting('client_encoding') AS encoding"))
    name = psycopg.sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(urls.app)["dbname"]))
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        latin = psycopg.sql.SQL("ALTER DATABASE {} SET client_encoding = LATIN1")
        admin.execute(latin.format(name))
        try:
            async with database.transaction() as connection:
                row = await statement.first(connection)
        finally:
            admin.execute(psycopg.sql.SQL("ALTER DATABASE {} RESET client_encoding").format(name))
    assert row is not None
    assert row.encoding == "UTF8"


async def test_a_missing_parameter_is_an_error(database: Database) -> None:
    with pytest.raises(Exception, match="entry_id"):
        async with database.transaction(ANN) as connection:
            await RENAME.first(connection, words="x")


def test_what_cannot_be_compiled_once_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="any_"):
        Statement(select(entries).where(entries.c.id.in_([new_id()])))
    table = Table("things", MetaData(), Column("id", Uuid, default=new_id))
    with pytest.raises(ValueError, match="defaults"):
        Statement(insert(table), columns=[])


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM entries",
        "select  distinct * from entries",
        "SELECT id, * FROM entries",
        "SELECT DISTINCT ON (user_id) * FROM entries",
        "TABLE entries",
        "SELECT id FROM (TABLE entries) AS e",
        "SELECT entries.* FROM entries",
        "SELECT id FROM (SELECT *, 1 AS one FROM entries) AS e",
        "INSERT INTO entries (id) VALUES (:id) RETURNING *",
        "UPDATE entries SET text = 'x' RETURNING entries.*",
        "INSERT INTO entries TABLE entries",
        "SELECT /* all */ * FROM entries",
        "SELECT e FROM entries e",
        "SELECT to_jsonb(e) AS whole FROM entries AS e",
        "DELETE FROM entries USING entries AS e RETURNING e",
    ],
)
def test_a_star_in_place_of_columns_is_refused_when_it_is_written(sql: str) -> None:
    with pytest.raises(ValueError, match="name the columns"):
        Statement(text(sql))


def test_a_product_a_count_and_what_exists_does_not_look_at_are_no_stars() -> None:
    Statement(text("SELECT count(*) AS all_of_them, 2 * amount AS twice, 1.5*2 FROM entries"))
    Statement(select(exists().where(entries.c.id == bindparam("entry_id"))))
    Statement(text("SELECT id FROM entries WHERE text = 'SELECT * FROM entries' -- SELECT *"))


def test_the_columns_that_the_code_knows_are_named_and_quoted() -> None:
    table = Table("messages", MetaData(), Column("id", Uuid), Column("order", Integer))
    assert columns_of(table) == 'messages.id, messages."order"'
    assert columns_of(table, "page") == 'page.id, page."order"'


async def test_a_warm_statement_goes_on_when_a_column_is_added(
    database: Database, urls: DatabaseUrls
) -> None:
    whole = Statement(select(entries))
    assert await database.all(ANN, whole) == []
    alter_entries(urls, "ADD COLUMN of_the_next_revision text NOT NULL DEFAULT 'new'")
    entry = {"id": new_id(), "tenant_id": ANN.tenant_id, "user_id": ANN.user_id, "text": "old"}
    await database.run(ANN, ADD, **entry)
    (row,) = await database.all(ANN, whole)
    assert row._asdict() == entry


async def test_a_plan_whose_types_changed_is_made_anew_on_another_connection(
    database: Database, urls: DatabaseUrls
) -> None:
    """As when a number outgrows its column, and the revision makes that wider."""
    narrow = Statement(text("SELECT narrow FROM entries"))
    alter_entries(urls, "ADD COLUMN narrow integer")
    async with database.transaction(ANN) as one, database.transaction(ANN) as other:
        for connection in (one, other):
            assert await narrow.all(connection) == []
    alter_entries(urls, "ALTER COLUMN narrow TYPE bigint")
    assert await database.all(ANN, narrow) == []

    alter_entries(urls, "ALTER COLUMN narrow TYPE text")
    with pytest.raises(StalePlan) as refused:
        async with database.transaction(ANN) as connection:
            await narrow.all(connection)
    assert refused.value.retry_after == 1
    async with database.transaction(ANN) as connection:
        assert await narrow.all(connection) == []
