"""How long answers are kept, and how much of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CacheBounds:
    """How long an answer is kept, 0: none is; most bytes of one, of a user's, and of all."""

    seconds: int = 86_400
    answer_bytes: int = 64 * 1024
    user_bytes: int = 1024 * 1024
    all_bytes: int = 64 * 1024 * 1024
