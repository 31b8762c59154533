"""Notices on the wire."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from chat_service.notices.watchers import Watchers
from parley.chat.v1 import chat_pb2, chat_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.NoticeService": {
        # The gateway goes on with what it has begun: when the stream breaks, long after the
        # socket's token was taken.
        "WatchNotices": allow("gateway", outlived=True),
    }
}


@dataclass(frozen=True, slots=True)
class NoticeServicer(chat_pb2_grpc.NoticeServiceServicer):
    """parley.chat.v1.NoticeService."""

    watchers: Watchers

    async def WatchNotices(
        self, request: chat_pb2.WatchNoticesRequest, context: object
    ) -> AsyncIterator[chat_pb2.WatchNoticesResponse]:
        after = request.after if request.HasField("after") else None
        watching = self.watchers.watch(current_caller().user_id, after)
        async with aclosing(watching) as all_news:
            async for news in all_news:
                yield chat_pb2.WatchNoticesResponse(
                    cursor=news.cursor,
                    read_again=news.read_again,
                    notices=[
                        chat_pb2.Notice(cursor=entry.cursor, data=entry.data)
                        for entry in news.entries
                    ],
                )
