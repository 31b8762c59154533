"""Refresh tokens: each good for one successor, and its reuse the end of the whole login."""

import re
from datetime import datetime

from auth_service.domain.audit_log import Event
from auth_service.domain.errors import InvalidRefreshToken
from auth_service.domain.logins import Client, Login, RefreshOutcome, refresh_outcome
from auth_service.domain.trust import permanent_revocation
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.logins import Logins
from auth_service.store.refresh_tokens import RefreshTokens
from auth_service.store.revocations import Revocations
from auth_service.store.transactions import SystemTransaction
from auth_service.usecases.audit_log import entry_about_owner
from auth_service.usecases.grants import Grant, digest_of_refresh_token, issue_grant, reissue_grant
from auth_service.usecases.ports import Ports
from chassis.ids import new_id

# What secrets.token_urlsafe makes of 32 bytes.
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


async def refresh(ports: Ports, *, refresh_token: str, client: Client) -> Grant:
    """Exchange a refresh token for its successor and a new access token.

    Whoever presents it again within ten seconds, while the successor is unused, gets that same
    successor: a retry, or two tabs of one browser. Whoever presents it later ends the login.
    Raises InvalidRefreshToken.
    """
    if not _SHAPE.fullmatch(refresh_token):
        raise InvalidRefreshToken()
    async with ports.open_system() as transaction:
        result = await _exchange(ports, transaction, refresh_token, client)
    # Outside: what a refusal has revoked must be committed.
    if result is None:
        raise InvalidRefreshToken()
    return result


async def _exchange(
    ports: Ports, transaction: SystemTransaction, presented: str, client: Client
) -> Grant | None:
    login = await Logins(transaction).find_by_refresh_token(digest_of_refresh_token(presented))
    # Read after the login's lock was had: what another exchange has done is seen, and the time is
    # later than any that it wrote, whatever this replica's own clock says.
    found = await RefreshTokens(transaction).find(digest_of_refresh_token(presented))
    if login is None or found is None:
        return None
    token, now = found
    match refresh_outcome(token, login, now):
        case RefreshOutcome.REFUSED:
            return None
        case RefreshOutcome.REUSED:
            await _revoke_family(transaction, login, client, now)
            return None
    account = await Accounts(transaction).find(login.user_id)
    if account is None:
        return None
    await Logins(transaction).extend(login.id, client, at=now, expires_at=now + ports.refresh_life)
    if token.successor is not None:
        successor = ports.successors.open(token.successor, under=presented)
        return reissue_grant(ports, account.user, login, successor, now)
    grant = await issue_grant(ports, transaction, account.user, login, now)
    sealed = ports.successors.seal(grant.refresh_token, under=presented)
    await RefreshTokens(transaction).rotate(token, at=now, successor=sealed)
    return grant


async def _revoke_family(
    transaction: SystemTransaction, login: Login, client: Client, now: datetime
) -> None:
    await Logins(transaction).end(login.id, now)
    await Revocations(transaction).add(
        permanent_revocation(
            new_id(),
            tenant_id=login.tenant_id,
            user_id=login.user_id,
            sid=str(login.id),
            now=now,
        )
    )
    await AuditLog(transaction).record(entry_about_owner(Event.LOGIN_REUSE_DETECTED, login, client))
