"""Cursors of lists in the order of names: the last name shown, and its row's id."""

from uuid import UUID

from auth_service.domain.users import NamePosition
from chassis.ids import parse_id
from chassis.paging import decode_cursor, encode_cursor, invalid_cursor


def to_cursor(name: str, row_id: UUID) -> str:
    """The cursor of the page that begins behind this row."""
    return encode_cursor(name, str(row_id))


def from_cursor(cursor: str) -> NamePosition | None:
    """What a cursor stands for, None for the empty one. Raises ValidationFailed."""
    if not cursor:
        return None
    name, identifier = decode_cursor(cursor, 2)
    row_id = parse_id(identifier)
    if row_id is None:
        raise invalid_cursor()
    return name, row_id
