"""The end of a gateway, as a process that gets SIGTERM."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from chassis.testing import TlsSettings, eventually
from parley.chat.v1 import chat_pb2

from .door import Door
from .revocations import FAREWELL, revocation

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]
ASK = "/api/v1/chat/sessions/01900000-0000-7000-8000-000000000002/messages"


class Process:
    """A gateway of its own, in front of the services of ``door``."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, verify=False)
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def terminate(self) -> float:
        self.process.send_signal(signal.SIGTERM)
        return time.monotonic()

    async def refuses(self) -> bool:
        """Whether it takes no more connections."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return True
        writer.close()
        return False

    async def exit_code(self, within: float) -> int:
        async with asyncio.timeout(within):
            return await self.process.wait()


Start = Callable[..., Awaitable[Process]]


@pytest_asyncio.fixture(loop_scope="session")
async def start(door: Door, tls_settings: TlsSettings, tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(drain_seconds: float = 25.0) -> Process:
            return await stack.enter_async_context(
                running(door, tls_settings, tmp_path / "log", drain_seconds)
            )

        yield begin


@asynccontextmanager
async def running(
    door: Door, tls_settings: TlsSettings, log: Path, drain_seconds: float
) -> AsyncIterator[Process]:
    settings = {
        **{name: str(path) for name, path in tls_settings("gateway").items()},
        **{f"{name}_target": f"127.0.0.1:{server.port}" for name, server in door.servers.items()},
        "port": "0",
        "drain_seconds": str(drain_seconds),
    }
    environment = {f"GATEWAY_{name.upper()}": value for name, value in settings.items()}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", env={**os.environ, **environment}, stdout=output
        )
    gateway = None
    try:

        def listening() -> int:
            assert process.returncode is None, log.read_text()
            line = next(line for line in log.read_text().splitlines() if "http.listening" in line)
            return int(line.partition('"port":')[2].partition(",")[0].partition("}")[0])

        port = await eventually(listening, 60, ignoring=(StopIteration, ValueError))
        gateway = Process(process, port, log)

        async def ready() -> bool:
            return (await gateway.http.get("/readyz")).status_code == 200

        await eventually(ready, 60)
        yield gateway
    finally:
        if gateway is not None:
            await gateway.http.aclose()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_an_idle_gateway_exits_0_and_uses_up_no_part_of_its_drain(start: Start) -> None:
    gateway = await start()
    # The client's idle connection stays open: it must not be waited for.
    began = gateway.terminate()
    assert await gateway.exit_code(within=15) == 0
    assert time.monotonic() - began < 15  # of 25 s
    for line in gateway.log.splitlines():
        assert '"level":"error"' not in line


async def test_an_open_stream_goes_on_to_its_end_after_sigterm(
    door: Door, start: Start, make_frame: MakeFrame
) -> None:
    gateway = await start()
    more = asyncio.Event()
    door.chat.script = [
        [make_frame(1, "start", b"{}")],
        more,
        [make_frame(2, "done", b"{}")],
    ]
    headers = {**door.bearer, "accept": "text/event-stream"}
    async with gateway.http.stream("POST", ASK, json={"content": "x"}, headers=headers) as response:
        pieces = response.aiter_bytes()
        assert await anext(pieces) == b"id: 1\nevent: start\ndata: {}\n\n"
        gateway.terminate()
        await eventually(gateway.refuses)
        assert gateway.process.returncode is None
        more.set()
        assert await anext(pieces) == b"id: 2\nevent: done\ndata: {}\n\n"
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)
    assert await gateway.exit_code(within=15) == 0


async def test_a_log_out_ends_what_goes_on_while_the_gateway_drains(
    door: Door, start: Start, make_frame: MakeFrame
) -> None:
    gateway = await start(drain_seconds=600.0)
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    headers = {**door.bearer, "accept": "text/event-stream"}
    async with gateway.http.stream("POST", ASK, json={"content": "x"}, headers=headers) as response:
        pieces = response.aiter_bytes()
        assert await anext(pieces) == b"id: 1\nevent: start\ndata: {}\n\n"
        gateway.terminate()
        await eventually(gateway.refuses)
        door.auth.publish(revocation(sid=door.caller.sid))
        async with asyncio.timeout(30):
            assert b"".join([piece async for piece in pieces]) == FAREWELL
    assert await gateway.exit_code(within=15) == 0


async def test_a_stream_that_does_not_end_is_closed_cleanly_after_the_grace_time(
    door: Door, start: Start, make_frame: MakeFrame
) -> None:
    gateway = await start(drain_seconds=0.5)
    door.chat.script = [[make_frame(1, "start", b"{}")], asyncio.Event()]
    headers = {**door.bearer, "accept": "text/event-stream"}
    streaming = asyncio.create_task(gateway.http.post(ASK, json={"content": "x"}, headers=headers))
    await eventually(lambda: door.chat.sent)
    whole = asyncio.create_task(gateway.http.post(ASK, json={"content": "x"}, headers=door.bearer))
    await eventually(lambda: door.chat.sent == 2)
    began = gateway.terminate()
    # A proper end, not a cut connection: the client goes on elsewhere from its last id.
    assert (await streaming).content == b"id: 1\nevent: start\ndata: {}\n\n"
    refused = await whole
    assert refused.status_code == 503
    assert refused.json()["reason"] == "SHUTTING_DOWN"
    assert refused.json()["run_id"] == door.chat.run_id
    assert await gateway.exit_code(within=15) == 0
    assert time.monotonic() - began < 15


async def test_a_client_that_does_not_read_holds_up_nothing(
    door: Door, start: Start, make_frame: MakeFrame
) -> None:
    gateway = await start(drain_seconds=0.5)
    door.chat.script = [[make_frame(number, "delta", b"x" * 65536)] for number in range(1, 2000)]
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        f"POST {ASK} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n"
        f"content-type: application/json\r\ncontent-length: 15\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n".encode()
        + b'{"content":"x"}'
    )
    await eventually(lambda: door.chat.sent > 10)
    gateway.terminate()
    assert await gateway.exit_code(within=15) == 0
    writer.close()


async def test_without_its_settings_it_names_them_and_exits_2() -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        env={**environment, "GATEWAY_CORS_ORIGINS": '["*"]'},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    assert process.returncode == 2
    assert b"GATEWAY_AUTH_TARGET" in told
    assert b"GATEWAY_CORS_ORIGINS" in told
