"""The runs that one socket follows, each read no faster than the socket's client reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from chassis.caller import Caller
from chassis.errors import AppError, Unavailable
from chassis.tasks import end_task
from gateway.clients import Peer
from gateway.streams.frame_channels import Asking, FrameChannels
from gateway.streams.frames import TERMINAL, Batch, begin, sliced
from gateway.ws import frames
from gateway.ws.wire import Wire
from parley.chat.v1 import chat_pb2 as pb
from parley.chat.v1.chat_pb2_grpc import ChatServiceStub

# A run that says nothing for so long is only silent: its follower gets the ack.
_PATIENCE_SECONDS = 1.0


class StreamBroken(Unavailable):
    reason = "STREAM_BROKEN"
    detail = "The run goes on unseen: follow it from the last seq that you have."


class Follows:
    """One follower for each run at most: the newest."""

    def __init__(
        self, wire: Wire, chat: Peer[ChatServiceStub], frame_channels: FrameChannels
    ) -> None:
        self._wire = wire
        self._chat = chat
        self._frame_channels = frame_channels
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    async def ask(self, frame: frames.SendQuestion | frames.Continue, caller: Caller) -> None:
        """Start a run and follow it to its end. Raises AppError."""
        asking: Asking
        if isinstance(frame, frames.Continue):
            asking = pb.ContinueRunRequest(run_id=frame.run_id)
        else:
            asking = frame.request()
        begun = await self._frame_channels.begin(asking, caller, frame.idempotency_key)
        async with aclosing(begun.batches) as batches:
            run = begun.run
            async with _Place(self._tasks, run.run_id):
                told = frames.ack(
                    frame.ref,
                    run_id=run.run_id,
                    session_id=run.session_id,
                    question_id=run.question_id,
                    answer_id=run.answer_id,
                )
                await self._wire.send([told])
                await self._pour(run.run_id, batches)

    async def follow(self, frame: frames.Follow, caller: Caller) -> None:
        """Follow a run from behind ``after`` to its end. Raises AppError."""
        chat = self._chat
        asked = pb.FollowRunRequest(run_id=frame.run_id, after=frame.after)
        async with _Place(self._tasks, frame.run_id):
            batches = chat.follow(chat.stub.FollowRun, asked, caller)
            async with aclosing(batches):
                opening = await begin(batches, patience=_PATIENCE_SECONDS)
                try:
                    if opening.done() and opening.result() is None:
                        told = frames.ack(frame.ref, run_id=frame.run_id, ended=True)
                        await self._wire.send([told])
                        return
                    await self._wire.send([frames.ack(frame.ref, run_id=frame.run_id)])
                    first = await opening
                finally:
                    opening.cancel()
                    await asyncio.wait((opening,))
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
