import pytest

from chassis.errors import FieldError
from chassis.text import check_text


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
    assert check_text("title", value, minimum=2, maximum=5) == [
        FieldError("title", reason) for reason in reasons
    ]


def test_empty_text_is_fine_where_no_minimum_is_asked() -> None:
    assert check_text("content", "", maximum=5) == []
