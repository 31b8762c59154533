"""Providers that say what no column holds, or more than anybody wants: every run still ends."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import pytest_asyncio
import redis.asyncio

from chassis.caller import Caller
from chassis.testing import ModelServer, eventually
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.providers.patience import ServerPatience
from chat_service.streaming import engine
from chat_service.streaming.log.redis import Append
from chat_service.streaming.write.means import Bounds
from parley_local.model_server.texts import text_of

_HEAD = b"Content-Type: text/event-stream\r\nConnection: close\r\n"


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
    status: int = 200
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            status = b"HTTP/1.1 %d Whatever\r\n" % self.status
            writer.write(status + _HEAD + self.header + b"\r\n" + self.body)
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


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        *((word, word) for word in ("stop", "length", "content_filter", "tool_calls")),
        ("function_call", "function_call"),
        ("st\0op", "other"),
        ("\ud800", "other"),
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("eager", "other"),
        ("sk-very-secret-key", "other"),
        ("x" * 500_000, "other"),
    ],
)
async def test_of_a_finish_reason_one_of_the_known_words_is_kept_and_shown(
    rig: Any,
    caller: Caller,
    strange: Strange,
    said: str,
    kept: str,
    redis_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    strange.body = chunk("hello") + chunk(finish_reason=said) + b"data: [DONE]\n\n"
    run = (await rig.ask(caller, strange, "m")).run
    frames = await rig.follow(run)
    assert rig.end(frames)["saved"] is True
    assert rig.end(frames)["finish_reason"] == kept
    found = await rig.find(run)
    assert (found.run.finish_reason, found.answer.content) == (kept, "hello")
    logged = capsys.readouterr().out
    assert len(logged) < 10_000
    assert ("run.finish_reason_unknown" in logged) == (kept == "other")
    for shown in (logged, str(frames), str(await everything(redis_url))):
        assert "sk-very-secret-key" not in shown
        assert "x" * 100 not in shown


async def everything(redis_url: str) -> list[Any]:
    """What every stream of Redis holds."""
    async with redis.asyncio.from_url(redis_url) as client:
        return [
            await client.xrange(key) async for key in client.scan_iter(_type="stream", count=1000)
        ]


# No part of it is hexadecimal: ids are everywhere.
KEY = "s'k\\wxyz\"uvw/ghi"


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_key_that_the_provider_quotes_is_in_no_log_however_it_is_escaped(
    rig: Any, caller: Caller, strange: Strange, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    error = json.dumps({"error": {"message": f"no such key: {KEY}", KEY: [KEY]}})
    strange.status = status
    strange.body = f"data: {error}\n\n".encode() if status == 200 else error.encode()
    frames = await rig.follow((await rig.ask(caller, strange, "m", api_key=KEY)).run)
    assert rig.end(frames)["reason"].startswith("PROVIDER_")
    logged = capsys.readouterr().out
    assert "no such key: [redacted]" in logged
    inner = KEY[2:]
    for spelled in (inner, repr(KEY)[3:-1], json.dumps(inner)[1:-1], "wxyz"):
        assert spelled not in logged
        assert json.dumps(spelled)[1:-1] not in logged
        assert spelled not in str(frames)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://.localhost:{}/v1",
        "http://localhost.:{}/v1",
        "http://127.000.000.001:{}/v1",
        "http://0177.0.0.1:{}/v1",
        "http://127.1:{}/v1",
        "http://0x7f.1:{}/v1",
        "http://\uff11\uff12\uff17.0.0.1:{}/v1",
        "http://a..b:{}/v1",
        "http://" + "a" * 64 + ".example:{}/v1",
        "http://xn--a:{}/v1",
        "http://[fe80::1%25lo]:{}/v1",
        "http://x@127.0.0.1:{}/v1",
        "http://127.0.0.1:{}\\@example.com/v1",
        "http://127.0.0.1:99999/v1?{}",
        "http://127.0.0.1:0/v1",
        "not a url",
        "",
    ],
)
async def test_a_base_url_that_was_kept_and_cannot_be_read_is_no_fault_of_ours(
    make_rig: Any, caller: Caller, strange: Strange, redis_url: str, base_url: str
) -> None:
    rig = await make_rig(redis_url, allowed_hosts=("0.0.0.0/0", "::/0"))
    strange.base_url = base_url.format(strange.base_url.split(":")[2].split("/")[0])
    frames = await rig.follow((await rig.ask(caller, strange, "m")).run)
    failure = rig.end(frames)
    assert failure["reason"] == "PROVIDER_URL_INVALID"
    assert not strange.connections


@pytest.mark.parametrize("host", ["nowhere.invalid", "no_such_host"])
async def test_a_host_that_is_not_there_is_told_whatever_the_resolver_says(
    make_rig: Any, caller: Caller, strange: Strange, redis_url: str, host: str
) -> None:
    rig = await make_rig(redis_url, allowed_hosts=("0.0.0.0/0", "::/0"))
    strange.base_url = f"http://{host}:9/v1"
    frames = await rig.follow((await rig.ask(caller, strange, "m")).run)
    assert rig.end(frames)["reason"] == "PROVIDER_NAME_NOT_FOUND"


async def test_a_silent_server_keeps_its_own_users_waiting_alone_and_they_are_told_the_truth(
    make_rig: Any,
    caller: Caller,
    model_server: ModelServer,
    strange: Strange,
    redis_url: str,
) -> None:
    # For who is refused, and for those too who are to be connected.
    rig = await make_rig(redis_url, streams_per_host=2, patience=ServerPatience(connected=2.0))
    silent = [(await rig.ask(caller, model_server, "silent")).run for _ in range(2)]
    refused = (await rig.ask(caller, model_server, "tokens-20")).run
    strange.body = chunk("hello", "stop") + b"data: [DONE]\n\n"
    elsewhere = (await rig.ask(caller, strange, "m")).run
    assert rig.joined(await rig.follow(elsewhere)) == "hello"
    failure = rig.end(await rig.follow(refused))
    assert failure["reason"] == "PROVIDER_BUSY"
    for run in silent:
        rig.engine.cancel(run.id)
        await rig.follow(run)
    again = (await rig.ask(caller, model_server, "tokens-20")).run
    assert rig.joined(await rig.follow(again)) == text_of("tokens-20")


@pytest.mark.slow
@pytest.mark.parametrize(
    "noise", [b": nothing\n" * 1000, b"\n" * 10_000, b'data: {"choices":[]}\n\n' * 1000]
)
async def test_a_provider_that_sends_anything_but_text_without_end_is_hung_up_on(
    make_rig: Any, caller: Caller, strange: Strange, redis_url: str, noise: bytes
) -> None:
    few = Bounds(first_token_seconds=100, idle_seconds=100, total_seconds=110, answer_bytes=1024)
    rig = await make_rig(redis_url, bounds=few)
    strange.body, strange.endless = chunk("hello"), noise
    run = (await rig.ask(caller, strange, "m")).run
    frames = await rig.follow(run)
    assert (rig.joined(frames), rig.end(frames)["status"]) == ("hello", "interrupted")
    assert (await rig.find(run)).run.reason == "ANSWER_TOO_LARGE"
    await eventually(lambda: strange.hung_up)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_an_encoding_that_nobody_asked_for_is_undone(
    rig: Any, caller: Caller, strange: Strange, encoding: str
) -> None:
    compress = gzip.compress if encoding == "gzip" else zlib.compress
    strange.header = b"Content-Encoding: %b\r\n" % encoding.encode()
    strange.body = compress(chunk("hello", "stop") + b"data: [DONE]\n\n")
    frames = await rig.follow((await rig.ask(caller, strange, "m")).run)
    assert (rig.joined(frames), rig.end(frames)["status"]) == ("hello", "completed")


async def test_a_bomb_in_an_encoding_is_hung_up_on_like_any_noise(
    make_rig: Any, caller: Caller, strange: Strange, redis_url: str
) -> None:
    few = Bounds(first_token_seconds=100, idle_seconds=100, total_seconds=110, answer_bytes=1024)
    rig = await make_rig(redis_url, bounds=few)
    strange.header = b"Content-Encoding: gzip\r\n"
    strange.body = gzip.compress(chunk("hello") + b": nothing\n" * 3_000_000)
    frames = await rig.follow((await rig.ask(caller, strange, "m")).run)
    assert (rig.joined(frames), rig.end(frames)["status"]) == ("hello", "interrupted")


async def test_an_encoding_that_cannot_be_undone_here_is_refused(
    rig: Any, caller: Caller, strange: Strange
) -> None:
    strange.header = b"Content-Encoding: br\r\n"
    strange.body = b"\x0b\x06\x80data: {}\n\n\x03"
    frames = await rig.follow((await rig.ask(caller, strange, "m")).run)
    assert rig.end(frames)["reason"] == "PROVIDER_GARBLED"
    assert "(br)" in rig.end(frames)["detail"]
    assert rig.joined(frames) == ""


async def test_a_log_with_a_finish_reason_that_cannot_be_stored_is_saved_by_its_taker(
    rig: Any, chat: Any, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    done = {"status": "completed", "finish_reason": "st\0op"}
    shown = [Frame(1, "start", b"{}"), Frame(2, "done", orjson.dumps(done))]
    await rig.log.append([Append(run.id, 1, shown)])
    taker = rig.heartbeat("replica-2")
    await taker.start()
    try:
        await rig.follow(run)
        found = await rig.ended(run)
    finally:
        await taker.stop()
    assert (found.run.status, found.run.finish_reason) == (RunStatus.COMPLETED, "other")


async def test_a_run_whose_end_breaks_is_let_go_and_ended_by_whoever_takes_it(
    rig: Any,
    caller: Caller,
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise TypeError("something nobody thought of")

    monkeypatch.setattr(engine, "Ending", broken)
    run = (await rig.ask(caller, model_server, "tokens-60-at-100")).run
    owner = rig.heartbeat(run.owner)
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
