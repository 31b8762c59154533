"""One message of what a model is given."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message as the model is given it; `role` is "user", "assistant" or "system"."""

    role: str
    content: str
