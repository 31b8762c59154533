"""Bounds that an operator may set."""

from dataclasses import dataclass

from parley.bounds import QUESTION


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds an operator may set.

    `content_characters` is the longest question, `runs_per_user` how many answers of a user may
    be generated at once. An answer of `answer_bytes`, thinking included, is not gone on with.
    """

    content_characters: int = QUESTION.maximum
    runs_per_user: int = 50
    answer_bytes: int = 1024 * 1024
