"""Between the domain and the contract ``parley.auth.v1``."""

from auth_service.domain.erasures import Receipt
from auth_service.domain.logins import Client, OpenLogin
from auth_service.domain.tokens import Token
from auth_service.domain.trust import Revocation, TrustUpdate
from auth_service.domain.user_settings import SettingsChange, Theme, UserSettings
from auth_service.domain.users import Role, Status, User
from auth_service.usecases.grants import Grant
from parley.auth.v1 import auth_pb2
from servicekit.timestamps import timestamp_of

_ROLES = {
    Role.USER: auth_pb2.ROLE_USER,
    Role.TENANT_ADMIN: auth_pb2.ROLE_TENANT_ADMIN,
    Role.OPERATOR: auth_pb2.ROLE_OPERATOR,
}
_STATUSES = {
    Status.ACTIVE: auth_pb2.USER_STATUS_ACTIVE,
    Status.DISABLED: auth_pb2.USER_STATUS_DISABLED,
}

THEMES = {
    auth_pb2.THEME_SYSTEM: Theme.SYSTEM,
    auth_pb2.THEME_LIGHT: Theme.LIGHT,
    auth_pb2.THEME_DARK: Theme.DARK,
}
_THEMES = {theme: number for number, theme in THEMES.items()}


def from_client(client: auth_pb2.Client) -> Client:
    return Client.seen(client.ip, client.user_agent)


def to_grant(grant: Grant) -> auth_pb2.Grant:
    return auth_pb2.Grant(
        user=to_user(grant.user),
        access_token=grant.access_token.text,
        token_type="Bearer",  # noqa: S106 - RFC 6750's word
        expires_in=grant.access_token.expires_in,
        refresh_token=grant.refresh_token,
    )


def to_user(user: User) -> auth_pb2.User:
    return auth_pb2.User(
        id=str(user.id),
        tenant_id=str(user.tenant_id),
        username=user.username,
        email=user.email,
        role=_ROLES[user.role],
        status=_STATUSES[user.status],
        created_at=timestamp_of(user.created_at),
        last_login_at=None if user.last_login_at is None else timestamp_of(user.last_login_at),
        email_verified=user.email_verified_at is not None,
        display_name=user.display_name,
    )


def to_login(login: OpenLogin, *, current: bool) -> auth_pb2.Login:
    return auth_pb2.Login(
        id=str(login.id),
        ip=login.client.ip,
        user_agent=login.client.user_agent,
        created_at=timestamp_of(login.created_at),
        last_used_at=timestamp_of(login.last_used_at),
        expires_at=timestamp_of(login.expires_at),
        current=current,
    )


def to_token(token: Token) -> auth_pb2.Token:
    return auth_pb2.Token(
        id=str(token.id),
        name=token.name,
        scopes=token.scopes,
        created_at=timestamp_of(token.created_at),
        expires_at=None if token.expires_at is None else timestamp_of(token.expires_at),
        last_used_at=None if token.last_used_at is None else timestamp_of(token.last_used_at),
    )


def to_receipt(receipt: Receipt) -> auth_pb2.GetErasureResponse:
    return auth_pb2.GetErasureResponse(
        status=auth_pb2.ERASURE_STATUS_COMPLETED
        if receipt.completed
        else auth_pb2.ERASURE_STATUS_PENDING,
        services=[
            auth_pb2.ServiceErasure(
                name=service.name,
                erased_at=None if service.erased_at is None else timestamp_of(service.erased_at),
            )
            for service in receipt.services
        ],
    )


def to_watch_response(update: TrustUpdate) -> auth_pb2.WatchRevocationsResponse:
    return auth_pb2.WatchRevocationsResponse(
        snapshot=update.snapshot,
        keys=[
            auth_pb2.VerificationKey(kid=key.kid, public_key=key.public_key) for key in update.keys
        ],
        revocations=[_to_revocation(revocation) for revocation in update.revocations],
    )


def _to_revocation(revocation: Revocation) -> auth_pb2.Revocation:
    return auth_pb2.Revocation(
        sid=revocation.sid or "",
        user_id="" if revocation.sid else str(revocation.user_id),
        revoked_at=timestamp_of(revocation.revoked_at),
        expires_at=timestamp_of(revocation.expires_at),
    )


def to_user_settings(settings: UserSettings) -> auth_pb2.UserSettings:
    return auth_pb2.UserSettings(
        language=settings.language,
        theme=_THEMES[settings.theme],
        instructions=settings.instructions,
        default_persona=settings.default_persona,
        titles_by_model=settings.titles_by_model,
        retention_days=settings.retention_days,
        enter_sends=settings.enter_sends,
        version=settings.version,
    )


def to_settings_change(change: SettingsChange) -> auth_pb2.SettingsChange:
    settings = change.settings
    return auth_pb2.SettingsChange(
        change=change.number,
        user_id=str(change.user_id),
        tenant_id=str(change.tenant_id),
        instructions=settings.instructions,
        default_persona=settings.default_persona,
        titles_by_model=settings.titles_by_model,
        retention_days=settings.retention_days,
    )
