"""The reasons for which something about shares is refused."""

from chassis.errors import AppError, Kind


class ShareNotFound(AppError):
    """One that never was, was taken back, has expired, is used up or is for others: always the same."""

    kind = Kind.NOT_FOUND
    reason = "SHARE_NOT_FOUND"
    detail = "There is no such share."


class SharePasswordNeeded(AppError):
    kind = Kind.FORBIDDEN
    reason = "SHARE_PASSWORD_NEEDED"
    detail = "This share opens with a password."


class SharePasswordWrong(AppError):
    kind = Kind.FORBIDDEN
    reason = "SHARE_PASSWORD_WRONG"
    detail = "The password of this share is another one."


class RangeNotSatisfiable(AppError):
    """The gateway's 416; `size` is how many bytes the file has."""

    kind = Kind.INVALID
    reason = "RANGE_NOT_SATISFIABLE"
    detail = "There is nothing in that range."

    def __init__(self, size: int) -> None:
        super().__init__(metadata={"size": str(size)})


class TooManyGuesses(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_ATTEMPTS"
    detail = "Too many passwords were wrong; try again later."


class ShareAlreadyShown(AppError):
    """Its token is not kept, and so cannot be answered once more."""

    kind = Kind.CONFLICT
    reason = "SHARE_ALREADY_SHOWN"
    detail = "A share was made with this idempotency key; its link is not shown again."


class NothingToShare(AppError):
    kind = Kind.CONFLICT
    reason = "NOTHING_TO_SHARE"
    detail = "Nothing has been said in this conversation yet."


class TooManyShares(AppError):
    kind = Kind.CONFLICT
    reason = "TOO_MANY_SHARES"
    detail = "As many shares exist as may; take one of them back first."
