"""Model servers, asked for no more than what shows that they answer."""

from contextlib import aclosing
from typing import Final

from chassis.address_policy import AddressPolicy
from chassis.server_url import BadServerUrl, parse_server_url
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderEmpty, ProviderThoughtOnly
from chat_service.providers.port import read_at_once
from servicekit.generation_parameters import GenerationParameters

_QUESTION: Final = (PromptMessage("user", "Reply with the word OK."),)
#: A model that thinks first may spend them all on that, and has answered then.
_ANSWER_TOKENS: Final = 16
_PARAMETERS: Final = GenerationParameters(max_tokens=_ANSWER_TOKENS)
#: What a try may cost: of the question a token for four characters, as where a server does not count.
MOST_TOKENS: Final = (len(_QUESTION[0].content) + 3) // 4 + _ANSWER_TOKENS


class ModelServers:
    """Model servers as they are asked in a chat: the same code, client and address policy."""

    def __init__(self, provider: ModelClient, policy: AddressPolicy) -> None:
        self._provider = provider
        self._policy = policy

    async def begin(self, connection: Connection) -> int:
        """Ask the smallest of questions; return with the first of the answer, or its end.

        Returns how many tokens that may have cost. Raises ProviderError. The caller bounds the time.
        """
        pieces = self._provider.stream(
            connection,
            _QUESTION,
            model=connection.model,
            parameters=_PARAMETERS,
            next_read=read_at_once,
        )
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if piece.parts or piece.finish_reason:
                        return MOST_TOKENS
        except ProviderThoughtOnly:
            return MOST_TOKENS  # it has begun, and was given no more tokens
        raise ProviderEmpty("an answer without anything in it")

    async def models(self, connection: Connection) -> tuple[Model, ...]:
        """What models its server has, by id. Raises ProviderError. The caller bounds the time."""
        return await self._provider.models(connection)

    def may_go_clear(self, base_url: str) -> bool:
        """Whether a key may be sent there without encryption although https was said: if the
        operator opened that very host, which nobody can then be in the way to by chance.
        """
        try:
            host = parse_server_url(base_url.partition("?")[0]).host
        except BadServerUrl:
            return False
        return self._policy.is_operators(host)
