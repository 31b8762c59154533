"""The memory window, the titles: rules without a database."""

import itertools
from typing import Any

import pytest

from chat_service.conversations.domain.session import title_from
from chat_service.prompt.domain import build_continuation, build_prompt
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.prompt_message import PromptMessage

WIDE = ContextWindow(pairs=10, characters=1000)


def _prompt(*said: Any) -> tuple[PromptMessage, ...]:
    return build_prompt(*said).messages


def _continuation(*said: Any) -> tuple[PromptMessage, ...]:
    return build_continuation(*said).messages


def _said(*contents: str) -> list[PromptMessage]:
    roles = ("user", "assistant")
    return [PromptMessage(roles[at % 2], content) for at, content in enumerate(contents)]


def _contents(earlier: list[PromptMessage], question: str, window: ContextWindow) -> list[str]:
    return [message.content for message in _prompt(earlier, question, window)]


def test_a_first_question_is_the_whole_prompt() -> None:
    assert _prompt([], "hello", WIDE) == (PromptMessage("user", "hello"),)


def test_earlier_messages_come_oldest_first_and_the_question_last() -> None:
    assert _contents(_said("q1", "a1", "q2", "a2"), "q3", WIDE) == ["q1", "a1", "q2", "a2", "q3"]


def test_only_the_newest_messages_fit() -> None:
    said = _said("q1", "a1", "q2", "a2")
    assert _contents(said, "q3", ContextWindow(pairs=1, characters=1000)) == ["q2", "a2", "q3"]


def test_the_window_counts_pairs() -> None:
    said = _said("q1", "a1", "q2", "a2")
    assert _contents(said, "q3", ContextWindow(pairs=1, characters=1000)) == ["q2", "a2", "q3"]
    assert _contents(said, "q3", ContextWindow(pairs=2, characters=1000)) == [
        *("q1", "a1", "q2", "a2", "q3")
    ]


def test_the_prompt_never_begins_with_an_answer() -> None:
    assert _contents(_said("q1", "a1", "q2", "a2")[1:], "q3", WIDE) == ["q2", "a2", "q3"]


def test_the_budget_of_characters_counts_the_question() -> None:
    said = _said("1234", "5678", "90ab", "cdef")
    assert _contents(said, "12", ContextWindow(pairs=10, characters=10)) == [
        "90ab",
        "cdef",
        "12",
    ]
    assert _contents(said, "123", ContextWindow(pairs=10, characters=10)) == ["123"]


def test_no_gap_is_left_where_a_long_message_does_not_fit() -> None:
    said = _said("q1", "a" * 100, "q2", "a2")
    assert _contents(said, "q3", ContextWindow(pairs=10, characters=50)) == ["q2", "a2", "q3"]


def test_a_question_longer_than_the_window_stands_alone() -> None:
    said = _said("q1", "a1")
    assert _contents(said, "x" * 50, ContextWindow(pairs=10, characters=10)) == ["x" * 50]


def test_a_window_of_no_messages_is_the_question_alone() -> None:
    said = _said("q1", "a1")
    assert _contents(said, "q2", ContextWindow(pairs=0, characters=1000)) == ["q2"]


def test_a_question_that_nobody_answered_is_joined_to_the_next_one() -> None:
    said = _said("q1", "", "q2", "a2")
    assert _contents(said, "q3", WIDE) == ["q1\n\nq2", "a2", "q3"]
    assert _contents(_said("q1", "a1", "q2", " \n"), "q3", WIDE) == ["q1", "a1", "q2\n\nq3"]
    assert _contents(_said("q1", "", "q2"), "are you there?", WIDE) == [
        "q1\n\nq2\n\nare you there?"
    ]


def test_one_that_was_sent_again_is_said_once() -> None:
    assert _contents(_said("q", "", "q", ""), "q", WIDE) == ["q"]
    assert _contents(_said("q", "", "q", "a"), "q", WIDE) == ["q", "a", "q"]


def test_joined_questions_count_as_one_of_a_pair_and_with_all_their_characters() -> None:
    said = _said("q1", "a1", "q2", "", "q3", "a3", "q4", "")
    assert _contents(said, "q5", ContextWindow(pairs=1, characters=1000)) == [
        *("q2\n\nq3", "a3", "q4\n\nq5")
    ]
    for characters, shown in (
        (18, ["q1", "a1", "q2\n\nq3", "a3", "q4\n\nq5"]),
        (17, ["q2\n\nq3", "a3", "q4\n\nq5"]),
        (14, ["q2\n\nq3", "a3", "q4\n\nq5"]),
        (13, ["q4\n\nq5"]),
        (6, ["q4\n\nq5"]),
        (5, ["q5"]),
    ):
        assert _contents(said, "q5", ContextWindow(pairs=9, characters=characters)) == shown


def test_where_a_question_nobody_answered_does_not_fit_nothing_older_is_shown() -> None:
    said = _said("q1", "a1", "x" * 100, "")
    assert _contents(said, "q3", ContextWindow(pairs=9, characters=50)) == ["q3"]


def test_a_window_of_no_pairs_is_the_question_alone_whatever_failed_before() -> None:
    assert _contents(_said("q1", ""), "q2", ContextWindow(pairs=0, characters=50)) == ["q2"]


def test_what_the_system_says_is_one_message_at_the_front_whatever_the_window() -> None:
    said = [PromptMessage("system", "be"), *_said("q1", "a1"), PromptMessage("system", "brief")]
    for window in (WIDE, ContextWindow(pairs=0, characters=1)):
        system, *_, question = _prompt(said, "q2", window)
        assert (system, question) == (
            PromptMessage("system", "be\n\nbrief"),
            PromptMessage("user", "q2"),
        )


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("<think>hm</think>yes", "yes"),
        ("\n<think>\nhm\n</think>\n\nyes", "yes"),
        ("<think></think>yes </think>", "yes </think>"),
        ("they say <think>hm</think>", "they say <think>hm</think>"),
        ("<thinking>hm</thinking>", "<thinking>hm</thinking>"),
    ],
)
def test_thinking_at_the_beginning_of_an_answer_is_not_sent_back(kept: str, shown: str) -> None:
    assert _contents(_said("q1", kept), "q2", WIDE) == ["q1", shown, "q2"]
    assert [m.content for m in _continuation([], "q", kept, WIDE)][:2] == ["q", shown]
    # A question is said as it was.
    assert _contents([], kept, WIDE) == [kept]


@pytest.mark.parametrize(
    "kept", ["<think>hm", "<think>hm</think>", "<think>hm</think> \n", "", " \n"]
)
def test_an_answer_of_thinking_alone_is_none(kept: str) -> None:
    assert _contents(_said("q1", kept), "q2", WIDE) == ["q1\n\nq2"]
    assert _continuation([], "q", kept, WIDE) == (PromptMessage("user", "q"),)


# Everything that a message can be, and what of it may be sent.
PIECES = (
    *(PromptMessage("user", text) for text in ("ask", "again and again", " \n\t", "")),
    *(
        PromptMessage("assistant", text)
        for text in ("say", "<think>hm</think>yes", "<think>hm", " ")
    ),
    PromptMessage("system", "be"),
)
WINDOWS = [
    ContextWindow(pairs, characters) for pairs in (0, 1, 2, 9) for characters in (1, 9, 21, 999)
]


def _obeys_strict_roles(prompt: tuple[PromptMessage, ...]) -> None:
    roles = [message.role for message in prompt]
    if roles[0] == "system":
        roles = roles[1:]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert all(message.content.strip() for message in prompt)


@pytest.mark.parametrize("length", [*range(5), pytest.param(5, marks=pytest.mark.slow)])
def test_whatever_a_conversation_holds_the_prompt_is_one_that_every_server_takes(
    length: int,
) -> None:
    """Of five messages each, 59,049 of them: every kind of neighbours that there is."""
    for at, history in enumerate(itertools.product(PIECES, repeat=length)):
        window = WINDOWS[at % len(WINDOWS)]
        prompt = _prompt(history, "and now?", window)
        _obeys_strict_roles(prompt)
        # The question last, behind whatever was not answered.
        assert prompt[-1].content.endswith("and now?")
        said = [message for message in prompt if message.role != "system"]
        assert sum(m.role == "assistant" for m in said) <= window.pairs
        system = sum(len(m.content) for m in prompt) - sum(len(m.content) for m in said)
        budget = max(window.characters, len("and now?") + system)
        assert sum(len(message.content) for message in prompt) <= budget
        # The newest is kept: what a smaller window shows is the end of what a larger one does.
        whole = [
            m for m in _prompt(history, "and now?", ContextWindow(99, 9999)) if m.role != "system"
        ]
        assert said[:-1] == whole[len(whole) - len(said) : -1]
        assert whole[-1].content.endswith(said[-1].content)


@pytest.mark.parametrize("length", [*range(4), pytest.param(4, marks=pytest.mark.slow)])
def test_so_is_that_of_every_continuation(length: int) -> None:
    for at, history in enumerate(itertools.product(PIECES, repeat=length)):
        window = WINDOWS[at % len(WINDOWS)]
        for answer in ("once upon", "<think>hm</think>once upon", "<think>hm", " "):
            prompt = _continuation(history, "tell", answer, window)
            _obeys_strict_roles(prompt)
            if "once" in answer:
                assert [m.content for m in prompt[-2:-1]] == ["once upon"]
                assert prompt[-3].content.endswith("tell")
            else:
                assert prompt == _prompt(history, "tell", window)


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
        ("\u200b\n# \ufeff\n\u2060 Tea", "\u2060 Tea"),
        ("\u200b\n\ufe0f", ""),
        ("## Tea\n\nand milk", "Tea"),
        ("> - 1. Tea", "Tea"),
        ("---\n* * *\n#\nTea", "Tea"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("## Why is `async` **so** ~~slow~~ *fast*? ##", "Why is async so slow fast?"),
        ("**Bold " + "x" * 60 + "**", "Bold " + "x" * 54 + "…"),
        ("snake_case, 2 * 3 * 4 and **kwargs", "snake_case, 2 * 3 * 4 and **kwargs"),
        ("[The guide](https://example.org/a)", "The guide (https://example.org/a)"),
        ("![](https://example.org/a.png)\nTea", "Tea"),
        ("Tea&#8238;&#27; &amp; milk", "Tea & milk"),
        ("#hashtag, -5 °C, 3.5 kg", "#hashtag, -5 °C, 3.5 kg"),
        ("***", "***"),
        ("\x07\n tea\tand\x1b[1m milk\x00", "tea and [1m milk"),
        ("\u202eTea\u202c \u2067and\u2069 milk", "Tea and milk"),
        ("\U0001f468\u200d\U0001f469 می\u200cخواهم", "\U0001f468\u200d\U0001f469 می\u200cخواهم"),
        ("# " * 50_000, "# " * 29 + "#…"),
        ("-" * 100_000 + "x", "-" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_line_and_at_most_60_characters(content: str, title: str) -> None:
    assert title_from(content) == title
    assert len(title_from(content)) <= 60
