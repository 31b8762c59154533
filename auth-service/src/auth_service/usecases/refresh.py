"""Refresh tokens: each good once, and its reuse the end of the whole login."""

import re
from datetime import datetime

from auth_service.domain.audit import Event
from auth_service.domain.logins import Client, Login, Verdict, judge
from auth_service.domain.trust import end_for_good
from auth_service.usecases.errors import InvalidRefreshToken
from auth_service.usecases.granting import Grant, digest, grant
from auth_service.usecases.ports import Ports, SystemTransaction
from auth_service.usecases.trail import happened_to
from chassis.clock import utc_now
from chassis.ids import new_id

# What secrets.token_urlsafe makes of 32 bytes.
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


async def refresh(ports: Ports, *, refresh_token: str, client: Client) -> Grant:
    """Exchange a refresh token for its successor and a new access token.

    Of two that present the same token, however close together, one at most succeeds, and the
    other ends the login. Raises InvalidRefreshToken.
    """
    if not _SHAPE.fullmatch(refresh_token):
        raise InvalidRefreshToken()
    async with ports.open_system() as transaction:
        result = await _exchange(ports, transaction, digest(refresh_token), client, utc_now())
    # Outside: what a refusal has revoked must be committed.
    if result is None:
        raise InvalidRefreshToken()
    return result


async def _exchange(
    ports: Ports, transaction: SystemTransaction, presented: bytes, client: Client, now: datetime
) -> Grant | None:
    login = await transaction.find_login(presented)
    # Read after the login's lock was had: what another exchange has done is seen.
    token = await transaction.refresh_token(presented)
    if login is None or token is None:
        return None
    match judge(token, login, now):
        case Verdict.REFUSED:
            return None
        case Verdict.REUSED:
            await _revoke_family(transaction, login, client, now)
            return None
        case Verdict.GOOD:
            account = await transaction.account(login.user_id)
            if account is None:
                return None
            await transaction.rotate(presented, at=now)
            await transaction.extend_login(
                login.id, client, at=now, expires_at=now + ports.refresh_life
            )
            return await grant(ports, transaction, account.user, login, now)


async def _revoke_family(
    transaction: SystemTransaction, login: Login, client: Client, now: datetime
) -> None:
    await transaction.end_login(login.id, now)
    await transaction.revoke(
        end_for_good(
            new_id(),
            tenant_id=login.tenant_id,
            user_id=login.user_id,
            sid=str(login.id),
            now=now,
        )
    )
    await transaction.record(happened_to(Event.LOGIN_REUSE_DETECTED, login, client))
