"""The runs that one socket follows, each read no faster than the socket's client reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from chassis.caller import Caller
from chassis.errors import AppError, Unavailable
from chassis.tasks import end_task
from gateway.clients import Peer
from gateway.schemas.chat import FORMS
from gateway.streams.editing import edit_answer
from gateway.streams.frame_channels import Asking, FrameChannels
from gateway.streams.frames import TERMINAL, Batch, begin, sliced
from gateway.ws import frames
from gateway.ws.answer import Answer
from gateway.ws.wire import Wire
from parley.chat.v1 import chat_pb2 as pb
from parley.chat.v1.chat_pb2_grpc import FrameServiceStub, SessionServiceStub

# What begins a run.
Starting = frames.SendQuestion | frames.Regenerate | frames.EditMessage | frames.Continue

# A run that says nothing for so long is only silent: its follower gets the ack.
PATIENCE_SECONDS = 1.0


class StreamBroken(Unavailable):
    reason = "STREAM_BROKEN"
    detail = "The run goes on unseen: follow it from the last seq that you have."


class Follows:
    """One follower for each run at most: the newest.

    ``patience``: how many seconds a follower that has heard nothing yet waits before its ack.
    """

    def __init__(
        self,
        wire: Wire,
        sessions: Peer[SessionServiceStub],
        service: Peer[FrameServiceStub],
        frame_channels: FrameChannels,
        *,
        patience: float,
    ) -> None:
        self._wire = wire
        self._sessions = sessions
        self._service = service
        self._frame_channels = frame_channels
        self._patience = patience
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    async def ask(self, frame: Starting, caller: Caller, answer: Answer) -> None:
        """Start a run and follow it to its end; an answer that is edited has none. Raises AppError."""
        asking: Asking
        match frame:
            case frames.Continue():
                asking = pb.ContinueRunRequest(run_id=frame.run_id)
            case frames.Regenerate():
                asking = frame.request(frame.session_id, frame.message_id)
            case frames.EditMessage():
                if await self._edit_answer(frame, caller, answer):
                    return
                asking = frame.question(frame.session_id, frame.message_id)
            case frames.SendQuestion():
                asking = frame.request(frame.session_id)
        begun = await self._frame_channels.begin(asking, caller, frame.idempotency_key)
        async with aclosing(begun.batches) as batches:
            run = begun.run
            async with _Place(self._tasks, run.run_id):
                await answer.ack(
                    run_id=run.run_id,
                    session_id=run.session_id,
                    question_id=run.question_id,
                    answer_id=run.answer_id,
                )
                await self._pour(run.run_id, batches)

    async def _edit_answer(self, frame: frames.EditMessage, caller: Caller, answer: Answer) -> bool:
        """Edit an answer; False: it is a question."""
        edited = await edit_answer(
            self._sessions,
            caller,
            frame.session_id,
            frame.message_id,
            frame,
            frame.idempotency_key,
        )
        if edited is None:
            return False
        await answer.ack(session_id=frame.session_id, message_id=edited.id)
        return True

    async def follow(self, frame: frames.Follow, caller: Caller, answer: Answer) -> None:
        """Follow a run from behind ``after`` to its end. Raises AppError."""
        service = self._service
        asked = pb.FollowRunRequest(
            run_id=frame.run_id, after=frame.after, form=FORMS[frame.format]
        )
        async with _Place(self._tasks, frame.run_id):
            batches = service.follow(service.stub.FollowRun, asked, caller)
            async with aclosing(batches):
                opening = await begin(batches, patience=self._patience)
                try:
                    if opening.done() and opening.result() is None:
                        await answer.ack(run_id=frame.run_id, ended=True)
                        return
                    await answer.ack(run_id=frame.run_id)
                    first = await opening
                finally:
                    opening.cancel()
                    await asyncio.wait((opening,))
                if first is None:
                    # It has ended before what they have seen, if one believes them.
                    await answer.ack(run_id=frame.run_id, ended=True)
                    return
                await self._pour(frame.run_id, batches, first)

    async def unsubscribe(self, run_id: str) -> None:
        """Follow the run no longer; nothing of it is sent once this has returned."""
        if (task := self._tasks.get(run_id)) is not None:
            await end_task(task)

    async def _pour(
        self, run_id: str, batches: AsyncIterator[Batch], first: Batch | None = None
    ) -> None:
        opening = frames.opening_of(run_id)
        try:
            batch = await anext(batches, None) if first is None else first
            last = ""
            while batch is not None:
                events = list(batch.frames)
                last = events[-1].event
                for some in sliced(frames.events(opening, events)):
                    await self._wire.send(some)
                batch = await anext(batches, None)
            if last not in TERMINAL:
                raise StreamBroken()
        except AppError as error:
            error.metadata["run_id"] = run_id
            raise


class _Place:
    """``async with`` it: the running task is the run's follower, and the one before has ended."""

    def __init__(self, tasks: dict[str, asyncio.Task[Any]], run_id: str) -> None:
        self._tasks = tasks
        self._run_id = run_id

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        before = self._tasks.get(self._run_id)
        self._tasks[self._run_id] = task
        try:
            if before is not None:
                await end_task(before)
        except BaseException:
            self._give_up()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give_up()

    def _give_up(self) -> None:
        if self._tasks.get(self._run_id) is self._task:
            del self._tasks[self._run_id]
