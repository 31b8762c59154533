"""One socket: who speaks, what they ask for, and when it is over."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial

from chassis.caller import Caller
from chassis.errors import AppError, Kind, Unauthenticated, untyped
from chassis.tasks import end_task
from chassis.telemetry.context import accept_request_id, accept_traceparent, request_id, traceparent
from chassis.telemetry.logging import get_logger
from gateway.clients import Clients
from gateway.identity.authentication import InsufficientScope, check_scope
from gateway.refusals import MalformedJson, RequestRefused
from gateway.settings import Settings
from gateway.streams.frame_channels import FrameChannels
from gateway.streams.notices import NoticeFeeds
from gateway.ws import frames
from gateway.ws.answer import Answer
from gateway.ws.closing import Closing, HangUp
from gateway.ws.credential import Credential
from gateway.ws.follows import Follows, Starting
from gateway.ws.notices import Subscription
from gateway.ws.wire import Gone, Wire
from parley.chat.v1 import chat_pb2 as pb

_log = get_logger(__name__)

#: What a frame asks for; it says by itself when it has begun.
Work = Callable[[Answer], Coroutine[None, None, None]]

Command = Starting | frames.Follow | frames.Cancel


class TooManyAtOnce(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_AT_ONCE"
    detail = "This socket follows as many runs as it may; unfollow one of them first."

    def __init__(self) -> None:
        super().__init__(retry_after=1)


class Superseded(AppError):
    kind = Kind.CONFLICT
    reason = "SUPERSEDED"
    detail = "A later frame took the place of this one before it had begun."


class FrameTooLarge(RequestRefused):
    status = 413
    reason = "FRAME_TOO_LARGE"
    detail = "This frame is larger than a frame may be."


class SocketSession:
    """What happens on ``wire``, from its first frame to its last.

    Whatever ends it ends its followers and no run. A refused frame is answered with a problem
    and changes nothing else; only what cannot be read as JSON, or a token that is not good,
    ends the socket. ``patience`` is that of its followers, in seconds.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        settings: Settings,
        clients: Clients,
        frame_channels: FrameChannels,
        notice_feeds: NoticeFeeds,
        credential: Credential,
        patience: float,
    ) -> None:
        self.wire = wire
        self._settings = settings
        self._runs = clients.runs
        self._credential = credential
        self._follows = Follows(
            wire, clients.sessions, clients.frames, frame_channels, patience=patience
        )
        self._subscription = Subscription(wire, notice_feeds, self._speaker)
        self._tasks: set[asyncio.Task[None]] = set()
        # One at most: the newest.
        self._subscribed: set[asyncio.Task[None]] = set()
        self._cancels: set[asyncio.Task[None]] = set()
        # Answers to frames that others took the place of.
        self._told: set[asyncio.Task[None]] = set()
        self._leaving = False
        self._loop = asyncio.get_running_loop()
        self._active_at = self._loop.time()

    @property
    def user_id(self) -> str | None:
        verified = self._credential.verified
        return None if verified is None else verified.user

    async def run(self) -> None:
        """Serve the socket to its end."""
        try:
            if self._credential.verified is None:
                await self._admit()
            while True:
                raw = await self.wire.receive()
                # Who does not read these has no more taken.
                if self._told:
                    await asyncio.wait(self._told)
                await self._take(raw)
        except Gone:
            pass
        except HangUp as end:
            self.wire.close(end.closing.code)
        except Exception as error:  # noqa: BLE001 - one socket's accident is not the others'
            _log.error("socket.unhandled", exc_info=error)
            self.wire.close(Closing.BROKEN.code)
        finally:
            await self._leave()

    def review(self, now: float) -> None:
        """Each second: whether the token still stands, somebody is there, and wants anything."""
        if self._credential.verified is None:
            return
        self._credential.renew_in_time()
        if self._credential.is_over(now):
            self.wire.close(Closing.UNAUTHENTICATED.code)
        elif (
            not (self._tasks or self._subscribed)
            and now - self._active_at > self._settings.socket_idle_seconds
        ):
            self.wire.close(Closing.IDLE.code)
        else:
            self.wire.tend(now, self._settings.socket_heartbeat_seconds)

    async def _admit(self) -> None:
        try:
            async with asyncio.timeout(self._settings.socket_auth_seconds):
                frame = await self._read(await self.wire.receive())
        except TimeoutError:
            raise HangUp(Closing.UNAUTHENTICATED) from None
        match frame:
            case frames.Auth():
                await self._authenticate(frame)
            case None:
                raise HangUp(Closing.UNAUTHENTICATED)
            case _:
                await self._tell(Unauthenticated(), frame.ref)
                raise HangUp(Closing.UNAUTHENTICATED)

    async def _authenticate(self, frame: frames.Auth) -> None:
        await self._take_token(frame.token, frame.ref)
        await self.wire.send([frames.ack(frame.ref)])

    async def _take_token(self, token: str, ref: str | None) -> None:
        try:
            await self._credential.take(token)
        except AppError as error:
            await self._tell(error, ref)
            raise HangUp(Closing.of(error)) from None

    async def _read(self, raw: bytes) -> frames.ClientFrame | None:
        if len(raw) > self._settings.socket_frame_bytes:
            await self._tell(FrameTooLarge(), frames.ref_of(raw))
            return None
        try:
            return frames.read(raw)
        except frames.UnreadableFrame as refusal:
            await self._tell(refusal.error, refusal.ref)
            return None
        except MalformedJson as error:
            await self._tell(error, None)
            raise HangUp(Closing.MALFORMED) from None

    async def _take(self, raw: bytes) -> None:
        self._active_at = self._loop.time()
        # Each frame is a request of its own, to the services and in the log.
        request_id.set(accept_request_id(None))
        traceparent.set(accept_traceparent(None))
        frame = await self._read(raw)
        caller = self._speaker()
        match frame:
            case None:
                pass
            case frames.Ping():
                await self.wire.send([frames.pong(frame.ref)])
            case frames.Auth():
                await self._authenticate(frame)
            case frames.Unfollow():
                await self._follows.unsubscribe(frame.run_id)
                await self.wire.send([frames.ack(frame.ref, run_id=frame.run_id)])
            case frames.Subscribe():
                await self._subscribe(frame, caller)
            case _ if len(self._tasks) + len(self._cancels) >= self._settings.socket_follows:
                await self._tell(TooManyAtOnce(), frame.ref)
            case _:
                try:
                    self._begin(frame, caller)
                except InsufficientScope as error:
                    await self._tell(error, frame.ref)

    def _begin(self, frame: Command, caller: Caller) -> None:
        check_scope(caller, "chat:read" if isinstance(frame, frames.Follow) else "chat:write")
        match frame:
            case frames.Cancel():
                self._spawn(partial(self._cancel, frame, caller), frame.ref, self._cancels)
            case frames.Follow():
                self._spawn(partial(self._follows.follow, frame, caller), frame.ref, self._tasks)
            case _:
                self._spawn(partial(self._follows.ask, frame, caller), frame.ref, self._tasks)

    async def _subscribe(self, frame: frames.Subscribe, caller: Caller) -> None:
        try:
            check_scope(caller, "chat:read")
        except InsufficientScope as error:
            await self._tell(error, frame.ref)
            return
        for task in list(self._subscribed):
            await end_task(task)
        self._spawn(partial(self._subscription.tell, frame), frame.ref, self._subscribed)

    def _speaker(self) -> Caller:
        assert self._credential.verified is not None
        return self._credential.verified.caller

    async def _cancel(self, frame: frames.Cancel, caller: Caller, answer: Answer) -> None:
        runs = self._runs
        await runs.tell(runs.stub.CancelRun, pb.CancelRunRequest(run_id=frame.run_id), caller)
        await answer.ack(run_id=frame.run_id)

    def _spawn(self, work: Work, ref: str, among: set[asyncio.Task[None]]) -> None:
        """`work` is not even begun where its task is ended before its first turn."""
        answer = Answer(self.wire, ref)

        def done(task: asyncio.Task[None]) -> None:
            among.discard(task)
            self._active_at = self._loop.time()
            if task.cancelled() and not answer.given and not self._leaving:
                told = asyncio.create_task(
                    self._told_unless_gone(Superseded(), ref), name="socket-answer"
                )
                self._told.add(told)
                told.add_done_callback(self._told.discard)

        task = asyncio.create_task(self._carry_out(work, ref, answer), name="socket-command")
        among.add(task)
        task.add_done_callback(done)

    async def _carry_out(self, work: Work, ref: str, answer: Answer) -> None:
        try:
            await work(answer)
        except AppError as error:
            await self._told_unless_gone(error, ref)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - told as a problem without its text
            _log.error("socket.command_failed", exc_info=error)
            await self._told_unless_gone(untyped(error), ref)

    async def _told_unless_gone(self, error: AppError, ref: str) -> None:
        with suppress(Gone):
            await self._tell(error, ref)

    async def _tell(self, error: AppError, ref: str | None) -> None:
        await self.wire.send([frames.problem(error, ref)])

    async def _leave(self) -> None:
        self._leaving = True
        followers = [*self._tasks, *self._subscribed, *self._told]
        for task in followers:
            task.cancel()
        for task in followers:
            await end_task(task)
        # A cancel that was asked for is still passed on: a page that closes says it last.
        if self._cancels:
            await asyncio.wait(self._cancels)
        await self._credential.leave()
