"""The reasons for which auth-service refuses."""

from chassis.errors import AppError, Kind


class UsernameTaken(AppError):
    kind = Kind.CONFLICT
    reason = "USERNAME_TAKEN"
    detail = "This username is taken."


class EmailTaken(AppError):
    """Raised only for those who have shown that the address is theirs."""

    kind = Kind.CONFLICT
    reason = "EMAIL_TAKEN"
    detail = "This e-mail address belongs to another account."


class InvalidCode(AppError):
    """The same for a code that is wrong, expired, used before, or for something else."""

    kind = Kind.INVALID
    reason = "INVALID_CODE"
    detail = "The code is not valid; ask for another one."


class CodeRequired(AppError):
    kind = Kind.INVALID
    reason = "CODE_REQUIRED"
    detail = "A code that was sent to the e-mail address is needed."


class NotDelivered(AppError):
    """A code could not be sent; never part of an answer."""

    kind = Kind.UNAVAILABLE
    reason = "NOT_DELIVERED"
    detail = "The message could not be sent."


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


class TooManyAttempts(AppError):
    """A limit is reached: the same for what exists and for what does not."""

    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_ATTEMPTS"
    detail = "That has been tried too often; try again later."


class WrongPassword(AppError):
    """A logged-in user's password was not confirmed; the login itself is fine."""

    kind = Kind.FORBIDDEN
    reason = "WRONG_PASSWORD"
    detail = "The password is wrong."


class LoginNotFound(AppError):
    """Also for somebody else's, for one that has ended, and for an id that is none."""

    kind = Kind.NOT_FOUND
    reason = "LOGIN_NOT_FOUND"
    detail = "There is no such login."


class TokenNotFound(AppError):
    """Also for somebody else's, and for an id that is none."""

    kind = Kind.NOT_FOUND
    reason = "TOKEN_NOT_FOUND"
    detail = "There is no such token."


class TooManyTokens(AppError):
    kind = Kind.CONFLICT
    reason = "TOO_MANY_TOKENS"
    detail = "As many personal access tokens exist as may; delete one of them first."


class TokenAlreadyShown(AppError):
    """Nothing was made: an earlier request with this idempotency key has made the token."""

    kind = Kind.CONFLICT
    reason = "TOKEN_ALREADY_SHOWN"
    detail = (
        "This request has made its token before, and shown it then; if it was lost, delete it"
        " and make another."
    )


class InvalidToken(AppError):
    """The same for a personal access token that is unknown, expired, or of somebody who is gone."""

    kind = Kind.UNAUTHENTICATED
    reason = "INVALID_TOKEN"
    detail = "The personal access token is not valid."


class AccountDeleted(AppError):
    kind = Kind.UNAUTHENTICATED
    reason = "ACCOUNT_DELETED"
    detail = "This account has been deleted."


class ErasureNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "ERASURE_NOT_FOUND"
    detail = "There is no such erasure."


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
