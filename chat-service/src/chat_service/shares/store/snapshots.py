"""What is shared: messages copied out of a conversation, and into one of a reader's own.

Statements that copy read or write messages of conversations themselves, so many at once: whatever is long
stays in the database, and a long conversation makes more of them and none longer.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.conversations.store import slices
from chat_service.conversations.store.messages import is_blank
from chat_service.shares.store.references import delete_files

_MESSAGES: Final = f"""
messages.session_id = :session_id AND messages.user_id = :user_id
  AND messages.tenant_id = :tenant_id AND messages.chosen
  AND messages.role IN ('user', 'assistant') AND NOT {is_blank("messages")}
"""
# Each column by its name: what a message has besides is its owner's, and whatever a later version adds.
_TAKE: Final = Statement(
    text(f"""
WITH said AS MATERIALIZED (
    SELECT messages.id, messages."order", row_number() OVER (ORDER BY messages."order") AS position
    FROM messages
    WHERE {_MESSAGES} AND messages."order" > :after
    ORDER BY messages."order" LIMIT :most),
taken AS (
    INSERT INTO share_messages (
        share_id, position, tenant_id, user_id, role, content, reasoning, model, created_at)
    SELECT :share_id, :behind + said.position, messages.tenant_id, messages.user_id, messages.role,
           messages.content, CASE WHEN :include_reasoning THEN messages.reasoning END,
           messages.model, messages.created_at
    FROM said JOIN messages ON messages.id = said.id AND messages.user_id = :user_id)
SELECT count(*) AS taken, max("order") AS last_order FROM said
""")
)
# A file is locked before it is referred to: whoever deletes it meanwhile finds the reference, or is found.
_TAKE_FILES: Final = Statement(
    text(f"""
WITH said AS MATERIALIZED (
    SELECT messages.id, row_number() OVER (ORDER BY messages."order") AS position
    FROM messages WHERE {_MESSAGES}),
attached AS MATERIALIZED (
    SELECT said.position, message_files.position AS number, message_files.file_id,
           message_files.name
    FROM said JOIN message_files ON message_files.message_id = said.id),
kept AS MATERIALIZED (
    SELECT files.id, files.kind, files.size FROM files
    WHERE files.id IN (SELECT attached.file_id FROM attached) AND files.state = 'ready'
        AND files.user_id = :user_id
    ORDER BY files.id FOR UPDATE)
INSERT INTO share_files (
    id, share_id, revision, position, number, tenant_id, user_id, file_id, name, kind, size)
SELECT gen_random_uuid(), shares.id, shares.revision, attached.position, attached.number,
       shares.tenant_id, shares.user_id, kept.id, attached.name, kept.kind, kept.size
FROM attached JOIN kept ON kept.id = attached.file_id JOIN shares ON shares.id = :share_id
""")
)
_DROP_FILES: Final = Statement(
    text(delete_files("share_files.share_id = :share_id AND share_files.user_id = :user_id"))
)
_DROP = Statement(
    text("""
DELETE FROM share_messages
WHERE share_id = :share_id AND tenant_id = :tenant_id AND user_id = :user_id
  AND position > :behind AND position <= :upto
""")
)
# Behind one another, as on the only path of a conversation. What answered there is not known here, only
# which model; that an answer has a status says that a model wrote it. However the planner joins the two, it reads of the
# share what is copied alone.
_GIVE = Statement(
    text("""
INSERT INTO messages (
    id, session_id, tenant_id, user_id, role, content, "order", parent_order, chosen, status,
    model, reasoning, created_at)
SELECT copy.id, :session_id, :tenant_id, :user_id, shared.role, shared.content, shared.position,
       shared.position - 1, true,
       CASE WHEN shared.role = 'assistant' THEN 'completed' END, shared.model, shared.reasoning,
       shared.created_at
FROM unnest(CAST(:ids AS uuid[]), CAST(:positions AS integer[])) AS copy (id, position)
    JOIN share_messages AS shared
        ON shared.share_id = :share_id AND shared.position = copy.position
WHERE shared.position > :behind AND shared.position <= :upto
""")
)
_FILL_SESSION = Statement(
    text("""
UPDATE sessions SET last_order = :messages, leaf_order = :messages, message_count = :messages,
    read_order = :messages, last_message_at = :at
WHERE id = :session_id AND user_id = :user_id
""")
)


class Snapshots:
    """Copies of one user's, in one transaction that has locked the session that it is about.

    One statement copies or deletes `most_at_once` messages.
    """

    def __init__(
        self, transaction: Transaction, *, most_at_once: int = slices.MOST_AT_ONCE
    ) -> None:
        self._most = most_at_once
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def take(self, share_id: UUID, session_id: UUID, *, include_reasoning: bool) -> int:
        """Copies what was said on the chosen path into a share; returns how many messages.

        Those that say nothing are left out, as is what models thought but for `include_reasoning`.
        """
        after = 0

        async def take_some(taken: int) -> int:
            nonlocal after
            row = await _TAKE.first(
                self._connection,
                **self._mine,
                share_id=share_id,
                session_id=session_id,
                include_reasoning=include_reasoning,
                after=after,
                behind=taken,
                most=self._most,
            )
            assert row is not None
            after = row.last_order
            return int(row.taken)

        return await slices.write_slices(take_some, self._most)

    async def take_files(self, share_id: UUID, session_id: UUID) -> None:
        """Has a share that is stored refer to the files of the questions that it shows, as far as they are there."""
        await _TAKE_FILES.run(
            self._connection, **self._mine, share_id=share_id, session_id=session_id
        )

    async def drop(self, share_id: UUID) -> None:
        """Deletes what one of the user's own shares shows."""
        await _DROP_FILES.run(
            self._connection, share_id=share_id, user_id=self._mine["user_id"], most=None
        )

        async def drop_some(behind: int) -> int:
            # They are numbered from 1, without gaps.
            upto = behind + self._most
            return await _DROP.run(
                self._connection, **self._mine, share_id=share_id, behind=behind, upto=upto
            )

        await slices.write_slices(drop_some, self._most)

    async def give(
        self, share_id: UUID, session_id: UUID, ids: Sequence[UUID], at: datetime
    ) -> bool:
        """Copies a share that the transaction may read into an empty session, under these ids.

        False if it has not as many messages.
        """
        given = 0
        for first, some in slices.slices_of(ids, self._most):
            given += await _GIVE.run(
                self._connection,
                **self._mine,
                share_id=share_id,
                session_id=session_id,
                ids=some,
                positions=[*range(first + 1, first + len(some) + 1)],
                behind=first,
                upto=first + len(some),
            )
        await _FILL_SESSION.run(
            self._connection,
            user_id=self._mine["user_id"],
            session_id=session_id,
            messages=len(ids),
            at=at,
        )
        return given == len(ids)
