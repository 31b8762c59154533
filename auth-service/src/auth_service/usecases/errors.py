"""How the use cases fail."""

from chassis.errors import AppError, Kind


class UsernameTaken(AppError):
    kind = Kind.CONFLICT
    reason = "USERNAME_TAKEN"
    detail = "This username is taken."


class InvalidCredentials(AppError):
    """The same for an unknown user and for a wrong password."""

    kind = Kind.UNAUTHENTICATED
    reason = "INVALID_CREDENTIALS"
    detail = "The username or the password is wrong."


class InvalidRefreshToken(AppError):
    """The same for a token that is unknown, expired, revoked or used before."""

    kind = Kind.UNAUTHENTICATED
    reason = "INVALID_REFRESH_TOKEN"
    detail = "The refresh token is not valid any more; log in again."


class WrongPassword(AppError):
    """A logged-in user's password was not confirmed; the login itself is fine."""

    kind = Kind.FORBIDDEN
    reason = "WRONG_PASSWORD"
    detail = "The password is wrong."


class AccountDeleted(AppError):
    kind = Kind.UNAUTHENTICATED
    reason = "ACCOUNT_DELETED"
    detail = "This account has been deleted."


class ErasureNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "ERASURE_NOT_FOUND"
    detail = "There is no such erasure."


class TooBusy(AppError):
    """More passwords are waiting to be hashed than can be in good time."""

    kind = Kind.UNAVAILABLE
    reason = "TOO_BUSY"
    detail = "Too many log-ins at once; try again shortly."


class UserNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "USER_NOT_FOUND"
    detail = "There is no such user."


class TenantNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "TENANT_NOT_FOUND"
    detail = "There is no such tenant."


class TenantNameTaken(AppError):
    kind = Kind.CONFLICT
    reason = "TENANT_NAME_TAKEN"
    detail = "There is a tenant of this name, or of one that looks the same."


class NotYourself(AppError):
    """Nobody raises, locks out or removes themselves as an admin."""

    kind = Kind.FORBIDDEN
    reason = "NOT_YOURSELF"
    detail = "Another admin has to do that: it is your own account."
