"""What is read of a conversation's row."""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, false, func, literal_column, select

from chat_service.conversations.domain.message import Role
from chat_service.tables import messages, sessions

OWN: Final = sessions.c.user_id == bindparam("user_id")

# There is a message of each order but of an answer that is being written, and of what was deleted: the newest is nearly
# always among these.
_NEWEST: Final = 8


def _looked_for(behind: ColumnElement[int]) -> ColumnElement[Any]:
    """Whether the newest message behind this order is an answer that was not read yet; null: there is no message there."""
    return (
        select(
            and_(
                messages.c.role == Role.ASSISTANT.value,
                # Else its user has written it.
                messages.c.run_id.is_not(None),
                func.coalesce(messages.c.order > sessions.c.read_order, false()),
            )
        )
        .where(
            messages.c.session_id == sessions.c.id,
            messages.c.user_id == bindparam("user_id"),
            messages.c.order > behind,
            messages.c.order <= sessions.c.last_order,
        )
        .order_by(messages.c.order.desc())
        .limit(literal_column("1"))
        .correlate(sessions)
        .scalar_subquery()
    )


# One look into an index for each row. Of whose a message is PostgreSQL expects one in hundreds to be the user's: without
# the bounds it reads and sorts all of a conversation.
_unread = func.coalesce(
    _looked_for(sessions.c.last_order - _NEWEST), _looked_for(sessions.c.read_order), false()
)

#: All but what is of no list: the prompt of a persona, and what background jobs look at.
SHOWN: Final[tuple[ColumnElement[Any], ...]] = (
    sessions.c.id,
    sessions.c.title,
    sessions.c.key_id,
    sessions.c.model,
    sessions.c.message_count,
    sessions.c.last_message_at,
    sessions.c.active_at,
    sessions.c.created_at,
    sessions.c.updated_at,
    sessions.c.pinned,
    sessions.c.title_by,
    sessions.c.parameters,
    sessions.c.instructions,
    sessions.c.folder,
    sessions.c.archived_at,
    sessions.c.deleted_at,
    sessions.c.temporary,
    sessions.c.persona,
    sessions.c.persona_gave,
    sessions.c.summary,
    func.coalesce(sessions.c.read_order, sessions.c.last_order).label("read_order"),
    _unread.label("unread"),
)
