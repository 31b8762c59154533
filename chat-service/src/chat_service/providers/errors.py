"""What can go wrong at a provider, told apart by what its user can do about it.

``detail`` is ours: a provider's own text may quote the key, so it goes into the log alone,
redacted.
"""

from typing import ClassVar

from chassis.telemetry.redaction import redact_text


class ProviderError(Exception):
    """A failure of the provider; ``reason`` is stable."""

    reason: ClassVar[str] = "PROVIDER_FAILED"
    detail: ClassVar[str] = "The model's provider failed."

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


class ProviderUnauthorized(ProviderError):
    reason = "PROVIDER_UNAUTHORIZED"
    detail = "The provider did not accept the key."


class ProviderRateLimited(ProviderError):
    reason = "PROVIDER_RATE_LIMITED"
    detail = "The provider's limit for this key is reached; try again later."


class ProviderRefused(ProviderError):
    reason = "PROVIDER_REFUSED"
    detail = "The provider refused the request; check the model's name and the base URL."


class ProviderUnreachable(ProviderError):
    reason = "PROVIDER_UNREACHABLE"
    detail = "The provider cannot be reached."


class ProviderTimedOut(ProviderError):
    reason = "PROVIDER_TIMED_OUT"
    detail = "The provider did not answer in time; try again, and check the base URL if it goes on."


class ProviderBusy(ProviderError):
    reason = "PROVIDER_BUSY"
    detail = "Too many answers of this provider are being generated; try again later."


class ProviderForbidden(ProviderError):
    reason = "PROVIDER_ADDRESS_FORBIDDEN"
    detail = "The base URL leads to an address that is not open to providers."


class ProviderUrlInvalid(ProviderError):
    reason = "PROVIDER_URL_INVALID"
    detail = "The base URL is none that can be called; save the key again with the right one."


class ProviderRedirected(ProviderError):
    reason = "PROVIDER_REDIRECTED"
    detail = "The provider answered with a redirect; the base URL must be the final one."


class ProviderGarbled(ProviderError):
    reason = "PROVIDER_GARBLED"
    detail = "The provider sent something that is not the protocol."


class ProviderBroke(ProviderError):
    reason = "PROVIDER_BROKE"
    detail = "The provider's stream broke off."


def message_of(error: ProviderError) -> str:
    """What the server said, in one line, without credentials."""
    return " ".join(redact_text(error.text).split())[:500]


def of_status(status: int, text: str) -> ProviderError:
    """The error that an HTTP ``status`` of 300 or more means."""
    if status < 400:
        return ProviderRedirected(text)
    if status in (401, 403):
        return ProviderUnauthorized(text)
    if status == 429:
        return ProviderRateLimited(text)
    if status < 500:
        return ProviderRefused(text)
    return ProviderError(text)
