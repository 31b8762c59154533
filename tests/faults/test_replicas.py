"""Replicas that are added to a stack, and taken away from it, while streams are going."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.testing import eventually
from parley_local.model_server.texts import text_of
from tests.client import User

from .judge import numbers_are_gapless, run_is_true
from .reader import Refused
from .replicas import CALLS, NamedStack, Replica
from .turn import Turn

pytestmark = pytest.mark.slow

# With connections of the default age, and nothing else to do for the machine.
_SHARED_WITHIN = 30.0
# With those that are soon old, whatever else it has to do.
_PATIENCE_SECONDS = 120.0
_STREAMS = 4
_RUNS = 40
_LEAST_SHARE = 10
_EXIT_SECONDS = 30.0
# What a client may be told while a process goes, all of it to be tried again.
_RETRYABLE = (409, 429, 503)
# Short ages are for the sake of time; without one it is what an operator has.
_AGES = (1.0, pytest.param(None, marks=pytest.mark.faults))


@pytest_asyncio.fixture
async def stack(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[NamedStack]:
    """Its connections have the age that the test asks for."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4 * _STREAMS))
    stack = NamedStack(tmp_path, age=request.param)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def user(stack: NamedStack) -> Iterator[User]:
    user = User(stack.url)
    yield user
    user.close()


class Streams:
    """Readers in the middle of answers."""

    def __init__(self, stack: NamedStack, user: User, model: str) -> None:
        self._stack = stack
        self._user = user
        self.turns = [Turn(stack, user, model) for _ in range(_STREAMS)]
        self._reading = [asyncio.create_task(turn.ask_to_the_end()) for turn in self.turns]

    async def are_live(self) -> None:
        for turn in self.turns:
            await turn.is_live(self._stack, 3)

    async def end(self, status: str) -> None:
        """Return when each was read to its end, every token of it and in one piece."""
        await asyncio.gather(*self._reading)
        for turn in self.turns:
            run_is_true(self._stack, turn, status=status)
            assert turn.reader.breaks == 0, "a stream was cut"

    async def cancel(self) -> None:
        """Let those end that have no end of their own."""
        for turn in self.turns:
            path = f"/api/v1/chat/runs/{turn.reader.run_id}/cancel"
            assert (await asyncio.to_thread(self._user.http.post, path)).status_code == 202
        await self.end("cancelled")


async def ask(stack: NamedStack, question: Turn) -> Refused | None:
    """One short question to its answer's end; how it was refused, if it was."""
    turn = question.again(stack)
    try:
        await turn.ask_to_the_end()
    except Refused as refused:
        return refused
    numbers_are_gapless(turn.reader)
    assert turn.reader.end.data["status"] == "completed"
    assert turn.reader.text == text_of("tokens-3")
    return None


async def is_shared(stack: NamedStack, question: Turn, second: Replica) -> float:
    """Ask until the second replica has a run; how long that took, seconds."""
    began = time.monotonic()

    async def has_work() -> bool:
        assert await ask(stack, question) is None
        return second.served("StartRun") > 0

    await eventually(has_work, timeout=_SHARED_WITHIN if stack.age is None else _PATIENCE_SECONDS)
    return time.monotonic() - began


@pytest.mark.parametrize("stack", _AGES, indirect=True)
async def test_a_replica_that_is_added_gets_work_and_its_going_loses_none(
    stack: NamedStack, user: User
) -> None:
    first, second = stack.first("chat"), await stack.prepare("chat")
    question = Turn(stack, user, "tokens-3")
    streams = Streams(stack, user, "endless-at-10")
    await streams.are_live()
    second.announce()
    took = await is_shared(stack, question, second)
    before = first.served("StartRun"), second.served("StartRun")
    for _ in range(_RUNS):
        assert await ask(stack, question) is None
    shares = (
        first.served("StartRun") - before[0],
        second.served("StartRun") - before[1],
    )
    print(f"shared after {took:.1f} s; {_RUNS} runs went {shares}")
    assert sum(shares) == _RUNS
    assert min(shares) >= _LEAST_SHARE
    await streams.are_live()

    # Now on both, and one of them goes.
    further = Streams(stack, user, "tokens-150-at-10")
    await further.are_live()
    assert second.served("StartRun") > before[1] + shares[1]
    second.process.terminate()
    going = asyncio.create_task(asyncio.to_thread(second.process.wait, _EXIT_SECONDS))
    refused = []
    while not going.done():
        if (refusal := await ask(stack, question)) is not None:
            refused.append(refusal.status)
    assert await going == 0
    second.renounce()
    for _ in range(_LEAST_SHARE):
        assert await ask(stack, question) is None
    assert set(refused) <= set(_RETRYABLE), refused
    await further.end("completed")
    await streams.cancel()


@pytest.mark.faults
@pytest.mark.parametrize("stack", [None], indirect=True)
async def test_a_second_replica_of_every_service_gets_calls_from_all_that_call_it(
    stack: NamedStack, user: User
) -> None:
    seconds = {name: await stack.prepare(name) for name in CALLS}
    question = Turn(stack, user, "tokens-3")
    began = time.monotonic()
    for second in seconds.values():
        second.announce()
    # Of each edge one method: the gateway's to all four, chat-service's to apikey-service.
    edges = {
        "auth": "GetMe",
        "apikey": "ListKeys",
        "chat": "StartRun",
        "notes": "ListNotes",
    }

    async def all_have_work() -> bool:
        for route in ("me", "keys", "notes"):
            answer = await asyncio.to_thread(user.http.get, f"/api/v1/{route}")
            assert answer.status_code == 200
        assert await ask(stack, question) is None
        served = {name: seconds[name].served(method) for name, method in edges.items()}
        served["apikey from chat"] = seconds["apikey"].served("ResolveKey")
        return all(served.values())

    await eventually(all_have_work, timeout=_SHARED_WITHIN, ignoring=())
    print(f"all shared after {time.monotonic() - began:.1f} s")
