"""Prompts for which files have to be read: made in the run's own time, and what comes of it where they cannot be."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.errors import AppError
from chassis.ids import new_id
from chassis.testing import ModelServer
from chat_service.answer.domain.ending import RunStatus
from chat_service.files.domain.errors import StorageUnavailable
from chat_service.prompt.budget import SHIPPED
from chat_service.prompt.context import Context
from chat_service.prompt.domain import Prompt
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import Picture, PromptMessage
from chat_service.runs.domain.errors import ModelCannotSee
from chat_service.runs.domain.run import Run

# Fixtures of conftest.py, which a test module has no names for.
Rig = Any


def connection(server: ModelServer, model: str, **other: Any) -> Connection:
    return Connection(
        key_id=new_id(),
        name=model,
        api_key="sk-very-secret-key",
        model=model,
        base_url=server.base_url,
        provider="openai",
        **other,
    )


async def begin(rig: Rig, caller: Caller, chain: Sequence[Connection], prepare: Any) -> Run:
    rig.connections |= {one.key_id: one for one in chain[1:]}
    chat = replace(rig.chat, connection=chain[0])
    accepted = await chat.accept(caller, None, "What is it?", model=chain[0].model)
    rig.engine.begin(accepted.run, chain[0], prepare)
    run: Run = accepted.run
    return run


def shown() -> tuple[PromptMessage, Picture]:
    picture = Picture("image/png", b"some bytes")
    return PromptMessage("user", "What is it?", (1,), (picture,)), picture


def making(message: PromptMessage) -> Any:
    async def prepare() -> tuple[Context, Sequence[PromptMessage]]:
        return Context.of_prompt(Prompt((message,), SHIPPED)), (message,)

    return prepare


async def test_what_was_made_is_sent_kept_as_the_account_and_let_go(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    message, picture = shown()
    assert picture.size == 10
    run = await begin(rig, caller, [connection(model_server, "sees")], making(message))
    frames = await rig.follow(run)
    assert rig.joined(frames).startswith("1 pictures: image/png of 10 bytes")
    assert (await rig.ended(run)).run.status is RunStatus.COMPLETED
    assert picture.size == 0


@pytest.mark.parametrize("refusal", [StorageUnavailable(), ModelCannotSee()])
async def test_a_run_whose_prompt_cannot_be_made_fails_and_nothing_is_sent(
    refusal: AppError, rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    async def prepare() -> Any:
        raise refusal

    model = f"tokens-20#{new_id().hex}"
    run = await begin(rig, caller, [connection(model_server, model)], prepare)
    frames = await rig.follow(run)
    assert frames[-1].event == "error"
    assert rig.end(frames)["reason"] == refusal.reason
    ended = await rig.ended(run)
    assert (ended.run.status, ended.run.reason) == (RunStatus.FAILED, refusal.reason)
    assert model not in model_server.counters()["calls"]


async def test_a_prompt_that_breaks_while_it_is_made_ends_its_run(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    async def prepare() -> Any:
        raise RuntimeError("broken")

    run = await begin(rig, caller, [connection(model_server, "tokens-20")], prepare)
    assert rig.end(await rig.follow(run))["reason"] == "INTERNAL"


async def test_a_run_is_cancelled_while_its_prompt_is_made(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    entered = asyncio.Event()

    async def prepare() -> Any:
        entered.set()
        await asyncio.Event().wait()

    run = await begin(rig, caller, [connection(model_server, "tokens-20")], prepare)
    await entered.wait()
    assert rig.engine.cancel(run.id)
    await rig.follow(run)
    assert (await rig.ended(run)).run.status is RunStatus.CANCELLED


async def test_a_connection_whose_model_sees_nothing_does_not_go_on_with_pictures(
    rig: Rig, caller: Caller, model_server: ModelServer
) -> None:
    third = connection(model_server, "sees")
    second = connection(model_server, f"echo#{new_id().hex}", fallback_key_id=third.key_id)
    first = connection(model_server, "status-503", fallback_key_id=second.key_id)
    rig.engine._means.alternatives._memory.note_cannot_see(second, second.model)
    message, _ = shown()
    run = await begin(rig, caller, [first, second, third], making(message))
    frames = await rig.follow(run)
    assert rig.joined(frames).startswith("1 pictures")
    assert second.model not in model_server.counters()["calls"]
