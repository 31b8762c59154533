"""The memory window, the titles: rules without a database."""

import pytest

from chat_service.conversations.domain.session import title_from
from chat_service.prompt.domain import ContextWindow, build_prompt
from chat_service.providers.domain.prompt_message import PromptMessage

WIDE = ContextWindow(messages=20, characters=1000)


def _said(*contents: str) -> list[PromptMessage]:
    roles = ("user", "assistant")
    return [PromptMessage(roles[at % 2], content) for at, content in enumerate(contents)]


def _contents(earlier: list[PromptMessage], question: str, window: ContextWindow) -> list[str]:
    return [message.content for message in build_prompt(earlier, question, window)]


def test_a_first_question_is_the_whole_prompt() -> None:
    assert build_prompt([], "hello", WIDE) == (PromptMessage("user", "hello"),)


def test_earlier_messages_come_oldest_first_and_the_question_last() -> None:
    assert _contents(_said("q1", "a1", "q2", "a2"), "q3", WIDE) == ["q1", "a1", "q2", "a2", "q3"]


def test_only_the_newest_messages_fit() -> None:
    said = _said("q1", "a1", "q2", "a2")
    assert _contents(said, "q3", ContextWindow(messages=2, characters=1000)) == ["q2", "a2", "q3"]


def test_the_prompt_never_begins_with_an_answer() -> None:
    said = _said("q1", "a1", "q2", "a2")
    assert _contents(said, "q3", ContextWindow(messages=3, characters=1000)) == ["q2", "a2", "q3"]
    assert _contents(said, "q3", ContextWindow(messages=1, characters=1000)) == ["q3"]


def test_the_budget_of_characters_counts_the_question() -> None:
    said = _said("1234", "5678", "90ab", "cdef")
    assert _contents(said, "12", ContextWindow(messages=20, characters=10)) == [
        "90ab",
        "cdef",
        "12",
    ]
    assert _contents(said, "123", ContextWindow(messages=20, characters=10)) == ["123"]


def test_no_gap_is_left_where_a_long_message_does_not_fit() -> None:
    said = _said("q1", "a" * 100, "q2", "a2")
    assert _contents(said, "q3", ContextWindow(messages=20, characters=50)) == ["q2", "a2", "q3"]


def test_a_question_longer_than_the_window_stands_alone() -> None:
    said = _said("q1", "a1")
    assert _contents(said, "x" * 50, ContextWindow(messages=20, characters=10)) == ["x" * 50]


def test_a_window_of_no_messages_is_the_question_alone() -> None:
    said = _said("q1", "a1")
    assert _contents(said, "q2", ContextWindow(messages=0, characters=1000)) == ["q2"]


def test_an_answer_without_text_is_left_out() -> None:
    assert _contents(_said("q1", "", "q2", "a2"), "q3", WIDE) == ["q1", "q2", "a2", "q3"]


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("How are you?", "How are you?"),
        ("\n  \n  second line\nthird", "second line"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("word " * 20, ("word " * 20)[:59].rstrip() + "…"),
        ("你" * 100, "你" * 59 + "…"),
        ("   ", ""),
    ],
)
def test_a_title_is_the_first_line_and_at_most_60_characters(content: str, title: str) -> None:
    assert title_from(content) == title
    assert len(title_from(content)) <= 60
