"""What is learnt of models while they are asked: how much they take, and how they count.

In memory alone, by connection, base URL and model, as what servers refuse is: no user's server says
anything about another's, and a replica learns again what it has not seen.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

from chat_service.prompt.budget import (
    LEAST_CONTEXT,
    SHIPPED,
    Budget,
    budget_of,
    context_of,
    estimate_of_prompt,
)
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.domain.prompt_message import PromptMessage

_REMEMBERED: Final = 10_000
_DAY: Final = 86_400.0
# A list that did not come is looked at again after so long.
_HOUR: Final = 3_600.0
# What is left of what was too long, where the server does not say how long a prompt may be.
_LESS: Final = 0.75
_LEAST_FACTOR: Final = 0.5
_MOST_FACTOR: Final = 2.0
#: What is further from the estimate than so many times is no count of that prompt.
_ABSURD: Final = 4.0
# The first report counts half, and later ones ever less, down to this.
_LEAST_WEIGHT: Final = 1 / 7

_Place = tuple[UUID, str, str]


@dataclass(slots=True)
class _Known:
    """Of one model, with the times until when it holds: what the list of models says, and a refusal."""

    context: int | None = None
    output: int | None = None
    listed_until: float = 0.0
    refused: int | None = None
    refused_until: float = 0.0
    factor: float = 1.0
    reports: int = 0
    vision: bool | None = None
    blind_until: float = 0.0

    def sizes(self, now: float) -> Iterator[int]:
        """What may be the context, by what is known of it."""
        if self.context is not None and now < self.listed_until:
            yield self.context
        if self.refused is not None and now < self.refused_until:
            yield self.refused


class ModelMemory:
    """What is known of the latest 10,000 models of connections; `context` is that of all others."""

    def __init__(self, context: int = SHIPPED.context) -> None:
        self._context = context
        self._known: OrderedDict[_Place, _Known] = OrderedDict()

    def budget(self, connection: Connection, model: str, max_tokens: int | None) -> Budget:
        """That of a prompt, for an answer of `max_tokens`; None: nothing is asked for."""
        known = self._known.get(_place(connection, model))
        if known is None:
            return budget_of(self._context, answer=max_tokens)
        sizes = list(known.sizes(monotonic()))
        return budget_of(
            min(sizes, default=self._context),
            answer=_answer(known, connection, max_tokens),
            known=bool(sizes),
            factor=known.factor,
        )

    def wants_list(self, connection: Connection, model: str) -> bool:
        """Whether the server's list is to be looked at for this model; True once in an hour."""
        now, known = monotonic(), self._of(_place(connection, model))
        if now < known.listed_until:
            return False
        known.listed_until = now + _HOUR
        return True

    def note_list(self, connection: Connection, model: str, listed: Iterable[Model]) -> None:
        """What the server says of this model, if anything, for a day."""
        known = self._of(_place(connection, model))
        one = next((one for one in listed if one.id == model), Model(model))
        known.context, known.output, known.vision = (
            one.context_tokens,
            one.output_tokens,
            one.vision,
        )
        known.listed_until = monotonic() + _DAY

    def sees(self, connection: Connection, model: str) -> bool | None:
        """Whether it takes pictures; None: nobody has said."""
        known, now = self._known.get(_place(connection, model)), monotonic()
        if known is None:
            return None
        if now < known.blind_until:
            return False
        return known.vision if now < known.listed_until else None

    def note_cannot_see(self, connection: Connection, model: str) -> None:
        """It has refused pictures; it is believed for an hour, since that may be mended."""
        self._of(_place(connection, model)).blind_until = monotonic() + _HOUR

    def note_too_long(
        self,
        connection: Connection,
        model: str,
        *,
        most: int | None,
        estimated: int,
        answer: int | None = None,
    ) -> None:
        """A prompt so long by estimate was refused as too long, where an answer of so many tokens was asked for.

        `most` is how much the server says that it takes in all; None: it does not say. The next prompt is
        shorter in any case.
        """
        known = self._of(_place(connection, model))
        answer = _answer(known, connection, answer)
        used = int(estimated * known.factor)
        if most is None or most <= 0 or budget_of(most, answer=answer).tokens >= used:
            less = int((used + (answer or 0)) * _LESS)
            most = min(less, context_of(int(used * _LESS), answer=answer))
        known.refused = max(most, LEAST_CONTEXT)
        known.refused_until = monotonic() + _DAY

    def note_refused(
        self,
        connection: Connection,
        model: str,
        prompt: Sequence[PromptMessage],
        *,
        answer: int | None,
        most: int | None,
    ) -> None:
        """As `note_too_long`, of this prompt.

        Of a question alone that nobody says the most of nothing is learnt: there is no less to send.
        """
        if most is not None or len(prompt) > 2:
            estimated = estimate_of_prompt(message.content for message in prompt)
            self.note_too_long(connection, model, most=most, estimated=estimated, answer=answer)

    def wants_usage(self, connection: Connection, model: str) -> bool:
        """Whether a report is worth an estimate: of the first eight prompts, and then of one in sixteen."""
        known = self._of(_place(connection, model))
        known.reports += 1
        return known.reports <= 8 or known.reports % 16 == 0

    def note_usage(
        self, connection: Connection, model: str, *, estimated: int, reported: int
    ) -> None:
        """A prompt of so many tokens by estimate had so many by the server's count.

        One that is absurd changes nothing.
        """
        if estimated <= 0 or not estimated / _ABSURD <= reported <= estimated * _ABSURD:
            return
        known = self._of(_place(connection, model))
        said = min(max(reported / estimated, _LEAST_FACTOR), _MOST_FACTOR)
        weight = max(1 / (known.reports + 1), _LEAST_WEIGHT)
        known.factor += weight * (said - known.factor)

    def _of(self, place: _Place) -> _Known:
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = _Known()
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(place)
        return known


def _answer(known: _Known, connection: Connection, asked: int | None) -> int | None:
    # Anthropic's requests name the longest answer where nobody has.
    is_named = asked is None and connection.provider == "anthropic"
    return known.output if is_named else asked


def _place(connection: Connection, model: str) -> _Place:
    return connection.key_id, connection.base_url, model
