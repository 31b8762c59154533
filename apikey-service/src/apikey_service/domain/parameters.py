"""What a connection says of how an answer is to be generated, where a question says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Parameters:
    """None, and no texts to stop at: nothing is said of it. Named as in the contract."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Parameters":
        """Of a row: what is unknown here is left out."""
        known = {name: said[name] for name in PARAMETERS if said.get(name) is not None}
        if "stop" in known:
            known["stop"] = tuple(known["stop"])
        return cls(**known)

    def said(self) -> dict[str, Any]:
        """What something is said of, by name, as JSON knows it."""
        values = ((name, getattr(self, name)) for name in PARAMETERS)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values
            if value is not None and value != ()
        }


#: The names of all of them.
PARAMETERS: Final = ("temperature", "max_tokens", "top_p", "stop", "reasoning_effort")
#: What a new connection says of what its owner neither gave nor cleared.
DEFAULTS: Final = Parameters(temperature=0.7, max_tokens=2048)
