"""What a request leaves behind is freed at once: collecting it would hold up everybody."""

import weakref
from typing import Any

import pytest

from chassis.errors import RemoteError
from chassis.testing import collector_at_rest, eventually
from gateway.streams.presence import Presence

from .test_kept_messages import ID, MessageNotFinished, MessageNotFound, keep

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
    with collector_at_rest():
        for _ in range(3):
            answer = await door.http.post(ASK, json={"content": "x"}, headers=headers)
            assert answer.status_code == 200
        assert len(made) == 3
        await eventually(lambda: [one for one in made if one() is not None] == [])


async def test_a_refusal_that_waits_for_another_call_leaves_nothing_either(
    door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[RemoteError]] = []
    begin = RemoteError.__init__

    def noted(self: RemoteError, *arguments: Any, **more: Any) -> None:
        begin(self, *arguments, **more)
        made.append(weakref.ref(self))

    monkeypatch.setattr(RemoteError, "__init__", noted)
    door.chat.answers["GetMessage"] = MessageNotFinished()
    door.notes.answers["CreateNote"] = MessageNotFound()
    with collector_at_rest():
        assert (await keep(door, "once", message_id=ID)).status_code == 409
        assert len(made) == 2
        await eventually(lambda: [one for one in made if one() is not None] == [])
