"""The context window: which earlier messages of a conversation the model is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chat_service.conversations.domain.message import Role
from chat_service.providers.domain.prompt_message import PromptMessage

_GO_ON = (
    "Your answer was cut off. Go on exactly where it stopped, without repeating any of it and"
    " without a word about the interruption."
)


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """Bounds of what a model is shown: so many earlier messages, so many characters with the question.

    Characters stand in for tokens, which each model counts in its own way.
    """

    messages: int
    characters: int


#: Unless an operator has set another.
SHIPPED: Final = ContextWindow(messages=20, characters=64_000)


def build_prompt(
    earlier: Sequence[PromptMessage], question: str, window: ContextWindow
) -> tuple[PromptMessage, ...]:
    """Returns the newest of `earlier` (oldest first) that fit the window, then the question.

    The question is always there, even when it alone is longer than the window. Messages are
    taken whole and without a gap; answers without text are left out; the first message is never
    an answer, since it would answer nothing that the model can see.
    """
    room = window.characters - len(question)
    kept: list[PromptMessage] = []
    for message in reversed([m for m in earlier if m.content]):
        room -= len(message.content)
        if room < 0 or len(kept) == window.messages:
            break
        kept.append(message)
    while kept and kept[-1].role == Role.ASSISTANT:
        kept.pop()
    return (*reversed(kept), PromptMessage(Role.USER.value, question))


def build_continuation(
    earlier: Sequence[PromptMessage], question: str, answer: str, window: ContextWindow
) -> tuple[PromptMessage, ...]:
    """Returns what `build_prompt` does, then the answer so far, and the request to go on with it.

    All of these are always there. Of an answer that had not begun there is nothing to go on with.
    """
    if not answer:
        return build_prompt(earlier, question, window)
    rest = ContextWindow(window.messages, window.characters - len(answer) - len(_GO_ON))
    return (
        *build_prompt(earlier, question, rest),
        PromptMessage(Role.ASSISTANT.value, answer),
        PromptMessage(Role.USER.value, _GO_ON),
    )
