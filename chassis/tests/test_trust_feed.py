"""The feed of keys and revocations goes on, whatever becomes of the stream that it reads."""

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from chassis.errors import Internal, Unavailable
from chassis.grpc import trust_feed
from chassis.grpc.trust import TrustStore
from chassis.grpc.trust_feed import TrustFeed
from chassis.reach import Reach
from chassis.testing import eventually


class Watch:
    """Streams one after another: each brings a snapshot, and ends as it is told to."""

    def __init__(self, *ends: Exception | None) -> None:
        self._ends = list(ends)
        self.opened = 0

    async def __call__(self) -> AsyncIterator[Any]:
        self.opened += 1
        now = SimpleNamespace(seconds=int(time.time()), nanos=0)
        later = SimpleNamespace(seconds=now.seconds + 600, nanos=0)
        revocation = SimpleNamespace(
            sid=f"login {self.opened}", user_id="", revoked_at=now, expires_at=later
        )
        yield SimpleNamespace(snapshot=True, keys=[], revocations=[revocation])
        if not self._ends:
            await asyncio.Event().wait()
        if (end := self._ends.pop(0)) is not None:
            raise end


async def _told(watch: Watch) -> list[dict[str, Any]]:
    """What is logged of the watch, once its last stream is open."""
    last = len(watch._ends) + 1
    feed = TrustFeed(TrustStore(), watch)
    # Failures are told from the first one on, not only once a process has had time to start.
    feed._reach = Reach("trust.watch_failed", "trust.watch_back", patience=0)
    with capture_logs() as logs:
        await feed.start()
        await eventually(lambda: watch.opened == last)
        await feed.stop()
    return [
        dict(line) for line in logs if line["event"] in {"trust.watch_failed", "trust.watch_back"}
    ]


async def test_a_stream_that_ends_or_breaks_is_opened_again() -> None:
    watch = Watch(None, Unavailable(), ValueError("cannot be read"))
    trust, heard = TrustStore(), list[str]()
    trust.listen(lambda subject, at: heard.append(subject))
    feed = TrustFeed(trust, watch)
    await feed.start()
    await eventually(lambda: "login 4" in heard)
    assert heard == ["login 1", "login 2", "login 3", "login 4"]
    await feed.stop()
    await feed.stop()
    assert watch.opened == 4


async def test_a_watch_that_falls_silent_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_feed, "_SILENCE_SECONDS", 0.1)
    watch = Watch()
    trust, heard = TrustStore(), list[str]()
    trust.listen(lambda subject, at: heard.append(subject))
    feed = TrustFeed(trust, watch)
    await feed.start()
    try:
        await eventually(lambda: "login 2" in heard, 10)
    finally:
        await feed.stop()


async def test_a_drain_keeps_the_watch_which_ends_when_it_is_stopped() -> None:
    watch = Watch()
    feed = TrustFeed(TrustStore(), watch)
    await feed.start()
    await eventually(lambda: watch.opened)
    await feed.drain()
    assert feed.is_running
    await feed.stop()
    assert not feed.is_running


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (ValueError("cannot be read"), "ValueError"),
        (Internal(), "INTERNAL"),
        # That auth-service is away is told of by the channel to it, and an end is no failure.
        (Unavailable(), None),
        (None, None),
    ],
)
async def test_a_failure_is_told_once_by_its_name_and_so_is_its_end(
    end: Exception | None, said: str | None
) -> None:
    told = await _told(Watch(end))
    failures = [line["error"] for line in told if line["event"] == "trust.watch_failed"]
    assert failures == ([] if said is None else [said])
    ends = [line for line in told if line["event"] == "trust.watch_back"]
    assert len(ends) == len(failures)
