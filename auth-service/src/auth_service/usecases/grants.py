"""Grants: the refresh token and the access token that a successful log-in issues."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from auth_service.domain.logins import Client, Login, RefreshToken
from auth_service.domain.users import User
from auth_service.store.logins import Logins
from auth_service.store.refresh_tokens import RefreshTokens
from auth_service.store.transactions import SystemTransaction
from auth_service.usecases.ports import AccessToken, Ports
from chassis.ids import new_id

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Grant:
    """The refresh token is shown here and never again: its hash alone is kept."""

    user: User
    access_token: AccessToken = field(repr=False)
    refresh_token: str = field(repr=False)


def digest_of_refresh_token(refresh_token: str) -> bytes:
    """What is kept of a refresh token. It has 256 random bits: no salt, no slow hash."""
    return sha256(refresh_token.encode()).digest()


async def open_login(
    ports: Ports, transaction: SystemTransaction, user: User, client: Client, now: datetime
) -> Grant:
    """Store a new login of ``user``, and issue its grant."""
    login = Login(
        id=new_id(),
        tenant_id=user.tenant_id,
        user_id=user.id,
        created_at=now,
        expires_at=now + ports.refresh_life,
    )
    await Logins(transaction).add(login, client)
    return await issue_grant(ports, transaction, user, login, now)


async def issue_grant(
    ports: Ports, transaction: SystemTransaction, user: User, login: Login, now: datetime
) -> Grant:
    """Store a new refresh token of ``login``, valid from ``now`` on, and issue its access token."""
    refresh_token = secrets.token_urlsafe(_SECRET_BYTES)
    await RefreshTokens(transaction).add(
        RefreshToken(
            digest=digest_of_refresh_token(refresh_token),
            login_id=login.id,
            created_at=now,
            expires_at=now + ports.refresh_life,
        ),
        login,
    )
    access_token = ports.access_tokens.issue(user, str(login.id), now)
    return Grant(user, access_token, refresh_token)


def reissue_grant(
    ports: Ports, user: User, login: Login, refresh_token: str, now: datetime
) -> Grant:
    """The grant of a refresh token that was issued before, with a new access token."""
    return Grant(user, ports.access_tokens.issue(user, str(login.id), now), refresh_token)
