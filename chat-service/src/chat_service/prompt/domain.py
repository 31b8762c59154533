"""The context window: what of a conversation the model is shown.

Model servers refuse what does not alternate, begins with an answer or has blank messages in it. So
whatever a conversation holds, and whatever failed in it, a prompt is: one system message if there is
any, then user and assistant in turn, the question last, and white space alone nowhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from chat_service.conversations.domain.message import Role
from chat_service.prompt.budget import SHIPPED as UNKNOWN_MODEL
from chat_service.prompt.budget import Budget
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

#: The role of what sums up a conversation, among what was said before; its order is that of the last
#: message that it tells of.
SUMMARY: Final = "summary"

_BETWEEN = "\n\n"
_SUMMARY = "What was said before the messages below, summed up:\n"
_THINK, _THOUGHT = "<think>", "</think>"
_GO_ON = (
    "Your answer was cut off. Go on exactly where it stopped, without repeating any of it and"
    " without a word about the interruption."
)


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """Bounds of what a model is shown of what was said before, beside its budget of tokens.

    So many earlier questions with their answers; so many characters with the question, which is what
    is read and held in memory.
    """

    pairs: int
    characters: int


#: Unless an operator has set another.
SHIPPED: Final = ContextWindow(pairs=10, characters=200_000)


class Cut(StrEnum):
    """Which bound the oldest of a prompt met: what is older was left out for it."""

    PAIRS = "PAIRS"
    CHARACTERS = "CHARACTERS"
    TOKENS = "TOKENS"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given. `cut` None: all that was read of the conversation is in it.

    `summed_up` is the message up to which its system message sums up what was said, None: it does not.
    """

    messages: tuple[PromptMessage, ...]
    budget: Budget
    cut: Cut | None = None
    summed_up: int | None = None


def build_prompt(
    earlier: Sequence[PromptMessage],
    question: str,
    window: ContextWindow,
    order: int | None = None,
    budget: Budget = UNKNOWN_MODEL,
) -> Prompt:
    """Returns the newest of `earlier` (oldest first) that fits window and budget, then the question.

    The question and the system's words are always there, even where they alone are longer than that.
    A question is taken with its answer, whole, or not at all, and without a gap; questions
    that nobody answered are joined to the next one, by a blank line; neighbouring answers likewise.
    Thinking at the beginning of an answer is not part of it. `order` is the question's own. A summary
    is told behind the system's words, unless it would take more than a quarter of the budget.
    """
    said = _read(earlier)
    told = _with_summary(said, budget)
    system = told or said.system
    room = _Room(window, budget, [*(message.content for message in earlier), question, _SUMMARY])
    asked = [_said(Role.USER, question, order)]
    room.take([system.content, question])
    cut = None
    while said.unanswered and window.pairs and cut is None:
        added = [said.unanswered.pop(), *asked]
        # Nothing older than what does not fit, either: that would leave a gap.
        cut = room.exchange(_joined(asked).content, _joined(added).content)
        if cut is None:
            asked = added
    kept: list[PromptMessage] = [_joined(asked)]
    pairs = said.pairs if cut is None else []
    for question_before, answer in reversed(pairs):
        if len(kept) > 2 * window.pairs - 1:
            cut = Cut.PAIRS
        elif (cut := room.take([question_before.content, answer.content])) is None:
            kept += answer, question_before
        if cut is not None:
            break
    if said.unanswered and not window.pairs:
        cut = Cut.PAIRS
    if system.content:
        kept.append(system)
    summed_up = None if told is None or said.summary is None else said.summary.orders[0]
    return Prompt(tuple(reversed(kept)), budget, cut, summed_up)


def build_continuation(
    earlier: Sequence[PromptMessage],
    question: str,
    answer: str,
    window: ContextWindow,
    orders: tuple[int, int] | None = None,
    budget: Budget = UNKNOWN_MODEL,
) -> Prompt:
    """Returns what `build_prompt` does, then the answer so far, and the request to go on with it.

    All of these are always there. Of an answer that had not begun there is nothing to go on with.
    The request makes it a question like any other: some servers refuse an answer at the end.
    `orders` are the question's and the answer's own.
    """
    asked, answered = orders or (None, None)
    said = without_thinking(answer)
    if not said.strip():
        return build_prompt(earlier, question, window, asked, budget)
    rest = ContextWindow(window.pairs, window.characters - len(said) - len(_GO_ON))
    prompt = build_prompt(earlier, question, rest, asked, budget.less([said, _GO_ON]))
    going_on = (_said(Role.ASSISTANT, said, answered), PromptMessage(Role.USER.value, _GO_ON))
    return replace(prompt, messages=prompt.messages + going_on, budget=budget)


def shortened(prompt: Sequence[PromptMessage], budget: Budget) -> Sequence[PromptMessage]:
    """A prompt as another model is given it: without the oldest pairs, as many as do not fit.

    What goes on with an answer keeps that, as it does the question.
    """
    if budget.has_room_for(sum([len(message.content) for message in prompt]), len(prompt)):
        return prompt
    begins = 1 if prompt[0].role == Role.SYSTEM else 0
    last = len(prompt) - (3 if prompt[-1].content == _GO_ON else 1)
    over = sum([budget.cost(message.content) for message in prompt]) - budget.tokens
    first = begins
    while over > 0 and first < last:
        over -= sum([budget.cost(message.content) for message in prompt[first : first + 2]])
        first += 2
    return prompt if first == begins else (*prompt[:begins], *prompt[first:])


class _Room:
    """What is left of a window and of a budget. Tokens are counted only where they may not fit."""

    def __init__(self, window: ContextWindow, budget: Budget, candidates: Sequence[str]) -> None:
        self._characters = window.characters
        self._budget = budget
        characters = sum([len(text) for text in candidates])
        self._counts = not budget.has_room_for(characters, len(candidates))
        self._tokens = budget.tokens

    def take(self, texts: Sequence[str]) -> Cut | None:
        """Takes room for messages with these texts; which bound they do not keep, if any."""
        self._characters -= sum([len(text) for text in texts])
        if self._counts:
            self._tokens -= sum([self._budget.cost(text) for text in texts if text])
        return self._overdrawn()

    def exchange(self, text: str, longer: str) -> Cut | None:
        """As `take`, for one text in place of another. What does not fit is not taken."""
        before = self._characters, self._tokens
        self._characters -= len(longer) - len(text)
        if self._counts:
            self._tokens -= self._budget.cost(longer) - self._budget.cost(text)
        if (cut := self._overdrawn()) is not None:
            self._characters, self._tokens = before
        return cut

    def _overdrawn(self) -> Cut | None:
        if self._characters < 0:
            return Cut.CHARACTERS
        return Cut.TOKENS if self._tokens < 0 else None


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said before: each question with its answer, and the questions behind the last answer."""

    system: PromptMessage
    summary: PromptMessage | None
    pairs: list[tuple[PromptMessage, PromptMessage]]
    unanswered: list[PromptMessage]


def _with_summary(said: _Said, budget: Budget) -> PromptMessage | None:
    """The system message with the summary, where there is one and it is not too long."""
    if said.summary is None or budget.cost(said.summary.content) * 4 > budget.tokens:
        return None
    told = replace(said.system, content=_SUMMARY + said.summary.content)
    return _together(Role.SYSTEM, [said.system, told] if said.system.content else [told])


def _said(role: Role, text: str, order: int | None) -> PromptMessage:
    return PromptMessage(role.value, text, () if order is None else (order,))


def without_thinking(text: str) -> str:
    """`text` without the `<think>…</think>` that it begins with; one without an end is all of it."""
    if not text.lstrip().startswith(_THINK):
        return text
    _, _, answer = text.partition(_THOUGHT)
    return answer.lstrip()


def _read(messages: Sequence[PromptMessage]) -> _Said:
    system: list[PromptMessage] = []
    pairs: list[tuple[PromptMessage, PromptMessage]] = []
    asked: list[PromptMessage] = []
    answered: list[PromptMessage] = []
    summary: PromptMessage | None = None
    for message in messages:
        role = message.role
        text = without_thinking(message.content) if role == Role.ASSISTANT else message.content
        if not text.strip():
            continue
        said = PromptMessage(role, text, message.orders)
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
    return _Said(_together(Role.SYSTEM, system), summary, pairs, asked)


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
