"""Shares of one's own: made, listed, changed, refreshed and taken back."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import ChatReader, ChatWriter
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import ListQuery, Nothing, Page
from gateway.schemas.shares import CreatedShare, NewShare, Share, ShareChange, ShareLimits
from parley.chat.v1 import shares_pb2 as pb

router = api_router("Shares", "/chat")


@router.post(
    "/sessions/{session_id}/shares",
    status_code=201,
    openapi_extra=refuses("NOTHING_TO_SHARE", "TOO_MANY_SHARES", "SHARE_ALREADY_SHOWN"),
)
async def create_share(
    session_id: str,
    caller: ChatWriter,
    services: Services,
    key: IdempotencyKeyOf,
    body: NewShare | None = None,
) -> CreatedShare:
    """Share what is on the chosen path of a conversation, as it is now.

    Title, messages, models and times are shown, thoughts and files where that is said, and nothing else: no
    instructions, no persona, no other answers, no usage. The link is shown once: a repetition with the same `Idempotency-Key` makes none and is 409
    `SHARE_ALREADY_SHOWN`.
    """
    shares = services.shares
    request = (body or NewShare()).request(session_id)
    return CreatedShare.made(
        await shares.tell(
            shares.stub.CreateShare,
            request,
            caller,
            idempotency_key=key,
            # The link is in the first answer alone.
            repeat=False,
        )
    )


@router.get("/sessions/{session_id}/shares")
async def list_shares_of_session(
    session_id: str, query: Annotated[ListQuery, Query()], caller: ChatReader, services: Services
) -> Page[Share]:
    """List the shares of a conversation, the newest first."""
    return await _list(
        services,
        caller,
        pb.ListSharesRequest(
            limit=query.limit, cursor=query.cursor, count=query.count, session_id=session_id
        ),
    )


@router.get("/shares")
async def list_shares(
    query: Annotated[ListQuery, Query()], caller: ChatReader, services: Services
) -> Page[Share]:
    """List all one's shares, the newest first.

    Those that have expired or are used up are among them for 30 days, and can be given more. While a conversation is
    deleted its shares open nothing, and are not listed.
    """
    return await _list(
        services,
        caller,
        pb.ListSharesRequest(limit=query.limit, cursor=query.cursor, count=query.count),
    )


@router.get("/shares/limits")
async def get_share_limits(caller: ChatReader, services: Services) -> ShareLimits:
    """Show how many shares one may have.

    Where that is none, links that were made before open what they show until they are taken back.
    """
    shares = services.shares
    limits = await shares.ask(shares.stub.GetShareLimits, pb.GetShareLimitsRequest(), caller)
    return ShareLimits(maximum_shares=limits.maximum_shares)


@router.delete("/shares", status_code=204)
async def delete_shares(caller: ChatWriter, services: Services) -> None:
    """Take all one's shares back at once."""
    shares = services.shares
    await shares.tell(shares.stub.DeleteShares, pb.DeleteSharesRequest(), caller)


@router.patch("/shares/{share_id}")
async def update_share(
    share_id: str, body: ShareChange, caller: ChatWriter, services: Services
) -> Share:
    """Change how a share may be opened.

    Until when, how often, by whom, and with which password: what is given is changed, all of it or nothing. With
    another password or audience, whoever has it open is asked again.
    """
    shares = services.shares
    request = body.request(share_id)
    response = await shares.tell(shares.stub.UpdateShare, request, caller)
    return Share.of(response.share)


@router.post("/shares/{share_id}/refresh", openapi_extra=refuses("NOTHING_TO_SHARE"))
async def refresh_share(
    share_id: str, caller: ChatWriter, services: Services, _body: Nothing | None = None
) -> Share:
    """Show what is on the chosen path by now under the same link."""
    shares = services.shares
    response = await shares.tell(
        shares.stub.RefreshShare, pb.RefreshShareRequest(id=share_id), caller
    )
    return Share.of(response.share)


@router.delete("/shares/{share_id}", status_code=204)
async def delete_share(share_id: str, caller: ChatWriter, services: Services) -> None:
    """Take a share back: its link opens nothing any more."""
    shares = services.shares
    await shares.tell(shares.stub.DeleteShare, pb.DeleteShareRequest(id=share_id), caller)


async def _list(
    services: Services, caller: ChatReader, request: pb.ListSharesRequest
) -> Page[Share]:
    shares = services.shares
    response = await shares.ask(shares.stub.ListShares, request, caller)
    return Page[Share](
        items=[Share.of(share) for share in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )
