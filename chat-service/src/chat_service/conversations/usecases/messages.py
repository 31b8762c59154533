"""Listing the messages of a conversation."""

from uuid import UUID

from chassis.caller import Caller
from chassis.paging import (
    Page,
    decode_cursor,
    encode_cursor,
    invalid_cursor,
    parse_limit,
)
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.message import HIGHEST_ORDER, Message
from chat_service.conversations.store.messages import MessagePages

# Of text: with its last message, a page is far from the 16 MiB that gRPC carries at once.
_PAGE_BYTES = 4 * 1024 * 1024


async def list_messages(
    pages: MessagePages,
    caller: Caller,
    session_id: UUID,
    *,
    limit: int,
    cursor: str,
    count: bool,
    descending: bool,
    all_paths: bool = False,
) -> Page[Message]:
    """Returns a page of a session's messages in their order, or in the opposite one.

    Those of the chosen path, or with `all_paths` all there are.

    It ends early, though not before a message is on it, once its text has 4 MiB. Raises
    SessionNotFound, ValidationFailed.
    """
    size, after = parse_limit(limit), _parse_cursor(cursor)
    page = await pages.page(
        caller,
        session_id,
        size,
        _PAGE_BYTES,
        after,
        descending=descending,
        all_paths=all_paths,
        count=count,
    )
    if page is None:
        raise SessionNotFound()
    found, more, total = page
    return Page(tuple(found), _cursor_of(found[-1]) if more else "", total)


def _cursor_of(message: Message) -> str:
    return encode_cursor(str(message.order))


def _parse_cursor(cursor: str) -> int | None:
    if not cursor:
        return None
    (order,) = decode_cursor(cursor, 1)
    if not (order.isascii() and order.isdigit() and len(order) <= 10):
        raise invalid_cursor()
    if int(order) > HIGHEST_ORDER:
        raise invalid_cursor()
    return int(order)
