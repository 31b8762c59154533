"""Conversations on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import Method, allow
from chassis.ids import parse_named_id
from chat_service.conversations import mapping
from chat_service.conversations.domain.errors import MessageNotFound, SessionNotFound
from chat_service.conversations.domain.session import UNCHANGED, Unchanged
from chat_service.conversations.in_form import in_form
from chat_service.conversations.store.messages import MessagePages
from chat_service.conversations.usecases.check import check_persona
from chat_service.conversations.usecases.create import CreateSession
from chat_service.conversations.usecases.delete_message import DeleteMessage
from chat_service.conversations.usecases.ends import EndSessions
from chat_service.conversations.usecases.lists import list_folders, list_sessions
from chat_service.conversations.usecases.messages import list_messages
from chat_service.conversations.usecases.sessions import get_session, update_session
from chat_service.conversations.usecases.tree import choose_message, edit_answer, fork_session
from chat_service.notices.domain.notice import SessionChange, Tell, session_notice
from chat_service.personas.domain.persona import Persona, Told
from chat_service.providers.domain.connection import ResolveKey
from chat_service.words.domain.word_filter import InForce, checked, no_words
from parley.chat.v1 import chat_pb2, chat_pb2_grpc

#: The persona that a user knows by this name. Raises PersonaNotFound, ValidationFailed.
FindPersona = Callable[[Caller, str], Awaitable[Persona]]

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.SessionService": {
        "CreateSession": allow("gateway"),
        "GetSession": allow("gateway"),
        "UpdateSession": allow("gateway"),
        "ListSessions": allow("gateway"),
        "ListFolders": allow("gateway"),
        "DeleteSession": allow("gateway"),
        "DeleteSessions": allow("gateway"),
        "RestoreSession": allow("gateway"),
        "ClearSession": allow("gateway"),
        "DeleteMessage": allow("gateway"),
        "MeasureMessage": allow("gateway"),
        "ListMessages": allow("gateway"),
        "ChooseMessage": allow("gateway"),
        "EditAnswer": allow("gateway"),
        "ForkSession": allow("gateway"),
    }
}


@dataclass(frozen=True, slots=True)
class SessionServicer(chat_pb2_grpc.SessionServiceServicer):
    """parley.chat.v1.SessionService."""

    open_transaction: OpenTransaction
    resolve_key: ResolveKey
    end_sessions: EndSessions
    delete_message: DeleteMessage
    create_session: CreateSession
    tell: Tell
    find_persona: FindPersona
    message_pages: MessagePages
    in_force: InForce = no_words

    async def CreateSession(
        self, request: chat_pb2.CreateSessionRequest, context: object
    ) -> chat_pb2.CreateSessionResponse:
        session = await self.create_session(
            current_caller(),
            mapping.new_session_from_proto(request),
            find_persona=partial(self._persona, request.persona)
            if request.HasField("persona")
            else None,
            once=once(request, mapping.encode_session, mapping.decode_session),
        )
        self._tell(SessionChange.CREATED, session.id)
        return chat_pb2.CreateSessionResponse(session=mapping.session_to_proto(session))

    async def GetSession(
        self, request: chat_pb2.GetSessionRequest, context: object
    ) -> chat_pb2.GetSessionResponse:
        session = await get_session(
            self.open_transaction, current_caller(), parse_named_id(request.id, SessionNotFound)
        )
        return chat_pb2.GetSessionResponse(session=mapping.session_to_proto(session))

    async def UpdateSession(
        self, request: chat_pb2.UpdateSessionRequest, context: object
    ) -> chat_pb2.UpdateSessionResponse:
        persona: Told | Unchanged | None = UNCHANGED
        if request.HasField("persona"):
            persona = await self._persona(request.persona)
        if request.HasField("title"):
            request.title = checked(self.in_force(), "title", request.title)
        session_id = parse_named_id(request.id, SessionNotFound)
        session = await update_session(
            self.open_transaction,
            self.resolve_key,
            current_caller(),
            session_id,
            mapping.change_from_proto(request, persona),
            tell=partial(self._tell, SessionChange.CHANGED, session_id),
        )
        return chat_pb2.UpdateSessionResponse(session=mapping.session_to_proto(session))

    async def ListSessions(
        self, request: chat_pb2.ListSessionsRequest, context: object
    ) -> chat_pb2.ListSessionsResponse:
        page = await list_sessions(
            self.open_transaction,
            current_caller(),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
            wanted=mapping.wanted_from_proto(request),
        )
        return chat_pb2.ListSessionsResponse(
            items=[mapping.session_to_proto(session) for session in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def ListFolders(
        self, request: chat_pb2.ListFoldersRequest, context: object
    ) -> chat_pb2.ListFoldersResponse:
        folders = await list_folders(self.open_transaction, current_caller())
        return chat_pb2.ListFoldersResponse(
            items=[
                chat_pb2.Folder(name=folder.name, sessions=folder.sessions) for folder in folders
            ]
        )

    async def DeleteSession(
        self, request: chat_pb2.DeleteSessionRequest, context: object
    ) -> chat_pb2.DeleteSessionResponse:
        session_id = parse_named_id(request.id, SessionNotFound)
        await self.end_sessions.delete(current_caller(), session_id, permanent=request.permanent)
        self._tell(SessionChange.DELETED, session_id)
        return chat_pb2.DeleteSessionResponse()

    async def DeleteSessions(
        self, request: chat_pb2.DeleteSessionsRequest, context: object
    ) -> chat_pb2.DeleteSessionsResponse:
        await self.end_sessions.delete_all(current_caller(), permanent=request.permanent)
        self._tell(SessionChange.DELETED, None)
        return chat_pb2.DeleteSessionsResponse()

    async def RestoreSession(
        self, request: chat_pb2.RestoreSessionRequest, context: object
    ) -> chat_pb2.RestoreSessionResponse:
        session_id = parse_named_id(request.id, SessionNotFound)
        session = await self.end_sessions.restore(
            current_caller(),
            session_id,
            tell=partial(self._tell, SessionChange.CHANGED, session_id),
        )
        return chat_pb2.RestoreSessionResponse(session=mapping.session_to_proto(session))

    async def ClearSession(
        self, request: chat_pb2.ClearSessionRequest, context: object
    ) -> chat_pb2.ClearSessionResponse:
        session_id = parse_named_id(request.id, SessionNotFound)
        await self.end_sessions.clear(current_caller(), session_id)
        self._tell(SessionChange.CLEARED, session_id)
        return chat_pb2.ClearSessionResponse()

    async def DeleteMessage(
        self, request: chat_pb2.DeleteMessageRequest, context: object
    ) -> chat_pb2.DeleteMessageResponse:
        session_id = parse_named_id(request.session_id, SessionNotFound)
        live = await self.delete_message(
            current_caller(), session_id, parse_named_id(request.message_id, MessageNotFound)
        )
        self._tell(SessionChange.MESSAGES_DELETED, session_id, live)
        return chat_pb2.DeleteMessageResponse()

    async def MeasureMessage(
        self, request: chat_pb2.MeasureMessageRequest, context: object
    ) -> chat_pb2.MeasureMessageResponse:
        messages = await self.delete_message.measure(
            current_caller(),
            parse_named_id(request.session_id, SessionNotFound),
            parse_named_id(request.message_id, MessageNotFound),
        )
        return chat_pb2.MeasureMessageResponse(messages=messages)

    async def ListMessages(
        self, request: chat_pb2.ListMessagesRequest, context: object
    ) -> chat_pb2.ListMessagesResponse:
        form = mapping.form_from_proto(request.form)
        page = await list_messages(
            self.message_pages,
            current_caller(),
            parse_named_id(request.session_id, SessionNotFound),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
            descending=request.order == chat_pb2.LIST_ORDER_DESC,
            all_paths=request.all_paths,
        )
        return chat_pb2.ListMessagesResponse(
            items=[
                mapping.message_to_proto(one)
                for one in await in_form(page.items, form, self.in_force)
            ],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def ChooseMessage(
        self, request: chat_pb2.ChooseMessageRequest, context: object
    ) -> chat_pb2.ChooseMessageResponse:
        session_id = parse_named_id(request.session_id, SessionNotFound)
        leaf = await choose_message(
            self.open_transaction,
            current_caller(),
            session_id,
            parse_named_id(request.message_id, MessageNotFound),
            tell=partial(self._tell, SessionChange.PATH, session_id),
        )
        return chat_pb2.ChooseMessageResponse(leaf=mapping.message_to_proto(leaf))

    async def EditAnswer(
        self, request: chat_pb2.EditAnswerRequest, context: object
    ) -> chat_pb2.EditAnswerResponse:
        session_id = parse_named_id(request.session_id, SessionNotFound)
        message = await edit_answer(
            self.open_transaction,
            current_caller(),
            session_id,
            parse_named_id(request.message_id, MessageNotFound),
            request.content,
            once(request, mapping.encode_id, mapping.decode_id),
            words=self.in_force(),
        )
        self._tell(SessionChange.PATH, session_id)
        return chat_pb2.EditAnswerResponse(message=mapping.message_to_proto(message))

    async def ForkSession(
        self, request: chat_pb2.ForkSessionRequest, context: object
    ) -> chat_pb2.ForkSessionResponse:
        message_id = request.message_id if request.HasField("message_id") else None
        session = await fork_session(
            self.open_transaction,
            current_caller(),
            parse_named_id(request.session_id, SessionNotFound),
            None if message_id is None else parse_named_id(message_id, MessageNotFound),
            once(request, mapping.encode_id, mapping.decode_id),
        )
        self._tell(SessionChange.CREATED, session.id)
        return chat_pb2.ForkSessionResponse(session=mapping.session_to_proto(session))

    async def _persona(self, name: str) -> Told | None:
        """None for an empty name, by which there is to be none."""
        if not name:
            return None
        check_persona(name)
        return (await self.find_persona(current_caller(), name)).told

    def _tell(
        self, change: SessionChange, session_id: UUID | None, run_id: UUID | None = None
    ) -> None:
        """Behind the commit; None: all of the user's. Of a repeated request again: a notice says where to look, not what is there."""
        self.tell(session_notice(current_caller().user_id, change, session_id, run_id))
