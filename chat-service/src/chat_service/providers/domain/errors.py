"""What is said of a connection that is not there."""

from chassis.errors import AppError, Kind


class KeyNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "KEY_NOT_FOUND"
    detail = "There is no such key."


class SessionKeyNotFound(KeyNotFound):
    """Nobody has named it just now: it is what the conversation was set to."""

    detail = (
        "The connection that this conversation is set to is not there any more: set it to another one, "
        "or to none for the default one, or name one with the question (key_id)."
    )
