"""Lists of conversations: those that are pinned first, then by activity, page by page."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Uuid,
    and_,
    bindparam,
    func,
    not_,
    select,
    tuple_,
)

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.conversations.domain.listing import Folder, Place, Wanted
from chat_service.conversations.domain.session import Session, SessionState
from chat_service.conversations.store.columns import OWN, SHOWN
from chat_service.conversations.store.rows import to_session
from chat_service.tables import sessions

MOST_FOLDERS = 1000

# Each as the predicate of an index says it.
_IN_STATE: dict[SessionState, ColumnElement[bool]] = {
    SessionState.ACTIVE: and_(sessions.c.deleted_at.is_(None), sessions.c.archived_at.is_(None)),
    SessionState.ARCHIVED: and_(
        sessions.c.deleted_at.is_(None), sessions.c.archived_at.is_not(None)
    ),
    SessionState.DELETED: and_(sessions.c.deleted_at.is_not(None), not_(sessions.c.purging)),
}
_IN_FOLDER = and_(sessions.c.folder == bindparam("in_folder"), sessions.c.folder.is_not(None))
_IS_TEMPORARY = sessions.c.temporary == bindparam("is_temporary", type_=Boolean)
_PLACE = tuple_(sessions.c.pinned, sessions.c.active_at, sessions.c.id)


@dataclass(frozen=True, slots=True)
class _Listing:
    """The statements that list some sessions."""

    first_page: Statement
    next_page: Statement
    count: Statement


@cache
def _listing(state: SessionState, in_folder: bool, pinned: bool | None) -> _Listing:
    conditions = [OWN, _IN_STATE[state], _IS_TEMPORARY]
    if in_folder:
        conditions.append(_IN_FOLDER)
    if pinned is not None:
        conditions.append(sessions.c.pinned if pinned else not_(sessions.c.pinned))
    page = (
        select(*SHOWN)
        .where(*conditions)
        .order_by(sessions.c.pinned.desc(), sessions.c.active_at.desc(), sessions.c.id.desc())
        .limit(bindparam("size", type_=Integer))
    )
    behind = (
        tuple_(
            bindparam("after_pinned", type_=Boolean),
            bindparam("after_active_at", type_=DateTime(timezone=True)),
            bindparam("after_id", type_=Uuid),
        )
        > _PLACE
    )
    counted = select(func.count().label("total")).select_from(sessions).where(*conditions)
    return _Listing(Statement(page), Statement(page.where(behind)), Statement(counted))


_FOLDERS = Statement(
    select(sessions.c.folder, func.count().label("total"))
    .where(
        OWN,
        _IN_STATE[SessionState.ACTIVE],
        not_(sessions.c.temporary),
        sessions.c.folder.is_not(None),
    )
    .group_by(sessions.c.folder)
    .order_by(sessions.c.folder)
    .limit(MOST_FOLDERS)
)


class Listings:
    """Lists of one user's conversations, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._user_id: UUID = transaction.owner.user_id

    async def page(self, wanted: Wanted, limit: int, after: Place | None) -> list[Session]:
        """As many as `limit` of those wanted, behind that place."""
        listing = _listing_of(wanted)
        values = {**self._values(wanted), "size": limit}
        if after is None:
            rows = await listing.first_page.all(self._connection, **values)
        else:
            rows = await listing.next_page.all(
                self._connection,
                **values,
                after_pinned=after.pinned,
                after_active_at=after.active_at,
                after_id=after.id,
            )
        return [to_session(row) for row in rows]

    async def count(self, wanted: Wanted) -> int:
        row = await _listing_of(wanted).count.first(self._connection, **self._values(wanted))
        assert row is not None
        return int(row.total)

    async def folders(self) -> list[Folder]:
        """Those of active sessions, by name, MOST_FOLDERS of them."""
        rows = await _FOLDERS.all(self._connection, user_id=self._user_id)
        return [Folder(row.folder, row.total) for row in rows]

    def _values(self, wanted: Wanted) -> dict[str, object]:
        values: dict[str, object] = {"user_id": self._user_id, "is_temporary": wanted.temporary}
        if wanted.folder is not None:
            values["in_folder"] = wanted.folder
        return values


def _listing_of(wanted: Wanted) -> _Listing:
    return _listing(wanted.state, wanted.folder is not None, wanted.pinned)
