"""A share as its readers have it: who knows its token sees that one share, and nothing else.

A reader's transaction says the token's hash to the database, whose policies show it the share of that hash,
its messages and what it refers to. It is nobody's, or its caller's own beside that.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.statement import Statement
from chat_service.conversations.domain.message import Role
from chat_service.shares.domain.share import SharedFile, SharedMessage

_SHOW_TOKEN = Statement(text("SELECT set_config('parley.share', :token_hash, true)"))
# Whether it may be opened once more, by the database's clock. A member is one of the owner's tenant.
_ADMITS: Final = """
shares.token_hash = :token_hash AND shares.state = 'open'
AND (shares.expires_at IS NULL OR shares.expires_at > now())
AND (shares.audience = 'link' OR shares.tenant_id = CAST(:tenant_id AS uuid))
"""
_SHOWN: Final = (
    "shares.id, shares.user_id, shares.title, shares.message_count, shares.refreshed_at, shares.revision,"
    " shares.password_hash, shares.opening_key,"
    " coalesce(shares.opens >= shares.max_views, false) AS is_used_up"
)
_FIND = Statement(text(f"SELECT {_SHOWN} FROM shares WHERE {_ADMITS}"))
# Who comes at the same time waits at the row, and then sees what the first has counted.
_COUNT_OPENING = Statement(
    text(f"""
UPDATE shares SET opens = shares.opens + 1
WHERE {_ADMITS} AND (shares.max_views IS NULL OR shares.opens < shares.max_views)
  AND shares.password_hash IS NOT DISTINCT FROM CAST(:password_hash AS text)
RETURNING {_SHOWN}
""")
)
# Messages until so many bytes of text were shown, with how many are `found` to the limit.
_PAGE = Statement(
    text("""
SELECT position, role, content, reasoning, model, created_at, found,
       CASE WHEN role = 'user' THEN (
           SELECT jsonb_agg(jsonb_build_array(file.id, file.name, file.kind, file.size)
                            ORDER BY file.number)
           FROM share_files AS file
           WHERE file.share_id = :share_id AND file.position = measured.position
               AND file.revision = :revision) END AS files
FROM (
    SELECT position, role, content, reasoning, model, created_at,
           sum(bytes) OVER (ORDER BY position) - bytes AS bytes_before,
           count(*) OVER () AS found
    FROM (
        SELECT position, role, content, reasoning, model, created_at,
               octet_length(content) + coalesce(octet_length(reasoning), 0) AS bytes
        FROM share_messages
        WHERE share_id = :share_id AND position > :after
          AND EXISTS (SELECT FROM shares WHERE shares.id = :share_id AND revision = :revision)
        ORDER BY position
        LIMIT :size) AS page) AS measured
WHERE bytes_before < :most_bytes
ORDER BY position
""")
)

# An earlier release refreshes a share, and leaves references of the revision before behind.
_FILE = Statement(
    text("""
SELECT id, name, kind, size, file_id FROM share_files
WHERE share_id = :share_id AND revision = :revision AND id = :id
""")
)


@dataclass(frozen=True, slots=True)
class Found:
    """A share that a reader may be let into; `revision` changes when it is refreshed.

    `is_used_up`: it is not to be opened once more.
    """

    id: UUID
    owner_id: UUID
    title: str
    message_count: int
    refreshed_at: datetime
    revision: int
    password_hash: str | None = field(repr=False)
    opening_key: bytes = field(repr=False)
    is_used_up: bool


class Reading:
    """The share of one token for one reader, of the tenant `tenant_id` if of any, in one transaction."""

    def __init__(
        self, connection: AsyncConnection, token_hash: bytes, tenant_id: UUID | None
    ) -> None:
        self._connection = connection
        self._token_hash = token_hash
        self._tenant_id = tenant_id

    async def show_token(self) -> None:
        """Has the database show the share from here on: comes before all else."""
        await _SHOW_TOKEN.run(self._connection, token_hash=self._token_hash.hex())

    async def find(self) -> Found | None:
        """None: there is none, or none for this reader."""
        row = await _FIND.first(
            self._connection, token_hash=self._token_hash, tenant_id=self._tenant_id
        )
        return None if row is None else _to_found(row)

    async def count_opening(self, password_hash: str | None) -> Found | None:
        """Opens it once more.

        None, and nothing is counted, if that may not be, or its password has become another one.
        """
        row = await _COUNT_OPENING.first(
            self._connection,
            token_hash=self._token_hash,
            tenant_id=self._tenant_id,
            password_hash=password_hash,
        )
        return None if row is None else _to_found(row)

    async def messages(
        self, found: Found, *, after: int, limit: int, most_bytes: int
    ) -> tuple[list[SharedMessage], bool]:
        """At most `limit` behind the position `after`, and whether there are more.

        The last of them brings their text to `most_bytes`, if there are so many. There are none if it was
        refreshed since it was found.
        """
        rows = await _PAGE.all(
            self._connection,
            share_id=found.id,
            revision=found.revision,
            after=after,
            size=limit + 1,
            most_bytes=most_bytes,
        )
        shown = [_to_message(row) for row in rows[:limit]]
        return shown, bool(rows) and rows[0].found > len(shown)

    async def file(self, found: Found, shown_id: UUID) -> tuple[SharedFile, UUID] | None:
        """A file that is shown, and its owner's id of it; None: the share has none of that id by now."""
        row = await _FILE.first(
            self._connection, share_id=found.id, revision=found.revision, id=shown_id
        )
        if row is None:
            return None
        return SharedFile(row.id, row.name, row.kind, row.size), row.file_id


#: Opens a reader's transaction: of a token's hash, and of a caller, None: of somebody unknown.
OpenReading = Callable[[bytes, Caller | None], AbstractAsyncContextManager[Reading]]


def readings(database: Database) -> OpenReading:
    """On `database`, which is connected as the app role."""

    @asynccontextmanager
    async def open_reading(token_hash: bytes, caller: Caller | None) -> AsyncIterator[Reading]:
        async with database.transaction() as connection:
            reading = Reading(connection, token_hash, None if caller is None else caller.tenant_id)
            await reading.show_token()
            yield reading

    return open_reading


def _to_found(row: Any) -> Found:
    return Found(
        id=row.id,
        owner_id=row.user_id,
        title=row.title,
        message_count=row.message_count,
        refreshed_at=row.refreshed_at,
        revision=row.revision,
        password_hash=row.password_hash,
        opening_key=row.opening_key,
        is_used_up=row.is_used_up,
    )


def _to_message(row: Any) -> SharedMessage:
    return SharedMessage(
        position=row.position,
        role=Role(row.role),
        content=row.content,
        reasoning=row.reasoning,
        model=row.model,
        created_at=row.created_at,
        files=tuple(
            SharedFile(UUID(shown_id), name, kind, size)
            for shown_id, name, kind, size in row.files or ()
        ),
    )
