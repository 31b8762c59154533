"""What can be asked instead of what a server refused, in the words of the servers that there are."""

import pytest

from chat_service.providers.asking.refused import Adaptation, adaptation
from chat_service.providers.domain.learnt import Lesson

from . import wordings
from .other_refusals import ROOM
from .other_refusals import STANDS as _STANDS
from .refusals import BODY, openai
from .refusals import LASTING as _LASTING

LASTING = _LASTING + wordings.LASTING
STANDS = _STANDS + wordings.STANDS


@pytest.mark.parametrize(
    ("status", "said", "learnt"), [row[1:] for row in LASTING], ids=[row[0] for row in LASTING]
)
def test_what_a_refusal_names_is_asked_for_otherwise(
    status: int, said: str, learnt: Lesson
) -> None:
    assert adaptation(BODY, status, said) == Adaptation(learnt)
    assert adaptation(BODY, status, said.encode()) == Adaptation(learnt)


@pytest.mark.parametrize(
    ("said", "room"), [row[1:] for row in ROOM], ids=[str(row[0]) for row in ROOM]
)
def test_what_a_question_leaves_room_for_is_asked_for_this_time_alone(said: str, room: int) -> None:
    assert adaptation(BODY, 400, said) == Adaptation(Lesson("max_tokens", str(room)), lasting=False)


@pytest.mark.parametrize(
    ("status", "said"), [row[1:] for row in STANDS], ids=[row[0] for row in STANDS]
)
def test_a_refusal_of_something_else_stands(status: int, said: str) -> None:
    assert adaptation(BODY, status, said) is None


@pytest.mark.parametrize(
    "said", [row[1] for row in wordings.ROLES], ids=[row[0] for row in wordings.ROLES]
)
def test_a_role_that_a_model_does_not_know_is_asked_for_as_the_users(said: str) -> None:
    for status in (400, 422, 500):
        asked = adaptation({**BODY, "system": True}, status, said)
        assert asked == Adaptation(Lesson("system", "user"))
    # Where no message has it, and where it is a field of its own.
    for body in (BODY, {**BODY, "system": [{"type": "text", "text": "Be brief."}]}):
        assert adaptation(body, 400, said) is None
        assert adaptation(body, 500, said) is None


def test_what_fails_is_asked_otherwise_for_its_roles_alone() -> None:
    said = openai("Unsupported parameter: 'temperature'", "temperature")
    assert adaptation({**BODY, "system": True}, 500, said) is None


def test_what_is_needed_is_not_left_out_but_may_become_less() -> None:
    needed = {"max_tokens"}
    refused = openai("max_tokens is not supported", "max_tokens")
    assert adaptation(BODY, 400, refused) == Adaptation(Lesson("max_tokens"))
    assert adaptation(BODY, 400, refused, needed=needed) is None
    most = openai("max_tokens must be at most 5", "max_tokens")
    assert adaptation(BODY, 400, most, needed=needed) == Adaptation(Lesson("max_tokens", "5"))


def test_only_what_was_sent_is_changed() -> None:
    for _, status, said, learnt in LASTING:
        if learnt.parameter == "top_p-temperature":
            continue
        rest = {name: value for name, value in BODY.items() if name != learnt.name}
        assert adaptation(rest, status, said) is None
