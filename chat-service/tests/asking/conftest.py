"""A server that answers as a test says, request by request, and the client that asks it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio

from chassis.ids import new_id
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.learnt import Told
from chat_service.providers.domain.prompt_message import PromptMessage
from servicekit.generation_parameters import GenerationParameters

ANSWER = (
    b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)

#: From a request's body to a status and an answer's body.
Rule = Callable[[dict[str, Any]], tuple[int, bytes]]


def answers(_: dict[str, Any]) -> tuple[int, bytes]:
    return 200, ANSWER


@dataclass
class Server:
    """Keeps each request's line, headers (names in lower case) and body."""

    rule: Rule = answers
    port: int = 0
    connections: int = 0
    lines: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                body = await self.read(reader)
                status, said = self.rule(body)
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b"
                    % (status, len(said), said)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def read(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
        said = await reader.readexactly(int(headers.get("content-length", "0")))
        body: dict[str, Any] = json.loads(said) if said else {}
        self.lines.append(line)
        self.headers.append(headers)
        self.bodies.append(body)
        return body


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server


QUESTION = (PromptMessage("user", "hello"),)


@dataclass
class Asker:
    """Asks one connection of it, after another."""

    client: ModelClient
    connection: Connection

    async def ask(
        self, model: str = "m", *, prompt: Sequence[PromptMessage] = QUESTION, **said: Any
    ) -> tuple[str, Told]:
        """The answer's text, and what asking came to."""

        async def next_read(*_: object) -> None:
            await asyncio.sleep(0)

        told = Told()
        pieces = self.client.stream(
            self.connection,
            prompt,
            model=model,
            parameters=GenerationParameters.of(said),
            next_read=next_read,
            told=told,
        )
        return "".join([piece.text async for piece in pieces]), told


@pytest_asyncio.fixture
async def asker(server: Server, provider: ModelClient) -> Asker:
    connection = Connection(new_id(), "x", "sk-secret", "m", server.base_url, "openai")
    return Asker(provider, connection)
