"""Lists of models from servers that mean harm: none is waited for, held or followed without bound."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from chat_service.providers.errors import ProviderError

_JSON = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n"
_GZIP = _JSON + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
_PLAIN = _JSON + b"Connection: close\r\n\r\n"
_GARBLED = "PROVIDER_GARBLED"


@dataclass
class Lister:
    """Says ``says``, then ``endless`` until it is hung up on, or nothing more."""

    base_url: str = ""
    says: bytes = b""
    endless: bytes = b""
    taken: int = 0
    holds: bool = False
    hung_up: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.says)
            await writer.drain()
            while self.endless:
                writer.write(self.endless)
                await writer.drain()
                self.taken += len(self.endless)
            if self.holds:
                self.hung_up = await reader.read() == b""
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up = True
        finally:
            writer.close()


@pytest_asyncio.fixture
async def lister() -> AsyncIterator[Lister]:
    lister = Lister()
    async with await asyncio.start_server(lister.serve, "127.0.0.1", 0) as listener:
        lister.base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
        yield lister


ENDLESS = {
    "a hundred megabytes of models": (_PLAIN + b'{"data":[', b'{"id":"m"},' * 6000),
    "white space": (_PLAIN, b" " * 65536),
    "a bomb": (_GZIP + gzip.compress(b" " * 100_000_000, 1), b"x" * 65536),
    "what stands behind an encoding": (_GZIP + gzip.compress(b'{"data":[]}'), b"x" * 65536),
    "encodings of nothing": (_GZIP, gzip.compress(b"") * 3000),
    "answers before the answer": (b"", b"HTTP/1.1 103 X\r\nLink: <x>\r\n\r\n" * 2000),
    "headers": (_JSON, b"X: y\r\n" * 10_000),
}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("name", ENDLESS)
async def test_a_list_without_end_has_one(
    servers: Any, connect: Any, lister: Lister, name: str, provider: str
) -> None:
    lister.says, lister.endless = ENDLESS[name]
    tracemalloc.start()
    try:
        async with asyncio.timeout(60):
            try:
                listed = await servers.models(connect(lister.base_url, provider))
            except ProviderError as error:
                listed = error.reason
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    whole = name == "what stands behind an encoding"
    assert listed == (() if whole else _GARBLED)
    assert most < 24 * 1024 * 1024
    assert lister.taken < 16 * 1024 * 1024


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500_000,
        b"[" * 500_000 + b"]" * 500_000,
        b'{"data":' * 100_000,
        b'{"data":{"data":[]}}',
        b'{"data":[' + b"[]," * 10_000 + b"1]",
        b"\xff\xfe",
        b"null",
        b"",
    ],
    ids=["open", "closed", "objects", "no list", "no models", "no text", "nothing", "empty"],
)
async def test_what_is_no_list_is_told_or_has_no_models(
    servers: Any, connect: Any, lister: Lister, body: bytes
) -> None:
    lister.says = _PLAIN + body
    try:
        assert await servers.models(connect(lister.base_url)) == ()
    except ProviderError as error:
        assert error.reason == _GARBLED  # noqa: PT017 - either will do, and nothing else


async def test_names_and_numbers_that_are_none_are_left_out(
    servers: Any, connect: Any, lister: Lister
) -> None:
    names: list[Any] = ["\0", "a\nb", "\ud800", " x", "x" * 201, 1, None, ["a"], {"id": "b"}, ""]
    numbers: list[Any] = [-1, 0, 2**70, 1e308, True, "9" * 5000, "-1", [], {}]
    data = [{"id": name} for name in names]
    data += [{"id": "good", "context_length": number} for number in numbers]
    lister.says = _PLAIN + json.dumps({"data": data}).encode()
    (model,) = await servers.models(connect(lister.base_url))
    assert (model.id, model.context_tokens) == ("good", None)
