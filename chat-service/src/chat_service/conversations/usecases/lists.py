"""Listing conversations and folders."""

from datetime import datetime

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.errors import ValidationFailed
from chassis.ids import parse_id
from chassis.paging import (
    Page,
    decode_cursor,
    encode_cursor,
    invalid_cursor,
    page_of,
    parse_limit,
)
from chat_service.conversations.domain.listing import Folder, Place, Wanted
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.listings import Listings
from chat_service.conversations.usecases.check import check_folder

EVERY_ACTIVE = Wanted()


async def list_sessions(
    open_transaction: OpenTransaction,
    caller: Caller,
    *,
    limit: int,
    cursor: str,
    count: bool,
    wanted: Wanted = EVERY_ACTIVE,
) -> Page[Session]:
    """Returns a page of the caller's sessions: what is pinned first, then what was active last.

    A session that becomes active, or is pinned, while someone pages moves to the front: it is not
    shown again behind the cursor. Raises ValidationFailed.
    """
    if errors := check_folder(wanted.folder):
        raise ValidationFailed(fields=errors)
    size, after = parse_limit(limit), _parse_cursor(cursor)
    async with open_transaction(caller) as transaction:
        listings = Listings(transaction)
        found = await listings.page(wanted, size + 1, after)
        total = await listings.count(wanted) if count else None
    return page_of(found, size, _cursor_of, total=total)


async def list_folders(open_transaction: OpenTransaction, caller: Caller) -> list[Folder]:
    """Returns the folders of the caller's active sessions by name, a thousand at most."""
    async with open_transaction(caller) as transaction:
        return await Listings(transaction).folders()


def _cursor_of(session: Session) -> str:
    return encode_cursor(str(int(session.pinned)), session.active_at.isoformat(), str(session.id))


def _parse_cursor(cursor: str) -> Place | None:
    if not cursor:
        return None
    pinned, moment, identifier = decode_cursor(cursor, 3)
    try:
        active_at = datetime.fromisoformat(moment)
    except ValueError:
        raise invalid_cursor() from None
    session_id = parse_id(identifier)
    # A time without a zone would be read in the database session's zone.
    if session_id is None or active_at.utcoffset() is None or pinned not in ("0", "1"):
        raise invalid_cursor()
    return Place(pinned == "1", active_at, session_id)
