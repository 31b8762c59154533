import pytest

from chassis.errors import FieldError
from chassis.text import check_number, check_text


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
