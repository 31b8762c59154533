"""What models a connection's server has, asked in the way of its protocol."""

from collections.abc import Mapping
from urllib.parse import quote

from chat_service.providers.asking.endpoint import Endpoint, endpoint_of
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.model_list import MOST_BYTES, MOST_MODELS, collected, read_models
from chat_service.providers.transport import GuardedClient

_ANTHROPIC_VERSION = "2023-06-01"
# Of a list that comes in pages; one has a thousand models.
_MOST_PAGES = 10


async def list_models(client: GuardedClient, connection: Connection) -> tuple[Model, ...]:
    """The models of the connection's server, each once, by id; MOST_MODELS at most.

    Raises ProviderError. The caller bounds the time.
    """
    endpoint = endpoint_of(connection.base_url)
    if connection.provider != "anthropic":
        headers = {"Authorization": f"Bearer {connection.api_key}", "Accept": "application/json"}
        body = await _get(
            client, endpoint, endpoint.url("/models"), headers, dict(connection.headers)
        )
        return collected(read_models(body).models)
    headers = {
        "x-api-key": connection.api_key,
        "anthropic-version": _ANTHROPIC_VERSION,
        "Accept": "application/json",
    }
    found: list[Model] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        url = endpoint.versioned_url("/models")
        query = f"limit={MOST_MODELS}" + (f"&after_id={quote(after, safe='')}" if after else "")
        page = read_models(
            await _get(
                client,
                endpoint,
                f"{url}{'&' if '?' in url else '?'}{query}",
                headers,
                dict(connection.headers),
            )
        )
        found += page.models
        if page.after is None or page.after == after or len(found) >= MOST_MODELS:
            break
        after = page.after
    return collected(found)


async def _get(
    client: GuardedClient,
    endpoint: Endpoint,
    url: str,
    headers: Mapping[str, str],
    own: Mapping[str, str],
) -> bytes:
    """``own`` are the connection's headers, which win."""
    server = endpoint.server
    said = {name.lower() for name in own}
    headers = {name: value for name, value in headers.items() if name.lower() not in said}
    return await client.get(
        server, url.removeprefix(str(server)), headers={**headers, **own}, most_bytes=MOST_BYTES
    )
