"""Asking processes whether they are ready."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

_ATTEMPT_SECONDS = 2.0
_PAUSE = 0.1
_SETTLE_SECONDS = 15.0


class NotReadyInTime(Exception):
    """The message says what was last answered."""


async def wait_until_ready(
    name: str,
    url: str,
    *,
    timeout: float,
    give_up: Callable[[], str | None],
    settle: float = _SETTLE_SECONDS,
) -> str:
    """What ``/readyz`` of ``url`` says once it answers 200: ``ok``, or ``degraded: `` and by what.

    Whoever is degraded is waited for a little longer, ``settle`` seconds: of processes that start
    together the last one to come up makes the others so. Raises NotReadyInTime after ``timeout`` seconds, or as soon as ``give_up`` names a reason.
    """
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    last = "it did not answer"
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    settled: float | None = None
    while True:
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS):
                status, answer = await _get(place.hostname, place.port, "/readyz")
            if status == 200:
                said = str(answer.get("status", "ok"))
                if said == "ok":
                    return said
                settled = settled or loop.time() + settle
                if loop.time() >= settled:
                    return f"{said}: {describe_checks(answer)}"
            last = f"{status}: {describe_checks(answer)}"
        except (OSError, TimeoutError, ValueError) as error:
            last = str(error) or type(error).__name__
        if reason := give_up():
            raise NotReadyInTime(reason)
        if loop.time() > deadline:
            raise NotReadyInTime(f"{name} was not ready after {timeout:g} s; /readyz: {last}")
        await asyncio.sleep(_PAUSE)


def describe_checks(answer: dict[str, Any]) -> str:
    """The checks that are not ok, from the body of ``/readyz``."""
    checks = answer.get("checks")
    if not isinstance(checks, dict):
        return str(answer.get("status", "no status"))
    bad = {name: said for name, said in checks.items() if said != "ok"}
    return ", ".join(f"{name}: {said}" for name, said in bad.items()) or "no check is bad"


async def _get(host: str, port: int, path: str) -> tuple[int, dict[str, Any]]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
        )
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    status = head.split(b"\r\n", 1)[0].split(b" ")
    if len(status) < 2 or not status[1].isdigit():
        raise ValueError("no HTTP answer")
    answer = json.loads(body) if body.startswith(b"{") else {}
    return int(status[1]), answer
