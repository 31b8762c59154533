"""A long request by itself: what is left of one once it is over."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

from chassis.grpc.caller import TokenVerifier, Verified
from chassis.testing import Signer
from gateway.streams.presence import End, LongRequests, TooManyStreams


async def _never() -> Any:
    await asyncio.Event().wait()


@pytest.fixture
def requests(signer: Signer) -> LongRequests:
    return LongRequests(1, signer.trust)


def _verified(signer: Signer) -> Verified:
    return TokenVerifier(signer.trust).inspect(signer.caller().token)


async def test_nothing_remembers_one_that_is_over(requests: LongRequests, signer: Signer) -> None:
    presence = requests.hold(_never, _verified(signer))
    async with presence:
        assert len(requests) == 1
    assert set(requests.held.values()) == {0}
    known = weakref.ref(presence)
    del presence
    # The loop lets go of what it has in hand with its next turn.
    await asyncio.sleep(0)
    gc.collect()
    assert known() is None


async def test_whatever_ends_one_it_is_left(requests: LongRequests, signer: Signer) -> None:
    async with requests.hold(_never, _verified(signer)) as closing:
        requests.end()
        await asyncio.Event().wait()
    assert closing.ended is End.CLOSING
    with pytest.raises(KeyError):
        async with requests.hold(_never, _verified(signer)):
            raise KeyError
    assert set(requests.held.values()) == {0}


async def test_streams_are_counted_for_each_user_by_themselves(requests: LongRequests) -> None:
    with requests.stream_of("ada"):
        requests.check_room("bob")
        with pytest.raises(TooManyStreams):
            requests.check_room("ada")
        with requests.stream_of("bob"), pytest.raises(TooManyStreams):
            requests.check_room("bob")
    requests.check_room("ada")
    assert set(requests.held.values()) == {0}
