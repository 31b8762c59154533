"""Messages in PostgreSQL."""

# ruff: noqa: S608 - all of them are made of constants

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text

from chassis.caller import Caller
from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Asked, Statement, columns_of
from chassis.db.transactions import Transaction
from chassis.text import UNSEEN
from chat_service.conversations.domain.errors import MessageNotFinished, MessageNotFound
from chat_service.conversations.domain.message import HIGHEST_ORDER, Message, OnPath
from chat_service.conversations.store.rows import to_message
from chat_service.files.store.attachments import attachments_of
from chat_service.tables import messages

# What Python takes for white space; how far PostgreSQL's own \s goes depends on the database's locale.
_WHITE = r"\s\u001C-\u001F\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"


def is_blank(message: str) -> str:
    """`chassis.text.is_blank` in SQL: whether nothing is to be seen in it; of a long text that is not looked for."""
    return (
        f"(octet_length({message}.content) <= 64 AND {message}.content ~ '^[{_WHITE}{UNSEEN}]*$')"
    )


def parent_of(message: str) -> str:
    """The order of the message that one follows, in SQL.

    Beneath a policy PostgreSQL trusts CASE, and not COALESCE, in what it looks up in an index.
    """
    return (
        f'CASE WHEN {message}.parent_order IS NULL THEN {message}."order" - 1'
        f" ELSE {message}.parent_order END"
    )


def follows(message: str, order: str) -> str:
    """Whether a message follows the one of this order, in SQL: ``parent_of`` the other way round.

    ``order`` has to be constant where ``message`` is looked for: a parameter, or of a query around it.
    What is reckoned from columns of the table itself cannot be looked up in an index beneath a policy:
    PostgreSQL trusts no arithmetic to keep to itself what it has seen.
    """
    return (
        f"({message}.parent_order = ({order})"
        f' OR {message}.parent_order IS NULL AND {message}."order" = ({order}) + 1)'
    )


_PARENT = parent_of("message")
# Of a message beside its own columns: the one that it follows, and whether one follows it. Both parts of `follows` are
# looked up by themselves: for an OR two bitmaps are made of each message of a page, which takes twice as long.
_PLACE = f"""
    (SELECT parent.id FROM messages AS parent
     WHERE parent.session_id = message.session_id AND parent."order" = {_PARENT}) AS parent_id,
    EXISTS (SELECT FROM messages AS child
            WHERE child.session_id = message.session_id AND child.parent_order = message."order")
    OR EXISTS (SELECT FROM messages AS child
               WHERE child.session_id = message.session_id
                 AND child.parent_order IS NULL AND child."order" = message."order" + 1) AS followed
"""
_VARIANTS = f"""
    ARRAY(SELECT variant.id FROM (
              SELECT id, "order" FROM messages AS named
              WHERE named.session_id = message.session_id AND named.parent_order = {_PARENT}
              UNION ALL
              SELECT id, "order" FROM messages AS unnamed
              WHERE unnamed.session_id = message.session_id
                AND unnamed.parent_order IS NULL AND unnamed."order" = ({_PARENT}) + 1) AS variant
          ORDER BY variant."order") AS variants,
    {attachments_of("message")} AS attachments
"""


def _page(comparison: str, direction: str, condition: str) -> Statement:
    """Messages until so many bytes of text were shown, with how many were `found` to the limit.

    PostgreSQL knows how long a text is without reading it: what is left out costs little.
    """
    return Statement(
        text(f"""
SELECT {columns_of(messages, "message")}, found, {_PLACE}, {_VARIANTS} FROM (
    SELECT {columns_of(messages, "page")},
           sum(bytes) OVER (ORDER BY "order" {direction}) - bytes AS bytes_before,
           count(*) OVER () AS found
    FROM (
        SELECT {columns_of(messages)},
               octet_length(content) + coalesce(octet_length(reasoning), 0) AS bytes
        FROM messages
        WHERE session_id = :session_id AND user_id = :user_id AND "order" {comparison} :after
          {condition}
        ORDER BY "order" {direction}
        LIMIT :size) AS page) AS message
WHERE bytes_before < :most_bytes
ORDER BY "order" {direction}
""")
    )


def _count(condition: str) -> Statement:
    return Statement(
        text(
            "SELECT count(*) AS total FROM messages"
            f" WHERE session_id = :session_id AND user_id = :user_id {condition}"
        )
    )


_CHOSEN = "AND chosen"
# By whether it goes backwards, and whether all paths are shown.
_PAGES = {
    (descending, all_paths): _page(comparison, direction, "" if all_paths else _CHOSEN)
    for descending, comparison, direction in ((False, ">", "ASC"), (True, "<", "DESC"))
    for all_paths in (False, True)
}
_IS_THERE = Statement(
    text("""
SELECT id FROM sessions
WHERE id = :session_id AND user_id = :user_id AND deleted_at IS NULL AND NOT purging
""")
)
_COUNTS = {False: _count(_CHOSEN), True: _count("")}
_FOUND = f"""
SELECT {columns_of(messages, "message")}, {_PLACE}, {_VARIANTS}
FROM messages AS message WHERE message.user_id = :user_id
"""
_FIND = Statement(
    text(f"{_FOUND} AND message.id = ANY (:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))
)
_FIND_IN = Statement(text(f"{_FOUND} AND message.id = :id AND message.session_id = :session_id"))
# Which is not there before it is whole, though it has its id.
_IS_BEING_WRITTEN = Statement(
    text("""
SELECT EXISTS (
    SELECT FROM runs
    WHERE session_id = :session_id AND user_id = :user_id AND answer_id = :id
      AND status = 'running') AS written
""")
)
_FIND_AT = Statement(
    text(f'{_FOUND} AND message.session_id = :session_id AND message."order" = :order')
)
_IS_WHOLE = Statement(
    text("""
SELECT EXISTS (
    SELECT FROM messages
    WHERE session_id = :session_id AND user_id = :user_id AND role = 'assistant'
      AND status = 'completed' AND id <> :besides) AS found
""")
)
_PATH_TO = Statement(
    text(f"""
WITH RECURSIVE up AS (
    SELECT message.id, message."order", {_PARENT} AS parent, {is_blank("message")} AS is_blank
    FROM messages AS message
    WHERE message.session_id = :session_id AND message.user_id = :user_id
      AND message."order" = :order
    UNION ALL
    SELECT message.id, message."order", {_PARENT}, {is_blank("message")}
    FROM up JOIN messages AS message
        ON message.session_id = :session_id AND message."order" = up.parent)
SELECT id, "order", is_blank FROM up ORDER BY "order"
""")
)


class MessagePages:
    """Messages of conversations, page by page: one round trip each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        owner: RowOwner | Caller,
        session_id: UUID,
        limit: int,
        most_bytes: int,
        after: int | None,
        *,
        descending: bool,
        all_paths: bool,
        count: bool,
    ) -> tuple[list[Message], bool, int | None] | None:
        """The messages behind the one whose order is `after`, in the direction asked for.

        Those of the chosen path, or with `all_paths` all of the session.

        As many as `limit`, or so many that the last of them brings their text to `most_bytes`;
        whether there are more; and with `count` how many there are in all. None: there is no such session.
        """
        if after is None:
            after = HIGHEST_ORDER if descending else 0
        whose: dict[str, object] = {"session_id": session_id, "user_id": owner.user_id}
        page = {**whose, "size": limit + 1, "after": after, "most_bytes": most_bytes}
        asked: list[Asked] = [(_IS_THERE, whose), (_PAGES[descending, all_paths], page)]
        if count:
            asked.append((_COUNTS[all_paths], whose))
        is_there, rows, *counted = await self._database.each(owner, *asked)
        if not is_there:
            return None
        shown = [to_message(row) for row in rows[:limit]]
        more = bool(rows) and rows[0].found > len(shown)
        return shown, more, int(counted[0][0].total) if counted else None


class Messages:
    """The messages of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._user_id = transaction.owner.user_id

    async def find(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        """Those of these messages that are there."""
        rows = await _FIND.all(self._connection, ids=list(message_ids), user_id=self._user_id)
        return {row.id: to_message(row) for row in rows}

    async def find_in(self, session_id: UUID, message_id: UUID) -> Message | None:
        """This message of this session."""
        row = await _FIND_IN.first(
            self._connection, session_id=session_id, id=message_id, user_id=self._user_id
        )
        return None if row is None else to_message(row)

    async def known_in(self, session_id: UUID, message_id: UUID) -> Message:
        """As `find_in`; raises MessageNotFound, and MessageNotFinished for an answer that is yet to come."""
        message = await self.find_in(session_id, message_id)
        if message is not None:
            return message
        row = await _IS_BEING_WRITTEN.first(
            self._connection, session_id=session_id, id=message_id, user_id=self._user_id
        )
        if row is not None and row.written:
            raise MessageNotFinished()
        raise MessageNotFound()

    async def at(self, session_id: UUID, order: int) -> Message | None:
        """The session's message of this order."""
        row = await _FIND_AT.first(
            self._connection, session_id=session_id, order=order, user_id=self._user_id
        )
        return None if row is None else to_message(row)

    async def has_whole_answer(self, session_id: UUID, *, besides: UUID) -> bool:
        """Whether a model has answered wholly in the session, in another message than `besides`."""
        row = await _IS_WHOLE.first(
            self._connection, session_id=session_id, user_id=self._user_id, besides=besides
        )
        return row is None or bool(row.found)

    async def path_to(self, session_id: UUID, order: int) -> Sequence[OnPath]:
        """The messages from a beginning to the one of this order."""
        rows = await _PATH_TO.all(
            self._connection, session_id=session_id, user_id=self._user_id, order=order
        )
        return tuple(OnPath(row.id, row.order, row.is_blank) for row in rows)
