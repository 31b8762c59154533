"""From what goes wrong on the way to a server to what its user is told."""

import errno
import ssl

import aiohttp

from chassis.address_policy import AddressForbidden
from chat_service.providers.errors import (
    ProviderAddressForbidden,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderNameNotFound,
    ProviderRefusedConnection,
    ProviderTimedOut,
    ProviderTlsFailed,
    ProviderUnreachable,
)

# Of what the parser says.
_MOST_CHARACTERS = 100


def failure_of(error: Exception, *, waited: bool) -> ProviderError:
    """What keeps a server from being reached; ``waited``: for a free connection of our own."""
    text = f"{type(error).__name__}: {error}"
    match error:
        case aiohttp.ClientConnectorError(os_error=AddressForbidden()):
            return ProviderAddressForbidden()
        case aiohttp.ConnectionTimeoutError() if waited:
            return ProviderBusy(text)
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return ProviderTimedOut(text)
        case aiohttp.ClientSSLError():
            return ProviderTlsFailed(text)
        case aiohttp.ClientConnectorDNSError():
            return ProviderNameNotFound(text)
        case aiohttp.ClientConnectorError(os_error=os_error):
            return _connect_failure(os_error, text)
        case aiohttp.ClientResponseError():
            return ProviderGarbled(
                text,
                detail=f"The model server does not speak HTTP as it should{_where(error.message)}; check whether "
                "the base URL should begin with https://, and its port, and what stands before the server.",
            )
        case aiohttp.ServerDisconnectedError():
            return ProviderUnreachable(
                text,
                detail="The model server closed the connection without an answer; try again, and check "
                "the base URL if it goes on.",
            )
        case ssl.SSLError():
            return ProviderTlsFailed(text)
        case UnicodeError():  # of the codec that names are encoded with
            return ProviderNameNotFound(text)
    return ProviderUnreachable(text)


def _where(message: str) -> str:
    """What the parser says of it, which quotes the server below."""
    said = message.strip().partition("\n")[0].rstrip(": ")[:_MOST_CHARACTERS]
    return f" ({said})" if said else ""


def _connect_failure(error: OSError, text: str) -> ProviderError:
    if isinstance(error, ConnectionRefusedError) or error.errno == errno.ECONNREFUSED:
        return ProviderRefusedConnection(text)
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return ProviderTimedOut(text)
    if isinstance(error, ssl.SSLError):
        return ProviderTlsFailed(text)
    return ProviderUnreachable(text)
