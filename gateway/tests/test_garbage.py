"""What a request leaves behind is freed at once: collecting it would hold up everybody."""

import gc
from typing import Any

from chassis.testing import eventually
from gateway.streams.presence import Presence

ASK = "/api/v1/chat/messages"


async def test_a_stream_leaves_nothing_for_the_garbage_collector(door: Any) -> None:
    headers = {**door.bearer, "accept": "text/event-stream"}
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            answer = await door.http.post(ASK, json={"content": "x"}, headers=headers)
            assert answer.status_code == 200

        async def gone() -> bool:
            return not any(isinstance(one, Presence) for one in gc.get_objects())

        await eventually(gone)
    finally:
        gc.enable()
