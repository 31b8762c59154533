"""One of two replicas of chat-service frozen, or cut off: who calls is answered, and soon by the other."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from chassis.testing import eventually
from tests.client import User

from .judge import TAKEOVER_SECONDS
from .replicas import NamedStack, Replica

pytestmark = pytest.mark.faults

_SHARED_SECONDS = 60.0
# Connections to it are given up after 10 s, and what waits there for longest then begins anew: see the decision.
_TURNS_SECONDS = 10.0
# For a busy machine.
_BESIDE_SECONDS = 10.0
_PAUSE_SECONDS = 0.3


@dataclass(frozen=True)
class Asked:
    """One request: what for, when, for how long, and what came of it (0: nothing)."""

    what: str
    began: float
    took: float
    status: int


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncIterator[NamedStack]:
    stack = NamedStack(tmp_path)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def user(stack: NamedStack) -> Iterator[User]:
    user = User(stack.url)
    yield user
    user.close()


@pytest_asyncio.fixture
async def second(stack: NamedStack, user: User) -> Replica:
    """A replica that has every other call."""
    replica = await stack.prepare("chat")
    replica.announce()

    async def has_calls() -> bool:
        await asyncio.to_thread(user.http.get, "/api/v1/chat/sessions")
        return replica.served("ListSessions") > 0

    await eventually(has_calls, timeout=_SHARED_SECONDS)
    return replica


class Asking:
    """Somebody for each kind of request, who asks again and again until told to stop."""

    def __init__(self, stack: NamedStack, user: User) -> None:
        key = user.create_key(stack.model_url, "tokens-3")["id"]
        session = user.create_session(key_id=key)
        run = user.ask(session, "Who is there?")[0].data["run_id"]
        sent = user.http.post("/api/v1/files", files={"file": ("a.txt", b"a" * 1000)})
        question = {"json": {"content": "Who is there?", "key_id": key}}
        large = {"file": ("b.txt", b"b" * 200_000)}
        #: By their names: the request, and how long it may take.
        self.requests: dict[str, tuple[float, str, str, dict[str, Any]]] = {
            "list": (5, "GET", "/chat/sessions", {}),
            "run": (5, "GET", f"/chat/runs/{run}", {}),
            "create": (5, "POST", "/chat/sessions", {"json": {}}),
            "usage": (5, "GET", "/me/usage", {}),
            # A run that the replica had already is taken over before this one has an answer.
            "ask": (10 + TAKEOVER_SECONDS, "POST", "/chat/messages", question),
            # Of these nothing is said before the connection is given up.
            "events": (_TURNS_SECONDS, "GET", f"/chat/runs/{run}/events", {}),
            "content": (_TURNS_SECONDS + 5, "GET", f"/files/{sent.json()['id']}/content", {}),
            "export": (_TURNS_SECONDS, "GET", f"/chat/sessions/{session}/export", {}),
            "upload": (_TURNS_SECONDS + 5, "POST", "/files", {"files": large}),
        }
        self.asked: list[Asked] = []
        self.over = False
        self._url = f"{stack.url}/api/v1"
        self._headers = dict(user.http.headers)

    def keep_asking(self, what: str) -> None:
        _, method, path, body = self.requests[what]
        with httpx.Client(headers=self._headers, timeout=120, verify=False) as http:
            while not self.over:
                began = time.monotonic()
                try:
                    status = http.request(method, self._url + path, **body).status_code
                except httpx.TransportError:
                    status = 0  # an answer that broke off
                self.asked.append(Asked(what, began, time.monotonic() - began, status))
                time.sleep(_PAUSE_SECONDS)

    def all_succeed(self, since: float) -> bool:
        """Whether the latest that were asked since then have succeeded, one of each kind at least."""
        latest = {one.what: one for one in self.asked if one.began > since}
        return latest.keys() == self.requests.keys() and all(
            200 <= one.status < 300 for one in latest.values()
        )


async def test_a_frozen_replica_keeps_nobody_waiting_beyond_a_deadline_and_loses_its_turn(
    stack: NamedStack, user: User, second: Replica
) -> None:
    asking = Asking(stack, user)
    with ExitStack() as ends, ThreadPoolExecutor(len(asking.requests)) as people:
        ends.callback(second.process.resume)
        for what in asking.requests:
            people.submit(asking.keep_asking, what)
        try:
            await eventually(lambda: asking.all_succeed(0))
            second.process.suspend()
            frozen = time.monotonic()
            hurt = frozen + _TURNS_SECONDS + _BESIDE_SECONDS
            # Each kind several times, and those that were asked while it had its turn have ended.
            await eventually(
                lambda: asking.all_succeed(hurt + _BESIDE_SECONDS), timeout=2 * _SHARED_SECONDS
            )
        finally:
            asking.over = True
    bad = [one for one in asking.asked if one.began > frozen and not 200 <= one.status < 300]
    for what, (seconds, *_) in asking.requests.items():
        mine = [one for one in asking.asked if one.what == what]
        longest = max(one.took for one in mine)
        last = max((one.began + one.took - frozen for one in bad if one.what == what), default=0)
        failed = sorted({one.status for one in bad if one.what == what})
        print(
            f"{what}: {longest:.1f} s at most; failed until {last:.1f} s after it froze: {failed}"
        )
        assert longest < seconds + _BESIDE_SECONDS, what
    assert any(one.status == 504 for one in bad), "the fault did not hit"
    # 502: taken over before its first word.
    assert {one.status for one in bad} <= {0, 502, 503, 504}
    assert [one for one in bad if one.began > hurt] == []
