"""What others have shared: looked at by whoever has the link, and copied."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Annotated, Protocol
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from chassis.caller import Caller
from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from gateway.clients import Peer, Services
from gateway.identity.authentication import AnybodyReading, ChatWriter
from gateway.identity.rate_limit import ShareRateLimit
from gateway.problems import problem
from gateway.refusals import RangeNotSatisfiable
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.routes.ranges import WantedOf
from gateway.schemas.base import Nothing, PageQuery
from gateway.schemas.sessions import Session
from gateway.schemas.shares import SharedConversation
from gateway.streams.contents import CONTENT, FileContent, Piece, headers_of
from parley.chat.v1 import shares_pb2 as pb
from parley.chat.v1.shares_pb2_grpc import ShareServiceStub

router = api_router("Shares", "/shares")

_PASSWORD = "X-Share-Password"  # noqa: S105 - a header's name
_NOT_LET_IN = (
    "SHARE_NOT_FOUND",
    "SHARE_PASSWORD_NEEDED",
    "SHARE_PASSWORD_WRONG",
    "TOO_MANY_ATTEMPTS",
)
_REFUSALS = refuses(*_NOT_LET_IN)
_FILE_REFUSALS = refuses(*_NOT_LET_IN, "RANGE_NOT_SATISFIABLE")


class SharedPart(Piece, Protocol):
    """What comes of a file that is shared: first what is known of it."""

    @property
    def file(self) -> pb.SharedFile: ...


async def _share_key(
    request: Request,
    x_share_password: Annotated[
        str | None,
        Header(
            description="The share's password, if it has one: UTF-8, and what is not of a URL"
            " percent-encoded."
        ),
    ] = None,
    x_share_opening: Annotated[
        str | None,
        Header(
            description="An `opening` of the last hour, in place of the password; it counts as no"
            " view more."
        ),
    ] = None,
) -> pb.ShareKey:
    return pb.ShareKey(
        password=None if x_share_password is None else _decoded(x_share_password),
        opening=x_share_opening,
        client_ip=_address(request),
        look="asked_method" in request.scope,
    )


# All but the token.
ShareKeyOf = Annotated[pb.ShareKey, Depends(_share_key)]


@router.get("/{token}", openapi_extra=_REFUSALS)
async def open_share(
    token: str,
    query: Annotated[PageQuery, Query()],
    key: ShareKeyOf,
    caller: AnybodyReading,
    services: Services,
    request: Request,
) -> SharedConversation:
    """Show what somebody has shared.

    Who is not let in is told the same 404 of a share that never was, was taken back, has expired, was opened
    as often as it may be, or is for members of another tenant. Its first page counts as a view; a HEAD does not.
    """
    shares = services.shares
    key.token = token
    wanted = pb.OpenShareRequest(key=key, limit=query.limit, cursor=query.cursor)
    with _limited(request):
        if caller is None:
            return SharedConversation.of(await shares.tell(shares.stub.OpenShare, wanted, None))
        as_member = pb.OpenShareAsMemberRequest(open=wanted)
        answer = await shares.tell(shares.stub.OpenShareAsMember, as_member, caller)
        return SharedConversation.of(answer.opened)


@router.get(
    "/{token}/files/{file_id}/content",
    response_class=Response,
    responses=CONTENT,
    openapi_extra=_FILE_REFUSALS,
)
async def get_shared_file_content(
    token: str,
    file_id: str,
    wanted: WantedOf,
    key: ShareKeyOf,
    caller: AnybodyReading,
    services: Services,
    request: Request,
) -> Response:
    """Download a file that somebody has shared.

    It is opened as the share is, and counts as a view, unless it comes with an opening, or is a HEAD. A file that its owner has
    deleted, and one of before the share was refreshed, is a 404. A part of it that is asked for without an opening is a
    view as well, unless there is nothing in it.
    """
    shares = services.shares
    key.token = token
    # Under its id in the share there is never anything else.
    tag = f'"{file_id}"'
    is_known = wanted.is_known(tag)
    # Of what is known already no part is looked for, and so none is refused.
    asked = None if is_known else wanted.part(tag)
    asking = pb.ReadSharedFileRequest(key=key, id=file_id)
    if asked is not None:
        asking.part.CopyFrom(pb.FilePart(first=asked.first, last=asked.last))
    pieces = _followed(shares, asking, caller)
    try:
        with _limited(request):
            # Before the answer begins: who is not let in is told so.
            file = (await anext(pieces)).file
    except AppError as error:
        if error.reason != RangeNotSatisfiable.reason:
            raise
        size = error.metadata["size"]
        return problem(RangeNotSatisfiable(), {"content-range": f"bytes */{size}"})
    if is_known:
        await pieces.aclose()
        return Response(status_code=304, headers={"etag": tag})
    part = None if asked is None else asked.of(file.size)
    headers = headers_of(file.name, file.media_type, tag)
    return FileContent(pieces, request.app.state.requests, file.size, part, headers)


@router.post("/{token}/fork", status_code=201, openapi_extra=_REFUSALS)
async def fork_share(
    token: str,
    key: ShareKeyOf,
    caller: ChatWriter,
    services: Services,
    idempotency_key: IdempotencyKeyOf,
    request: Request,
    _body: Nothing | None = None,
) -> Session:
    """Copy what somebody has shared into a conversation of one's own.

    Its files are not in the copy. Counts as a view, unless it comes with an opening. What becomes of the share makes no difference to the copy.
    """
    shares = services.shares
    key.token = token
    wanted = pb.ForkShareRequest(key=key)
    with _limited(request):
        forked = await shares.tell(
            shares.stub.ForkShare, wanted, caller, idempotency_key=idempotency_key
        )
    return Session.of(forked.session)


def _followed(
    shares: Peer[ShareServiceStub], wanted: pb.ReadSharedFileRequest, caller: Caller | None
) -> AsyncGenerator[SharedPart, None]:
    if caller is None:
        by_anybody = shares.follow(shares.stub.ReadSharedFile, wanted, None)
        return by_anybody  # noqa: RET504 - its type is found without what is returned
    as_member = pb.ReadSharedFileAsMemberRequest(read=wanted)
    by_member = shares.follow(shares.stub.ReadSharedFileAsMember, as_member, caller)
    return by_member  # noqa: RET504 - the same


@contextmanager
def _limited(request: Request) -> Iterator[None]:
    """Looks for a share in the block, unless its address has done so too often; then raises TooManySharesOpened."""
    limit: ShareRateLimit = request.app.state.share_rate_limit
    address = _address(request)
    limit.count(address)
    try:
        yield
    except AppError as error:
        if error.kind is Kind.NOT_FOUND:
            limit.note_miss(address)
        raise


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _decoded(header: str) -> str:
    """The password that a header has. Raises ValidationFailed."""
    try:
        return unquote_to_bytes(header.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise ValidationFailed(fields=[FieldError(_PASSWORD, "INVALID")]) from None
