import pytest

from chassis.errors import FieldError
from chassis.text import check_number, check_text, is_blank


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        ("", ["REQUIRED"]),
        ("a", ["TOO_SHORT"]),
        ("ab", []),
        ("雪🎉雪🎉雪", []),
        ("abcdef", ["TOO_LONG"]),
        ("ab\x00", ["INVALID_CHARACTER"]),
        ("ab\ud800", ["INVALID_CHARACTER"]),
        ("\x00", ["TOO_SHORT", "INVALID_CHARACTER"]),
        ("abcdef\udfff", ["TOO_LONG", "INVALID_CHARACTER"]),
        ("a\n\t", []),
    ],
)
def test_text_is_checked_for_its_length_and_for_what_cannot_be_stored(
    value: str, reasons: list[str]
) -> None:
    bounds: dict[str, dict[str, float]] = {"TOO_SHORT": {"minimum": 2}, "TOO_LONG": {"maximum": 5}}
    assert check_text("title", value, minimum=2, maximum=5) == [
        FieldError("title", reason, **bounds.get(reason, {})) for reason in reasons
    ]


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        (0, []),
        (2, []),
        (-0.1, [FieldError("heat", "TOO_SMALL", minimum=0)]),
        (2.1, [FieldError("heat", "TOO_LARGE", maximum=2)]),
        (float("inf"), [FieldError("heat", "TOO_LARGE", maximum=2)]),
        (float("-inf"), [FieldError("heat", "TOO_SMALL", minimum=0)]),
        (float("nan"), [FieldError("heat", "INVALID")]),
    ],
)
def test_a_number_outside_of_its_bounds_is_told_the_one_it_missed(
    value: float, errors: list[FieldError]
) -> None:
    assert check_number("heat", value, minimum=0, maximum=2) == errors


def test_empty_text_is_fine_where_no_minimum_is_asked() -> None:
    assert check_text("content", "", maximum=5) == []


@pytest.mark.parametrize(
    "text", ["", " ", "\t\u3000\x85", "\u200b", "\ufeff \u202e\u00ad", "\ufe0f\u2060"]
)
def test_what_nobody_sees_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(f"{text}.{text}")


@pytest.mark.parametrize("text", ["\U0001f468\u200d\U0001f469", "\u0301", "\x07", "\u2800"])
def test_what_is_drawn_or_may_be_is_not(text: str) -> None:
    assert not is_blank(text)
