"""How much of files imports hold: of a user and of everybody, refused by what is announced and by what comes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import AppError
from chassis.idempotency import Once, RequestKey
from chassis.testing import eventually
from chat_service.imports.domain.bounds import ImportBounds
from chat_service.imports.domain.job import Import
from chat_service.imports.importing import ImportSweep
from chat_service.imports.settings import ImportSettings
from chat_service.imports.store.held import Held
from chat_service.imports.store.imports import Imports
from chat_service.imports.store.leases import Leases
from chat_service.imports.usecases.jobs import ImportJobs
from chat_service.imports.usecases.upload import Uploads

Chat = Any

MEBIBYTE = 1024 * 1024


class Sending:
    """Uploads within bounds; what was taken of each is counted."""

    def __init__(self, chat: Chat, bounds: ImportBounds) -> None:
        self._uploads = Uploads(
            chat.open_transaction,
            Held(chat.worker),
            bounds=bounds,
            wake=lambda: None,
            audit=chat.audit,
        )
        self.taken = 0

    async def send(
        self,
        caller: Caller,
        size: int,
        *,
        announced: bool = True,
        key: str | None = None,
        until: asyncio.Event | None = None,
    ) -> Import:
        self.taken = 0

        async def pieces() -> AsyncIterator[bytes | int]:
            if until is not None:
                await until.wait()
            for start in range(0, size, MEBIBYTE):
                self.taken += 1
                yield b"x" * min(MEBIBYTE, size - start)
            yield size

        def once_of(size: int, digest: bytes) -> Once[UUID] | None:
            if key is None:
                return None
            request = RequestKey(key, digest or b"-")
            return Once(request, lambda one: one.bytes, lambda told: UUID(bytes=told))

        return await self._uploads.upload(
            caller, "x.json", size if announced else None, pieces(), once_of
        )


async def sizes(chat: Chat) -> Sequence[int]:
    async with chat.worker.transaction() as connection:
        found = await connection.execute(text("SELECT size FROM imports ORDER BY created_at, id"))
        return list(found.scalars())


async def test_of_those_who_begin_at_once_each_sees_what_the_one_before_has_taken(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    sending = Sending(chat, ImportBounds(2**30, 2**30, 2**30))
    async with chat.open_transaction(caller) as transaction:
        # As one does that looks at what is held, and has not set anything aside yet.
        await Imports(transaction).begin_alone()
        behind = [asyncio.create_task(sending.send(one, 10)) for one in (caller, stranger)]
        await chat.somebody_waits(2)
    for one in behind:
        assert (await one).size == 10


async def test_what_a_users_imports_would_hold_beyond_their_bound_is_not_taken_at_all(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    sending = Sending(chat, ImportBounds(3 * MEBIBYTE, 5 * MEBIBYTE, 100 * MEBIBYTE))
    first = await sending.send(caller, 3 * MEBIBYTE)
    with pytest.raises(AppError, match="IMPORTS_QUOTA_USED_UP") as refused:
        await sending.send(caller, 2 * MEBIBYTE + 1)
    assert refused.value.metadata == {"used": str(3 * MEBIBYTE), "allowed": str(5 * MEBIBYTE)}
    assert sending.taken == 0
    # What is just as large as the room there is, and what somebody else sends.
    await sending.send(caller, 2 * MEBIBYTE)
    await sending.send(stranger, 3 * MEBIBYTE)
    with pytest.raises(AppError, match="IMPORTS_QUOTA_USED_UP"):
        await sending.send(caller, 1)
    # Cancelled, it holds them until they are swept.
    await ImportJobs(chat.open_transaction, lambda: None, chat.audit).end(caller, first.id)
    with pytest.raises(AppError, match="IMPORTS_QUOTA_USED_UP"):
        await sending.send(caller, 1)
    await ImportSweep(Leases(chat.worker, "replica-1", chat.audit)).sweep()
    await sending.send(caller, 3 * MEBIBYTE)


async def test_what_was_not_announced_is_refused_where_the_room_ends_and_leaves_nothing(
    chat: Chat, caller: Caller
) -> None:
    sending = Sending(chat, ImportBounds(8 * MEBIBYTE, 10 * MEBIBYTE, 100 * MEBIBYTE))
    await sending.send(caller, 7 * MEBIBYTE)
    with pytest.raises(AppError, match="IMPORTS_QUOTA_USED_UP"):
        await sending.send(caller, 9 * MEBIBYTE, announced=False)
    # Three of them had room.
    assert sending.taken == 4
    assert await sizes(chat) == [7 * MEBIBYTE]
    await sending.send(caller, 3 * MEBIBYTE, announced=False)
    assert await sizes(chat) == [7 * MEBIBYTE, 3 * MEBIBYTE]


async def test_what_is_too_large_by_itself_is_said_to_be(chat: Chat, caller: Caller) -> None:
    sending = Sending(chat, ImportBounds(MEBIBYTE, MEBIBYTE, MEBIBYTE))
    for announced in (True, False):
        with pytest.raises(AppError, match="FILE_TOO_LARGE"):
            await sending.send(caller, MEBIBYTE + 1, announced=announced)
    assert await sizes(chat) == []


async def test_what_everybody_s_imports_hold_is_bounded_and_set_aside_before_it_comes(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    sending = Sending(chat, ImportBounds(3 * MEBIBYTE, 4 * MEBIBYTE, 5 * MEBIBYTE))
    go_on = asyncio.Event()

    async def set_aside() -> bool:
        return await sizes(chat) == [3 * MEBIBYTE]

    slow = asyncio.create_task(sending.send(caller, 3 * MEBIBYTE, until=go_on))
    try:
        await eventually(set_aside)
        with pytest.raises(AppError, match="IMPORTS_FULL") as refused:
            await Sending(chat, sending._uploads._bounds).send(stranger, 3 * MEBIBYTE)
        assert refused.value.kind.http_status == 503
    finally:
        go_on.set()
        await slow
    await sending.send(stranger, 2 * MEBIBYTE)
    with pytest.raises(AppError, match="IMPORTS_FULL"):
        await sending.send(stranger, 1, announced=False)


async def test_what_is_repeated_needs_no_room_and_is_kept_once(chat: Chat, caller: Caller) -> None:
    sending = Sending(chat, ImportBounds(2 * MEBIBYTE, 2 * MEBIBYTE, 2 * MEBIBYTE))
    first = await sending.send(caller, 2 * MEBIBYTE, key="once")
    again = await sending.send(caller, 2 * MEBIBYTE, key="once")
    assert again.id == first.id
    with pytest.raises(AppError, match="IDEMPOTENCY_KEY_REUSED"):
        await sending.send(caller, MEBIBYTE, key="once")
    with pytest.raises(AppError, match="IMPORTS_QUOTA_USED_UP"):
        await sending.send(caller, 1, key="another")
    assert await sizes(chat) == [2 * MEBIBYTE]


@pytest.mark.parametrize(
    "told",
    [
        {"import_bytes": 2048, "imports_user_bytes": 1024},
        {"import_bytes": 1024, "imports_user_bytes": 4096, "imports_bytes": 2048},
    ],
)
def test_bounds_in_which_no_file_has_room_are_refused(told: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="it is less than CHAT_IMPORT"):
        ImportSettings.model_validate(told)
    assert ImportSettings.model_validate({}).import_bounds == ImportBounds(2**30, 2**31, 2**34)
