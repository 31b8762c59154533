"""The context window: what of a conversation the model is shown.

Model servers refuse what does not alternate, begins with an answer or has blank messages in it. So
whatever a conversation holds, and whatever failed in it, a prompt is: one system message if there is
any, then user and assistant in turn, the question last, and white space alone nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from chassis.text import is_blank
from chat_service.conversations.domain.message import Role
from chat_service.prompt.budget import SHIPPED as UNKNOWN_MODEL
from chat_service.prompt.budget import Budget
from chat_service.prompt.room import ContextWindow, Cut, Room, has_room_for
from chat_service.prompt.said import (
    SUMMED_UP,
    joined,
    read,
    said_by,
    with_summary,
    without_thinking,
)
from chat_service.providers.domain.prompt_message import Picture, PromptMessage

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
    "PICTURES_BUSY",
    "STORAGE_UNAVAILABLE",
)

_SUMMARY: Final = PromptMessage(Role.SYSTEM.value, SUMMED_UP)

_GO_ON = (
    "Your answer was cut off. Go on exactly where it stopped, without repeating any of it and"
    " without a word about the interruption."
)


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
    pictures: tuple[Picture, ...] = (),
) -> Prompt:
    """Returns the newest of `earlier` (oldest first) that fits window and budget, then the question.

    The question and the system's words are always there, even where they alone are longer than that.
    A question is taken with its answer, whole, or not at all, and without a gap; questions
    that nobody answered are joined to the next one, by a blank line; neighbouring answers likewise.
    Thinking at the beginning of an answer is not part of it. `order` is the question's own, and so are
    `pictures`. A summary is told behind the system's words, unless it would take more than a quarter of the budget.
    """
    said = read(earlier)
    told = with_summary(said, budget)
    system = told or said.system
    asked = [said_by(Role.USER, question, order, pictures)]
    room = Room(window, budget, [*earlier, *asked, _SUMMARY])
    room.take([system, *asked])
    cut = None
    while said.unanswered and window.pairs and cut is None:
        added = [said.unanswered.pop(), *asked]
        # Nothing older than what does not fit, either: that would leave a gap.
        cut = room.exchange(joined(asked), joined(added))
        if cut is None:
            asked = added
    kept: list[PromptMessage] = [joined(asked)]
    pairs = said.pairs if cut is None else []
    for question_before, answer in reversed(pairs):
        if len(kept) > 2 * window.pairs - 1:
            cut = Cut.PAIRS
        elif (cut := room.take([question_before, answer])) is None:
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
    pictures: tuple[Picture, ...] = (),
) -> Prompt:
    """Returns what `build_prompt` does, then the answer so far, and the request to go on with it.

    All of these are always there. Of an answer that had not begun there is nothing to go on with.
    The request makes it a question like any other: some servers refuse an answer at the end.
    `orders` are the question's and the answer's own, `pictures` the question's.
    """
    asked, answered = orders or (None, None)
    said = without_thinking(answer)
    if is_blank(said):
        return build_prompt(earlier, question, window, asked, budget, pictures)
    rest = ContextWindow(window.pairs, window.characters - len(said) - len(_GO_ON))
    left = budget.less([said, _GO_ON])
    prompt = build_prompt(earlier, question, rest, asked, left, pictures)
    going_on = (said_by(Role.ASSISTANT, said, answered), PromptMessage(Role.USER.value, _GO_ON))
    return replace(prompt, messages=prompt.messages + going_on, budget=budget)


def shortened(prompt: Sequence[PromptMessage], budget: Budget) -> Sequence[PromptMessage]:
    """A prompt as another model is given it: without the oldest pairs, as many as do not fit.

    What goes on with an answer keeps that, as it does the question.
    """
    if has_room_for(budget, prompt):
        return prompt
    begins = 1 if prompt[0].role == Role.SYSTEM else 0
    last = len(prompt) - (3 if prompt[-1].content == _GO_ON else 1)
    over = sum(map(budget.cost_of, prompt)) - budget.tokens
    first = begins
    while over > 0 and first < last:
        over -= sum(map(budget.cost_of, prompt[first : first + 2]))
        first += 2
    return prompt if first == begins else (*prompt[:begins], *prompt[first:])
