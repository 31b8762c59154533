"""From a connection's base URL to the URLs that are called.

What a base URL names besides its path is kept: ``https://host/deployments/x?api-version=1`` is called
at ``https://host/deployments/x/chat/completions?api-version=1``. Nothing is guessed: where a ``/v1``
is missing, the server says that there is no such page.
"""

import re
from dataclasses import dataclass

from chassis.server_url import BadServerUrl, ServerUrl, parse_server_url
from chat_service.providers.errors import ProviderUrlInvalid

# What people paste instead of a base URL. A bare /models is the base URL of some servers.
_PASTED = re.compile(r"/chat/completions$|(?<=/v1)/(?:messages|models|completions|responses)$")
# RFC 3986, as it is sent.
_QUERY = re.compile(r"(?:[A-Z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*", re.ASCII | re.IGNORECASE)
_VERSION = re.compile(r"/v[0-9]+(?:alpha|beta)?[0-9]*$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model server as a connection names it; ``query`` without its question mark, or empty."""

    server: ServerUrl
    query: str

    @property
    def path(self) -> str:
        """Of the base URL, without a slash at its end; empty at the root."""
        return self.server.path

    def target(self, path: str) -> str:
        """What is to be called at :attr:`server` for ``path``, which begins with a slash: with the query."""
        return f"{path}?{self.query}" if self.query else path

    def url(self, path: str) -> str:
        """The URL of ``path`` below the base URL."""
        return f"{self.server}{self.target(path)}"

    def versioned(self, path: str) -> str:
        """``path`` behind ``/v1``, unless the base URL ends in a version itself."""
        return path if _VERSION.search(self.path) else f"/v1{path}"

    def versioned_url(self, path: str) -> str:
        """The URL of ``path`` below the base URL's version."""
        return self.url(self.versioned(path))


def endpoint_of(base_url: str) -> Endpoint:
    """Reads a connection's base URL; raises ProviderUrlInvalid.

    One pasted operation is cut off its end: ``/chat/completions``, and behind ``/v1`` also
    ``/messages``, ``/models``, ``/completions`` and ``/responses``.
    """
    base, _, query = base_url.partition("?")
    try:
        server = parse_server_url(base)
    except BadServerUrl as error:
        # Kept before this was looked at when it is saved.
        raise ProviderUrlInvalid(str(error)) from error
    if not _QUERY.fullmatch(query):
        raise ProviderUrlInvalid("the query has characters that no URL may have")
    path = _PASTED.sub("", server.path).rstrip("/")
    return Endpoint(ServerUrl(server.scheme, server.host, server.port, path), query)
