"""What models a connection's server has."""

import asyncio
from typing import Final
from uuid import UUID

from chassis.caller import Caller
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.trial import Servers
from chat_service.providers.domain.connection import ResolveKey
from chat_service.providers.domain.model import Model
from chat_service.providers.errors import ProviderTimedOut

_SECONDS: Final = 15.0


async def list_models(
    resolve_key: ResolveKey, servers: Servers, limit: TrialLimit, caller: Caller, key_id: UUID
) -> tuple[Model, ...]:
    """The models of one of the caller's connections, by id; of an operator's those it is open for.

    Raises TooManyTests, ProviderError, and what `resolve_key` raises; within 15 s.
    """
    connection = await resolve_key(key_id)
    if connection.models:
        return tuple(sorted(map(Model, connection.models), key=lambda model: model.id))
    limit.count(caller)
    try:
        async with asyncio.timeout(_SECONDS):
            return await servers.models(connection)
    except TimeoutError:
        raise ProviderTimedOut("the list of models did not come") from None
