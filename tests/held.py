"""What one login has open at a gateway: an event stream, a socket that follows a run, requests."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
from websockets.exceptions import ConnectionClosed

from chassis.testing.eventually import eventually

from .client import User
from .sockets import socket_of

#: One route of each service.
ROUTES = ("me", "keys", "chat/sessions", "notes")
#: What the bar is compared with is measured, however long it takes.
_PATIENCE_SECONDS = 30.0


@dataclass
class Line:
    """An open line: the events that it has brought, and with what and when it ended.

    Times are monotonic seconds.
    """

    events: list[str] = field(default_factory=list)
    farewell: str | int = ""
    ended_at: float | None = None

    async def goes_on(self) -> None:
        """Return when it has brought one delta more, and is open. Raises AssertionError."""
        seen = len(self.events)
        await eventually(lambda: "delta" in self.events[seen:])
        assert self.ended_at is None
        assert not {"done", "error"} & set(self.events)


@dataclass(frozen=True)
class Held:
    """All that a login has open; its requests may go to any of ``gateways``."""

    run_id: str
    stream: Line
    socket: Line
    _http: httpx.AsyncClient
    _gateways: Sequence[str]

    async def is_live(self) -> None:
        """Return when everything works; at that moment deltas come."""
        await eventually(lambda: self._answers({200, 403}))
        await asyncio.gather(self.stream.goes_on(), self.socket.goes_on())

    async def ended_after(self, began: float) -> dict[str, float]:
        """Wait for the end of everything; how many seconds after ``began`` each was over."""
        await eventually(lambda: self._answers({401}), _PATIENCE_SECONDS)
        rest = time.monotonic()
        await eventually(lambda: self.stream.ended_at and self.socket.ended_at, _PATIENCE_SECONDS)
        assert self.stream.ended_at is not None
        assert self.socket.ended_at is not None
        ends = {"REST": rest, "stream": self.stream.ended_at, "socket": self.socket.ended_at}
        return {name: round(ended - began, 2) for name, ended in ends.items()}

    async def _answers(self, statuses: set[int]) -> bool:
        """Whether every service answers with one of ``statuses``, at every gateway."""
        answers = [
            await self._http.get(f"{gateway}/api/v1/{route}")
            for gateway in self._gateways
            for route in ROUTES
        ]
        return {answer.status_code for answer in answers} <= statuses


@asynccontextmanager
async def hold(
    gateways: Sequence[str], user: User, path: str, question: str | None = None
) -> AsyncIterator[Held]:
    """A stream and a socket of the user's login, both of one run and at the last of ``gateways``.

    The run is the one that ``question``, sent to ``path``, begins, or whose events are there.
    """
    method, body = ("GET", None) if question is None else ("POST", {"content": question})
    headers = {"Authorization": f"Bearer {user.token}"}
    stream, socket = Line(), Line()
    async with (
        httpx.AsyncClient(headers=headers, timeout=30, verify=False) as http,
        # Apart: who reads a stream to its end closes what has expired of its client's other connections, and does
        # not come to all of them where it is cancelled meanwhile.
        httpx.AsyncClient(headers=headers, timeout=30, verify=False) as streaming,
        streaming.stream(
            method,
            f"{gateways[-1]}/api/v1/chat/{path}",
            json=body,
            headers={"Accept": "text/event-stream"},
        ) as answer,
        asyncio.TaskGroup() as reading,
    ):
        assert answer.status_code == 200, await answer.aread()
        run_id = answer.headers["x-run-id"]
        readers = [
            reading.create_task(_read_stream(answer, stream)),
            reading.create_task(_read_socket(gateways[-1], user, run_id, socket)),
        ]
        try:
            yield Held(run_id, stream, socket, http, gateways)
        finally:
            for reader in readers:
                reader.cancel()


async def _read_stream(answer: httpx.Response, line: Line) -> None:
    async for text in answer.aiter_lines():
        if text.startswith("event: "):
            line.events.append(text.removeprefix("event: "))
        elif text.startswith(":"):
            line.farewell = text
    line.ended_at = time.monotonic()


async def _read_socket(gateway: str, user: User, run_id: str, line: Line) -> None:
    async with socket_of(gateway, user) as socket:
        assert (await socket.ask(type="follow", run_id=run_id))["type"] == "ack"
        with suppress(ConnectionClosed):
            while True:
                heard = await socket.hear()
                line.events.append(heard["event"] if heard["type"] == "event" else heard["reason"])
        line.farewell = socket.connection.close_code or 0
        line.ended_at = time.monotonic()
