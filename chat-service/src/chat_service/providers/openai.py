"""Anything that speaks the OpenAI chat completions protocol.

The request is made here, header by header: an SDK would add what it finds in the environment and
what it knows of the machine. What comes back is read by ``reading.py`` with ``chunks.py``.
"""

from collections.abc import AsyncGenerator, Sequence

import orjson

from chassis.server_url import BadServerUrl, ServerUrl, parse_server_url
from chat_service.providers.chunks import Chunks
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.parameters import GenerationParameters
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderError, ProviderUrlInvalid
from chat_service.providers.guard import AddressPolicy
from chat_service.providers.port import NextRead, Piece, Provider, Take
from chat_service.providers.reading import read_stream
from chat_service.providers.said import presentable
from chat_service.providers.transport import GuardedClient

# What one character of an answer may be as an escape of JSON, and what may stand around the answer.
_BYTES_OF_A_BYTE = 8
_BYTES_AROUND = 1024 * 1024


class OpenAiProvider(Provider):
    """Streams answers over one pool: at most ``streams`` at a time, ``per_host`` of one server.

    ``answer_bytes`` is what the largest answer may be, of which a line or a document may hold all.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        streams: int,
        per_host: int,
        answer_bytes: int = 1024 * 1024,
    ) -> None:
        self._policy = policy
        self._most_bytes = _BYTES_OF_A_BYTE * answer_bytes + _BYTES_AROUND
        self._streams = streams
        self._per_host = per_host
        self._client: GuardedClient | None = None

    async def start(self) -> None:
        self._client = GuardedClient(
            self._policy, connections=self._streams, per_host=self._per_host
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def stream(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        parameters: GenerationParameters,
        next_read: NextRead,
        take: Take | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """See :class:`~chat_service.providers.port.Provider`; no retry."""
        if self._client is None:
            raise RuntimeError("the provider has not been started")
        body = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in prompt],
            **parameters.said(),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        headers = {
            "Authorization": f"Bearer {connection.api_key}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
        }
        try:
            async with self._client.post(
                _server_of(connection),
                "/chat/completions",
                headers=headers,
                body=orjson.dumps(body),
            ) as source:
                pieces = read_stream(source, Chunks(), next_read, take, most_bytes=self._most_bytes)
                async for piece in pieces:
                    yield piece
        except ProviderError as error:
            error.provider_message = presentable(error.provider_message, connection.api_key)
            raise


def _server_of(connection: Connection) -> ServerUrl:
    try:
        return parse_server_url(connection.base_url)
    except BadServerUrl as error:
        # Kept before this was looked at when it is saved.
        raise ProviderUrlInvalid(str(error)) from error
