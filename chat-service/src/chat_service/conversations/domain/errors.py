"""The reasons for which a conversation is not to be had."""

from chassis.errors import AppError, Kind


class SessionNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "SESSION_NOT_FOUND"
    detail = "There is no such conversation."
