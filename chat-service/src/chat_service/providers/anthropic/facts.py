"""What a model server says of a model: how much it can answer, and how it thinks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Of one model; None: nothing was said of it.

    ``max_tokens`` is the longest answer, ``thinking`` the kinds of thinking that the model takes,
    ``efforts`` the levels of effort.
    """

    max_tokens: int | None = None
    thinking: frozenset[str] | None = None
    efforts: frozenset[str] | None = None

    @classmethod
    def of(cls, said: bytes) -> Self:
        """Of an answer to GET /v1/models/{id}; what cannot be understood of it is not known."""
        try:
            model = orjson.loads(said)
        except orjson.JSONDecodeError:
            return cls()
        if not isinstance(model, dict):
            return cls()
        most = model.get("max_tokens")
        is_number = isinstance(most, int) and not isinstance(most, bool) and 0 < most < 2**31
        capabilities = model.get("capabilities")
        if not isinstance(capabilities, dict):
            capabilities = {}
        thinking = capabilities.get("thinking")
        kinds = thinking.get("types") if isinstance(thinking, dict) else None
        return cls(
            most if is_number else None, _supported(kinds), _supported(capabilities.get("effort"))
        )


UNKNOWN = ModelFacts()


def _supported(said: Any) -> frozenset[str] | None:
    """The names of what is supported, of an object with a name for each thing."""
    if not isinstance(said, Mapping):
        return None
    return frozenset(
        name
        for name, one in said.items()
        if isinstance(one, Mapping) and one.get("supported") is True
    )
