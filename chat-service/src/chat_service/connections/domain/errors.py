"""Why a connection is not tried."""

from chassis.errors import AppError, Kind


class TooManyTests(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_TESTS"
    detail = "Connections have been tried too often of late; wait a while."
