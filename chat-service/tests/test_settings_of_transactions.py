"""What a transaction sets for itself holds for none behind it on its connection, which is somebody else's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.ids import new_id
from chat_service.search.store.unindexed import Unindexed
from chat_service.search.usecases.index import index_texts
from chat_service.shares.store.reading import readings
from chat_service.usage.domain.report import Days, TenantsBy
from chat_service.usage.store.tenants import TenantsUsage

from .chat import Chat

# Those of our own are in no list, and empty once they have held.
SETTINGS = text("""
SELECT (SELECT array_agg(name ORDER BY name) FROM pg_settings WHERE source = 'session') AS of_the_server,
       coalesce(current_setting('parley.share', true), '') AS share,
       coalesce(current_setting('parley.marked', true), '') AS marked
""")


@asynccontextmanager
async def left_as_it_was(url: str) -> AsyncIterator[Database]:
    """A database of one connection, of which nothing is set behind the block."""
    database = Database(url, pool_size=1, application_name="test")
    try:
        yield database
        async with database.transaction() as connection:
            assert (await connection.execute(SETTINGS)).one() == (None, "", "")
    finally:
        await database.stop()


async def test_indexing_has_nobody_elses_commits_lost_with_the_server(
    chat: Chat, caller: Caller
) -> None:
    await chat.turn(caller, (await chat.session(caller)).id)
    async with left_as_it_was(chat.urls.worker) as database:
        assert await index_texts(Unindexed(database)) > 0


async def test_sums_of_tenants_leave_others_their_time(chat: Chat) -> None:
    day = date(2026, 1, 1)
    async with left_as_it_was(chat.urls.worker) as database:
        await TenantsUsage(database).page(
            Days(day, day),
            TenantsBy.USER,
            tenant_id=new_id(),
            only_metered=False,
            after=None,
            limit=1,
        )


async def test_the_share_of_one_reader_is_shown_to_no_other(chat: Chat) -> None:
    async with (
        left_as_it_was(chat.urls.app) as database,
        readings(database)(b"the hash of a token", None) as reading,
    ):
        assert await reading.find() is None
