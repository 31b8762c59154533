"""Providers that say what no column holds, or more than anybody wants: every run still ends."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio

from chassis.caller import Caller
from chassis.testing import ModelServer, eventually
from chat_service.domain.run import RunStatus
from chat_service.providers import transport
from chat_service.streaming import engine
from chat_service.streaming.frame import Frame
from chat_service.streaming.generate import Bounds
from chat_service.streaming.log import Append
from parley_local.model_server.texts import text_of

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"


def chunk(text: str = "", finish_reason: str | None = None, **more: Any) -> bytes:
    choice = {"delta": {"content": text}, "finish_reason": finish_reason}
    # Escaped, as the standard library does it: lone surrogates are no UTF-8.
    return b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n"


@dataclass
class Strange:
    """Answers every request with ``body``, once or ``endless``, until the client has enough."""

    base_url: str = ""
    body: bytes = b""
    endless: bytes = b""
    header: bytes = b""
    hung_up: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_HEAD + self.header + b"\r\n" + self.body)
            while self.endless:
                writer.write(self.endless)
                await writer.drain()
        except ConnectionError:
            self.hung_up = True
        finally:
            writer.close()


@pytest_asyncio.fixture
async def strange() -> AsyncIterator[Strange]:
    server = Strange()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        server.base_url = f"http://127.0.0.1:{port}/v1"
        yield server


@pytest.mark.parametrize(("said", "kept"), [("st\0op", "st\ufffdop"), ("\ud800", "\ufffd")])
async def test_a_finish_reason_that_cannot_be_stored_does_not_keep_the_answer_from_being_saved(
    rig: Any, caller: Caller, strange: Strange, said: str, kept: str
) -> None:
    strange.body = chunk("hello") + chunk(finish_reason=said) + b"data: [DONE]\n\n"
    run = (await rig.ask(caller, strange, "m")).run
    frames = await rig.follow(run)
    assert rig.end(frames)["saved"] is True
    assert rig.end(frames)["finish_reason"] == kept
    found = await rig.find(run)
    assert (found.run.finish_reason, found.answer.content) == (kept, "hello")


async def test_a_silent_server_keeps_its_own_users_waiting_alone_and_they_are_told_the_truth(
    make_rig: Any,
    caller: Caller,
    model_server: ModelServer,
    strange: Strange,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "_CONNECTED_SECONDS", 0.3)
    rig = await make_rig(redis_url, streams_per_host=2)
    silent = [(await rig.ask(caller, model_server, "silent")).run for _ in range(2)]
    refused = (await rig.ask(caller, model_server, "tokens-20")).run
    strange.body = chunk("hello", "stop") + b"data: [DONE]\n\n"
    elsewhere = (await rig.ask(caller, strange, "m")).run
    assert rig.joined(await rig.follow(elsewhere)) == "hello"
    problem = rig.end(await rig.follow(refused))["problem"]
    assert (problem["reason"], problem["status"]) == ("PROVIDER_BUSY", 503)
    for run in silent:
        rig.engine.cancel(run.id)
        await rig.follow(run)
    again = (await rig.ask(caller, model_server, "tokens-20")).run
    assert rig.joined(await rig.follow(again)) == text_of("tokens-20")


@pytest.mark.parametrize(
    "noise", [b": nothing\n" * 1000, b"\n" * 10_000, b'data: {"choices":[]}\n\n' * 1000]
)
async def test_a_provider_that_sends_anything_but_text_without_end_is_hung_up_on(
    make_rig: Any, caller: Caller, strange: Strange, redis_url: str, noise: bytes
) -> None:
    few = Bounds(first_token_seconds=60, idle_seconds=60, total_seconds=60, answer_bytes=1024)
    rig = await make_rig(redis_url, bounds=few)
    strange.body, strange.endless = chunk("hello"), noise
    run = (await rig.ask(caller, strange, "m")).run
    frames = await rig.follow(run)
    assert (rig.joined(frames), rig.end(frames)["status"]) == ("hello", "interrupted")
    assert (await rig.find(run)).run.reason == "ANSWER_TOO_LARGE"
    await eventually(lambda: strange.hung_up)


async def test_an_encoding_that_nobody_asked_for_is_refused_before_it_is_undone(
    rig: Any, caller: Caller, strange: Strange
) -> None:
    strange.header = b"Content-Encoding: gzip\r\n"
    strange.body = gzip.compress(chunk("hello", "stop") + b"data: [DONE]\n\n")
    frames = await rig.follow((await rig.ask(caller, strange, "m")).run)
    assert rig.end(frames)["problem"]["reason"] == "PROVIDER_GARBLED"
    assert rig.joined(frames) == ""


async def test_a_log_with_a_finish_reason_that_cannot_be_stored_is_saved_by_its_taker(
    rig: Any, chat: Any, caller: Caller, short_lives: None
) -> None:
    run = (await chat.accept(caller, None)).run
    done = {"status": "completed", "finish_reason": "st\0op"}
    shown = [Frame(1, "start", b"{}"), Frame(2, "done", orjson.dumps(done))]
    await rig.log.append([Append(run.id, 1, shown)])
    taker = rig.ownership("replica-2")
    await taker.start()
    try:
        await rig.follow(run)
        found = await rig.ended(run)
    finally:
        await taker.stop()
    assert (found.run.status, found.run.finish_reason) == (RunStatus.COMPLETED, "st\ufffdop")


async def test_a_run_whose_end_breaks_is_let_go_and_ended_by_whoever_takes_it(
    rig: Any,
    caller: Caller,
    model_server: ModelServer,
    short_lives: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise TypeError("something nobody thought of")

    monkeypatch.setattr(engine, "Ending", broken)
    run = (await rig.ask(caller, model_server, "tokens-60-at-100")).run
    owner = rig.ownership(run.owner)
    await owner.start()
    try:
        frames = await rig.follow(run)
    finally:
        await owner.stop()
    assert not rig.engine.generates(run.id)
    assert rig.end(frames)["status"] == "interrupted"
    shown = rig.joined(frames)
    assert shown
    assert text_of("tokens-60-at-100").startswith(shown)
    assert (await rig.answer(caller, run)).content == shown
