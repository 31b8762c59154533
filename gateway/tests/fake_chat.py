"""A chat-service that plays scripts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from google.protobuf.message import Message

from chassis.grpc.caller import current_caller
from parley.chat.v1 import chat_pb2, exports_pb2, files_pb2, imports_pb2, shares_pb2

from .fake_streams import FakeChannel, FakeNotices
from .fakes import Call, Fake

Step = Sequence[chat_pb2.Frame] | asyncio.Event | Exception


class FakeChat(Fake):
    """Plays ``script`` for each run: frames of one message, an event to wait for, an error."""

    run_id = "01900000-0000-7000-8000-000000000001"

    def __init__(self) -> None:
        super().__init__()
        self.refusal: Exception | asyncio.Event | None = None
        self.script: Sequence[Step] = []
        self.sent = 0
        self.ended = asyncio.Event()
        self.destinations: list[tuple[str, int]] = []
        self.channel: FakeChannel | None = None
        self.notices = FakeNotices()
        self.imported: list[imports_pb2.UploadImportRequest] = []
        self.exported: Sequence[exports_pb2.ExportResponse | asyncio.Event | Exception] = []
        # What takes uploads and gives files, for who tests them.
        self.files: Any = None
        # What comes of a file in a share: parts of messages, or a refusal.
        self.shared_file: list[dict[str, Any]] | Exception = []

    async def UploadFile(
        self, requests: AsyncIterator[files_pb2.UploadFileRequest], context: object
    ) -> files_pb2.UploadFileResponse:
        self.note("UploadFile", None)
        made: files_pb2.UploadFileResponse = await self.files.upload(requests)
        return made

    async def ReadFile(
        self, request: files_pb2.ReadFileRequest, context: object
    ) -> AsyncIterator[files_pb2.ReadFileResponse]:
        self.note("ReadFile", request)
        async for response in self.files.read(request):
            yield response

    async def ReadSharedFile(
        self, request: shares_pb2.ReadSharedFileRequest, context: object
    ) -> AsyncIterator[shares_pb2.ReadSharedFileResponse]:
        self.note("ReadSharedFile", request)
        for part in self._shared():
            yield shares_pb2.ReadSharedFileResponse(**part)

    async def ReadSharedFileAsMember(
        self, request: shares_pb2.ReadSharedFileAsMemberRequest, context: object
    ) -> AsyncIterator[shares_pb2.ReadSharedFileAsMemberResponse]:
        self.note("ReadSharedFileAsMember", request)
        for part in self._shared():
            yield shares_pb2.ReadSharedFileAsMemberResponse(**part)

    def _shared(self) -> list[dict[str, Any]]:
        if isinstance(self.shared_file, Exception):
            raise self.shared_file
        return self.shared_file

    @property
    def asked(self) -> list[Call]:
        """What was asked but for frames."""
        return [call for call in self.calls if call.method != "FollowRun"]

    async def StartRun(
        self, request: chat_pb2.StartRunRequest, context: object
    ) -> chat_pb2.StartRunResponse:
        accepted = await self._accept("StartRun", request)
        return chat_pb2.StartRunResponse(
            accepted=accepted, channel_id=None if self.channel is None else self.channel.id
        )

    async def ContinueRun(
        self, request: chat_pb2.ContinueRunRequest, context: object
    ) -> chat_pb2.ContinueRunResponse:
        return chat_pb2.ContinueRunResponse(accepted=await self._accept("ContinueRun", request))

    async def RegenerateRun(
        self, request: chat_pb2.RegenerateRunRequest, context: object
    ) -> chat_pb2.RegenerateRunResponse:
        return chat_pb2.RegenerateRunResponse(accepted=await self._accept("RegenerateRun", request))

    async def _accept(self, method: str, request: Any) -> chat_pb2.RunAccepted:
        self.destinations.append((request.destination.gateway_id, request.destination.subscription))
        request.ClearField("destination")
        self.note(method, request)
        await self._refuse()
        return chat_pb2.RunAccepted(run_id=self.run_id, session_id="s", question_id="q")

    async def OpenChannel(
        self, requests: AsyncIterator[chat_pb2.OpenChannelRequest], context: object
    ) -> AsyncIterator[chat_pb2.OpenChannelResponse]:
        """Unless there is a channel, each run is followed by itself."""
        channel = self.channel
        if channel is None or "fake" in (await anext(requests)).has:
            yield chat_pb2.OpenChannelResponse(replica="fake")
            return
        channel.opened += 1
        leaving = asyncio.create_task(channel.note_unsubscribed(requests))
        try:
            yield chat_pb2.OpenChannelResponse(replica="fake", channel_id=channel.id)
            while isinstance(step := await channel.steps.get(), chat_pb2.OpenChannelResponse):
                yield step
            if step is not None:
                raise step
        finally:
            leaving.cancel()

    async def WatchNotices(
        self, request: chat_pb2.WatchNoticesRequest, context: object
    ) -> AsyncIterator[chat_pb2.WatchNoticesResponse]:
        self.note("WatchNotices", request)
        await self._refuse()
        after = request.after if request.HasField("after") else None
        async with aclosing(self.notices.watch(str(current_caller().user_id), after)) as responses:
            async for response in responses:
                yield response

    async def FollowRun(
        self, request: chat_pb2.FollowRunRequest, context: object
    ) -> AsyncIterator[chat_pb2.FollowRunResponse]:
        self.note("FollowRun", request)
        await self._refuse()
        async for frames in self._play():
            # One that was begun again goes on where it broke.
            if new := [frame for frame in frames if frame.seq > request.after]:
                yield chat_pb2.FollowRunResponse(frames=new)

    async def Export(
        self, request: exports_pb2.ExportRequest, context: object
    ) -> AsyncIterator[exports_pb2.ExportResponse]:
        self.note("Export", request)
        for step in self.exported:
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                yield step

    async def UploadImport(
        self, requests: AsyncIterator[imports_pb2.UploadImportRequest], context: object
    ) -> Message:
        self.note("UploadImport", None)
        self.imported = [request async for request in requests]
        told = self.answers["UploadImport"]
        if isinstance(told, Exception):
            raise told
        assert isinstance(told, Message)
        return told

    async def _refuse(self) -> None:
        if isinstance(self.refusal, asyncio.Event):
            await self.refusal.wait()
        elif self.refusal is not None:
            raise self.refusal

    async def _play(self) -> AsyncIterator[Sequence[chat_pb2.Frame]]:
        try:
            for step in self.script:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield step
                    self.sent += 1
        finally:
            self.ended.set()


def frame(seq: int, event: str, data: bytes) -> chat_pb2.Frame:
    return chat_pb2.Frame(seq=seq, event=event, data=data)
