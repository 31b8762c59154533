"""The gateway's side of the wire."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from chassis.caller import Caller
from chassis.grpc.client import Channel
from parley.chat.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    files_pb2,
    files_pb2_grpc,
    personas_pb2_grpc,
    search_pb2_grpc,
    shares_pb2_grpc,
    usage_pb2_grpc,
    user_settings_pb2,
    user_settings_pb2_grpc,
)
from parley.generation.v1 import generation_pb2


def asking(
    content: str = "hello",
    *,
    session_id: str | None = None,
    key_id: str | None = None,
    **parameters: Any,
) -> chat_pb2.StartRunRequest:
    return chat_pb2.StartRunRequest(
        session_id=session_id,
        content=content,
        key_id=key_id,
        parameters=generation_pb2.GenerationParameters(**parameters),
    )


class Client:
    """The gateway's side of the wire, for one user."""

    def __init__(self, channel: Channel, caller: Caller) -> None:
        self._channel = channel
        self._caller = caller
        self._token = caller.token
        self.user_id = caller.user_id
        self.sessions = channel.stub(chat_pb2_grpc.SessionServiceStub)
        self.runs = channel.stub(chat_pb2_grpc.RunServiceStub)
        self.frames = channel.stub(chat_pb2_grpc.FrameServiceStub)
        self.notices = channel.stub(chat_pb2_grpc.NoticeServiceStub)
        self.providers = channel.stub(chat_pb2_grpc.ProviderServiceStub)
        self.personas = channel.stub(personas_pb2_grpc.PersonaServiceStub)
        self.files = channel.stub(files_pb2_grpc.FileServiceStub)
        self.search = channel.stub(search_pb2_grpc.SearchServiceStub)
        self.usage = channel.stub(usage_pb2_grpc.UsageServiceStub)
        self.shares = channel.stub(shares_pb2_grpc.ShareServiceStub)
        self.user_settings = channel.stub(user_settings_pb2_grpc.UserSettingsServiceStub)

    def over(self, channel: Channel) -> "Client":
        """The same user on another channel."""
        return Client(channel, self._caller)

    async def call(self, method: str, request: Any, key: str | None = None) -> Any:
        return await self._channel.unary(
            next(
                found
                for stub in (
                    self.runs,
                    self.sessions,
                    self.providers,
                    self.personas,
                    self.search,
                    self.usage,
                    self.shares,
                    self.files,
                    self.user_settings,
                )
                if (found := getattr(stub, method, None)) is not None
            ),
            request,
            timeout=30,
            token=self._token,
            idempotency_key=key,
        )

    async def begin(
        self,
        request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest,
        key: str | None = None,
    ) -> chat_pb2.RunAccepted:
        """Begins a new run, or one that goes on with another."""
        begins = isinstance(request, chat_pb2.StartRunRequest)
        answer = await self.call("StartRun" if begins else "ContinueRun", request, key)
        accepted: chat_pb2.RunAccepted = answer.accepted
        return accepted

    @asynccontextmanager
    async def start(
        self,
        request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest,
        key: str | None = None,
    ) -> AsyncIterator[tuple[chat_pb2.RunAccepted, AsyncIterator[chat_pb2.FollowRunResponse]]]:
        """Begins a run, and follows it for as long as the block lasts."""
        accepted = await self.begin(request, key)
        follow = chat_pb2.FollowRunRequest(run_id=accepted.run_id)
        stream = self._channel.stream(self.frames.FollowRun, follow, token=self._token)
        async with aclosing(stream) as responses:
            yield accepted, responses

    async def take_settings(self) -> None:
        """As the gateway, when they have changed."""
        await self.call("TakeUserSettings", user_settings_pb2.TakeUserSettingsRequest())

    async def ask(
        self, content: str = "hello", *, key: str | None = None, **question: Any
    ) -> tuple[chat_pb2.RunAccepted, list[chat_pb2.Frame]]:
        """Sends a question and reads its run to the end."""
        return await self.read(asking(content, **question), key)

    async def go_on(
        self, run_id: str, key: str | None = None
    ) -> tuple[chat_pb2.RunAccepted, list[chat_pb2.Frame]]:
        """Continues a run and reads the new one to the end."""
        return await self.read(chat_pb2.ContinueRunRequest(run_id=run_id), key)

    async def read(
        self, request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest, key: str | None
    ) -> tuple[chat_pb2.RunAccepted, list[chat_pb2.Frame]]:
        accepted = await self.begin(request, key)
        return accepted, await self.follow(accepted.run_id)

    def watch(
        self, after: str | None = None
    ) -> AbstractAsyncContextManager[AsyncGenerator[chat_pb2.WatchNoticesResponse, None]]:
        """The user's notices, for as long as the block lasts."""
        request = chat_pb2.WatchNoticesRequest(after=after)
        return aclosing(self._channel.stream(self.notices.WatchNotices, request, token=self._token))

    async def upload(self, *requests: Any, key: str | None = None) -> Any:
        """The file that these requests make."""

        async def each() -> AsyncGenerator[Any, None]:
            for request in requests:
                yield request

        answer = await self._channel.send(
            self.files.UploadFile, each(), token=self._token, idempotency_key=key
        )
        return answer.file

    async def read_file(self, file_id: str, **part: int) -> tuple[Any, bytes]:
        """A file, and what was asked for of its content."""
        request = files_pb2.ReadFileRequest(id=file_id, **part)
        stream = self._channel.stream(self.files.ReadFile, request, token=self._token)
        async with aclosing(stream) as responses:
            first = await anext(responses)
            return first.file, b"".join([response.chunk async for response in responses])

    async def follow(self, run_id: str, after: int = 0) -> list[chat_pb2.Frame]:
        request = chat_pb2.FollowRunRequest(run_id=run_id, after=after)
        frames: list[chat_pb2.Frame] = []
        stream = self._channel.stream(self.frames.FollowRun, request, token=self._token)
        async with aclosing(stream) as responses:
            async for response in responses:
                frames += response.frames
        return frames
