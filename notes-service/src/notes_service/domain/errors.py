"""The reasons for which the notes service refuses."""

from chassis.errors import AppError, Kind


class MessageNotFound(AppError):
    """There is nothing to make a note of."""

    kind = Kind.NOT_FOUND
    reason = "MESSAGE_NOT_FOUND"
    detail = "There is no such message."


class NoteNotFound(AppError):
    """Also for a note of somebody else's, and for an id that is none."""

    kind = Kind.NOT_FOUND
    reason = "NOTE_NOT_FOUND"
    detail = "There is no such note."
