from datetime import UTC, datetime

import pytest

from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id
from chassis.paging import Place, Position, decode_cursor, encode_cursor, page_of, parse_limit


@pytest.mark.parametrize(("asked", "given"), [(0, 20), (1, 1), (100, 100)])
def test_a_limit_within_bounds_is_kept_and_zero_means_the_default(asked: int, given: int) -> None:
    assert parse_limit(asked) == given


@pytest.mark.parametrize("limit", [-1, 101, 2**31 - 1])
def test_a_limit_outside_its_bounds_is_refused(limit: int) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_limit(limit)
    expected = (
        FieldError("limit", "TOO_SMALL", minimum=1)
        if limit < 1
        else FieldError("limit", "TOO_LARGE", maximum=100)
    )
    assert refused.value.fields == (expected,)


def test_a_cursor_gives_back_its_parts_and_is_safe_in_a_url() -> None:
    parts = ("naïve 雪", "", "a/b+c?d&e", str(new_id()))
    cursor = encode_cursor(*parts)
    assert decode_cursor(cursor, 4) == parts
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "cursor",
    [
        "?",
        "====",
        "not base64 at all",
        "Zm9v\n",
        "雪",
        "\ud800",
        "A",
        encode_cursor("one"),
        encode_cursor("one", "two", "three"),
        encode_cursor("one", "nul\x00"),
        "e30",  # {}
        "WzEsMl0",  # [1,2]
        "W1siYSJdLCJiIl0",  # [["a"],"b"]
        "WyJcdWQ4MDAiLCJiIl0",  # ["\ud800","b"]
        "x" * 100_000,
    ],
)
def test_a_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        decode_cursor(cursor, 2)
    assert refused.value.fields == (FieldError("cursor", "INVALID"),)


def test_a_position_survives_its_cursor_to_the_microsecond() -> None:
    position = Position(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), new_id())
    assert Position.from_cursor(position.to_cursor()) == position


def test_the_empty_cursor_is_the_start_of_the_list() -> None:
    assert Position.from_cursor("") is None


@pytest.mark.parametrize(
    "cursor",
    [
        encode_cursor("yesterday", "01a1fd0a-a2a8-75aa-8011-7e14a9cf9ce9"),
        encode_cursor("2026-01-02T03:04:05", "01a1fd0a-a2a8-75aa-8011-7e14a9cf9ce9"),
        encode_cursor("2026-01-02T03:04:05+00:00", "not-an-id"),
    ],
)
def test_a_position_that_makes_no_sense_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed):
        Position.from_cursor(cursor)


def test_a_row_more_than_the_limit_tells_that_another_page_follows() -> None:
    page = page_of(["a", "b", "c"], 2, encode_cursor, total=7)
    assert page.items == ("a", "b")
    assert decode_cursor(page.next_cursor, 1) == ("b",)
    assert page.total == 7


@pytest.mark.parametrize("rows", [[], ["a"], ["a", "b"]])
def test_the_last_page_has_no_cursor(rows: list[str]) -> None:
    page = page_of(rows, 2, encode_cursor)
    assert page.items == tuple(rows)
    assert page.next_cursor == ""
    assert page.total is None


def test_a_place_is_behind_what_it_names_wherever_that_is_by_the_next_page() -> None:
    names = ["a", "b", "c", "d"]
    cursor = Place.behind(names, 2).to_cursor("words")
    place = Place.from_cursor(cursor, "words")
    assert place == Place(2, "b")
    assert place.among(names) == 2
    assert place.among(["x", "a", "y", "b", "c"]) == 4
    # It is gone: as many as were shown are passed over.
    assert place.among(["a", "c", "d"]) == 2
    assert Place.behind(names, 0).among(names) == 0


def test_a_cursor_of_another_kind_is_no_place_and_one_that_was_not_made_is_refused() -> None:
    assert Place.from_cursor("", "words") is None
    assert Place.from_cursor(encode_cursor("2026-01-01T00:00:00Z", "x"), "words") is None
    assert Place.from_cursor(encode_cursor("others", "1", "a"), "words") is None
    for number in ("", "-1", "x", "１", "1" * 10):
        with pytest.raises(ValidationFailed) as refused:
            Place.from_cursor(encode_cursor("words", number, "a"), "words")
        assert refused.value.fields == (FieldError("cursor", "INVALID"),)
