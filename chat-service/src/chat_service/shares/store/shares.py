"""Shares in PostgreSQL as their owner has them.

A share that is taken back is `gone` at once, and its rows are taken away by the sweep. While its
conversation is deleted it is `suspended`: the database keeps that so by itself.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.pages import Pages
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from chat_service.conversations.store.slices import slices_of
from chat_service.shares.domain.share import Audience, Share, WantedChange

_SHOWN: Final = (
    "shares.id, shares.session_id, shares.title, shares.audience,"
    " shares.password_hash IS NOT NULL AS has_password, shares.expires_at, shares.max_views,"
    " shares.opens, shares.include_reasoning, shares.include_files, shares.message_count, shares.created_at,"
    " shares.refreshed_at"
)
# Row-level security says the same beneath: a query that forgot this would leak nothing.
_MINE: Final = "shares.tenant_id = :tenant_id AND shares.user_id = :user_id"
_OPEN: Final = f"{_MINE} AND shares.state = 'open'"
_OF_SESSION: Final = (
    "AND (CAST(:session_id AS uuid) IS NULL OR shares.session_id = CAST(:session_id AS uuid))"
)
# By the database's clock, which is every replica's.
_EXPIRES: Final = "now() + make_interval(secs => CAST(:expires_in AS double precision))"

_INSERT = Statement(
    text(f"""
    INSERT INTO shares (
        id, tenant_id, user_id, session_id, token_hash, opening_key, audience, password_hash,
        expires_at, max_views, include_reasoning, include_files, title, message_count, created_at, refreshed_at)
    VALUES (
        :id, :tenant_id, :user_id, :session_id, :token_hash, :opening_key, :audience,
        CAST(:password_hash AS text), {_EXPIRES}, CAST(:max_views AS integer),
        :include_reasoning, :include_files, :title, :message_count, now(), now())
    RETURNING {_SHOWN}
    """)
)
_PAGES = Pages(
    f"SELECT {_SHOWN} FROM shares WHERE {_OPEN} {_OF_SESSION}", "shares", newest_first=True
)
_COUNT = Statement(text(f"SELECT count(*) AS total FROM shares WHERE {_OPEN} {_OF_SESSION}"))
# Also those of conversations that are deleted, which may be restored.
_COUNT_ALL = Statement(
    text(f"SELECT count(*) AS total FROM shares WHERE {_MINE} AND state <> 'gone'")
)
_FIND = Statement(text(f"SELECT {_SHOWN} FROM shares WHERE {_OPEN} AND shares.id = :id"))
_LOCK = Statement(text(f"SELECT {_SHOWN} FROM shares WHERE {_OPEN} AND shares.id = :id FOR UPDATE"))
# One statement: of two changes at once each keeps what the other one said.
_UPDATE = Statement(
    text(f"""
    UPDATE shares SET
        expires_at = CASE WHEN :without_expiry THEN NULL
            WHEN CAST(:expires_in AS bigint) IS NULL THEN shares.expires_at ELSE {_EXPIRES} END,
        password_hash = CASE WHEN :without_password THEN NULL
            ELSE coalesce(CAST(:password_hash AS text), shares.password_hash) END,
        audience = coalesce(CAST(:audience AS text), shares.audience),
        max_views = CASE WHEN :without_max_views THEN NULL
            ELSE coalesce(CAST(:max_views AS integer), shares.max_views) END,
        opening_key = coalesce(CAST(:opening_key AS bytea), shares.opening_key)
    WHERE {_OPEN} AND shares.id = :id
    RETURNING {_SHOWN}
    """)
)
_RENEW = Statement(
    text(f"""
    UPDATE shares SET title = :title, message_count = :message_count, refreshed_at = now(),
        revision = shares.revision + 1
    WHERE {_OPEN} AND shares.id = :id
    RETURNING {_SHOWN}
    """)
)
_END = Statement(
    text(
        f"UPDATE shares SET state = 'gone' WHERE {_MINE} AND state <> 'gone' AND id = :id"
        " RETURNING session_id"
    )
)
_END_ALL = Statement(text(f"UPDATE shares SET state = 'gone' WHERE {_MINE} AND state <> 'gone'"))
_END_OF_SESSION = Statement(
    text(
        f"UPDATE shares SET state = 'gone' WHERE {_MINE} AND state <> 'gone'"
        " AND session_id = :session_id"
    )
)
# What is shown of a message is known by who has said it, and when; of those of the same moment one too many goes.
_END_OF_MESSAGES = Statement(
    text(f"""
UPDATE shares SET state = 'gone'
WHERE {_MINE} AND state <> 'gone' AND session_id = :session_id
  AND EXISTS (
    SELECT FROM share_messages AS shown JOIN messages
        ON messages.created_at = shown.created_at AND messages.role = shown.role
    WHERE shown.share_id = shares.id
      AND messages.session_id = :session_id AND messages.user_id = :user_id
      AND messages."order" = ANY (CAST(:orders AS integer[])))
""")
)


@dataclass(frozen=True, slots=True)
class Keys:
    """What of a share nobody is shown."""

    token_hash: bytes
    opening_key: bytes
    password_hash: str | None


class Shares:
    """The shares of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def insert(
        self,
        share_id: UUID,
        session_id: UUID,
        keys: Keys,
        *,
        audience: Audience,
        expires_in: int | None,
        max_views: int | None,
        include_reasoning: bool,
        include_files: bool,
        title: str,
        message_count: int,
    ) -> Share:
        """Stores one, whose messages are stored already."""
        row = await _INSERT.first(
            self._connection,
            **self._mine,
            id=share_id,
            session_id=session_id,
            token_hash=keys.token_hash,
            opening_key=keys.opening_key,
            password_hash=keys.password_hash,
            audience=audience.value,
            expires_in=expires_in,
            max_views=max_views,
            include_reasoning=include_reasoning,
            include_files=include_files,
            title=title,
            message_count=message_count,
        )
        return _to_share(row)

    async def find(self, share_id: UUID, *, lock: bool = False) -> Share | None:
        """`lock`: nobody changes it meanwhile. To be locked behind its session."""
        statement = _LOCK if lock else _FIND
        row = await statement.first(self._connection, **self._mine, id=share_id)
        return None if row is None else _to_share(row)

    async def list(
        self, *, after: Position | None, limit: int, session_id: UUID | None
    ) -> list[Share]:
        """At most `limit` behind `after`, newest first."""
        rows = await _PAGES.read(
            self._connection, after, limit, **self._mine, session_id=session_id
        )
        return [_to_share(row) for row in rows]

    async def count(self, session_id: UUID | None) -> int:
        """How many are listed."""
        row = await _COUNT.first(self._connection, **self._mine, session_id=session_id)
        return 0 if row is None else int(row.total)

    async def count_all(self) -> int:
        """How many there are, those of deleted conversations included."""
        row = await _COUNT_ALL.first(self._connection, **self._mine)
        return 0 if row is None else int(row.total)

    async def update(
        self,
        share_id: UUID,
        change: WantedChange,
        *,
        password_hash: str | None,
        opening_key: bytes | None,
    ) -> Share | None:
        """The share as it is then, None if there is none; with another `opening_key` no opening is good."""
        row = await _UPDATE.first(
            self._connection,
            **self._mine,
            id=share_id,
            expires_in=change.expires_in,
            without_expiry=change.without_expiry,
            password_hash=password_hash,
            without_password=change.without_password,
            audience=None if change.audience is None else change.audience.value,
            max_views=change.max_views,
            without_max_views=change.without_max_views,
            opening_key=opening_key,
        )
        return None if row is None else _to_share(row)

    async def renew(self, share_id: UUID, title: str, message_count: int) -> Share:
        """Says what one that is locked shows from now on."""
        row = await _RENEW.first(
            self._connection, **self._mine, id=share_id, title=title, message_count=message_count
        )
        return _to_share(row)

    async def end(self, share_id: UUID) -> UUID | None:
        """Takes one back; returns the session that it is of, None: there is none."""
        row = await _END.first(self._connection, **self._mine, id=share_id)
        return None if row is None else row.session_id

    async def end_all(self) -> int:
        """Takes all back; how many there were."""
        return await _END_ALL.run(self._connection, **self._mine)


async def end_shares_of(transaction: Transaction, session_id: UUID) -> None:
    """Takes back those of a session whose messages are deleted for good."""
    owner = transaction.owner
    await _END_OF_SESSION.run(
        transaction.connection,
        tenant_id=owner.tenant_id,
        user_id=owner.user_id,
        session_id=session_id,
    )


async def end_shares_that_show(
    transaction: Transaction, session_id: UUID, orders: Sequence[int]
) -> None:
    """Takes back those of a session that show a message of one of these orders, all of which are about to be deleted."""
    owner = transaction.owner
    for _, some in slices_of(orders):
        await _END_OF_MESSAGES.run(
            transaction.connection,
            tenant_id=owner.tenant_id,
            user_id=owner.user_id,
            session_id=session_id,
            orders=some,
        )


def _to_share(row: Any) -> Share:
    return Share(
        id=row.id,
        session_id=row.session_id,
        title=row.title,
        audience=Audience(row.audience),
        has_password=row.has_password,
        expires_at=row.expires_at,
        max_views=row.max_views,
        opens=row.opens,
        include_reasoning=row.include_reasoning,
        include_files=row.include_files,
        message_count=row.message_count,
        created_at=row.created_at,
        refreshed_at=row.refreshed_at,
    )
