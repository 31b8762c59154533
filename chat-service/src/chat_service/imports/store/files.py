"""Files that messages of imported conversations wait for, and those that have come.

A message is stored before what is attached to it. Until that comes, it refers to an id that is made of its user
and of what the export calls the file: no file has it, and whoever knows it in an export knows nothing here.
"""

# ruff: noqa: S608 - all of them are made of constants

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.files.domain.file import File

_DIGEST: Final = (
    "encode(sha256(convert_to(CAST(:user_id AS text) || '/' || file.key, 'UTF8')), 'hex')"
)
#: What messages of a user refer to until the file comes that an export calls `file.key`; null without a key.
AWAITED: Final = (
    f"CAST(overlay(overlay(left({_DIGEST}, 32) PLACING '8' FROM 13) PLACING '8' FROM 17) AS uuid)"
)
_AWAITED: Final = f"(SELECT {AWAITED} FROM (SELECT CAST(:key AS text) AS key) AS file)"

_FIND = Statement(
    text(f"""
SELECT awaiting.name, imported_files.import_id
FROM (SELECT {_AWAITED} AS key) AS asked
    LEFT JOIN imported_files ON imported_files.user_id = :user_id AND imported_files.key = asked.key
    LEFT JOIN LATERAL (
        SELECT name FROM message_files
        WHERE message_files.file_id = asked.key AND message_files.user_id = :user_id LIMIT 1) AS awaiting ON true
""")
)
_IS_OWN = Statement(
    text(
        "SELECT FROM files WHERE id = CAST(:id AS uuid) AND user_id = :user_id AND state = 'ready'"
    )
)
_HAND_OUT = Statement(
    text(f"""
UPDATE message_files SET file_id = :id, kind = :kind, size = :size
WHERE file_id = {_AWAITED} AND user_id = :user_id
""")
)
_REMEMBER = Statement(
    text(f"""
INSERT INTO imported_files (user_id, key, tenant_id, file_id, import_id)
VALUES (:user_id, {_AWAITED}, :tenant_id, :id, :import_id)
ON CONFLICT (user_id, key) DO UPDATE SET file_id = excluded.file_id, import_id = excluded.import_id
""")
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that an export has: `name` is what messages that wait for it call it, None: none does. `came_by`: the
    import that has brought it, `is_here` also where nobody had to.
    """

    name: str | None
    came_by: UUID | None
    is_here: bool


class AwaitedFiles:
    """The files of one user's imports, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._tenant_id = transaction.owner.tenant_id
        self._user_id = transaction.owner.user_id

    async def find(self, key: str) -> Wanted:
        row = await _FIND.first(self._connection, key=key, user_id=self._user_id)
        assert row is not None
        own = await _IS_OWN.first(self._connection, id=UUID(key), user_id=self._user_id)
        is_here = own is not None or row.import_id is not None
        return Wanted(row.name, row.import_id, is_here=is_here)

    async def come(self, key: str, file: File, import_id: UUID) -> bool:
        """Whether messages had waited for it: they refer to it from now on."""
        handed_out = await _HAND_OUT.run(
            self._connection,
            id=file.id,
            kind=file.kind,
            size=file.size,
            key=key,
            user_id=self._user_id,
        )
        if handed_out:
            await _REMEMBER.run(
                self._connection,
                user_id=self._user_id,
                tenant_id=self._tenant_id,
                key=key,
                id=file.id,
                import_id=import_id,
            )
        return handed_out > 0
