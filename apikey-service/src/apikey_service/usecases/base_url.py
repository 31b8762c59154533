"""A base URL as it is stored: one spelling of where a server's API begins."""

import re
from typing import Final
from urllib.parse import unquote

from apikey_service.domain.secret import Secret
from apikey_service.usecases.ports import AddressRules
from chassis.errors import FieldError
from chassis.server_url import BadServerUrl, ServerUrl, parse_server_url
from chassis.telemetry.redaction import redact_text
from chassis.text import check_text
from parley.bounds import BASE_URL

# What is asked for below a base URL. People paste it with the rest.
_PASTED: Final = ("/chat/completions", "/v1/messages")
# A server, or a proxy before it, may resolve these or not: a segment that is a dot or two, however
# it and the slashes around it are spelled.
_DOTS: Final = re.compile(r"(?:^|/|%2f|%5c)(?:\.|%2e){1,2}(?=/|%2f|%5c|$)", re.IGNORECASE)


# A shorter key may be a name that a path has as well: some servers take any.
_LEAST_KEY: Final = 16
# A part of a path that has the shape of a provider's key, and is too long for a name.
_KEY_IN_PATH: Final = re.compile(
    r"/(?:sk|pk|rk|gsk|xai|pat|hf|nvapi|AIza)[-_A-Za-z0-9]*[0-9][-_A-Za-z0-9]{0,200}(?<=[-_A-Za-z0-9]{24})(?=/|$)"
)


def normal_base_url(text: str, rules: AddressRules) -> tuple[str, list[FieldError]]:
    """``text`` as it is stored, and what is wrong with it, as errors of ``base_url``.

    That is scheme and host in lower case, path and query as they are, but for slashes at the
    path's end and for ``/chat/completions`` or ``/v1/messages`` there, which are cut off. It may
    have a query, and neither userinfo nor fragment nor dot segments. A URL is no secret: it is kept and
    shown as it is, so that one with a key or the like in its path or query is refused (``SECRET_IN_URL``);
    keys and headers are sealed. A host that is an address is refused if ``rules`` close it:
    ``PROVIDER_ADDRESS_FORBIDDEN``.
    """
    text = text.strip()
    errors = check_text("base_url", text, minimum=BASE_URL.minimum, maximum=BASE_URL.maximum)
    if not text or errors:
        return text, errors
    try:
        server = parse_server_url(text, query=True)
    except BadServerUrl as error:
        return text, [FieldError("base_url", error.reason)]
    if _DOTS.search(server.path):
        return text, [FieldError("base_url", "INVALID_URL")]
    if _has_secret(f"?{server.query}") or _KEY_IN_PATH.search(server.path):
        return text, [FieldError("base_url", "SECRET_IN_URL")]
    if rules.refuses(server.host):
        return text, [FieldError("base_url", "PROVIDER_ADDRESS_FORBIDDEN")]
    return str(_without_what_was_pasted(server)), []


def holds_key(base_url: str, api_key: Secret) -> bool:
    """Whether a URL's path or query has the key itself, where that is no word of a few letters."""
    key = api_key.reveal()
    shown = base_url.partition("://")[2].partition("/")[2]
    return len(key) >= _LEAST_KEY and any(key in text for text in (shown, unquote(shown)))


def _has_secret(query: str) -> bool:
    """Whether logs would leave something of it out, by name or by shape, however it is escaped."""
    return any(redact_text(spelled) != spelled for spelled in (query, unquote(query)))


def _without_what_was_pasted(server: ServerUrl) -> ServerUrl:
    path = server.path
    for pasted in _PASTED:
        path = path.removesuffix(pasted).rstrip("/")
    return ServerUrl(server.scheme, server.host, server.port, path, server.query)
