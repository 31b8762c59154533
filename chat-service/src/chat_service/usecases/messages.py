"""Listing the messages of a conversation."""

from uuid import UUID

from chassis.caller import Caller
from chassis.paging import (
    Page,
    decode_cursor,
    encode_cursor,
    invalid_cursor,
    page_of,
    parse_limit,
)
from chat_service.domain.message import Message
from chat_service.usecases.errors import SessionNotFound
from chat_service.usecases.ports import OpenTransaction

_HIGHEST_ORDER = 2**31 - 1


async def list_messages(
    open_transaction: OpenTransaction,
    caller: Caller,
    session_id: UUID,
    *,
    limit: int,
    cursor: str,
    count: bool,
    descending: bool,
) -> Page[Message]:
    """Returns a page of a session's messages in their order, or in the opposite one.

    Raises SessionNotFound, ValidationFailed.
    """
    size, after = parse_limit(limit), _parse_cursor(cursor)
    async with open_transaction(caller) as transaction:
        if await transaction.find_session(session_id) is None:
            raise SessionNotFound()
        found = await transaction.list_messages(session_id, size + 1, after, descending=descending)
        total = await transaction.count_messages(session_id) if count else None
    return page_of(found, size, _cursor_of, total=total)


def _cursor_of(message: Message) -> str:
    return encode_cursor(str(message.order))


def _parse_cursor(cursor: str) -> int | None:
    if not cursor:
        return None
    (order,) = decode_cursor(cursor, 1)
    if not (order.isascii() and order.isdigit() and len(order) <= 10):
        raise invalid_cursor()
    if int(order) > _HIGHEST_ORDER:
        raise invalid_cursor()
    return int(order)
