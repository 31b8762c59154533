"""The tree of a conversation in PostgreSQL: which path through it is chosen.

The chosen path goes from a beginning to the session's leaf, and `chosen` on messages says so of each.
What is chosen is closed towards the beginning: the message that a chosen one follows is chosen.
"""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.conversations.store import slices
from chat_service.conversations.store.messages import follows, parent_of

_MINE = "session_id = :session_id AND user_id = :user_id"
_PARENT = parent_of("messages")

# Versions that know no tree leave it empty: their conversations are what they have in order.
_KNOW_LEAF = Statement(
    text(f"""
UPDATE sessions
SET leaf_order = coalesce((SELECT max("order") FROM messages WHERE {_MINE} AND chosen), 0)
WHERE id = :session_id AND user_id = :user_id AND leaf_order IS NULL
""")
)

_LEAF = Statement(
    text("SELECT leaf_order FROM sessions WHERE id = :session_id AND user_id = :user_id")
)

# From a message to the beginning, as far as that is not chosen: what is met there is, and so is
# all before it.
_TO_THE_CHOSEN = f"""
up AS (
    SELECT "order", {_PARENT} AS parent, chosen
    FROM messages WHERE {_MINE} AND "order" = :leaf_order
    UNION ALL
    SELECT message."order", {parent_of("message")}, message.chosen
    FROM up JOIN messages AS message
        ON message.session_id = :session_id AND message."order" = up.parent
    WHERE NOT up.chosen)
"""

# Of each message on one path and not on the other it says so. Those whose turn has not come are told: a
# conversation may have tens of thousands. An array is looked up in the index; a subquery may be joined to all messages
# of a conversation that the planner takes for a short one.
_CHOOSE_PATH = Statement(
    text(f"""
WITH RECURSIVE {_TO_THE_CHOSEN},
other AS MATERIALIZED (
    SELECT "order" FROM messages WHERE {_MINE} AND chosen
        AND "order" > (SELECT coalesce(max("order") FILTER (WHERE chosen), 0) FROM up)
    UNION ALL
    SELECT "order" FROM up WHERE NOT chosen),
written AS (
    UPDATE messages SET chosen = NOT chosen
    WHERE {_MINE} AND "order" = ANY (ARRAY(SELECT "order" FROM other ORDER BY "order" LIMIT :most)))
SELECT ARRAY(SELECT "order" FROM other ORDER BY "order" OFFSET :most) AS left_over
""")
)
_CHOOSE_OTHERS = Statement(
    text(
        f"UPDATE messages SET chosen = NOT chosen WHERE {_MINE}"
        ' AND "order" = ANY (CAST(:orders AS integer[]))'
    )
)

_SET_LEAF = Statement(
    text("""
UPDATE sessions SET leaf_order = :leaf_order, updated_at = greatest(updated_at, :at)
WHERE id = :session_id AND user_id = :user_id
""")
)

# Where an answer is being written its place counts: it is the newest there.
_NEWEST_LEAF = Statement(
    text(f"""
WITH RECURSIVE live AS (
    SELECT question_order, answer_order FROM runs WHERE {_MINE} AND status = 'running'),
down AS (
    SELECT CAST(:order AS integer) AS "order"
    UNION ALL
    SELECT newest."order"
    FROM down CROSS JOIN LATERAL (
        SELECT max(child."order") AS "order" FROM messages AS child
        WHERE child.session_id = :session_id AND child.user_id = :user_id
          AND {follows("child", 'down."order"')}) AS newest
    WHERE newest."order" IS NOT NULL AND NOT EXISTS (
        SELECT FROM live
        WHERE live.question_order = down."order" AND live.answer_order > newest."order"))
SELECT max("order") AS leaf_order FROM down
""")
)

_COUNT_VARIANTS = Statement(
    text(
        f"SELECT count(*) AS variants FROM messages WHERE {_MINE}"
        f" AND {follows('messages', 'CAST(:parent_order AS integer)')}"
    )
)

_INSERT_ANSWER = Statement(
    text("""
WITH session AS (
    UPDATE sessions
    SET last_order = last_order + 1, message_count = message_count + 1,
        last_message_at = greatest(last_message_at, :at), updated_at = greatest(updated_at, :at)
    WHERE id = :session_id AND user_id = :user_id
    RETURNING id, last_order)
INSERT INTO messages (
    id, session_id, tenant_id, user_id, role, content, "order", parent_order, chosen, created_at)
SELECT :id, session.id, :tenant_id, :user_id, 'assistant', :content, session.last_order,
       :parent_order, false, :at
FROM session
RETURNING "order"
""")
)

# Runs stay where they are: what they wrote can be gone on with there alone.
_COPY = Statement(
    text("""
INSERT INTO messages (
    id, session_id, tenant_id, user_id, role, content, "order", parent_order, chosen, status,
    provider, model, reasoning, prompt_tokens, completion_tokens, created_at, finish_reason, reason,
    parameters, fallback_from, fallback_reason, cached_tokens, reasoning_tokens, adapted, cache, summary)
SELECT copy.id, :session_id, old.tenant_id, old.user_id, old.role, old.content,
       :behind + copy."order", :behind + copy."order" - 1, true, old.status, old.provider, old.model, old.reasoning,
       old.prompt_tokens, old.completion_tokens, old.created_at, old.finish_reason, old.reason,
       old.parameters, old.fallback_from, old.fallback_reason, old.cached_tokens,
       old.reasoning_tokens, old.adapted, old.cache, old.summary
FROM unnest(CAST(:old_ids AS uuid[]), CAST(:ids AS uuid[])) WITH ORDINALITY
         AS copy (old_id, id, "order")
    JOIN messages AS old ON old.id = copy.old_id AND old.user_id = :user_id
""")
)


class Tree:
    """The tree of one session of one user, in a transaction that has locked the session's row."""

    def __init__(self, transaction: Transaction, session_id: UUID) -> None:
        self._connection = transaction.connection
        self._tenant_id = transaction.owner.tenant_id
        self._mine = {"session_id": session_id, "user_id": transaction.owner.user_id}

    async def leaf(self) -> int:
        """The order of the chosen path's last message, 0 before the first."""
        row = await _LEAF.first(self._connection, **self._mine)
        if row is not None and row.leaf_order is None:
            await _KNOW_LEAF.run(self._connection, **self._mine)
            row = await _LEAF.first(self._connection, **self._mine)
        assert row is not None
        return int(row.leaf_order)

    async def choose_path(self, leaf_order: int, at: datetime) -> bool:
        """Makes the path that ends with this message the chosen one; 0: the path without any. False: it was."""
        if await self.leaf() == leaf_order:
            return False
        row = await _CHOOSE_PATH.first(
            self._connection, **self._mine, leaf_order=leaf_order, most=slices.MOST_AT_ONCE
        )
        assert row is not None
        for _, some in slices.slices_of(row.left_over):
            await _CHOOSE_OTHERS.run(self._connection, **self._mine, orders=some)
        await _SET_LEAF.run(self._connection, **self._mine, leaf_order=leaf_order, at=at)
        return True

    async def newest_leaf(self, order: int) -> int:
        """Where the path through this message ends, if each time it goes on with the newest one.

        That is the question of a run that is live, if its answer is the newest there.
        """
        row = await _NEWEST_LEAF.first(self._connection, **self._mine, order=order)
        assert row is not None
        return int(row.leaf_order)

    async def count_variants(self, parent_order: int) -> int:
        """How many messages follow this one; 0: how many beginnings there are."""
        row = await _COUNT_VARIANTS.first(self._connection, **self._mine, parent_order=parent_order)
        assert row is not None
        return int(row.variants)

    async def insert_answer(
        self, message_id: UUID, content: str, parent_order: int, at: datetime
    ) -> int:
        """Stores an answer that no model wrote, not chosen yet, and returns its order."""
        row = await _INSERT_ANSWER.first(
            self._connection,
            **self._mine,
            tenant_id=self._tenant_id,
            id=message_id,
            content=content,
            parent_order=parent_order,
            at=at,
        )
        assert row is not None
        return int(row.order)

    async def copy(self, old_ids: Sequence[UUID], ids: Sequence[UUID], *, behind: int) -> None:
        """Copies messages, which may be of another session, into this one's only path from its beginning.

        They come behind its first `behind`; one slice of them (`slices`), so that no statement is long.
        """
        await _COPY.run(
            self._connection, **self._mine, old_ids=list(old_ids), ids=list(ids), behind=behind
        )
