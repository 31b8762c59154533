"""A model server that answers as a test says, and tells what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from chassis.ids import new_id
from chassis.testing import eventually
from chat_service.asides.ask import Asides
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.usage.usecases.meter import Meter

# `Chat` of the conftest above, for which there is no name here.
Chat = Any


@dataclass
class Reply:
    """What is answered: text with a finish reason and a usage, or with `status` an error."""

    text: str = "an answer"
    usage: dict[str, Any] | None = None
    status: int = 200
    finish_reason: str | None = "stop"
    # What it says instead of an answer.
    refusal: str | None = None
    # Of an error.
    code: str | None = None
    # What it thinks before the text, and why it breaks off behind that.
    thought: str = ""
    breaks: str | None = None
    # Nothing is answered before it is set.
    held: asyncio.Event | None = None

    def message(self) -> bytes:
        """The same by Anthropic's protocol."""
        if self.status != 200:
            error = {"type": "invalid_request_error", "message": self.text}
            return json.dumps({"type": "error", "error": error}).encode()
        usage = {"input_tokens": 1, "output_tokens": 1}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": {"role": "assistant", "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": self.text},
            },
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
            {"type": "message_stop"},
        ]
        return b"".join(
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
        )

    def body(self) -> bytes:
        if self.status != 200:
            error = {"message": self.text, "type": "scripted", "code": self.code}
            return json.dumps({"error": error}).encode()
        said = {"content": self.text} if self.refusal is None else {"refusal": self.refusal}
        if self.thought:
            said["reasoning_content"] = self.thought
        if self.breaks is not None:
            chunks = [{"choices": [{"delta": said}]}, {"error": {"message": self.breaks}}]
            return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks)
        delta = {"delta": said, "finish_reason": self.finish_reason}
        chunk: dict[str, Any] = {"choices": [delta]}
        if self.usage is not None:
            chunk["usage"] = self.usage
        return f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()


@dataclass
class Scripted:
    """Keeps each request's body; `models` is what its list of models says, None: it has none."""

    rule: Callable[[dict[str, Any]], Reply] = lambda _: Reply()
    port: int = 0
    models: list[dict[str, Any]] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    lists: int = 0
    # No list is answered before it is set.
    list_held: asyncio.Event | None = None
    # Requests that have come and are not answered yet.
    waiting: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def connection(self, **other: Any) -> Connection:
        return Connection(
            **{
                "key_id": new_id(),
                "name": "scripted",
                "api_key": "sk-very-secret-key",
                "model": "m",
                "base_url": self.base_url,
                "provider": "openai",
                **other,
            }
        )

    async def is_asked(self, times: int) -> None:
        """Returns once so many requests for answers have come."""
        await eventually(lambda: len(self.asked) >= times)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                writer.write(await self._answer(head, reader))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader) -> bytes:
        lines = head.lower().split("\r\n")
        (length,) = [
            int(line.split(":")[1]) for line in lines if line.startswith("content-length:")
        ] or (0,)
        body = await reader.readexactly(length)
        if head.startswith("GET "):
            self.lists += 1
            if self.list_held is not None:
                await self.list_held.wait()
            found = json.dumps({"object": "list", "data": self.models or []}).encode()
            return _response(200 if self.models is not None else 404, "application/json", found)
        self.asked.append(json.loads(body))
        reply = self.rule(self.asked[-1])
        if reply.held is not None:
            self.waiting += 1
            try:
                await reply.held.wait()
            finally:
                self.waiting -= 1
        kind = "text/event-stream" if reply.status == 200 else "application/json"
        is_anthropic = lines[0].split(" ")[1].endswith("/messages")
        said = reply.message() if is_anthropic else reply.body()
        return _response(reply.status, kind, said)


def _response(status: int, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest_asyncio.fixture
async def scripted() -> AsyncIterator[Scripted]:
    server = Scripted()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    yield server
    listener.close()


@pytest_asyncio.fixture
async def asides(provider: ModelClient, chat: Chat) -> AsyncIterator[Asides]:
    asides = Asides(provider, Meter(chat.open_transaction))
    await asides.start()
    yield asides
    await asides.stop()
    assert asides.held == {"asides": 0}


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
