"""Answers that take longer than the access token they were asked for with, on the real stack."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import jwt
import pytest
import pytest_asyncio

from chassis.testing import eventually
from parley_local.model_server.texts import text_of
from tests.client import User

from .judge import TAKEOVER_SECONDS, run_is_true
from .reader import Reader
from .replicas import NamedStack, Replica
from .turn import Turn

_TOKEN_SECONDS = 10
_LONG = "tokens-400-at-20"
_PATIENCE_SECONDS = 120.0


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncIterator[NamedStack]:
    settings = {"AUTH_ACCESS_TOKEN_SECONDS": str(_TOKEN_SECONDS)}
    stack = NamedStack(tmp_path, age=1.0, environment=settings)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def turn_of(stack: NamedStack, user: User, model: str) -> Turn:
    """A question about to be asked, with a token that is good for all of its time."""
    user.log_in()
    turn = Turn(stack, user, model)
    user.log_in()
    turn.token = user.token
    turn.reader = Reader(stack.gateways, user.token)
    return turn


async def gets_work(stack: NamedStack, user: User, replica: Replica) -> None:
    """Return when the replica has accepted a question."""
    before = replica.served("StartRun")
    question = turn_of(stack, user, "tokens-3")

    async def accepted() -> bool:
        user.log_in()
        question.token = user.token
        await question.again(stack).ask_to_the_end()
        return replica.served("StartRun") > before

    await eventually(accepted, timeout=_PATIENCE_SECONDS, ignoring=())


async def has_expired(token: str) -> None:
    ends = jwt.decode(token, options={"verify_signature": False})["exp"]
    await eventually(lambda: time.time() > ends, timeout=2 * _TOKEN_SECONDS)


@pytest.mark.faults
async def test_answers_outlive_their_token_and_the_replica_that_made_them(
    stack: NamedStack,
) -> None:
    user = User(stack.url)
    first, second = stack.first("chat"), await stack.prepare("chat")
    whole = turn_of(stack, user, _LONG)
    asking = asyncio.create_task(
        asyncio.to_thread(
            httpx.post,
            f"{stack.url}/api/v1/chat/sessions/{whole.session_id}/messages",
            json={"content": "Go on"},
            headers={"Authorization": f"Bearer {whole.token}"},
            timeout=_PATIENCE_SECONDS,
        )
    )
    await eventually(lambda: first.served("StartRun"), timeout=_PATIENCE_SECONDS)

    second.alone()
    await gets_work(stack, user, second)
    watched = turn_of(stack, user, "endless-at-20")
    watching = asyncio.create_task(watched.ask())
    await watched.is_live(stack, 3)
    second.announce()
    await gets_work(stack, user, first)
    await has_expired(watched.token)
    assert (await me(stack, watched.token)).status_code == 401
    assert not watching.done()
    second.process.kill()
    began = time.monotonic()
    await watching
    assert time.monotonic() - began < TAKEOVER_SECONDS
    # One connection, to its end: whoever connects again needs a new token.
    assert watched.reader.breaks == 0
    run_is_true(stack, watched, status="interrupted")

    answer = await asking
    assert (await me(stack, whole.token)).status_code == 401
    assert answer.status_code == 200, answer.text
    assert answer.json()["answer"]["content"] == text_of(_LONG)
    user.close()


async def me(stack: NamedStack, token: str) -> httpx.Response:
    """What the token is good for in general."""
    headers = {"Authorization": f"Bearer {token}"}
    return await asyncio.to_thread(httpx.get, f"{stack.url}/api/v1/me", headers=headers)
