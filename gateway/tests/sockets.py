"""The client's side of a WebSocket."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from .door import Door


class SocketClient:
    """A client that says JSON and hears JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **frame: Any) -> None:
        await self.connection.send(orjson.dumps(frame).decode())

    def say_at_once(self, *frames: dict[str, Any]) -> None:
        """All of them in one write, so that they arrive together."""
        for frame in frames:
            self.connection.protocol.send_text(orjson.dumps(frame))
        self.connection.transport.write(b"".join(self.connection.protocol.data_to_send()))

    async def hear(self) -> Any:
        async with asyncio.timeout(30):
            return orjson.loads(await self.connection.recv())

    async def ask(self, **frame: Any) -> Any:
        await self.say(**frame)
        return await self.hear()

    async def closed(self, within: float = 30) -> int:
        async with asyncio.timeout(within):
            await self.connection.wait_closed()
        assert self.connection.close_code is not None
        return self.connection.close_code


class Dial:
    """``await dial(door)``: a socket of the door's caller; as it came with ``auth=False``."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(self, door: Door, *, auth: bool = True, **options: Any) -> SocketClient:
        url = f"ws://127.0.0.1:{door.port}/api/v1/ws"
        connection = await self._stack.enter_async_context(
            connect(url, proxy=None, close_timeout=0.5, **options)
        )
        client = SocketClient(connection)
        if auth:
            said = await client.ask(type="auth", ref="hello", token=door.caller.token)
            assert said == {"type": "ack", "ref": "hello"}
        return client
