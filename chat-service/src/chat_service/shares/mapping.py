"""Shares in the words of the contract."""

from typing import Final

from chassis.errors import FieldError, ValidationFailed
from chat_service.conversations.mapping import ROLES
from chat_service.files.domain.kinds import media_type_of
from chat_service.shares.domain.share import (
    Audience,
    FilePart,
    Share,
    Shared,
    SharedFile,
    ShareKey,
    Told,
    WantedChange,
)
from parley.chat.v1 import shares_pb2
from servicekit.timestamps import timestamp_of

_AUDIENCES: Final = {
    Audience.LINK: shares_pb2.SHARE_AUDIENCE_LINK,
    Audience.MEMBERS: shares_pb2.SHARE_AUDIENCE_MEMBERS,
}
_OF_AUDIENCES: Final = {number: audience for audience, number in _AUDIENCES.items()}


def share_to_proto(share: Share) -> shares_pb2.Share:
    return shares_pb2.Share(
        id=str(share.id),
        session_id=str(share.session_id),
        title=share.title,
        audience=_AUDIENCES[share.audience],
        has_password=share.has_password,
        expires_at=None if share.expires_at is None else timestamp_of(share.expires_at),
        max_views=share.max_views,
        opens=share.opens,
        include_reasoning=share.include_reasoning,
        include_files=share.include_files,
        message_count=share.message_count,
        created_at=timestamp_of(share.created_at),
        refreshed_at=timestamp_of(share.refreshed_at),
    )


def told_from_proto(request: shares_pb2.CreateShareRequest) -> Told:
    return Told(
        expires_in=request.expires_in if request.HasField("expires_in") else None,
        password=request.password if request.HasField("password") else None,
        audience=_audience(request.audience) or Audience.LINK,
        max_views=request.max_views if request.HasField("max_views") else None,
        include_reasoning=request.include_reasoning,
        include_files=request.include_files,
    )


def change_from_proto(request: shares_pb2.UpdateShareRequest) -> WantedChange:
    return WantedChange(
        expires_in=request.expires_in if request.HasField("expires_in") else None,
        without_expiry=request.without_expiry,
        password=request.password if request.HasField("password") else None,
        without_password=request.without_password,
        audience=_audience(request.audience),
        max_views=request.max_views if request.HasField("max_views") else None,
        without_max_views=request.without_max_views,
    )


def key_from_proto(key: shares_pb2.ShareKey) -> ShareKey:
    return ShareKey(
        token=key.token,
        password=key.password if key.HasField("password") else None,
        opening=key.opening if key.HasField("opening") else None,
        client_ip=key.client_ip,
        look=key.look,
    )


def part_from_proto(request: shares_pb2.ReadSharedFileRequest) -> FilePart | None:
    """The part that is asked for, None: all of it. Raises ValidationFailed."""
    if not request.HasField("part"):
        return None
    part = request.part
    first = part.first if part.HasField("first") else None
    last = part.last if part.HasField("last") else None
    if min(first or 0, last or 0) < 0 or first is last is None:
        raise ValidationFailed(fields=[FieldError("part", "INVALID")])
    return FilePart(first, last)


def file_to_proto(file: SharedFile) -> shares_pb2.SharedFile:
    return shares_pb2.SharedFile(
        id=str(file.id),
        name=file.name,
        kind=file.kind,
        media_type=media_type_of(file.kind),
        size=file.size,
    )


def shared_to_proto(shared: Shared) -> shares_pb2.OpenShareResponse:
    return shares_pb2.OpenShareResponse(
        title=shared.title,
        shared_at=timestamp_of(shared.shared_at),
        message_count=shared.message_count,
        messages=[
            shares_pb2.SharedMessage(
                role=ROLES[message.role],
                content=message.content,
                reasoning=message.reasoning,
                model=message.model,
                created_at=timestamp_of(message.created_at),
                files=[file_to_proto(file) for file in message.files],
            )
            for message in shared.messages
        ],
        next_cursor=shared.next_cursor,
        opening=shared.opening,
    )


def _audience(number: shares_pb2.ShareAudience.ValueType) -> Audience | None:
    """None: nothing is said. Raises ValidationFailed for one that this version does not know."""
    if number == shares_pb2.SHARE_AUDIENCE_UNSPECIFIED:
        return None
    audience = _OF_AUDIENCES.get(number)
    if audience is None:
        raise ValidationFailed(fields=[FieldError("audience", "UNKNOWN")])
    return audience
