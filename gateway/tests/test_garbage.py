"""What a request leaves behind is freed at once: collecting it would hold up everybody."""

import weakref
from typing import Any

import pytest

from chassis.errors import Kind, RemoteError
from chassis.testing import collector_at_rest, eventually
from gateway.routes.upload_route import UploadedFile
from gateway.streams.presence import Presence
from parley.chat.v1 import imports_pb2

from .door import Door
from .test_imports import IMPORT
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


async def test_an_import_that_is_refused_in_its_midst_leaves_nothing_either(
    own_door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = own_door
    made: list[weakref.ref[UploadedFile]] = []
    begin = UploadedFile.__init__

    def noted(self: UploadedFile, *arguments: Any) -> None:
        begin(self, *arguments)
        made.append(weakref.ref(self))

    async def refuse(requests: Any, _: object) -> Any:
        await anext(requests)
        raise RemoteError(Kind.EXHAUSTED, "TOO_MANY_IMPORTS", "Too many.")

    monkeypatch.setattr(UploadedFile, "__init__", noted)
    monkeypatch.setattr(door.chat, "UploadImport", refuse)
    door.chat.answers["GetImportLimits"] = imports_pb2.GetImportLimitsResponse(
        maximum_bytes=1_000_000
    )
    with collector_at_rest():
        answer = await door.http.post(
            IMPORT, files={"file": ("x", b"x" * 900_000)}, headers=door.bearer
        )
        assert answer.json()["reason"] == "TOO_MANY_IMPORTS"
        assert len(made) == 1
        await eventually(lambda: [one for one in made if one() is not None] == [])
