"""Model servers that mean harm: every run has a typed end, and neither memory nor time is theirs."""

import asyncio
import gzip
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from chassis.caller import Caller
from chat_service.answer.domain.ending import RunStatus
from chat_service.providers.said import page_text
from chat_service.streaming.write.means import Bounds

_EVENTS = b"Content-Type: text/event-stream\r\n"
_DEEP = b"[" * 1_000_000


def response(
    body: bytes = b"", *heads: bytes, status: int = 200, of: bytes = _EVENTS
) -> tuple[bytes, ...]:
    """A whole response, which ends with its connection."""
    lines = b"".join(b"%b\r\n" % head for head in heads)
    return (b"HTTP/1.1 %d X\r\n" % status + of + lines + b"Connection: close\r\n\r\n" + body,)


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(text: Any = "", finish_reason: Any = None, **more: Any) -> bytes:
    return event(
        {"choices": [{"delta": {"content": text}, "finish_reason": finish_reason}], **more}
    )


_STOP = chunk(finish_reason="stop") + b"data: [DONE]\n\n"


@dataclass
class Hostile:
    """Says ``says`` to every request; then, if there is ``endless``, that until it is hung up on."""

    base_url: str = ""
    says: tuple[bytes, ...] = ()
    endless: bytes = b""
    #: How much of what is endless was taken in.
    taken: int = 0
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for part in self.says:
                writer.write(part)
                await writer.drain()
            while self.endless:
                writer.write(self.endless)
                await writer.drain()
                self.taken += len(self.endless)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture
async def hostile() -> AsyncIterator[Hostile]:
    server = Hostile()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
        yield server


def nested(depth: int) -> bytes:
    return b"[" * depth + b'"deep"' + b"]" * depth


@dataclass(frozen=True)
class Case:
    says: tuple[bytes, ...]
    status: str
    reason: str | None = None
    text: str = ""
    provider: str = "openai"


_GARBLED = ("failed", "PROVIDER_GARBLED")
_DATE = b"Retry-After: 1 Jan 99999999999999999999 00:00:00 GMT"
_MESSAGE = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hello"}}

_NO_COUNTS: tuple[Any, ...] = (-1, 1e308, "NaN", "Infinity", "9" * 5000, 2**70, [], {}, True, None)
CASES = {
    "a million brackets in an event": Case(response(b"data: " + _DEEP + b"\n\n"), *_GARBLED),
    "a million brackets within a chunk": Case(
        response(chunk("hello") + b'data: {"x":' + _DEEP + b"\n\n"), *_GARBLED, text="hello"
    ),
    "a million brackets that close": Case(
        response(chunk("hello") + b'data: {"x":' + _DEEP + b"]" * 1_000_000 + b"}\n\n"),
        *_GARBLED,
        text="hello",
    ),
    "a million brackets as a document": Case(
        response(_DEEP + b"]" * 1_000_000, of=b"Content-Type: application/json\r\n"), *_GARBLED
    ),
    "a million brackets as an error": Case(
        response(b'{"error":' + _DEEP, status=400), "failed", "PROVIDER_REFUSED"
    ),
    "a thousand brackets as a document": Case(
        response(nested(1000), of=b"Content-Type: application/json\r\n"), *_GARBLED
    ),
    "parts within parts": Case(
        response(chunk("hello") + chunk("DEEP").replace(b'"DEEP"', nested(900)) + _STOP),
        "completed",
        text="hello",
    ),
    "a million brackets in a message's event": Case(
        response(event(_MESSAGE) + b'data: {"type":"ping","x":' + _DEEP + b"\n\n"),
        *_GARBLED,
        text="hello",
        provider="anthropic",
    ),
    "a message's event a thousand deep": Case(
        response(
            event(_MESSAGE)
            + event({"type": "content_block_delta", "delta": {"text": 1}}).replace(
                b"1", nested(900)
            )
            + event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
            + event({"type": "message_stop"})
        ),
        "completed",
        text="hello",
        provider="anthropic",
    ),
    "a time to come back in a year of twenty digits": Case(
        response(b"{}", _DATE, status=429), "failed", "PROVIDER_RATE_LIMITED"
    ),
    "a type that is no text": Case(
        response(b"hello", of=b"Content-Type: text/\xff\xfe\r\n"), *_GARBLED
    ),
    "an encoding that is no text": Case(
        response(b"hello", b"Content-Encoding: \xff\xfe"), *_GARBLED
    ),
    "another protocol": Case(
        response(chunk("hello") + _STOP, b"Upgrade: websocket", status=101), *_GARBLED
    ),
    "news before the answer": Case(
        (b"HTTP/1.1 100 X\r\n\r\n" * 10, *response(chunk("hello") + _STOP)),
        "completed",
        text="hello",
    ),
    "headers without end": Case((b"HTTP/1.1 200 X\r\n" + b"X: y\r\n" * 1_000_000,), *_GARBLED),
    "a header without end": Case((b"HTTP/1.1 200 X\r\nX: " + b"y" * 10_000_000,), *_GARBLED),
    "trailers without end": Case(
        (
            b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n" + _EVENTS + b"\r\n"
            b"%x\r\n%b\r\n0\r\n" % (len(chunk("hello")), chunk("hello")) + b"X: y\r\n" * 1_000_000,
        ),
        *_GARBLED,
        text="hello",
    ),
    "a chunk's length without end": Case(
        (b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n" + _EVENTS + b"\r\n" + b"f" * 100,),
        *_GARBLED,
    ),
    "less than a length": Case(
        (b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n" + _EVENTS + b"\r\n" + chunk("hello"),),
        "failed",
        "PROVIDER_BROKE",
        text="hello",
    ),
    "bytes that are no text": Case(
        response(chunk("hello").replace(b"hello", b"h\xff\xfe\xc3llo") + _STOP),
        "completed",
        text="h\ufffd\ufffd\ufffdllo",
    ),
    "an event of twenty megabytes": Case(
        response(chunk("hello") + b"data: " + b"x" * 20_000_000), *_GARBLED, text="hello"
    ),
    "an event's name of twenty megabytes": Case(
        response(chunk("hello") + b"event: " + b"x" * 20_000_000), *_GARBLED, text="hello"
    ),
    "counts that are none": Case(
        response(
            b"".join(
                chunk("x", usage={"prompt_tokens": count, "completion_tokens": count})
                for count in _NO_COUNTS
            )
            + b'data: {"choices":[],"usage":{"prompt_tokens":NaN,"completion_tokens":-Infinity}}\n\n'
            + b'data: {"choices":[],"usage":{"prompt_tokens":1e999,"completion_tokens":1E400}}\n\n'
            + _STOP
        ),
        "completed",
        text="x" * 10,
    ),
    "fields of a reader": Case(
        response(b"retry: 0\nid: \0\nretry: -1\n\n" + b"id: x\n" + chunk("hello") + _STOP),
        "completed",
        text="hello",
    ),
    "a page of beginnings": Case(
        response(b"<" + b"<style" * 600 + b"</" * 2000, of=b"Content-Type: text/html\r\n"),
        *_GARBLED,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_a_hostile_server_says_comes_to_a_typed_end(
    rig: Any, caller: Caller, hostile: Hostile, case: Case
) -> None:
    hostile.says = case.says
    run = (await rig.ask(caller, hostile, "m", provider=case.provider)).run
    frames = await rig.follow(run)
    found = await rig.ended(run)
    assert (found.run.status.value, found.run.reason) == (case.status, case.reason)
    assert rig.joined(frames) == case.text
    assert (found.answer.content if found.answer else "") == case.text


KEY = "q7f3c1b09e8d2a6z5f4e3d2c1b0a9f8e"
_JSON = b"Content-Type: application/json\r\n"
QUOTES = {
    "where it redirects to": response(b"", b"Location: https://%b.example/", status=302),
    "a parameter's name": response(
        b'{"error":{"message":"unsupported parameter","param":"%b"}}', status=400, of=_JSON
    ),
    "a parameter's name in a sentence": response(
        b'{"error":{"message":"unsupported parameter: \'%b\'"}}', status=400, of=_JSON
    ),
    "a type": response(b"nothing", of=b"Content-Type: x/%b\r\n"),
    "an encoding": response(b"nothing", b"Content-Encoding: %b"),
}


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "a piece"])
@pytest.mark.parametrize("place", QUOTES)
async def test_a_word_of_the_servers_in_a_sentence_of_ours_is_no_key(
    rig: Any,
    caller: Caller,
    hostile: Hostile,
    place: str,
    whole: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = KEY if whole else KEY[15:31]
    hostile.says = tuple(part.replace(b"%b", said.encode()) for part in QUOTES[place])
    frames = await rig.follow((await rig.ask(caller, hostile, "m", api_key=KEY)).run)
    assert "[redacted]" in rig.end(frames)["detail"]
    for shown in (str(frames), capsys.readouterr().out):
        assert said not in shown
        assert said[2:14] not in shown


_HEAD = response()[0]
_GZIPPED = response(b"", b"Content-Encoding: gzip")[0]
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "white space": (_HEAD, b" " * 65536),
    "empty lines": (_HEAD, b"\n" * 65536),
    "white space as text": (_HEAD, chunk(" " * 60_000)),
    "data without a word": (_HEAD, b"data:\n" * 10_000),
    "comments": (_HEAD, b": nothing\n" * 6000),
    "what stands behind an encoding": (_GZIPPED + gzip.compress(b": nothing\n"), b"x" * 65536),
    "encodings of nothing": (_GZIPPED, gzip.compress(b"") * 3000),
    "news": (b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 2000),
}
_MOST_TAKEN = 40 * 1024 * 1024
_MOST_HELD = 48 * 1024 * 1024
# CPU seconds that pass before somebody else has their turn.
_LONGEST_TURN = 2.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDLESS)
async def test_a_server_that_never_ends_is_hung_up_on_before_it_has_taken_much(
    make_rig: Any, caller: Caller, hostile: Hostile, redis_url: str, name: str
) -> None:
    long = Bounds(
        first_token_seconds=100, idle_seconds=100, total_seconds=110, answer_bytes=1024 * 1024
    )
    rig = await make_rig(redis_url, bounds=long)
    head, hostile.endless = ENDLESS[name]
    hostile.says = (head,)
    longest = 0.0

    async def others() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    async def measure() -> Any:
        run = (await rig.ask(caller, hostile, "m")).run
        turns = asyncio.create_task(others())
        await rig.follow(run)
        turns.cancel()
        return await rig.ended(run)

    # One after the other: to trace memory takes time.
    found = await measure()
    hostile.taken = 0
    tracemalloc.start()
    try:
        again = await measure()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert again.run.reason == found.run.reason
    assert found.run.status in (RunStatus.FAILED, RunStatus.INTERRUPTED, RunStatus.COMPLETED)
    assert found.run.reason != "INTERNAL"
    assert most < _MOST_HELD
    assert hostile.taken < _MOST_TAKEN
    assert longest < _LONGEST_TURN


@pytest.mark.parametrize(
    "page",
    [
        "<" + "<style" * 600 + "</" * 2000,
        "<" * 8192,
        "<h1>" * 2048,
        "<script" * 1170,
        "<title>" + "<" * 8000,
        "&" * 8192,
    ],
    ids=["styles", "angles", "headings", "scripts", "a title", "ampersands"],
)
def test_a_page_is_read_in_time_in_proportion_to_it(page: str, cpu: Callable[[], float]) -> None:
    began = cpu()
    page_text(page)
    # A hundredth of it is enough, on a machine of its own; with the square of it, minutes.
    assert cpu() - began < 1


def test_a_page_says_what_stands_between_its_scripts() -> None:
    assert page_text("<p>one<script>no</script>two<style a='b'>no") == "one two"


@pytest.fixture
def cpu() -> Callable[[], float]:
    return time.process_time
