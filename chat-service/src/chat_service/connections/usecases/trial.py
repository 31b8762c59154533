"""Testing a connection: one real question, and where it fails, what would have worked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from chassis.caller import Caller
from chat_service.connections.domain.outcome import Outcome, Suggestion
from chat_service.connections.domain.variants import Variant, variants
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.errors import ProviderError
from chat_service.usage.domain.spent import Purpose, Tokens
from chat_service.words.domain.word_filter import InForce, masked, no_words

#: Failures that another address or protocol on the same host would not mend.
_NOT_OF_THE_ADDRESS: Final = frozenset(
    {
        "PROVIDER_ADDRESS_FORBIDDEN",
        "PROVIDER_BUSY",
        "PROVIDER_CONTENT_REFUSED",
        "PROVIDER_CONTEXT_TOO_LONG",
        "PROVIDER_MODEL_NOT_FOUND",
        "PROVIDER_NAME_NOT_FOUND",
        "PROVIDER_OVERLOADED",
        "PROVIDER_PARAMETER_REFUSED",
        "PROVIDER_QUOTA_EXCEEDED",
        "PROVIDER_RATE_LIMITED",
        "PROVIDER_URL_INVALID",
    }
)
_NO_TOKEN: Final = ("FIRST_TOKEN_TIMEOUT", "The model did not begin to answer.")


class Servers(Protocol):
    """Model servers, behind the address policy. What is asked of them raises ProviderError."""

    async def begin(self, connection: Connection) -> int:
        """Ask the smallest of questions; return with the first of the answer, or its end.

        Returns how many tokens that may have cost.
        """
        ...

    async def models(self, connection: Connection) -> tuple[Model, ...]:
        """What models its server has, by id."""
        ...

    def may_go_clear(self, base_url: str) -> bool:
        """Whether a key may be sent there without encryption although https was said."""
        ...


class Allowances(Protocol):
    """What users may still use today of connections that somebody else pays for."""

    async def check(self, caller: Caller, connection: Connection) -> None:
        """Raises AppError where nothing is left."""

    async def count(
        self,
        caller: Caller,
        connection: Connection,
        model: str,
        purpose: Purpose,
        tokens: Tokens,
        *,
        seconds: float,
    ) -> None:
        """So many more were used. Raises AppError."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for the connection itself, and then for all that may have been meant together."""

    first: float = 12.0
    others: float = 7.0


class ConnectionTest:
    """Tests connections, whether they are stored or not."""

    def __init__(
        self,
        servers: Servers,
        limit: TrialLimit,
        allowances: Allowances,
        patience: Patience = Patience(),
        in_force: InForce = no_words,
    ) -> None:
        self._servers = servers
        self._limit = limit
        self._allowances = allowances
        self._patience = patience
        self._in_force = in_force

    async def __call__(
        self, caller: Caller, connect: Callable[[], Awaitable[Connection]]
    ) -> Outcome:
        """Whether what `connect` says begins to answer, within 20 s at most; nothing of it is kept.

        What its server says is without the words in force. What it costs of a metered connection is counted as an answer's tokens are. Raises
        TooManyTests, what `connect` raises, and what `allowances` do.
        """
        self._limit.count(caller)
        connection = await connect()
        if connection.metered:
            await self._allowances.check(caller, connection)
        began = time.monotonic()
        failed: tuple[str, str, str, int | None] | None = None
        tokens = 0
        try:
            async with asyncio.timeout(self._patience.first):
                tokens = await self._servers.begin(connection)
        except TimeoutError:
            failed = (*_NO_TOKEN, "", None)
        except ProviderError as error:
            message = masked(self._in_force(), error.provider_message)
            failed = (error.reason, error.detail, message, error.retry_after)
        latency = round((time.monotonic() - began) * 1000)
        if failed is None:
            if connection.metered:
                await self._allowances.count(
                    caller,
                    connection,
                    connection.model,
                    Purpose.TEST,
                    Tokens(completion=tokens, estimated=tokens),
                    seconds=latency / 1000,
                )
            return Outcome(latency)
        suggestion = None
        # What an operator has set is not for its users to change.
        if failed[0] not in _NOT_OF_THE_ADDRESS and not connection.metered:
            suggestion = await self._suggest(connection)
        return Outcome(latency, *failed, suggestion=suggestion)

    async def _suggest(self, connection: Connection) -> Suggestion | None:
        """The likeliest of what may have been meant that answers, all of it tried at once."""
        meant = variants(
            connection.base_url,
            connection.provider,
            may_go_clear=self._servers.may_go_clear(connection.base_url),
        )
        trials = [asyncio.create_task(self._answers(connection, one)) for one in meant]
        try:
            found = await self._first_to_answer(meant, trials)
        finally:
            for trial in trials:
                trial.cancel()
            await asyncio.gather(*trials, return_exceptions=True)
        if found is None:
            return None
        return Suggestion(
            base_url=None if found.base_url == connection.base_url else found.base_url,
            provider=None if found.provider == connection.provider else found.provider,
        )

    async def _first_to_answer(
        self, meant: Sequence[Variant], trials: Sequence["asyncio.Task[bool]"]
    ) -> Variant | None:
        for one, trial in zip(meant, trials, strict=True):
            if await trial:
                return one
        return None

    async def _answers(self, connection: Connection, variant: Variant) -> bool:
        tried = replace(connection, base_url=variant.base_url, provider=variant.provider)
        try:
            async with asyncio.timeout(self._patience.others):
                await self._servers.begin(tried)
        except (ProviderError, TimeoutError):
            return False
        return True
