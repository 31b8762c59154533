"""Bounds that an operator may set, and what stands in for what a question leaves out."""

from dataclasses import dataclass

from parley.bounds import QUESTION

DEFAULT_TEMPERATURE = 0.7
DEFAULT_MAX_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds an operator may set.

    `content_characters` is the longest question, `runs_per_user` how many answers of a user may
    be generated at once. An answer of `answer_bytes`, thinking included, is not gone on with.
    """

    content_characters: int = QUESTION.maximum
    runs_per_user: int = 50
    answer_bytes: int = 1024 * 1024
