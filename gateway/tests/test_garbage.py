"""What a request leaves behind is freed at once: collecting it would hold up everybody."""

import gc
import weakref
from typing import Any

import pytest

from chassis.testing import eventually
from gateway.streams.presence import Presence

ASK = "/api/v1/chat/messages"


async def test_a_stream_leaves_nothing_for_the_garbage_collector(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {**door.bearer, "accept": "text/event-stream"}
    made: list[weakref.ref[Presence]] = []
    begin = Presence.__init__

    # Told by each of them: to look for them among all objects of the process took seconds.
    def noted(self: Presence, *arguments: Any) -> None:
        begin(self, *arguments)
        made.append(weakref.ref(self))

    monkeypatch.setattr(Presence, "__init__", noted)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            answer = await door.http.post(ASK, json={"content": "x"}, headers=headers)
            assert answer.status_code == 200
        assert len(made) == 3
        await eventually(lambda: [one for one in made if one() is not None] == [])
    finally:
        gc.enable()
