"""The gRPC face of the service: decodes, calls, encodes. Errors fly to the interceptor."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import grpc.aio

from chassis.errors import AppError, FieldError, ValidationFailed
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once, request_key
from chassis.grpc.server import Method, allow
from chassis.ids import parse_id
from chassis.tasks import end_task
from chat_service import mapping
from chat_service.domain.limits import DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE
from chat_service.domain.run import Run
from chat_service.usecases.accept_run import Question
from chat_service.usecases.cancel_run import CancelHere, cancel_run
from chat_service.usecases.continue_run import ContinueRun
from chat_service.usecases.errors import KeyNotFound, RunNotFound, SessionNotFound
from chat_service.usecases.get_run import find_to_follow, get_run_with_messages
from chat_service.usecases.in_memory import InMemory
from chat_service.usecases.messages import list_messages
from chat_service.usecases.ports import OpenTransaction, ResolveKey
from chat_service.usecases.recover_run import Recall, recover_run
from chat_service.usecases.sessions import create_session, get_session, list_sessions
from chat_service.usecases.start_run import StartRun
from parley.chat.v1 import chat_pb2, chat_pb2_grpc

SERVICE = "parley.chat.v1.ChatService"

POLICY: dict[str, dict[str, Method]] = {
    SERVICE: {
        "CreateSession": allow("gateway"),
        "GetSession": allow("gateway"),
        "ListSessions": allow("gateway"),
        "ListMessages": allow("gateway"),
        "StartRun": allow("gateway"),
        "ContinueRun": allow("gateway"),
        "CancelRun": allow("gateway"),
        "RecoverRun": allow("gateway"),
        # The gateway goes on with what it has begun: when a trunk breaks, and when a whole answer
        # is waited for, minutes after the question.
        "FollowRun": allow("gateway", outlived=True),
        # Runs come on it by calls that bear their users' tokens.
        "OpenTrunk": allow("gateway", open=True),
        "GetRun": allow("gateway", outlived=True),
    }
}

# What the handlers need of a call is in context variables; the context itself is not used.
Context = grpc.aio.ServicerContext[Any, Any]


class Frame(Protocol):
    """One event of a run, encoded."""

    @property
    def seq(self) -> int: ...
    @property
    def event(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class Board(Protocol):
    """Puts a run on a gateway's trunk, and returns the trunk's id; None: it is on none."""

    def __call__(self, run: Run, gateway_id: str, ticket: int) -> str | None: ...


class Load(Protocol):
    """Frames of one run on a trunk, and whether it carries no more of it."""

    @property
    def ticket(self) -> int: ...
    @property
    def frames(self) -> Sequence[Frame]: ...
    @property
    def off(self) -> bool: ...


class Trunk(Protocol):
    """The frames of the runs that one gateway reads here, some runs' at a time."""

    @property
    def id(self) -> str: ...
    def loads(self) -> AsyncIterator[Sequence[Load]]: ...
    def leave(self, tickets: Iterable[int]) -> None: ...


class Trunks(Protocol):
    """Opens a trunk to a gateway for as long as a block lasts."""

    def open(self, gateway_id: str) -> AbstractContextManager[Trunk]: ...


class Follow(Protocol):
    """The frames of a run behind number `after`, in batches as they come, to the terminal one."""

    def __call__(self, run: Run, after: int) -> AsyncGenerator[Sequence[Frame], None]: ...


@dataclass(frozen=True, slots=True)
class ChatServicer(chat_pb2_grpc.ChatServiceServicer):
    """The servicer over the use cases."""

    open_transaction: OpenTransaction
    resolve_key: ResolveKey
    start_run: StartRun
    continue_run: ContinueRun
    follow: Follow
    in_memory: InMemory
    cancel_here: CancelHere
    recall: Recall
    board: Board
    trunks: Trunks
    replica: str

    async def CreateSession(
        self, request: chat_pb2.CreateSessionRequest, context: Context
    ) -> chat_pb2.CreateSessionResponse:
        session = await create_session(
            self.open_transaction,
            self.resolve_key,
            current_caller(),
            title=request.title,
            key_id=_key_id(request),
            model=request.model if request.HasField("model") else None,
            once=once(request, mapping.encode_session, mapping.decode_session),
        )
        return chat_pb2.CreateSessionResponse(session=mapping.session_to_proto(session))

    async def GetSession(
        self, request: chat_pb2.GetSessionRequest, context: Context
    ) -> chat_pb2.GetSessionResponse:
        session = await get_session(
            self.open_transaction, current_caller(), _id(request.id, SessionNotFound)
        )
        return chat_pb2.GetSessionResponse(session=mapping.session_to_proto(session))

    async def ListSessions(
        self, request: chat_pb2.ListSessionsRequest, context: Context
    ) -> chat_pb2.ListSessionsResponse:
        page = await list_sessions(
            self.open_transaction,
            current_caller(),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return chat_pb2.ListSessionsResponse(
            items=[mapping.session_to_proto(session) for session in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def ListMessages(
        self, request: chat_pb2.ListMessagesRequest, context: Context
    ) -> chat_pb2.ListMessagesResponse:
        page = await list_messages(
            self.open_transaction,
            current_caller(),
            _id(request.session_id, SessionNotFound),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
            descending=request.order == chat_pb2.LIST_ORDER_DESC,
        )
        return chat_pb2.ListMessagesResponse(
            items=[mapping.message_to_proto(message) for message in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def StartRun(
        self, request: chat_pb2.StartRunRequest, context: Context
    ) -> chat_pb2.StartRunResponse:
        berth = _take_berth(request)
        run = await self.start_run(current_caller(), _question(request))
        return chat_pb2.StartRunResponse(
            accepted=mapping.accepted_to_proto(run), trunk_id=self._board(run, berth)
        )

    async def ContinueRun(
        self, request: chat_pb2.ContinueRunRequest, context: Context
    ) -> chat_pb2.ContinueRunResponse:
        berth = _take_berth(request)
        run = await self.continue_run(
            current_caller(), _id(request.run_id, RunNotFound), request_key(request)
        )
        return chat_pb2.ContinueRunResponse(
            accepted=mapping.accepted_to_proto(run), trunk_id=self._board(run, berth)
        )

    def _board(self, run: Run, berth: tuple[str, int] | None) -> str | None:
        return None if berth is None else self.board(run, *berth)

    async def CancelRun(
        self, request: chat_pb2.CancelRunRequest, context: Context
    ) -> chat_pb2.CancelRunResponse:
        await cancel_run(
            self.open_transaction,
            self.in_memory,
            self.cancel_here,
            current_caller(),
            _id(request.run_id, RunNotFound),
        )
        return chat_pb2.CancelRunResponse()

    async def RecoverRun(
        self, request: chat_pb2.RecoverRunRequest, context: Context
    ) -> chat_pb2.RecoverRunResponse:
        found = await recover_run(
            self.open_transaction,
            self.in_memory,
            self.recall,
            current_caller(),
            _id(request.session_id, RunNotFound),
        )
        return chat_pb2.RecoverRunResponse(
            run=mapping.run_to_proto(found.run),
            text=found.text,
            reasoning=found.reasoning,
            seq=found.seq,
        )

    async def FollowRun(
        self, request: chat_pb2.FollowRunRequest, context: Context
    ) -> AsyncIterator[chat_pb2.FollowRunResponse]:
        if request.after < 0:
            raise ValidationFailed(fields=[FieldError("after", "TOO_SMALL", minimum=0)])
        run = await find_to_follow(
            self.open_transaction,
            self.in_memory,
            current_caller(),
            _id(request.run_id, RunNotFound),
        )
        async with aclosing(self.follow(run, request.after)) as batches:
            async for frames in batches:
                yield chat_pb2.FollowRunResponse(frames=_frames(frames))

    async def OpenTrunk(
        self, requests: AsyncIterator[chat_pb2.OpenTrunkRequest], context: Context
    ) -> AsyncIterator[chat_pb2.OpenTrunkResponse]:
        opening = await anext(requests, chat_pb2.OpenTrunkRequest())
        if self.replica in opening.has:
            yield chat_pb2.OpenTrunkResponse(replica=self.replica)
            return
        with self.trunks.open(opening.gateway_id) as trunk:
            leaving = asyncio.create_task(_leave(trunk, requests), name="trunk-leaves")
            try:
                yield chat_pb2.OpenTrunkResponse(replica=self.replica, trunk_id=trunk.id)
                async for loads in trunk.loads():
                    yield chat_pb2.OpenTrunkResponse(loads=[_load(load) for load in loads])
            finally:
                await end_task(leaving)

    async def GetRun(
        self, request: chat_pb2.GetRunRequest, context: Context
    ) -> chat_pb2.GetRunResponse:
        found = await get_run_with_messages(
            self.open_transaction, current_caller(), _id(request.run_id, RunNotFound)
        )
        return chat_pb2.GetRunResponse(
            run=mapping.run_to_proto(found.run),
            question=None if found.question is None else mapping.message_to_proto(found.question),
            answer=None if found.answer is None else mapping.message_to_proto(found.answer),
        )


def _id(text: str, absent: type[AppError]) -> UUID:
    """A text that is no id names nothing that exists."""
    parsed = parse_id(text)
    if parsed is None:
        raise absent()
    return parsed


def _key_id(request: chat_pb2.CreateSessionRequest | chat_pb2.StartRunRequest) -> UUID | None:
    return _id(request.key_id, KeyNotFound) if request.HasField("key_id") else None


def _question(request: chat_pb2.StartRunRequest) -> Question:
    session_id = request.session_id if request.HasField("session_id") else None
    return Question(
        session_id=None if session_id is None else _id(session_id, SessionNotFound),
        content=request.content,
        key_id=_key_id(request),
        model=request.model if request.HasField("model") else None,
        temperature=request.temperature if request.HasField("temperature") else DEFAULT_TEMPERATURE,
        max_tokens=request.max_tokens if request.HasField("max_tokens") else DEFAULT_MAX_TOKENS,
        request=request_key(request),
    )


def _frames(batch: Sequence[Frame]) -> list[chat_pb2.Frame]:
    return [chat_pb2.Frame(seq=f.seq, event=f.event, data=f.data) for f in batch]


def _take_berth(
    request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest,
) -> tuple[str, int] | None:
    """Out of the request: by what it asks it is known again, wherever the answer is to go."""
    if not request.HasField("berth"):
        return None
    berth = (request.berth.gateway_id, request.berth.ticket)
    request.ClearField("berth")
    return berth


def _load(load: Load) -> chat_pb2.Load:
    return chat_pb2.Load(ticket=load.ticket, frames=_frames(load.frames), off=load.off)


async def _leave(trunk: Trunk, requests: AsyncIterator[chat_pb2.OpenTrunkRequest]) -> None:
    async for request in requests:
        trunk.leave(request.leave)
