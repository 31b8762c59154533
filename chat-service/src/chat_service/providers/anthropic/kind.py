"""How servers are asked that speak Anthropic's Messages API."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from chat_service.providers.anthropic.events import Messages
from chat_service.providers.anthropic.facts import UNKNOWN, ModelFacts
from chat_service.providers.anthropic.request import NEEDED, request_of
from chat_service.providers.anthropic.thinking import other_manner
from chat_service.providers.asking.attempts import Asked, Question
from chat_service.providers.asking.endpoint import Endpoint
from chat_service.providers.asking.headers import with_own
from chat_service.providers.asking.learnt import Place
from chat_service.providers.asking.refused import Adaptation
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.learnt import Lesson
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderError
from chat_service.providers.transport import GuardedClient
from servicekit.generation_parameters import GenerationParameters

#: The version that every server of the protocol knows, and that still takes a temperature. A connection's
#: own header may name another.
VERSION: Final = "2023-06-01"
#: What a connection's own headers do not replace, in lower case.
FIXED: Final = frozenset({"x-api-key"})

_FACTS_SECONDS: Final = 5.0
_FACTS_BYTES: Final = 256 * 1024
# What could not be found out is asked for again after so long; what was, is known until forgotten.
_UNKNOWN_SECONDS: Final = 600.0
_REMEMBERED: Final = 10_000


class Anthropic:
    """Messages."""

    def __init__(self) -> None:
        self._facts: OrderedDict[Place, tuple[ModelFacts, float]] = OrderedDict()

    def reader(self) -> Messages:
        return Messages()

    async def question(
        self,
        client: GuardedClient,
        connection: Connection,
        endpoint: Endpoint,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        parameters: GenerationParameters,
    ) -> Question:
        """Asks for what ``parameters`` say, in this protocol's way.

        Where that depends on the model, its server is asked first what it can do: once for each connection
        and model, and for 5 s at most. Raises ProviderParameterRefused.
        """
        said = parameters.said()
        headers = with_own(
            {
                "x-api-key": connection.api_key,
                "anthropic-version": VERSION,
                "Content-Type": "application/json",
                "Accept": "text/event-stream, application/json",
            },
            connection.headers,
            fixed=FIXED,
        )
        facts = UNKNOWN
        if "max_tokens" not in said or "reasoning_effort" in said:
            facts = await self._facts_of(client, connection, endpoint, model, headers)

        def make(learnt: Sequence[Lesson]) -> Asked:
            return request_of(prompt, model, said, facts, learnt)

        # What no server takes is refused before anything is asked; pictures are none of that.
        request_of([replace(one, pictures=()) for one in prompt], model, said, facts, ())
        return Question(
            endpoint,
            endpoint.versioned("/messages"),
            headers,
            make,
            needed=NEEDED,
            hidden=("cache_control",),
            understand=_understand,
            has_pictures=any(message.pictures for message in prompt),
        )

    async def _facts_of(
        self,
        client: GuardedClient,
        connection: Connection,
        endpoint: Endpoint,
        model: str,
        headers: Mapping[str, str],
    ) -> ModelFacts:
        place = connection.key_id, connection.base_url, model
        now = asyncio.get_running_loop().time()
        facts, asked_at = self._facts.get(place, (UNKNOWN, -_UNKNOWN_SECONDS))
        if facts is not UNKNOWN or now - asked_at < _UNKNOWN_SECONDS:
            return facts
        path = endpoint.versioned(f"/models/{quote(model, safe='')}")
        asking = {**headers, "Accept": "application/json"}
        asking.pop("Content-Type", None)
        try:
            async with asyncio.timeout(_FACTS_SECONDS):
                told = await client.get(
                    endpoint.server, endpoint.target(path), headers=asking, most_bytes=_FACTS_BYTES
                )
            facts = ModelFacts.of(told)
        except (ProviderError, TimeoutError):
            # Many servers of this protocol do not say. What is wrong with this one the question shows.
            facts = UNKNOWN
        self._facts[place] = facts, now
        self._facts.move_to_end(place)
        if len(self._facts) > _REMEMBERED:
            self._facts.popitem(last=False)
        return facts


def _understand(body: Mapping[str, Any], found: Adaptation) -> Adaptation:
    """Of thinking there is another manner to try, before it is left out."""
    thinking = body.get("thinking")
    if found.learnt.name != "thinking" or not isinstance(thinking, dict):
        return found
    return replace(found, learnt=Lesson("thinking", other_manner(thinking)))
