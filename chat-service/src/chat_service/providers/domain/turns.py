"""Conversations for models that know a user and an assistant alone, strictly in turn."""

from collections.abc import Sequence
from itertools import pairwise

from chat_service.providers.domain.prompt_message import PromptMessage


def takes_turns(prompt: Sequence[PromptMessage]) -> bool:
    """Whether there is no message of the system, and none behind another one of its role."""
    return all(one.role != "system" for one in prompt) and all(
        one.role != other.role for one, other in pairwise(prompt)
    )


def in_turns(prompt: Sequence[PromptMessage]) -> list[PromptMessage]:
    """The same with what the system says before the user's first message, and neighbours of one role as one.

    An answer that nothing comes before has an empty question; nothing is left out.
    """
    system = [one for one in prompt if one.role == "system"]
    others = [one for one in prompt if one.role != "system"]
    if system and (not others or others[0].role != "user"):
        others.insert(0, PromptMessage("user", ""))
    turns: list[list[PromptMessage]] = [[*system]] if system else []
    for message in others:
        if turns and (turns[-1][-1].role in (message.role, "system")):
            turns[-1].append(message)
        else:
            turns.append([message])
    return [_one(turn) for turn in turns]


def _one(turn: Sequence[PromptMessage]) -> PromptMessage:
    if len(turn) == 1:
        return turn[0]
    return PromptMessage(
        turn[-1].role,
        "\n\n".join(one.content for one in turn if one.content),
        tuple(order for one in turn for order in one.orders),
        tuple(picture for one in turn for picture in one.pictures),
    )
