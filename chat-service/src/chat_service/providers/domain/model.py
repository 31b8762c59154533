"""One model that a server offers."""

from dataclasses import dataclass
from typing import Final

from parley.bounds import MODEL

#: Characters of an id, as of any model that is asked for.
MODEL_ID: Final = MODEL


@dataclass(frozen=True, slots=True)
class Model:
    """What a server says of a model; None: it does not say.

    `context_tokens` is what the model takes in all, `output_tokens` the longest answer; `vision`
    whether it reads images, `reasoning` whether it thinks before it answers.
    """

    id: str
    context_tokens: int | None = None
    output_tokens: int | None = None
    vision: bool | None = None
    reasoning: bool | None = None
