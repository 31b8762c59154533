"""One message of what a model is given."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message as the model is given it; `role` is "user", "assistant" or "system".

    `orders` are the messages of the conversation that it consists of.
    """

    role: str
    content: str
    orders: tuple[int, ...] = field(default=(), compare=False)
