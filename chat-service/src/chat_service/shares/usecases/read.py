"""List shares of one's own."""

from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.paging import Page, Position, page_of, parse_limit
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.store.sessions import Sessions
from chat_service.shares.domain.share import Share
from chat_service.shares.store.shares import Shares


async def list_shares(
    open_transaction: OpenTransaction,
    caller: Caller,
    *,
    limit: int,
    cursor: str,
    count: bool,
    session_id: UUID | None,
) -> Page[Share]:
    """A page of the caller's shares, newest first, `total` if `count`; of one session alone, if that is given.

    Those of deleted sessions are not among them. Raises ValidationFailed, and SessionNotFound.
    """
    size, after = parse_limit(limit), Position.from_cursor(cursor)
    async with open_transaction(caller) as transaction:
        if session_id is not None and await Sessions(transaction).find(session_id) is None:
            raise SessionNotFound()
        shares = Shares(transaction)
        found = await shares.list(after=after, limit=size + 1, session_id=session_id)
        total = await shares.count(session_id) if count else None
    return page_of(found, size, _cursor_of, total=total)


def _cursor_of(share: Share) -> str:
    return Position(share.created_at, share.id).to_cursor()
