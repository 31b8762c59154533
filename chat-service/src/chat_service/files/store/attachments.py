"""What is attached to messages, in PostgreSQL."""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.files.domain.attachment import Attachment
from chat_service.files.domain.errors import FileNotFound
from chat_service.files.domain.file import UNUSED


def attachments_of(message: str) -> str:
    """What is attached to a message, in SQL, which `to_attachments` reads; null: nothing.

    Only questions are looked up.
    """
    return f"""
CASE WHEN {message}.role = 'user' THEN (
    SELECT jsonb_agg(jsonb_build_array(
               attached.file_id, attached.name, attached.kind, attached.size,
               file.id IS NOT NULL, file.text_size, file.facts) ORDER BY attached.position)
    FROM message_files AS attached
        LEFT JOIN files AS file ON file.id = attached.file_id AND file.state = 'ready'
    WHERE attached.message_id = {message}.id) END
"""


def to_attachments(rows: Any) -> tuple[Attachment, ...]:
    """What `attachments_of` found."""
    return tuple(
        Attachment(UUID(file_id), name, kind, size, is_there, text_size, facts or {})
        for file_id, name, kind, size, is_there, text_size, facts in rows or ()
    )


# A file that is held anew is not swept by who has looked at it before.
_TAKE = Statement(
    text("""
UPDATE files SET held_until = greatest(held_until, now() + CAST(:hold AS interval))
WHERE id = ANY (CAST(:ids AS uuid[])) AND user_id = :user_id AND state = 'ready'
RETURNING id, name, kind, size, text_size, facts
""")
)

_ATTACH = Statement(
    text("""
INSERT INTO message_files (message_id, position, tenant_id, user_id, file_id, name, kind, size)
SELECT :message_id, file.position - 1, :tenant_id, :user_id, file.id, file.name, file.kind, file.size
FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:kinds AS text[]), CAST(:sizes AS bigint[]))
         WITH ORDINALITY AS file (id, name, kind, size, position)
""")
)

_COPY = Statement(
    text("""
INSERT INTO message_files (message_id, position, tenant_id, user_id, file_id, name, kind, size)
SELECT copy.id, old.position, old.tenant_id, old.user_id, old.file_id, old.name, old.kind, old.size
FROM unnest(CAST(:old_ids AS uuid[]), CAST(:ids AS uuid[])) AS copy (old_id, id)
    JOIN message_files AS old ON old.message_id = copy.old_id AND old.user_id = :user_id
""")
)


class Attachments:
    """What is attached to the messages of one user, in one transaction that has locked the owner."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._tenant_id = transaction.owner.tenant_id
        self._user_id = transaction.owner.user_id

    async def take(self, file_ids: Sequence[UUID]) -> tuple[Attachment, ...]:
        """These files of the user's, in this order, to be attached within this transaction. Raises FileNotFound."""
        if not file_ids:
            return ()
        rows = await _TAKE.all(
            self._connection, ids=sorted(file_ids), user_id=self._user_id, hold=UNUSED
        )
        found = {
            row.id: Attachment(
                row.id, row.name, row.kind, row.size, text_size=row.text_size, facts=row.facts
            )
            for row in rows
        }
        if len(found) < len(file_ids):
            raise FileNotFound()
        return tuple(found[one] for one in file_ids)

    async def attach(self, message_id: UUID, files: Sequence[Attachment]) -> None:
        """Attaches files to a message that has none yet; those that are gone as what they were."""
        await _ATTACH.run(
            self._connection,
            message_id=message_id,
            tenant_id=self._tenant_id,
            user_id=self._user_id,
            ids=[one.id for one in files],
            names=[one.name for one in files],
            kinds=[one.kind for one in files],
            sizes=[one.size for one in files],
        )

    async def copy(self, old_ids: Sequence[UUID], ids: Sequence[UUID]) -> None:
        """Attaches to messages what is attached to those that they are copies of."""
        await _COPY.run(
            self._connection, old_ids=list(old_ids), ids=list(ids), user_id=self._user_id
        )
