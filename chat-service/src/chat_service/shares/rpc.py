"""Shares on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import Method, allow
from chassis.ids import parse_id, parse_named_id
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.mapping import decode_id, encode_id, session_to_proto
from chat_service.notices.domain.notice import SessionChange, Tell, session_notice
from chat_service.shares import mapping
from chat_service.shares.domain.errors import ShareNotFound
from chat_service.shares.usecases.open import OpenShares
from chat_service.shares.usecases.read import list_shares
from chat_service.shares.usecases.write import WriteShares
from parley.chat.v1 import shares_pb2, shares_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.ShareService": {
        "GetShareLimits": allow("gateway"),
        "CreateShare": allow("gateway"),
        "ListShares": allow("gateway"),
        "UpdateShare": allow("gateway"),
        "RefreshShare": allow("gateway"),
        "DeleteShare": allow("gateway"),
        "DeleteShares": allow("gateway"),
        # The share's own token opens it: there need not be a user.
        "OpenShare": allow("gateway", open=True),
        "OpenShareAsMember": allow("gateway"),
        "ReadSharedFile": allow("gateway", open=True),
        "ReadSharedFileAsMember": allow("gateway"),
        "ForkShare": allow("gateway"),
    }
}


@dataclass(frozen=True, slots=True)
class ShareServicer(shares_pb2_grpc.ShareServiceServicer):
    """parley.chat.v1.ShareService."""

    open_transaction: OpenTransaction
    write: WriteShares
    readers: OpenShares
    tell: Tell

    async def GetShareLimits(
        self, request: shares_pb2.GetShareLimitsRequest, context: object
    ) -> shares_pb2.GetShareLimitsResponse:
        return shares_pb2.GetShareLimitsResponse(maximum_shares=self.write.most)

    async def CreateShare(
        self, request: shares_pb2.CreateShareRequest, context: object
    ) -> shares_pb2.CreateShareResponse:
        session_id = parse_named_id(request.session_id, SessionNotFound)
        # A hash of the password is not kept where it could be guessed from it.
        named = shares_pb2.CreateShareRequest()
        named.CopyFrom(request)
        named.ClearField("password")
        made = await self.write.create(
            current_caller(),
            session_id,
            mapping.told_from_proto(request),
            once=once(named, encode_id, decode_id),
        )
        self._tell(SessionChange.SHARED, session_id)
        return shares_pb2.CreateShareResponse(
            share=mapping.share_to_proto(made.share), token=made.token
        )

    async def ListShares(
        self, request: shares_pb2.ListSharesRequest, context: object
    ) -> shares_pb2.ListSharesResponse:
        named = request.HasField("session_id")
        page = await list_shares(
            self.open_transaction,
            current_caller(),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
            session_id=parse_named_id(request.session_id, SessionNotFound) if named else None,
        )
        return shares_pb2.ListSharesResponse(
            items=[mapping.share_to_proto(share) for share in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def UpdateShare(
        self, request: shares_pb2.UpdateShareRequest, context: object
    ) -> shares_pb2.UpdateShareResponse:
        share = await self.write.update(
            current_caller(),
            parse_named_id(request.id, ShareNotFound),
            mapping.change_from_proto(request),
        )
        self._tell(SessionChange.SHARED, share.session_id)
        return shares_pb2.UpdateShareResponse(share=mapping.share_to_proto(share))

    async def RefreshShare(
        self, request: shares_pb2.RefreshShareRequest, context: object
    ) -> shares_pb2.RefreshShareResponse:
        share = await self.write.refresh(
            current_caller(), parse_named_id(request.id, ShareNotFound)
        )
        self._tell(SessionChange.SHARED, share.session_id)
        return shares_pb2.RefreshShareResponse(share=mapping.share_to_proto(share))

    async def DeleteShare(
        self, request: shares_pb2.DeleteShareRequest, context: object
    ) -> shares_pb2.DeleteShareResponse:
        session_id = await self.write.delete(
            current_caller(), parse_named_id(request.id, ShareNotFound)
        )
        self._tell(SessionChange.SHARED, session_id)
        return shares_pb2.DeleteShareResponse()

    async def DeleteShares(
        self, request: shares_pb2.DeleteSharesRequest, context: object
    ) -> shares_pb2.DeleteSharesResponse:
        await self.write.delete_all(current_caller())
        self._tell(SessionChange.SHARED, None)
        return shares_pb2.DeleteSharesResponse()

    async def OpenShare(
        self, request: shares_pb2.OpenShareRequest, context: object
    ) -> shares_pb2.OpenShareResponse:
        return await self._open(request, None)

    async def OpenShareAsMember(
        self, request: shares_pb2.OpenShareAsMemberRequest, context: object
    ) -> shares_pb2.OpenShareAsMemberResponse:
        opened = await self._open(request.open, current_caller())
        return shares_pb2.OpenShareAsMemberResponse(opened=opened)

    async def ReadSharedFile(
        self, request: shares_pb2.ReadSharedFileRequest, context: object
    ) -> AsyncIterator[shares_pb2.ReadSharedFileResponse]:
        async with aclosing(self._read(request, None)) as parts:
            async for part in parts:
                yield shares_pb2.ReadSharedFileResponse(**part)

    async def ReadSharedFileAsMember(
        self, request: shares_pb2.ReadSharedFileAsMemberRequest, context: object
    ) -> AsyncIterator[shares_pb2.ReadSharedFileAsMemberResponse]:
        async with aclosing(self._read(request.read, current_caller())) as parts:
            async for part in parts:
                yield shares_pb2.ReadSharedFileAsMemberResponse(**part)

    async def ForkShare(
        self, request: shares_pb2.ForkShareRequest, context: object
    ) -> shares_pb2.ForkShareResponse:
        # What else is shown may be another thing by the next time.
        named = shares_pb2.ForkShareRequest(key=shares_pb2.ShareKey(token=request.key.token))
        session = await self.readers.fork(
            mapping.key_from_proto(request.key),
            current_caller(),
            once=once(named, encode_id, decode_id),
        )
        self._tell(SessionChange.CREATED, session.id)
        return shares_pb2.ForkShareResponse(session=session_to_proto(session))

    async def _open(
        self, request: shares_pb2.OpenShareRequest, caller: Caller | None
    ) -> shares_pb2.OpenShareResponse:
        shared = await self.readers.open(
            mapping.key_from_proto(request.key),
            caller,
            limit=request.limit,
            cursor=request.cursor,
        )
        return mapping.shared_to_proto(shared)

    async def _read(
        self, request: shares_pb2.ReadSharedFileRequest, caller: Caller | None
    ) -> AsyncGenerator[dict[str, Any], None]:
        # What is no id is shown nothing either, and not before the key was looked at.
        shown_id = parse_id(request.id) or UUID(int=0)
        file, content = await self.readers.read_file(
            mapping.key_from_proto(request.key), caller, shown_id, mapping.part_from_proto(request)
        )
        async with aclosing(content) as pieces:
            # Before anything is said of it: what cannot be had is a refusal, and no answer that is cut.
            first = await anext(pieces, None)
            yield {"file": mapping.file_to_proto(file)}
            if first is not None:
                yield {"chunk": first}
            async for piece in pieces:
                yield {"chunk": piece}

    def _tell(self, change: SessionChange, session_id: UUID | None) -> None:
        """Behind the commit; None: of all of the user's conversations."""
        self.tell(session_notice(current_caller().user_id, change, session_id))
