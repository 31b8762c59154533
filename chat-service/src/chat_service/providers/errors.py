"""What can go wrong at a provider, told apart by what its user can do about it.

``detail`` is a sentence of ours that says what to do. What the provider itself says goes along as
``provider_message``, once :func:`chat_service.providers.shown.presentable` has made it fit to be shown.
"""

from typing import ClassVar


class ProviderError(Exception):
    """A failure of the provider; ``reason`` is stable.

    ``text`` is for the log. ``retry_after``: seconds until another try may help, where that was said.
    """

    reason: ClassVar[str] = "PROVIDER_FAILED"
    detail: str = "The model server failed; try again, and look at its status page if it goes on."

    def __init__(
        self,
        text: str = "",
        *,
        detail: str | None = None,
        message: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(text or message)
        self.text = text or message
        if detail is not None:
            self.detail = detail
        self.provider_message = message
        self.retry_after = retry_after
        #: Status and body of the answer that refused the request, where there was one.
        self.refused: tuple[int, bytes] | None = None
        #: Tokens that the model takes in all, where a prompt was too long and the server said that.
        self.most_tokens: int | None = None


# What the server refuses


class ProviderUnauthorized(ProviderError):
    reason = "PROVIDER_UNAUTHORIZED"
    detail = "The model server did not accept the key; check the key, and that it belongs to this base URL."


class ProviderForbidden(ProviderError):
    reason = "PROVIDER_FORBIDDEN"
    detail = (
        "The key is known to the model server and may not do this; check what it is allowed there."
    )


class ProviderModelNotFound(ProviderError):
    reason = "PROVIDER_MODEL_NOT_FOUND"
    detail = "The model server has no such model for this key; check the model's name."


class ProviderPathNotFound(ProviderError):
    reason = "PROVIDER_PATH_NOT_FOUND"
    detail = (
        "The model server does not know this address; check the base URL (it often ends in /v1)."
    )


class ProviderParameterRefused(ProviderError):
    reason = "PROVIDER_PARAMETER_REFUSED"
    detail = "The model server refused a parameter of the request; change it or leave it out."


class ProviderContextTooLong(ProviderError):
    reason = "PROVIDER_CONTEXT_TOO_LONG"
    detail = (
        "The conversation is longer than the model can take; begin a new one, shorten it, ask for a "
        "shorter answer, or choose a model with a larger context."
    )


class ProviderContentRefused(ProviderError):
    reason = "PROVIDER_CONTENT_REFUSED"
    detail = "The model server refused the content; put the question another way."


class ProviderCannotSee(ProviderError):
    reason = "MODEL_CANNOT_SEE"
    detail = (
        "This model takes no pictures; choose one that does, or take the pictures away from the"
        " question."
    )


class ProviderQuotaExceeded(ProviderError):
    reason = "PROVIDER_QUOTA_EXCEEDED"
    detail = "The key's quota or credit at the model server is used up; look at the account there."


class ProviderRateLimited(ProviderError):
    reason = "PROVIDER_RATE_LIMITED"
    detail = "The model server's rate limit for this key is reached; try again later."


class ProviderOverloaded(ProviderError):
    reason = "PROVIDER_OVERLOADED"
    detail = "The model server is overloaded; try again in a while, or choose another model."


class ProviderTooLarge(ProviderError):
    reason = "PROVIDER_TOO_LARGE"
    detail = "The request is larger than the model server takes; send less at a time."


class ProviderRefused(ProviderError):
    reason = "PROVIDER_REFUSED"
    detail = "The model server refused the request; check the model's name and the base URL."


# What keeps it from being reached


class ProviderUnreachable(ProviderError):
    reason = "PROVIDER_UNREACHABLE"
    detail = "The model server cannot be reached; check the base URL, and that the server is up."


class ProviderNameNotFound(ProviderError):
    reason = "PROVIDER_NAME_NOT_FOUND"
    detail = "There is no host of the base URL's name; check how it is written."


class ProviderRefusedConnection(ProviderError):
    reason = "PROVIDER_REFUSED_CONNECTION"
    detail = (
        "Nothing takes connections at the base URL's host and port; check the port, and that the "
        "model server runs."
    )


class ProviderTlsFailed(ProviderError):
    reason = "PROVIDER_TLS_FAILED"
    detail = (
        "No secure connection to the model server could be made; check its certificate, and whether "
        "the base URL should begin with http:// instead."
    )


class ProviderTimedOut(ProviderError):
    reason = "PROVIDER_TIMED_OUT"
    detail = (
        "The model server did not answer in time; try again, and check the base URL if it goes on."
    )


class ProviderBusy(ProviderError):
    reason = "PROVIDER_BUSY"
    detail = "Too many answers of this provider are being generated; try again later."


class ProviderAddressForbidden(ProviderError):
    reason = "PROVIDER_ADDRESS_FORBIDDEN"
    detail = "The base URL leads to an address that is not open to providers."


class ProviderUrlInvalid(ProviderError):
    reason = "PROVIDER_URL_INVALID"
    detail = "The base URL is none that can be called; save the key again with the right one."


class ProviderUnknown(ProviderError):
    reason = "PROVIDER_UNKNOWN"
    detail = "The connection is of a kind that is not known here; set its provider to openai or anthropic."


class ProviderRedirected(ProviderError):
    reason = "PROVIDER_REDIRECTED"
    detail = "The provider answered with a redirect; the base URL must be the final one."


# What comes back


class ProviderGarbled(ProviderError):
    reason = "PROVIDER_GARBLED"
    detail = "The model server sent something that is not the protocol; check the base URL."


class ProviderBroke(ProviderError):
    reason = "PROVIDER_BROKE"
    detail = "The model server's stream broke off; what had come is kept, and can be gone on with."


class ProviderEndedEarly(ProviderError):
    reason = "PROVIDER_ENDED_EARLY"
    detail = "The model server ended its answer before its first word; try again."


class ProviderEmpty(ProviderError):
    reason = "PROVIDER_EMPTY"
    detail = "The model answered nothing; ask again, put the question another way, or choose another model."


class ProviderThoughtOnly(ProviderError):
    reason = "PROVIDER_THOUGHT_ONLY"
    detail = "The model thought and did not answer; ask again, or allow it more tokens."


class ProviderCalledTool(ProviderError):
    reason = "PROVIDER_CALLED_TOOL"
    detail = "The model called a tool, which it was not offered, instead of answering; ask again."
