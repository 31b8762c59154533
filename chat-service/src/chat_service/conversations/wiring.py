"""What is served of conversations."""

from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction
from chat_service.conversations.rpc import POLICY, SessionServicer
from chat_service.conversations.store.messages import MessagePages
from chat_service.conversations.store.sessions import NewSessions
from chat_service.conversations.usecases.delete_message import DeleteMessage
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.notices.domain.notice import Tell
from chat_service.personas.usecases.read import ReadPersonas
from chat_service.providers.domain.connection import ResolveKey
from chat_service.served import Served
from chat_service.words.domain.word_filter import InForce
from parley.chat.v1 import chat_pb2_grpc


def build_conversations(
    database: Database,
    open_transaction: OpenTransaction,
    resolve_key: ResolveKey,
    end_sessions: EndSessions,
    delete_message: DeleteMessage,
    *,
    tell: Tell,
    personas: ReadPersonas,
    in_force: InForce,
) -> Served:
    """Conversations, with nothing in them that has one of the words `in_force`."""
    servicer = SessionServicer(
        open_transaction,
        resolve_key,
        end_sessions,
        delete_message,
        tell,
        personas.find,
        personas.default,
        NewSessions(database),
        MessagePages(database),
        in_force,
    )
    return Served(servicer, chat_pb2_grpc.add_SessionServiceServicer_to_server, POLICY)
