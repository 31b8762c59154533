"""The reasons for which the notes service refuses."""

from chassis.errors import AppError, Kind


class NoteNotFound(AppError):
    """Also for a note of somebody else's, and for an id that is none."""

    kind = Kind.NOT_FOUND
    reason = "NOTE_NOT_FOUND"
    detail = "There is no such note."
