"""What model servers and users write is read in a time that grows by its length and no faster.

Each text is the worst for a pattern that reads it. By the square of its length it would take hours.
"""

from collections.abc import Callable

import pytest

from chat_service.asides.refusal import is_refusal
from chat_service.conversations.domain.session import title_from
from chat_service.files.domain.text_kinds import TextKind, kind_of_text
from chat_service.plain_text.stream import PlainText
from chat_service.providers.asking.bounds import most_of, room_for
from chat_service.providers.retry_after import retry_after_of
from chat_service.providers.said import Said
from chat_service.titles.title import clean_title

MANY = 1_000_000
BLANKS = " " * MANY
ONES = "1" * MANY


def streamed(text: str) -> int:
    """How long a text without marks is, of one that comes in pieces."""
    stream = PlainText()
    pieces = (text[at : at + 64] for at in range(0, len(text), 64))
    return sum(len(stream.feed(piece)) for piece in pieces) + len(stream.finish())


def waits(header: str, said: str) -> int | None:
    return retry_after_of({header: said}, Said())


CASES: dict[str, tuple[Callable[[], object], object]] = {
    "a limit of blanks": (lambda: waits("ratelimit", f"r=0;{BLANKS}"), None),
    "limits of commas": (lambda: waits("ratelimit", "r=0" + ", " * MANY), None),
    "a date of digits": (lambda: waits("retry-after", ONES), None),
    "a date of words": (lambda: waits("retry-after", "Mon, " * MANY), None),
    "a context of digits": (lambda: room_for(9, f"context length 5 {ONES}"), None),
    "a sum of digits": (lambda: room_for(9, f"{ONES} + "), None),
    "a range of points": (lambda: most_of(9, "range" + "." * 100_000, {}), None),
    "a bound of blanks": (lambda: most_of(9, "9" + " " * 100_000 + ">", {}), None),
    "a title of brackets": (lambda: clean_title("[" * MANY), None),
    "a title of links": (lambda: clean_title("[x](" * MANY + "y"), "[x](" * 19 + "[x]…"),
    "a title of quotations": (lambda: clean_title(">" * MANY + "Tea"), None),
    "a title of marks": (lambda: clean_title("**a " * MANY), "**a " * 7 + "**a…"),
    "a title of lines": (lambda: clean_title("\n" * MANY + "Tea"), "Tea"),
    "a message of rules": (lambda: title_from("-\n" * MANY), "-"),
    "a message of lines": (lambda: title_from("\n" * MANY + "Tea"), "Tea"),
    "a refusal of blanks": (lambda: is_refusal(BLANKS), False),
    "a file of blanks": (lambda: kind_of_text(f"{{{BLANKS}", is_whole=True), TextKind.CODE),
    "a target of tabs": (lambda: streamed(("[x](" + "\t" * 2000) * 50), 50 * 2004),
    "a target of parentheses": (lambda: streamed("[x](" + "(" * 50_000), 50_004),
    "a title of a target": (lambda: streamed(('[x](a "' + " " * 2000) * 50), 50 * 2007),
    "a row's rule of blanks": (lambda: streamed(("|-" + " " * 500 + "-\n") * 200), 200 * 503),
    "brackets": (lambda: streamed("[" * 5_000), 5_000),
}


@pytest.mark.parametrize("case", CASES)
def test_a_long_text_is_gone_through_once(case: str) -> None:
    read, expected = CASES[case]
    assert read() == expected
