"""A question to a model server, and what Parley is to make of its answer."""

from dataclasses import dataclass, field
from typing import Any, Final

from .process import ModelServer

#: More tokens than the context of any of them, in no more characters than a question may have.
MANY_WORDS: Final = "word " * 5000 + "漢字" * 3000


@dataclass(frozen=True)
class Case:
    """A question to ``model`` and its whole outcome; None: that is not looked at."""

    server: str
    behaviour: str
    model: str
    text: str | None = ""
    thinking: str = ""
    question: str = "Say something."
    status: str = "completed"
    reason: str | None = None
    finish_reason: str | None = None
    #: Whether the usage is the one that the server tells a plain client.
    usage: bool = False
    #: Tokens of the answer that are counted.
    tokens: int | None = None
    retry_after: int | None = None
    #: In how many events the text comes at least.
    pieces: int = 0
    key: str | None = None
    #: The protocol that the server is asked in.
    provider: str = "openai"
    parameters: dict[str, Any] = field(default_factory=dict)
    #: How often it is asked: what hangs on when something arrives does not show each time.
    times: int = 1
    #: Why Parley does not get it right yet: its test then has to fail, and who makes it right takes
    #: the words out.
    not_yet: str | None = None


def gives(
    server: type[ModelServer], behaviour: str, model: str, text: str | None, **more: Any
) -> Case:
    more = {"finish_reason": "stop", "usage": True, **more}
    return Case(server.name, behaviour, model, text, **more)


def fails(server: type[ModelServer], behaviour: str, model: str, reason: str, **more: Any) -> Case:
    more = {"status": "failed", **more}
    return Case(server.name, behaviour, model, reason=reason, **more)
