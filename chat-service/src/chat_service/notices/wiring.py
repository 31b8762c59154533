"""What notices are made of."""

from collections.abc import Callable
from dataclasses import dataclass

from chat_service.notices.domain.notice import Tell
from chat_service.notices.erasure import forget_notices
from chat_service.notices.log import NoticeLog
from chat_service.notices.publisher import Publisher
from chat_service.notices.rpc import POLICY, NoticeServicer
from chat_service.notices.watchers import Watchers
from chat_service.served import Served, Subject
from parley.chat.v1 import chat_pb2_grpc
from servicekit.erasure import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices(Subject):
    """Whom to tell what has changed, or that something may have that nobody was told, and what takes away a user's
    notices.
    """

    tell: Tell
    doubt: Callable[[], None]
    erase: Step


def build_notices(log: NoticeLog) -> Notices:
    """Notices by way of `log`, which is among the components."""
    publisher, watchers = Publisher(log), Watchers(log)
    return Notices(
        served=[
            Served(
                NoticeServicer(watchers), chat_pb2_grpc.add_NoticeServiceServicer_to_server, POLICY
            )
        ],
        tell=publisher.tell,
        doubt=publisher.doubt,
        erase=forget_notices(log),
        components=[log, publisher, watchers],
    )
