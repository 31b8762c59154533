"""A socket's subscription to the notices of its user."""

from collections.abc import Callable

from chassis.caller import Caller
from gateway.streams.notices import Listener, Notice, NoticeFeeds
from gateway.ws import frames
from gateway.ws.answer import Answer
from gateway.ws.wire import Wire


class Subscription:
    """Tells notices to ``wire`` as fast as its client reads, and no faster.

    ``caller`` says who speaks on the socket at that moment.
    """

    def __init__(self, wire: Wire, feeds: NoticeFeeds, caller: Callable[[], Caller]) -> None:
        self._wire = wire
        self._feeds = feeds
        self._caller = caller

    async def tell(self, frame: frames.Subscribe, answer: Answer) -> None:
        """What was missed behind ``after``, then what comes; it ends with its task. Raises AppError."""
        caller = self._caller()
        user, listener = str(caller.user_id), Listener(self._caller)
        with self._feeds.listen(user, listener):
            missed = await self._feeds.catch_up(user, caller, frame.after)
            cursor = missed.cursor
            # Who has missed something has its cursor with the last of it.
            begins = {"cursor": cursor} if frame.after is None else {}
            await answer.ack(_said(missed.notices), **begins)
            while True:
                notices = await listener.next_behind(cursor)
                await self._wire.send(_said(notices))
                cursor = notices[-1].cursor


def _said(notices: list[Notice]) -> list[bytes]:
    return [frames.notice(notice.cursor, notice.data) for notice in notices]
