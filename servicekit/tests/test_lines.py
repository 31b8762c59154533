"""What one line may have in it, and what joins characters in it."""

import random
import re

import pytest

from parley.bounds import JOINED_LINE_PATTERN, is_joined_line, is_line


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d👩\u200d👧\u200d👦 a",
        "🏳\ufe0f\u200d🌈",
        "",
        " ",
        "a b",
    ],
)
def test_what_is_not_written_without_joiners_is_a_line(text: str) -> None:
    assert is_joined_line(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "\u200c",
            "\u200d\u200c",
            "a\u200c",
            "\u200ca",
            "a \u200cb",
            "a\u200d b",
            "a\u200c\u200db",
        ),
        *(
            "a\u200bb",
            "a\u200eb",
            "a\u202eb",
            "a\u2066b",
            "a\ufeffb",
            "a\u00adb",
            "a\nb",
            "a\u200d\u202eb",
        ),
    ],
)
def test_what_joins_nothing_and_what_is_not_drawn_is_none(text: str) -> None:
    assert not is_joined_line(text)


def test_the_pattern_that_is_shown_is_the_rule_that_is_held() -> None:
    shown, chance = re.compile(JOINED_LINE_PATTERN), random.Random(1)
    for _ in range(20_000):
        text = "".join(chance.choices("ab \u200c\u200d\u200b\u202eé👩\x00", k=chance.randrange(7)))
        assert (shown.fullmatch(text) is not None) == is_joined_line(text), ascii(text)
        without = re.sub("[\u200c\u200d]", "", text)
        assert not is_joined_line(text) or is_line(without)
