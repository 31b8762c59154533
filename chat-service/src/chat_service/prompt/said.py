"""What was said before a question, as a prompt is made of it: in pairs of a question and its answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chassis.text import is_blank
from chat_service.conversations.domain.message import Role
from chat_service.prompt.budget import Budget
from chat_service.providers.domain.prompt_message import Picture, PromptMessage

#: The role of what sums up a conversation, among what was said before; its order is that of the last
#: message that it tells of.
SUMMARY: Final = "summary"
#: What stands before a summary, among the system's words.
SUMMED_UP: Final = "What was said before the messages below, summed up:\n"

_BETWEEN: Final = "\n\n"
_THINK, _THOUGHT = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Said:
    """What was said before: each question with its answer, and the questions behind the last answer."""

    system: PromptMessage
    summary: PromptMessage | None
    pairs: list[tuple[PromptMessage, PromptMessage]]
    unanswered: list[PromptMessage]


def with_summary(said: Said, budget: Budget) -> PromptMessage | None:
    """The system message with the summary, where there is one and it is not too long."""
    if said.summary is None or budget.cost(said.summary.content) * 4 > budget.tokens:
        return None
    told = replace(said.system, content=SUMMED_UP + said.summary.content)
    return together(Role.SYSTEM, [said.system, told] if said.system.content else [told])


def said_by(
    role: Role, text: str, order: int | None, pictures: tuple[Picture, ...] = ()
) -> PromptMessage:
    """What somebody said in the message of this order, None: in none that is kept."""
    return PromptMessage(role.value, text, () if order is None else (order,), pictures)


def without_thinking(text: str) -> str:
    """`text` without the `<think>…</think>` that it begins with; one without an end is all of it."""
    if not text.lstrip().startswith(_THINK):
        return text
    _, _, answer = text.partition(_THOUGHT)
    return answer.lstrip()


def read(messages: Sequence[PromptMessage]) -> Said:
    system: list[PromptMessage] = []
    pairs: list[tuple[PromptMessage, PromptMessage]] = []
    asked: list[PromptMessage] = []
    answered: list[PromptMessage] = []
    summary: PromptMessage | None = None
    for message in messages:
        role = message.role
        text = without_thinking(message.content) if role == Role.ASSISTANT else message.content
        if is_blank(text):
            continue
        said = PromptMessage(role, text, message.orders, message.pictures)
        if role == SUMMARY:
            summary = said
        elif role == Role.SYSTEM:
            system.append(said)
        elif role == Role.ASSISTANT:
            answered.append(said)
        else:
            _pair(pairs, asked, answered)
            asked.append(said)
    _pair(pairs, asked, answered)
    return Said(together(Role.SYSTEM, system), summary, pairs, asked)


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
        pairs.append((joined(asked), together(Role.ASSISTANT, answered)))
    asked.clear()
    answered.clear()


def joined(questions: Sequence[PromptMessage]) -> PromptMessage:
    """One question of several; one that was sent again is said once."""
    said: list[PromptMessage] = []
    for question in questions:
        if not said or said[-1] != question:
            said.append(question)
    return replace(together(Role.USER, said), orders=_orders(questions))


def together(role: Role, messages: Sequence[PromptMessage]) -> PromptMessage:
    text = _BETWEEN.join(message.content for message in messages)
    pictures = tuple([picture for message in messages for picture in message.pictures])
    return PromptMessage(role.value, text, _orders(messages), pictures)


def _orders(messages: Iterable[PromptMessage]) -> tuple[int, ...]:
    return tuple(order for message in messages for order in message.orders)
