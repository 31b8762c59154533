"""Search in the words of the contract."""

from typing import Final

from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_id
from chat_service.search.domain.found import FoundText
from chat_service.search.domain.text import MESSAGES, TextRole, Wanted
from parley.chat.v1 import chat_pb2, search_pb2
from servicekit.search_messages import match_to_proto
from servicekit.timestamps import moment_in, timestamp_of

_ROLES: Final = {
    TextRole.USER: chat_pb2.MESSAGE_ROLE_USER,
    TextRole.ASSISTANT: chat_pb2.MESSAGE_ROLE_ASSISTANT,
    TextRole.SYSTEM: chat_pb2.MESSAGE_ROLE_SYSTEM,
}
_TEXT_ROLES: Final = {number: role for role, number in _ROLES.items()}


def wanted_from_proto(request: search_pb2.SearchRequest) -> Wanted:
    """Raises ValidationFailed for what is no session's id, no role, or no time."""
    session_id = parse_id(request.session_id)
    if request.HasField("session_id") and session_id is None:
        raise ValidationFailed(fields=[FieldError("session_id", "INVALID")])
    return Wanted(
        roles=_roles(request),
        session_id=session_id,
        archived=request.archived if request.HasField("archived") else None,
        from_at=moment_in(request, "from"),
        to_at=moment_in(request, "to"),
    )


def found_to_proto(found: FoundText) -> search_pb2.FoundText:
    text = found.text
    return search_pb2.FoundText(
        id=str(text.id),
        session_id=str(text.session_id),
        title=text.title,
        role=_ROLES.get(text.role, chat_pb2.MESSAGE_ROLE_UNSPECIFIED),
        at=timestamp_of(text.at),
        match=match_to_proto(found.match),
        archived=text.archived,
    )


def _roles(request: search_pb2.SearchRequest) -> frozenset[TextRole]:
    if request.role != chat_pb2.MESSAGE_ROLE_UNSPECIFIED:
        if request.role not in _TEXT_ROLES:
            raise ValidationFailed(fields=[FieldError("role", "UNKNOWN")])
        messages, titles = frozenset([_TEXT_ROLES[request.role]]), frozenset[TextRole]()
    else:
        messages, titles = MESSAGES, frozenset([TextRole.TITLE])
    return (frozenset() if request.without_messages else messages) | (
        frozenset() if request.without_titles else titles
    )
