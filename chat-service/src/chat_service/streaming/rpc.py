"""Frames on the wire: of one run, or of all runs that one gateway reads, on one stream."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from chassis.db.transactions import OpenTransaction
from chassis.errors import FieldError, ValidationFailed
from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from chassis.ids import parse_named_id
from chassis.tasks import end_task
from chat_service.answer.domain.form import TextForm
from chat_service.answer.domain.frame import Frame
from chat_service.conversations.mapping import form_from_proto
from chat_service.runs.domain.errors import RunNotFound
from chat_service.runs.usecases.read import find_to_follow
from chat_service.streaming.read.channel import Batch, FrameChannel, FrameChannels
from chat_service.streaming.read.follow import Followers
from chat_service.streaming.read.in_form import in_plain_text
from chat_service.words.domain.word_filter import InForce, no_words
from parley.chat.v1 import chat_pb2, chat_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.FrameService": {
        # The gateway goes on with what it has begun: when a channel breaks, and when a whole
        # answer is waited for, minutes after the question.
        "FollowRun": allow("gateway", outlived=True),
        # Runs come on it by calls that bear their users' tokens.
        "OpenChannel": allow("gateway", open=True),
    }
}


@dataclass(frozen=True, slots=True)
class FrameServicer(chat_pb2_grpc.FrameServiceServicer):
    """parley.chat.v1.FrameService."""

    open_transaction: OpenTransaction
    followers: Followers
    channels: FrameChannels
    replica: str
    in_force: InForce = no_words

    async def FollowRun(
        self, request: chat_pb2.FollowRunRequest, context: object
    ) -> AsyncIterator[chat_pb2.FollowRunResponse]:
        if request.after < 0:
            raise ValidationFailed(fields=[FieldError("after", "TOO_SMALL", minimum=0)])
        run = await find_to_follow(
            self.open_transaction,
            self.followers,
            current_caller(),
            parse_named_id(request.run_id, RunNotFound),
        )
        form = form_from_proto(request.form, run.form)
        if form is TextForm.MARKDOWN:
            following = self.followers.follow(run, request.after)
        else:
            following = in_plain_text(self.followers.follow(run, 0), request.after, self.in_force)
        async with aclosing(following) as batches:
            async for frames in batches:
                yield chat_pb2.FollowRunResponse(frames=_frames(frames))

    async def OpenChannel(
        self, requests: AsyncIterator[chat_pb2.OpenChannelRequest], context: object
    ) -> AsyncIterator[chat_pb2.OpenChannelResponse]:
        opening = await anext(requests, chat_pb2.OpenChannelRequest())
        if self.replica in opening.has:
            yield chat_pb2.OpenChannelResponse(replica=self.replica)
            return
        with self.channels.open(opening.gateway_id) as channel:
            listening = asyncio.create_task(
                _unsubscribe(channel, requests), name="channel-unsubscribes"
            )
            try:
                yield chat_pb2.OpenChannelResponse(replica=self.replica, channel_id=channel.id)
                async for batches in channel.batches():
                    yield chat_pb2.OpenChannelResponse(batches=[_batch(one) for one in batches])
            finally:
                await end_task(listening)


def _frames(frames: Sequence[Frame]) -> list[chat_pb2.Frame]:
    return [chat_pb2.Frame(seq=f.seq, event=f.event, data=f.data) for f in frames]


def _batch(batch: Batch) -> chat_pb2.Batch:
    return chat_pb2.Batch(
        subscription=batch.subscription, frames=_frames(batch.frames), detached=batch.detached
    )


async def _unsubscribe(
    channel: FrameChannel, requests: AsyncIterator[chat_pb2.OpenChannelRequest]
) -> None:
    async for request in requests:
        channel.unsubscribe(request.unsubscribe)
