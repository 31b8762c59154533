"""Personal access tokens: made, listed, deleted, and exchanged for what services believe."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from auth_service.domain.audit_log import Event
from auth_service.domain.errors import (
    AccountDeleted,
    InvalidToken,
    TokenAlreadyShown,
    TokenNotFound,
    TooManyTokens,
)
from auth_service.domain.limits import TOKEN
from auth_service.domain.logins import Client
from auth_service.domain.tokens import (
    PREFIX,
    RECORD_INTERVAL,
    TOKENS_MAX,
    USE_RESOLUTION,
    Token,
    access_life,
    normalise_scopes,
    scopes_problem,
)
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.tokens import Tokens
from auth_service.store.transactions import OpenCaller, Transaction
from auth_service.usecases.audit_log import entry_about_owner, entry_by
from auth_service.usecases.ports import AccessToken, Ports
from auth_service.usecases.rate_limit import attempt, count_attempts
from auth_service.usecases.revocations import revoke_sids
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import Once
from chassis.ids import new_id, parse_named_id
from chassis.paging import Page, Position, page_of, parse_limit
from chassis.text import check_text
from parley.bounds import TOKEN_NAME

_SECRET_BYTES = 32
# What secrets.token_urlsafe makes of them.
_SHAPE = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class NewToken:
    """The secret is shown here and never again: its hash alone is kept."""

    token: Token
    secret: str = field(repr=False)


async def create_token(
    ports: Ports,
    caller: Caller,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
    once: Once[UUID] | None = None,
) -> NewToken:
    """Make a token for the caller, ``once`` if so; white space around ``name`` is dropped.

    Raises ValidationFailed, TooManyTokens, however many are asked for at once, AccountDeleted,
    TokenAlreadyShown, IdempotencyKeyReused, RequestInProgress.
    """
    name = name.strip()
    now = utc_now()
    fields = check_text("name", name, minimum=TOKEN_NAME.minimum, maximum=TOKEN_NAME.maximum)
    if problem := scopes_problem(scopes):
        fields.append(FieldError("scopes", problem))
    if expires_at is not None and expires_at <= now:
        fields.append(FieldError("expires_at", "OUT_OF_RANGE"))
    if fields:
        raise ValidationFailed(fields=fields)
    token = Token(
        id=new_id(),
        tenant_id=caller.tenant_id,
        user_id=caller.user_id,
        name=name,
        scopes=normalise_scopes(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    async with ports.open_system() as transaction:
        # One that is refused below counts as well.
        await count_attempts(transaction, attempt(ports.pseudonyms, TOKEN, str(caller.user_id)))
    async with ports.open_caller(caller) as transaction:
        tokens = Tokens(transaction)
        # Locked, so that no two see room for one.
        if await Accounts(transaction).find(caller.user_id, lock=True) is None:
            raise AccountDeleted()
        if once is not None and await transaction.find_repeated(once, token.id) is not None:
            raise TokenAlreadyShown()
        if await tokens.count(caller.user_id) >= TOKENS_MAX:
            raise TooManyTokens()
        await tokens.add(token, _digest(secret))
        await AuditLog(transaction).record(
            entry_by(caller, Event.PAT_CREATED, pat_id=str(token.id))
        )
    return NewToken(token, secret)


async def list_tokens(
    open_transaction: OpenCaller, caller: Caller, *, limit: int, cursor: str, count: bool
) -> Page[Token]:
    """A page of the caller's tokens, newest first, ``total`` if ``count``. Raises ValidationFailed."""
    limit = parse_limit(limit)
    after = Position.from_cursor(cursor)
    async with open_transaction(caller) as transaction:
        tokens = Tokens(transaction)
        found = await tokens.list(caller.user_id, after=after, limit=limit + 1)
        total = await tokens.count(caller.user_id) if count else None
    return page_of(found, limit, _cursor_of, total=total)


async def delete_token(open_transaction: OpenCaller, caller: Caller, token_id: str) -> None:
    """End a token of the caller's, within seconds also what it has open. Raises TokenNotFound."""
    parsed = parse_named_id(token_id, TokenNotFound)
    async with open_transaction(caller) as transaction:
        if not await Tokens(transaction).delete(caller.user_id, parsed):
            raise TokenNotFound()
        await revoke_sids(
            transaction, [parsed], utc_now(), tenant_id=caller.tenant_id, user_id=caller.user_id
        )
        await AuditLog(transaction).record(entry_by(caller, Event.PAT_DELETED, pat_id=str(parsed)))


async def end_tokens(transaction: Transaction, *, tenant_id: UUID, user_id: UUID) -> int:
    """End all tokens of the user's with this transaction; returns how many."""
    ended = await Tokens(transaction).delete_all(user_id)
    await revoke_sids(transaction, ended, utc_now(), tenant_id=tenant_id, user_id=user_id)
    return len(ended)


async def exchange_token(ports: Ports, *, secret: str, client: Client) -> AccessToken:
    """An access token of two minutes, or of what the token has left, bound by its scopes.

    The audit log gets one entry an hour that a token is used, and one that it is refused: whoever
    has a token cannot fill the log. Raises InvalidToken.
    """
    if not _SHAPE.fullmatch(secret):
        raise InvalidToken()
    now = utc_now()
    async with ports.open_system() as transaction:
        tokens = Tokens(transaction)
        token = await tokens.find_by_digest(_digest(secret))
        account = None if token is None else await Accounts(transaction).find(token.user_id)
        # An access token counts whole seconds.
        usable = token is not None and access_life(token, now).total_seconds() >= 1
        if token is not None and account is not None and usable:
            if token.last_used_at is None or now - token.last_used_at >= USE_RESOLUTION:
                await tokens.set_last_used(token.id, at=now)
                if await tokens.mark_use_recorded(token.id, at=now, interval=RECORD_INTERVAL):
                    used = entry_about_owner(Event.PAT_USED, token, client, pat_id=str(token.id))
                    await AuditLog(transaction).record(used)
            life = access_life(token, now)
            return ports.access_tokens.issue(
                account.user, str(token.id), now, scopes=token.scopes, life=life
            )
    if token is None:
        # Nobody's: made-up tokens must not fill the audit log.
        ports.logger.info("pat.unknown", ip=client.ip)
    else:
        async with ports.open_system() as transaction:
            if await Tokens(transaction).mark_refusal_recorded(
                token.id, at=now, interval=RECORD_INTERVAL
            ):
                refused = entry_about_owner(Event.PAT_REFUSED, token, client, pat_id=str(token.id))
                await AuditLog(transaction).record(refused)
    raise InvalidToken()


def _digest(secret: str) -> bytes:
    # It has 256 random bits: no salt, no slow hash.
    return sha256(secret.encode()).digest()


def _cursor_of(token: Token) -> str:
    return Position(token.created_at, token.id).to_cursor()
