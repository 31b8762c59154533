"""What answers are generated with, each by one :class:`~chat_service.streaming.write.generate.Generation`."""

from dataclasses import dataclass

from chat_service.providers.port import Provider
from chat_service.streaming.cache.kept_answers import KeptAnswers
from chat_service.streaming.write.alternatives import Alternatives
from chat_service.words.domain.word_filter import InForce, no_words


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a generation that does not end by itself: seconds, and bytes of text."""

    first_token_seconds: float
    idle_seconds: float
    total_seconds: float
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class GenerationMeans:
    """``in_force`` are the words that no answer may show, ``cache`` is where answers are kept; None: nowhere."""

    provider: Provider
    bounds: Bounds
    alternatives: Alternatives
    in_force: InForce = no_words
    cache: KeptAnswers | None = None
