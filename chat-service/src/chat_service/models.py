"""What asks models, and what of it is known and shown, as an operator has set it."""

from dataclasses import dataclass

from chassis.address_policy import AddressPolicy
from chassis.settings import variable_of
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.providers.client import ModelClient
from chat_service.providers.trying import ModelServers
from chat_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Models:
    """`memory` is what is known of them, `window` how much of a conversation they are shown."""

    provider: ModelClient
    servers: ModelServers
    memory: ModelMemory
    window: ContextWindow


def models_of(settings: Settings) -> Models:
    """They know nothing yet, and `provider` is not started."""
    addresses = AddressPolicy(settings.allowed_hosts)
    provider = ModelClient(
        addresses,
        streams=settings.provider_connections,
        per_host=settings.provider_connections_per_host,
        answer_bytes=settings.answer_bytes,
        setting=variable_of(Settings, "allowed_hosts"),
    )
    return Models(
        provider,
        ModelServers(provider, addresses),
        ModelMemory(settings.context_tokens),
        ContextWindow(settings.window_messages // 2, settings.window_characters),
    )
