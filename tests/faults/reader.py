"""A reader of a run's events that can be cut at any byte and goes on elsewhere."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

TERMINAL = ("done", "error")
# Heartbeats come every 5 s: a connection that is silent for longer is dead.
_SILENCE_SECONDS = 12.0
_REFUSED_PAUSE = 0.2


@dataclass(frozen=True)
class Shown:
    """One event as a person saw it, and when (monotonic seconds)."""

    seq: int
    event: str
    data: dict[str, Any]
    at: float


class Refused(Exception):
    """The answer was no event stream; holds its status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.body = body


class Reader:
    """Reads one run, over as many connections as it takes; remembers all that it was shown.

    Events that were not whole when a connection ended were not shown. ``on_event`` is called
    with each event that was, from the reading thread.
    """

    def __init__(
        self,
        gateways: Sequence[str],
        token: str,
        *,
        on_event: Callable[["Reader", Shown], object] = lambda _reader, _shown: None,
    ) -> None:
        self.shown: list[Shown] = []
        self.run_id = ""
        #: The gateway that the last connection went to.
        self.gateway = ""
        #: Connections that ended before the run did.
        self.breaks = 0
        #: Times at which a reconnection was refused.
        self.refused: list[Refused] = []
        self._gateways = gateways
        self._token = token
        self._on_event = on_event

    # What was seen

    @property
    def ended(self) -> bool:
        return bool(self.shown) and self.shown[-1].event in TERMINAL

    @property
    def end(self) -> Shown:
        assert self.ended, f"the last that was shown: {self.shown[-1:]}"
        return self.shown[-1]

    @property
    def text(self) -> str:
        """The answer as it stands on the screen; a snapshot replaces what was there."""
        text = ""
        for each in self.shown:
            if each.event == "delta":
                text += each.data["text"]
            elif each.event == "snapshot":
                text = each.data["text"]
        return text

    @property
    def deltas(self) -> int:
        return sum(each.event == "delta" for each in self.shown)

    def longest_stall(self) -> float:
        """Between two events, seconds."""
        return max((b.at - a.at for a, b in pairwise(self.shown)), default=0.0)

    # Reading; blocks, for a thread

    def ask(
        self, session_id: str, content: str, *, gateway: int = 0, cut_after: int | None = None
    ) -> None:
        """Ask, and read until the answer ends, the connection does, or ``cut_after`` bytes came."""
        path = f"/api/v1/chat/sessions/{session_id}/messages"
        self.begin(path, {"content": content}, gateway=gateway, cut_after=cut_after)

    def begin(
        self, path: str, body: object, *, gateway: int = 0, cut_after: int | None = None
    ) -> None:
        """As ask, for whatever is asked of ``path`` that begins a run."""
        self._read("POST", path, body, gateway, cut_after)

    def resume(self, *, gateway: int = 0, cut_after: int | None = None) -> None:
        """As ask, behind the last event that was shown."""
        self._read("GET", f"/api/v1/chat/runs/{self.run_id}/events", None, gateway, cut_after)

    def read_to_end(self, *, gateway: int = 0, within: float = 90.0) -> None:
        """Resume on alternating gateways until the run's end is shown. Raises AssertionError."""
        deadline = time.monotonic() + within
        while not self.ended:
            gateway += 1
            try:
                self.resume(gateway=gateway)
            except Refused as refused:
                self.refused.append(refused)
                # As a client does on a 503: not at once.
                time.sleep(_REFUSED_PAUSE)
            except OSError:
                time.sleep(_REFUSED_PAUSE)
            assert time.monotonic() < deadline, (
                f"run {self.run_id} has no end after {within:g} s: {self.shown[-1:]},"
                f" {self.refused[-1:]}"
            )

    def _read(
        self,
        method: str,
        path: str,
        body: object,
        gateway: int,
        cut_after: int | None,
    ) -> None:
        self.gateway = self._gateways[gateway % len(self._gateways)]
        place = urlsplit(self.gateway)
        connection = http.client.HTTPConnection(
            str(place.hostname), place.port, timeout=_SILENCE_SECONDS
        )
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "text/event-stream",
            "Content-Type": "application/json",
        }
        if self.shown:
            headers["Last-Event-ID"] = str(self.shown[-1].seq)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body).encode(), headers
            )
            answer = connection.getresponse()
            if answer.status == 204:
                return
            if answer.status != 200:
                raise Refused(answer.status, answer.read())
            self.run_id = answer.headers["X-Run-ID"]
            self._take(answer, cut_after)
        except http.client.HTTPException as error:
            # Half a response head or half a chunk.
            if not isinstance(error, http.client.IncompleteRead | http.client.BadStatusLine):
                raise
        except (ConnectionError, TimeoutError):
            if not self.run_id:
                raise
        finally:
            connection.close()
            self.breaks += not self.ended

    def _take(self, answer: http.client.HTTPResponse, cut_after: int | None) -> None:
        rest, taken = b"", 0
        while cut_after is None or taken < cut_after:
            most = 65536 if cut_after is None else cut_after - taken
            chunk = answer.read1(most)
            if not chunk:
                return
            taken += len(chunk)
            *events, rest = (rest + chunk).split(b"\n\n")
            for event in events:
                self._show(event)
                if self.ended:
                    return

    def _show(self, event: bytes) -> None:
        if event.startswith(b":"):
            return
        fields = dict(line.split(b": ", 1) for line in event.split(b"\n"))
        shown = Shown(
            int(fields[b"id"]),
            fields[b"event"].decode(),
            json.loads(fields[b"data"]),
            time.monotonic(),
        )
        self.shown.append(shown)
        self._on_event(self, shown)
