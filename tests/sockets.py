"""What a client of the WebSocket does, in the fewest words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from .client import User


class Socket:
    """An open socket of a user; what is heard out of turn is kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def hear(self, within: float = 30.0) -> dict[str, Any]:
        async with asyncio.timeout(within):
            heard: dict[str, Any] = orjson.loads(await self.connection.recv())
        return heard

    async def say(self, **frame: Any) -> None:
        await self.connection.send(orjson.dumps(frame).decode())

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Say it, and return what is answered to it; events before that are left out."""
        await self.say(ref="r", **frame)
        while (heard := await self.hear()).get("ref") != "r":
            assert heard["type"] == "event"
        return heard


@asynccontextmanager
async def open_socket(gateway: str) -> AsyncIterator[Socket]:
    """One that nobody speaks on yet."""
    url = f"{gateway.replace('http', 'ws', 1)}/api/v1/ws"
    async with connect(url, proxy=None) as connection:
        yield Socket(connection)


@asynccontextmanager
async def socket_of(gateway: str, user: User) -> AsyncIterator[Socket]:
    async with open_socket(gateway) as socket:
        assert (await socket.ask(type="auth", token=user.token))["type"] == "ack"
        yield socket
