"""Model servers of every kind, over one pool of guarded connections."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from chassis.address_policy import AddressPolicy
from chassis.telemetry.logging import get_logger
from chat_service.providers.anthropic.kind import Anthropic
from chat_service.providers.asking.attempts import Attempts, Question
from chat_service.providers.asking.endpoint import Endpoint, endpoint_of
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.learnt import Lesson, Told
from chat_service.providers.domain.model import Model
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderAddressForbidden, ProviderError, ProviderUnknown
from chat_service.providers.listing import list_models
from chat_service.providers.openai import OpenAi
from chat_service.providers.patience import SHIPPED, ServerPatience
from chat_service.providers.pictures import seen_as
from chat_service.providers.pieces import without_pieces
from chat_service.providers.port import NextRead, Piece, Provider, Take
from chat_service.providers.reading import Dialect, read_stream
from chat_service.providers.shown import presentable, without_secrets
from chat_service.providers.transport import GuardedClient
from servicekit.generation_parameters import GenerationParameters

_log = get_logger(__name__)

# What one character of an answer may be as an escape of JSON, and what may stand around the answer.
_BYTES_OF_A_BYTE = 8
_BYTES_AROUND = 1024 * 1024
# Of what a server says, for the log.
_LOGGED_CHARACTERS = 8 * 1024


class Kind(Protocol):
    """A protocol that model servers speak."""

    def reader(self) -> Dialect:
        """What reads one answer."""
        ...

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
        """How it is asked. Raises ProviderError for what no server of the kind takes."""
        ...


class ModelClient(Provider):
    """Streams answers over one pool: at most ``streams`` at a time, ``per_host`` of one server.

    ``answer_bytes`` is what the largest answer may be, of which a line or a document may hold all.
    ``setting`` is the operator's name of what ``policy`` was made of, for the log. ``patience`` says how
    long servers are waited for.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        streams: int,
        per_host: int,
        answer_bytes: int = 1024 * 1024,
        setting: str = "",
        patience: ServerPatience = SHIPPED,
    ) -> None:
        self._policy = policy
        self._setting = setting
        self._patience = patience
        self._most_bytes = _BYTES_OF_A_BYTE * answer_bytes + _BYTES_AROUND
        self._streams = streams
        self._per_host = per_host
        self._kinds: dict[str, Kind] = {"openai": OpenAi(), "anthropic": Anthropic()}
        self._client: GuardedClient | None = None
        self._attempts = Attempts()

    async def start(self) -> None:
        self._client = GuardedClient(
            self._policy,
            connections=self._streams,
            per_host=self._per_host,
            patience=self._patience,
        )

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def models(self, connection: Connection) -> tuple[Model, ...]:
        """What models the connection's server has, by id. Raises ProviderError; no timers."""
        try:
            return await list_models(self._opened(), connection)
        except ProviderError as error:
            raise self._shown(error, connection) from error.__cause__

    async def stream(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        parameters: GenerationParameters,
        next_read: NextRead,
        take: Take | None = None,
        told: Told | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """See :class:`~chat_service.providers.port.Provider`."""
        client = self._opened()
        try:
            kind = self._kinds.get(connection.provider)
            if kind is None:
                raise ProviderUnknown(f"provider {connection.provider}")
            question = await kind.question(
                client,
                connection,
                endpoint_of(connection.base_url),
                prompt,
                model=model,
                parameters=parameters,
            )
            place = connection.key_id, connection.base_url, model
            known = [
                Lesson(one.parameter, one.use) for one in connection.learnt if one.model == model
            ]
            asking = self._attempts.begin(client, question, place, known, told or Told())
            is_answered = False
            while not is_answered:
                try:
                    async with asking.ask() as source:
                        pieces = read_stream(
                            source,
                            kind.reader(),
                            next_read,
                            take,
                            most_bytes=self._most_bytes,
                            grace_seconds=self._patience.grace,
                        )
                        async for piece in pieces:
                            if not is_answered and _says_something(piece):
                                is_answered = True
                                asking.answered()
                            yield piece
                except ProviderError as refusal:
                    # Some servers refuse in the body of a 200.
                    if is_answered or not asking.adapts_to(refusal):
                        raise
        except ProviderError as error:
            raise self._shown(seen_as(error, prompt), connection) from error.__cause__

    def _opened(self) -> GuardedClient:
        if self._client is None:
            raise RuntimeError("the provider has not been started")
        return self._client

    def _shown(self, error: ProviderError, connection: Connection) -> ProviderError:
        """The same, with a message that may be shown, and a sentence of ours: a server may have a word in it.

        An operator is told what would open an address.
        """
        secrets = connection.secrets()
        error.text = without_secrets(error.text[:_LOGGED_CHARACTERS], secrets)
        error.provider_message = presentable(error.provider_message, secrets)
        if error.detail != type(error).detail:
            error.detail = presentable(error.detail, secrets)
        error.provider_message, error.detail = without_pieces(
            [error.provider_message, error.detail], secrets
        )
        (error.text,) = without_pieces([error.text], secrets)
        error.args = (error.text,)
        if isinstance(error, ProviderAddressForbidden):
            _log.warning(
                "connection.address_refused",
                host=endpoint_of(connection.base_url).server.host,
                setting=self._setting,
                advice="if users may have a model server there, add the host, its address or its "
                "network to this setting, and to apikey-service's",
            )
        return error


def _says_something(piece: Piece) -> bool:
    return bool(piece.parts or piece.finish_reason or piece.end)
