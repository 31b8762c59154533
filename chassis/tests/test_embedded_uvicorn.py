"""The life of an HTTP server inside a process of ours."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send

from chassis.health import EmbeddedUvicorn
from chassis.testing import eventually


class App:
    """Answers when it may."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all"})


@asynccontextmanager
async def served(app: App) -> AsyncIterator[tuple[EmbeddedUvicorn, asyncio.Task[None]]]:
    server = EmbeddedUvicorn(
        uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"),
        lambda backlog: socket.create_server(("127.0.0.1", 0), backlog=backlog),
    )
    task = await server.start()
    try:
        yield server, task
    finally:
        app.may_answer.set()
        server.end()
        await task


async def test_with_nothing_under_way_it_ends_without_waiting_for_a_clock() -> None:
    async with served(App()) as (server, task):
        server.end()
        # Turns of the loop, not seconds.
        for _ in range(50):
            await asyncio.sleep(0)
        assert task.done()


async def test_what_is_under_way_is_answered_first_and_nobody_else_comes_in() -> None:
    app = App()
    async with served(app) as (server, task), httpx.AsyncClient(verify=False) as client:
        url = f"http://127.0.0.1:{server.port}"
        asking = asyncio.create_task(client.get(url))
        await app.asked.wait()
        server.end()

        async def refused() -> bool:
            async with httpx.AsyncClient(verify=False) as another:
                try:
                    await another.get(url, timeout=0.5)
                except httpx.ConnectError:
                    return True
                except httpx.TimeoutException:
                    pass
            return False

        await eventually(refused)
        assert not task.done()
        app.may_answer.set()
        assert (await asking).text == "all"
        await task
