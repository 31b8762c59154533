"""Models that take nothing but roles in turn, as many templates and servers do: `strict-` before any name."""

from collections.abc import Sequence

from parley_local.model_server.behaviours import behaviour_of
from parley_local.model_server.pictures import behaviour_with_pictures
from parley_local.model_server.request import Completion
from parley_local.model_server.steps import Behaviour, Refusal

_DOES = (
    "as the model behind it, and 400 unless user and assistant take turns, the user first and last,"
    " one system message before them at most, no message blank, and none with the word unspeakable"
)
#: The form of their names, and what they do.
FORM = ("strict-…", _DOES)
_PREFIX = "strict-"
#: What its moderation does not let through, in whatever message it stands.
_UNSPEAKABLE = "unspeakable"


def behaviour_for(asked: Completion) -> Behaviour | None:
    """What the model does when asked this; None if no rule knows the name."""
    if not asked.model.startswith(_PREFIX):
        own = behaviour_with_pictures(asked.model, asked.question, asked.pictures)
        return own or behaviour_of(asked.model, asked.question)
    if wrong := _wrong_with(asked.messages):
        return Refusal(400, "invalid_request_error", wrong)
    return behaviour_of(asked.model.removeprefix(_PREFIX), asked.question)


def _wrong_with(messages: Sequence[tuple[str, str]]) -> str | None:
    roles = [role for role, _ in messages]
    if roles[:1] == ["system"]:
        roles = roles[1:]
    if "system" in roles:
        return "A system message may stand at the beginning alone."
    if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"]:
        return "Conversation roles must alternate user/assistant/user/assistant/..."
    if not all(text.strip() for _, text in messages):
        return "Text content blocks must contain non-whitespace text."
    if any(_UNSPEAKABLE in text for _, text in messages):
        return "The content was refused by our moderation."
    return None
