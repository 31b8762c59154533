"""What a model of this protocol can do: its name's label says it."""

from dataclasses import dataclass
from typing import Final

#: The longest answer of any of them, tokens.
MAX_TOKENS: Final = 32_000
_MAX_INPUT_TOKENS: Final = 200_000
_EFFORTS = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Model:
    """``thinking``: the kinds that it takes. ``tells``: what it can do is told at /v1/models."""

    thinking: tuple[str, ...]
    temperature: bool = True
    efforts: bool = False
    tells: bool = True


_BY_LABEL: Final = {
    "old": Model(("disabled",)),
    "budget": Model(("disabled", "enabled")),
    "adaptive": Model(("adaptive",), temperature=False, efforts=True),
    "untold": Model(("disabled", "enabled"), tells=False),
}
_ANY: Final = Model(("disabled", "enabled", "adaptive"), efforts=True)


def model_of(name: str) -> Model:
    """By the label behind the name's `#`: old, budget, adaptive, untold; any other takes everything."""
    return _BY_LABEL.get(name.partition("#")[2].partition("-")[0], _ANY)


def facts_of(name: str) -> dict[str, object]:
    """What GET /v1/models/{name} answers."""
    model = model_of(name)
    kinds = ("adaptive", "between_tools", "disabled", "enabled")
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": _MAX_INPUT_TOKENS,
        "max_tokens": MAX_TOKENS,
        "capabilities": {
            "thinking": {
                "supported": model.thinking != ("disabled",),
                "types": {kind: {"supported": kind in model.thinking} for kind in kinds},
            },
            "effort": {
                "supported": model.efforts,
                **{level: {"supported": model.efforts} for level in _EFFORTS},
                "max": {"supported": False},
            },
        },
    }
