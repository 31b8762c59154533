"""The faults that the scripted model server can be asked for, and HTTP that it does not expect."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator

import aiohttp
import orjson
import pytest

from parley_local.model_server import text_of
from parley_local.model_server.behaviours import RULES, behaviour_of
from parley_local.model_server.process import ModelServerProcess, command, model_server

HEADERS = {"Authorization": "Bearer sk-abc"}


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServerProcess]:
    with model_server() as running:
        yield running


@pytest.fixture
async def http(server: ModelServerProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, headers=HEADERS) as session:
        await session.post("/reset")
        yield session


def asking(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "?"}], "stream": True}


async def body_of(http: aiohttp.ClientSession, model: str) -> bytes:
    async with http.post("/v1/chat/completions", json=asking(model)) as response:
        assert response.status == 200
        return await response.read()


async def status_of(http: aiohttp.ClientSession, model: str) -> int:
    async with http.post(
        "/v1/chat/completions", json=asking(model), allow_redirects=False
    ) as response:
        return response.status


async def start_of(http: aiohttp.ClientSession, model: str, until: bytes) -> bytes:
    """What has come when `until` has."""
    received = b""
    async with (
        asyncio.timeout(60),
        http.post("/v1/chat/completions", json=asking(model)) as response,
    ):
        while until not in received:
            piece = await response.content.readany()
            assert piece, received
            received += piece
    return received


def data_of(body: bytes) -> list[bytes]:
    return [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]


def text_in(events: list[bytes]) -> str:
    chunks = [orjson.loads(event) for event in events if event[:5] == b'{"id"']
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)


async def test_a_status_is_an_error_in_openais_shape(http: aiohttp.ClientSession) -> None:
    for status in (400, 401, 403, 404, 408, 429, 500, 503):
        async with http.post("/v1/chat/completions", json=asking(f"status-{status}")) as response:
            assert response.status == status
            error = (await response.json())["error"]
            assert ("sk-abc" in error["message"]) == (status == 401)
            assert response.headers.get("Retry-After") == ("7" if status == 429 else None)


async def test_a_redirect_leads_into_a_trap_that_counts(http: aiohttp.ClientSession) -> None:
    assert await status_of(http, "redirect") == 307
    async with http.get("/counters") as response:
        assert (await response.json())["redirects_followed"] == 0
    async with http.post("/v1/chat/completions", json=asking("redirect")) as response:
        assert response.url.path == "/redirected"
    async with http.get("/counters") as response:
        assert (await response.json())["redirects_followed"] == 1


async def test_a_flaky_model_fails_as_often_as_it_says(http: aiohttp.ClientSession) -> None:
    assert [await status_of(http, "flaky-2") for _ in range(4)] == [503, 503, 200, 200]
    await http.post("/reset")
    assert await status_of(http, "flaky-2") == 503


async def test_garbage_and_errors_come_behind_the_tokens(http: aiohttp.ClientSession) -> None:
    garbage = data_of(await body_of(http, "garbage-after-9"))
    assert garbage[10] == b"{not json"
    assert text_in(garbage[:10]) == text_of("garbage-after-9") == text_of("tokens-9")
    failed = data_of(await body_of(http, "error-after-9"))
    assert "error" in orjson.loads(failed[-1])
    assert text_in(failed[:-1]) == text_of("tokens-9")


async def test_a_cut_is_no_end_of_a_body(http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await body_of(http, "cut-after-9")


async def test_a_stall_comes_behind_the_tokens(http: aiohttp.ClientSession) -> None:
    received = await start_of(http, "stall-after-50", b" [50]")
    assert text_in(data_of(received)) == text_of("tokens-50")


async def test_comments_come_in_place_of_tokens(http: aiohttp.ClientSession) -> None:
    received = await start_of(http, "stall-with-comments", b"\n\n")
    assert received.startswith(b":")


async def test_the_end_may_lack_its_reason_or_its_mark(http: aiohttp.ClientSession) -> None:
    reasonless = data_of(await body_of(http, "no-finish-reason"))
    assert all(orjson.loads(event)["choices"][0]["finish_reason"] is None for event in reasonless)
    unmarked = data_of(await body_of(http, "no-done"))
    assert orjson.loads(unmarked[-1])["choices"][0]["finish_reason"] == "stop"
    assert text_in(reasonless) == text_in(unmarked) == text_of("no-done")


async def test_other_reasons_to_end_can_be_had(http: aiohttp.ClientSession) -> None:
    for model, reason in (("length-5", "length"), ("filtered-5", "content_filter")):
        events = data_of(await body_of(http, model))
        assert orjson.loads(events[-2])["choices"][0]["finish_reason"] == reason


async def test_half_a_character_is_not_utf_8(http: aiohttp.ClientSession) -> None:
    for model in ("half-character", "half-event"):
        body = await body_of(http, model)
        with pytest.raises(UnicodeDecodeError):
            body.decode()
    assert (await body_of(http, "half-event")).endswith(b"\xe4\xbd")


async def test_nul_and_surrogates_arrive_escaped(http: aiohttp.ClientSession) -> None:
    body = await body_of(http, "nul-and-surrogates")
    assert b"\\u0000" in body
    assert b"\\ud800" in body
    assert "\ud800" in text_of("nul-and-surrogates")


async def test_ids_can_be_duplicates(http: aiohttp.ClientSession) -> None:
    first, second = [await body_of(http, "duplicate-ids") for _ in range(2)]
    assert orjson.loads(data_of(first)[0])["id"] == orjson.loads(data_of(second)[0])["id"]
    assert first.count(b"id: 1\n") > 20


async def test_a_page_an_empty_answer_and_a_burst_are_what_they_say(
    http: aiohttp.ClientSession,
) -> None:
    assert (await body_of(http, "html")).startswith(b"<!doctype html>")
    assert text_in(data_of(await body_of(http, "empty"))) == text_of("empty") == ""
    assert text_in(data_of(await body_of(http, "burst-70000"))) == "x" * 70000
    bursts = data_of(await body_of(http, "bursts-7-of-10000"))
    assert text_in(bursts) == "x" * 70000 == text_of("bursts-7-of-10000")


async def test_an_endless_answer_waits_for_a_slow_reader(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/chat/completions", json=asking("endless")) as response:
        for _ in range(200):
            assert await response.content.readany()


def test_every_form_of_name_is_known() -> None:
    for rule in RULES:
        assert behaviour_of(rule.example) is not None


async def exchange(port: int, *sent: bytes) -> bytes:
    """What comes back for these writes, to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in sent:
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(60):
        received = await reader.read()
    writer.close()
    return received


async def test_requests_in_one_write_or_byte_by_byte_are_answered_in_order(
    server: ModelServerProcess,
) -> None:
    body = orjson.dumps(asking("tokens-2"))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
    kept = head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    last = head + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    received = await exchange(server.port, kept + kept, *(bytes([byte]) for byte in last))
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.count(b"[DONE]") == 3
    assert received.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"431"),
    ],
)
async def test_what_is_no_request_is_refused_and_closed(
    server: ModelServerProcess, sent: bytes, status: bytes
) -> None:
    assert (await exchange(server.port, sent)).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"model":1,"messages":[]}', b'{"model":"demo"}']
)
async def test_what_is_no_completion_request_is_refused(
    http: aiohttp.ClientSession, body: bytes
) -> None:
    async with http.post("/v1/chat/completions", data=body) as response:
        assert response.status == 400


async def test_sigterm_ends_it_at_once_with_an_answer_open() -> None:
    process = await asyncio.create_subprocess_exec(*command(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    port = orjson.loads(await process.stdout.readline())["port"]
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=HEADERS) as session,
        session.post("/v1/chat/completions", json=asking("endless-at-5")),
        asyncio.timeout(30),
    ):
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
