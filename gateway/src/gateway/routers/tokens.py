"""Personal access tokens: for programs, each good for what its scopes name."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import CallerOf
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.tokens import CreatedToken, NewToken, Token
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Identity", "/tokens")


@router.post("", status_code=201, openapi_extra=refuses("TOO_MANY_TOKENS", "TOKEN_ALREADY_SHOWN"))
async def create_token(
    body: NewToken, caller: CallerOf, services: Services, key: IdempotencyKeyOf
) -> CreatedToken:
    """Make a personal access token.

    It is sent as `Authorization: Bearer parley_pat_…`, and shown once: a repetition with the same `Idempotency-Key` makes none and is 409 `TOKEN_ALREADY_SHOWN`.
    """
    auth = services.auth
    return CreatedToken.made(
        await auth.tell(
            auth.stub.CreateToken,
            body.request(),
            caller,
            idempotency_key=key,
            # The secret is in the first answer alone.
            repeat=False,
        )
    )


@router.get("")
async def list_tokens(
    query: Annotated[ListQuery, Query()], caller: CallerOf, services: Services
) -> Page[Token]:
    """List one's personal access tokens, the newest first."""
    auth = services.auth
    response = await auth.ask(
        auth.stub.ListTokens,
        pb.ListTokensRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[Token](
        items=[Token.of(token) for token in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.delete("/{token_id}", status_code=204)
async def delete_token(token_id: str, caller: CallerOf, services: Services) -> None:
    """End a personal access token.

    Within seconds what it has open ends as well.
    """
    auth = services.auth
    await auth.tell(auth.stub.DeleteToken, pb.DeleteTokenRequest(id=token_id), caller)
