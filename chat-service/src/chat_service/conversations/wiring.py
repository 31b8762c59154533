"""What is served of conversations."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from chassis.db.transactions import Transaction
from chat_service.conversations.rpc import POLICY, SessionServicer
from chat_service.conversations.store.messages import MessagePages
from chat_service.conversations.store.sessions import NewSessions
from chat_service.conversations.usecases.create import CreateSession
from chat_service.conversations.usecases.delete_message import DeleteMessage, RunsOfMessages
from chat_service.conversations.usecases.ends import EndSessions, RunsOfSessions
from chat_service.notices.domain.notice import Tell
from chat_service.personas.usecases.read import ReadPersonas
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from parley.chat.v1 import chat_pb2_grpc


class Runs(RunsOfSessions, RunsOfMessages, Protocol):
    """The runs of sessions, and of messages, that are locked."""


def build_conversations(
    shared: Shared,
    *,
    tell: Tell,
    personas: ReadPersonas,
    runs: Runs,
    cancel_here: Callable[[UUID], object],
    drop: Callable[[Sequence[UUID]], None],
    purge: Callable[[], None],
    unshare: Callable[[Transaction, UUID], Awaitable[None]],
    unshare_messages: Callable[[Transaction, UUID, Sequence[int]], Awaitable[None]],
    forget_answers: Callable[[], None],
) -> Subject:
    """Conversations; what ends with them is ended as EndSessions and DeleteMessage say."""
    servicer = SessionServicer(
        shared.open_transaction,
        shared.resolve_key,
        EndSessions(
            shared.open_transaction,
            runs,
            cancel_here=cancel_here,
            drop=drop,
            purge=purge,
            unshare=unshare,
            forget_answers=forget_answers,
        ),
        DeleteMessage(
            shared.open_transaction,
            runs,
            drop=drop,
            unshare=unshare_messages,
            forget_answers=forget_answers,
        ),
        CreateSession(
            shared.open_transaction,
            shared.resolve_key,
            NewSessions(shared.database),
            personas.default,
            shared.in_force,
        ),
        tell,
        personas.find,
        MessagePages(shared.database),
        shared.in_force,
    )
    return Subject(
        served=[Served(servicer, chat_pb2_grpc.add_SessionServiceServicer_to_server, POLICY)]
    )
