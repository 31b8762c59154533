"""Room for pictures on their way to models."""

import asyncio

import pytest

from chassis.testing import eventually
from chat_service.files.domain.attachment import MOST_PICTURE_BYTES
from chat_service.files.domain.errors import PicturesBusy
from chat_service.files.picture_room import Held, PictureRoom
from chat_service.providers.domain.prompt_message import Picture

ALL = MOST_PICTURE_BYTES


async def test_what_is_let_go_is_for_the_next_in_their_order() -> None:
    room = PictureRoom(ALL)
    first = Picture("image/png", b"x", await room.take(ALL - 10))
    order: list[str] = []

    async def take(name: str, size: int) -> Held:
        held = await room.take(size)
        order.append(name)
        return held

    large = asyncio.create_task(take("large", ALL))
    await asyncio.sleep(0)
    # There is room for it, but not before who came before it.
    small = asyncio.create_task(take("small", 10))
    await asyncio.sleep(0)
    assert order == []
    first.let_go()
    await eventually(lambda: order == ["large"])
    held = await large
    assert not small.done()
    del large, held
    await small
    assert order == ["large", "small"]


async def test_who_waits_too_long_is_refused_and_keeps_nobody_waiting() -> None:
    room = PictureRoom(ALL, most_seconds=0.05)
    held = [await room.take(ALL - 10)]
    refused = asyncio.create_task(room.take(ALL))
    await asyncio.sleep(0)
    # Who comes behind it has time enough.
    room._most_seconds = 30
    held.append(await room.take(10))
    with pytest.raises(PicturesBusy) as busy:
        await refused
    assert busy.value.retry_after == 5


async def test_who_goes_away_gives_back_what_came_just_then() -> None:
    room = PictureRoom(ALL)
    held = [await room.take(ALL)]
    waiting = asyncio.create_task(room.take(ALL))
    await asyncio.sleep(0)
    held.clear()
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))
    del waiting
    async with asyncio.timeout(30):
        await room.take(ALL)
