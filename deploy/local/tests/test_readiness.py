import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from chassis.embedded import free_port
from parley_local.readiness import NotReadyInTime, wait_until_ready

Answer = tuple[int, dict[str, object]]


@asynccontextmanager
async def serving(answers: list[Answer]) -> AsyncIterator[str]:
    """Each answer once, the last one for ever."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /readyz HTTP/1.1\r\n")
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        writer.write(f"HTTP/1.1 {status} X\r\n\r\n{json.dumps(body)}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def never() -> str | None:
    return None


DOWN: Answer = (503, {"status": "down", "checks": {}})
DEGRADED: Answer = (200, {"status": "degraded", "checks": {"nats": "away", "database": "ok"}})
OK: Answer = (200, {"status": "ok", "checks": {"nats": "ok", "database": "ok"}})


async def test_it_waits_until_the_gateway_answers_200() -> None:
    async with serving([DOWN, DOWN, OK]) as url:
        assert await wait_until_ready("gateway", url, timeout=5, give_up=never) == "ok"


async def test_who_is_degraded_is_waited_for_a_little_longer() -> None:
    async with serving([DOWN, DEGRADED, DEGRADED, OK]) as url:
        assert await wait_until_ready("x", url, timeout=5, give_up=never, settle=5) == "ok"


async def test_who_stays_degraded_is_ready_all_the_same_and_it_is_told_by_what() -> None:
    async with serving([DOWN, DEGRADED]) as url:
        said = await wait_until_ready("x", url, timeout=5, give_up=never, settle=0.2)
    assert said == "degraded: nats: away"


async def test_it_says_what_was_bad_when_time_is_up() -> None:
    body: dict[str, object] = {"status": "down", "checks": {"auth-service": "away", "x": "ok"}}
    async with serving([(503, body)]) as url:
        with pytest.raises(
            NotReadyInTime, match=r"gateway was not ready after 0\.2 s.*503: auth-service: away$"
        ):
            await wait_until_ready("gateway", url, timeout=0.2, give_up=never)


@pytest.mark.parametrize("give_up", [lambda: "it is hopeless"])
async def test_it_gives_up_for_a_reason(give_up: Callable[[], str | None]) -> None:
    with pytest.raises(NotReadyInTime, match="it is hopeless"):
        await wait_until_ready("x", f"http://127.0.0.1:{free_port()}", timeout=60, give_up=give_up)
