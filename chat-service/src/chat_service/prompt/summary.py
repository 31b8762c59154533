"""What a model is asked for a summary, and what of a conversation that takes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chassis.text import shortened
from chat_service.conversations.domain.message import HIGHEST_ORDER, Role, Said
from chat_service.conversations.domain.summary import MOST_CHARACTERS, Summary
from chat_service.prompt.budget import Budget
from chat_service.prompt.domain import Prompt
from chat_service.prompt.said import without_thinking
from chat_service.providers.domain.prompt_message import PromptMessage

#: Of the answer: thinking counts, too.
ANSWER_TOKENS: Final = 1500
#: Messages that one summary takes in, at most, and characters of each.
MESSAGES: Final = 40
CHARACTERS: Final = 6000
# Tokens of what one summary is made of, whatever the model takes.
_MOST_TOKENS: Final = 12_000
_LEAST_TEXT: Final = 100

_TASK: Final = (
    "You keep the minutes of a conversation between a user and an assistant. Write down, in the language of"
    " the conversation and in at most 300 words, what the assistant has to know to go on: what the user"
    " wants, facts, names, numbers, decisions, and what is still open. What the minutes so far say that"
    " still matters stays in them. Answer with the new minutes alone; do not answer the conversation."
)
_SO_FAR: Final = "The minutes so far:\n"
_SPEAKERS: Final = {Role.USER: "User", Role.ASSISTANT: "Assistant"}


@dataclass(frozen=True, slots=True)
class Reach:
    """Of a conversation's next prompt: the first message that is in it, and the middle of what is.

    Up to there is summed up where something before the first is not, so that it is not soon to be
    done again.
    """

    first: int
    middle: int


def reach_of(prompt: Prompt) -> Reach | None:
    """That of a prompt with an empty question; all of the conversation where nothing of it has room.

    None: the last message waits for its answer, and behind that it is to be looked again.
    """
    *told, question = [message.orders for message in prompt.messages]
    if question:
        return None
    said = [orders for orders in told if orders]
    if not said:
        return Reach(HIGHEST_ORDER, HIGHEST_ORDER - 1)
    first = said[0][0]
    # Each question has its answer behind it.
    older = said[: len(said) // 4 * 2]
    return Reach(first, older[-1][-1] if older else first - 1)


def build_summary_prompt(
    before: Summary | None, said: Sequence[Said], budget: Budget
) -> tuple[tuple[PromptMessage, ...], int]:
    """What a model is asked, and the last message that its answer will tell of.

    As many of `said` as have room; of a long one its beginning. There is at least one of them.
    """
    so_far = f"{_SO_FAR}{before.text}\n\n" if before is not None else ""
    room = min(budget.tokens, _MOST_TOKENS) - budget.cost(_TASK) - budget.cost(so_far)
    lines: list[str] = []
    kept: list[Said] = []
    for one in said:
        text = without_thinking(one.content) if one.role is Role.ASSISTANT else one.content
        line = f"{_SPEAKERS[one.role]}: {text.strip()}"
        cost = budget.cost(line)
        if cost > room:
            if lines:
                break
            # No more tokens than characters.
            line = line[: max(int(room / budget.factor), _LEAST_TEXT)]
        lines.append(line)
        kept.append(one)
        room -= cost
    if len(kept) > 1 and len(kept) < len(said) and kept[-1].role is Role.USER:
        # With its answer the next time.
        lines.pop()
        kept.pop()
    asked = so_far + "\n\n".join(lines)
    return (
        PromptMessage(Role.SYSTEM.value, _TASK),
        PromptMessage(Role.USER.value, asked),
    ), kept[-1].order


def summary_of(answer: str, last_order: int) -> Summary:
    """The summary that a model has written; of one that is too long its beginning."""
    return Summary(shortened(answer.strip(), MOST_CHARACTERS), last_order)
