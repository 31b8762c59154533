"""What models a connection's server has, asked in the way of its protocol."""

from collections.abc import Mapping
from urllib.parse import quote

from chat_service.providers.anthropic.kind import FIXED, VERSION
from chat_service.providers.asking.endpoint import Endpoint, endpoint_of
from chat_service.providers.asking.headers import with_own
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.model_list import MOST_BYTES, MOST_MODELS, collected, read_models
from chat_service.providers.transport import GuardedClient

# Of a list that comes in pages; one has a thousand models.
_MOST_PAGES = 10


async def list_models(client: GuardedClient, connection: Connection) -> tuple[Model, ...]:
    """The models of the connection's server, each once, by id; MOST_MODELS at most.

    Raises ProviderError. The caller bounds the time.
    """
    endpoint = endpoint_of(connection.base_url)
    own = connection.headers
    if connection.provider != "anthropic":
        headers = {"Authorization": f"Bearer {connection.api_key}", "Accept": "application/json"}
        body = await _get(client, endpoint, endpoint.url("/models"), with_own(headers, own))
        return collected(read_models(body).models)
    headers = with_own(
        {
            "x-api-key": connection.api_key,
            "anthropic-version": VERSION,
            "Accept": "application/json",
        },
        own,
        fixed=FIXED,
    )
    url = endpoint.versioned_url("/models")
    found: list[Model] = []
    after: str | None = None
    for _ in range(_MOST_PAGES):
        query = f"limit={MOST_MODELS}" + (f"&after_id={quote(after, safe='')}" if after else "")
        asked = f"{url}{'&' if '?' in url else '?'}{query}"
        page = read_models(await _get(client, endpoint, asked, headers))
        found += page.models
        if page.after is None or page.after == after or len(found) >= MOST_MODELS:
            break
        after = page.after
    return collected(found)


async def _get(
    client: GuardedClient, endpoint: Endpoint, url: str, headers: Mapping[str, str]
) -> bytes:
    server = endpoint.server
    path = url.removeprefix(str(server))
    return await client.get(server, path, headers=headers, most_bytes=MOST_BYTES)
