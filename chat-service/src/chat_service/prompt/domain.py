"""The context window: what of a conversation the model is shown.

Model servers refuse what does not alternate, begins with an answer or has blank messages in it. So
whatever a conversation holds, and whatever failed in it, a prompt is: one system message if there is
any, then user and assistant in turn, the question last, and white space alone nowhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chat_service.conversations.domain.message import Role
from chat_service.providers.domain.prompt_message import PromptMessage

#: Why an answer without a word ended where its question came before no model: the next question is
#: joined to it. With any other reason the question is left out, for it may be what the server cannot
#: take, and would take every later one along.
UNHEARD: Final = (
    "SHUTTING_DOWN",
    "OWNER_LOST",
    "PROVIDER_ADDRESS_FORBIDDEN",
    "PROVIDER_BUSY",
    "PROVIDER_MODEL_NOT_FOUND",
    "PROVIDER_NAME_NOT_FOUND",
    "PROVIDER_PATH_NOT_FOUND",
    "PROVIDER_REDIRECTED",
    "PROVIDER_REFUSED_CONNECTION",
    "PROVIDER_TLS_FAILED",
    "PROVIDER_UNAUTHORIZED",
    "PROVIDER_UNREACHABLE",
    "PROVIDER_URL_INVALID",
)

_BETWEEN = "\n\n"
_THINK, _THOUGHT = "<think>", "</think>"
_GO_ON = (
    "Your answer was cut off. Go on exactly where it stopped, without repeating any of it and"
    " without a word about the interruption."
)


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """Bounds of what a model is shown of what was said before.

    So many earlier questions with their answers; so many characters with the question. Characters
    stand in for tokens, which each model counts in its own way.
    """

    pairs: int
    characters: int


#: Unless an operator has set another.
SHIPPED: Final = ContextWindow(pairs=10, characters=64_000)


def build_prompt(
    earlier: Sequence[PromptMessage],
    question: str,
    window: ContextWindow,
    order: int | None = None,
) -> tuple[PromptMessage, ...]:
    """Returns the newest of `earlier` (oldest first) that fits the window, then the question.

    The question and the system's words are always there, even where they alone are longer than the
    window. A question is taken with its answer, whole, or not at all, and without a gap; questions
    that nobody answered are joined to the next one, by a blank line; neighbouring answers likewise.
    Thinking at the beginning of an answer is not part of it. `order` is the question's own.
    """
    system, pairs, unanswered = _read(earlier)
    room = window.characters - len(system.content) - len(question)
    asked = [_said(Role.USER, question, order)]
    while unanswered and window.pairs:
        added = [unanswered.pop(), *asked]
        if (more := len(_joined(added).content) - len(_joined(asked).content)) > room:
            # Nothing older, either: that would leave a gap.
            pairs.clear()
            break
        asked = added
        room -= more
    kept: list[PromptMessage] = [_joined(asked)]
    for said, answer in reversed(pairs[-window.pairs :] if window.pairs else ()):
        room -= len(said.content) + len(answer.content)
        if room < 0:
            break
        kept += answer, said
    if system.content:
        kept.append(system)
    return tuple(reversed(kept))


def build_continuation(
    earlier: Sequence[PromptMessage],
    question: str,
    answer: str,
    window: ContextWindow,
    orders: tuple[int, int] | None = None,
) -> tuple[PromptMessage, ...]:
    """Returns what `build_prompt` does, then the answer so far, and the request to go on with it.

    All of these are always there. Of an answer that had not begun there is nothing to go on with.
    The request makes it a question like any other: some servers refuse an answer at the end.
    `orders` are the question's and the answer's own.
    """
    asked, answered = orders or (None, None)
    said = without_thinking(answer)
    if not said.strip():
        return build_prompt(earlier, question, window, asked)
    rest = ContextWindow(window.pairs, window.characters - len(said) - len(_GO_ON))
    return (
        *build_prompt(earlier, question, rest, asked),
        _said(Role.ASSISTANT, said, answered),
        PromptMessage(Role.USER.value, _GO_ON),
    )


def _said(role: Role, text: str, order: int | None) -> PromptMessage:
    return PromptMessage(role.value, text, () if order is None else (order,))


def without_thinking(text: str) -> str:
    """`text` without the `<think>…</think>` that it begins with; one without an end is all of it."""
    if not text.lstrip().startswith(_THINK):
        return text
    _, _, answer = text.partition(_THOUGHT)
    return answer.lstrip()


def _read(
    messages: Sequence[PromptMessage],
) -> tuple[PromptMessage, list[tuple[PromptMessage, PromptMessage]], list[PromptMessage]]:
    """What the system says, each question with its answer, and the questions behind the last answer."""
    system: list[PromptMessage] = []
    pairs: list[tuple[PromptMessage, PromptMessage]] = []
    asked: list[PromptMessage] = []
    answered: list[PromptMessage] = []
    for message in messages:
        role = message.role
        text = without_thinking(message.content) if role == Role.ASSISTANT else message.content
        if not text.strip():
            continue
        said = PromptMessage(role, text, message.orders)
        if role == Role.SYSTEM:
            system.append(said)
        elif role == Role.ASSISTANT:
            answered.append(said)
        else:
            _pair(pairs, asked, answered)
            asked.append(said)
    _pair(pairs, asked, answered)
    return _together(Role.SYSTEM, system), pairs, asked


def _pair(
    pairs: list[tuple[PromptMessage, PromptMessage]],
    asked: list[PromptMessage],
    answered: list[PromptMessage],
) -> None:
    """Takes what was asked and answered since the last pair for one, if there are both."""
    if not answered:
        return
    # An answer to nothing that the model can see is left out.
    if asked:
        pairs.append((_joined(asked), _together(Role.ASSISTANT, answered)))
    asked.clear()
    answered.clear()


def _joined(questions: Sequence[PromptMessage]) -> PromptMessage:
    """One question of several; one that was sent again is said once."""
    said: list[PromptMessage] = []
    for question in questions:
        if not said or said[-1].content != question.content:
            said.append(question)
    return replace(_together(Role.USER, said), orders=_orders(questions))


def _together(role: Role, messages: Sequence[PromptMessage]) -> PromptMessage:
    text = _BETWEEN.join(message.content for message in messages)
    return PromptMessage(role.value, text, _orders(messages))


def _orders(messages: Iterable[PromptMessage]) -> tuple[int, ...]:
    return tuple(order for message in messages for order in message.orders)
