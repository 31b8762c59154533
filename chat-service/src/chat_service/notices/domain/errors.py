"""Why notices are not to be had."""

from chassis.errors import Unavailable


class NoticesUnavailable(Unavailable):
    """Redis is away."""

    reason = "NOTICES_UNAVAILABLE"
    detail = "Notices are not to be had at the moment; ask again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after=1)
