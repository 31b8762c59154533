"""What is said of a connection that is not there."""

from chassis.errors import AppError, Kind


class KeyNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "KEY_NOT_FOUND"
    detail = "There is no such key."
