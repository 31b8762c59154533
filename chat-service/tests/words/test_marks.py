"""Words between whose letters marks of Markdown stand, which a page does not show."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.words.domain.marks import LONGEST_ADDRESS
from chat_service.words.domain.stream import FilteredStream
from chat_service.words.domain.word_filter import MASK, Action, Rule, WordFilter

# A test of the pages holds that each of them is shown with `secret` in it.
SHOWN_JOINED = json.loads(
    (Path(__file__).parents[3] / "web/src/markdown/joined.testing.json").read_bytes()
)


def masks(*words: str) -> WordFilter:
    return WordFilter(Rule(word, Action.MASK) for word in words)


def streamed(words: WordFilter, *pieces: str, begun: str = "") -> str:
    stream = FilteredStream(lambda: words, begun)
    return "".join(map(stream.feed, pieces)) + stream.finish()


@pytest.mark.parametrize("text", SHOWN_JOINED)
def test_a_word_that_a_page_would_join_is_not_shown_wherever_it_is_cut(text: str) -> None:
    words = masks("secret")
    shown = words.masked(text)
    assert MASK in shown
    assert words.masked(shown) == shown
    assert WordFilter([Rule("secret", Action.REFUSE)]).scan(text, ended=True).refused
    assert streamed(words, *text) == shown
    for cut in range(len(text)):
        assert streamed(words, text[:cut], text[cut:]) == shown
        # Gone on with: what was shown stays, and the whole of the word never is.
        behind = streamed(words, text[cut:], begun=text[:cut])
        assert words.masked(text[:cut]) != text[:cut] or MASK in behind


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("秘密", "秘**密"),
        ("secret", "s\u200b**e\u00ad**cret"),
        ("secret", "s**&#101;**cret"),
        ("secret", "se*\u200bcret"),
        ("secret", "se" + "*" * 300 + "cret"),
        ("secret", f"se](https://x.org/{'a' * 2000})cret"),
        ("secret", "se\\(cr\\)et"),
        ("secret", "se$cr$et"),
        # A blank of a phrase is whatever a page shows as one.
        ("bad word", "bad **word"),
        ("bad word", "bad** word"),
        ("bad word", "bad_ _word"),
        ("bad word", "bad `word"),
        ("bad word", "bad   word"),
        ("bad word", "bad\t word"),
        ("bad word", "bad\nword"),
        ("bad word", "bad  \r\n   word"),
        ("bad word", "bad\\\n> > word"),
        # What is a mark elsewhere may be a part of a word.
        ("a_b", "a_**b"),
        ("$hit", "$h**it"),
        ("sh[t", "s**h**[t"),
        ("ab`c", "a**b**`c"),
        ("john@x.org", "jo<hn@x.org"),
        ("see https://x.org", "see <https://x.org"),
    ],
)
def test_marks_hide_no_word_wherever_it_is_cut(word: str, said: str) -> None:
    words = masks(word)
    text, shown = f"x {said} y", f"x {MASK * len(said)} y"
    assert words.masked(text) == shown
    assert streamed(words, *text) == shown
    for cut in range(0, len(text), 1 + len(text) // 99):
        assert streamed(words, text[:cut], text[cut:]) == shown


@pytest.mark.parametrize(
    "text",
    [
        "s e c r e t",
        "s\\ecret",
        "se_cret",
        "se~cret",
        "s<b>ecret</b>",
        "s<!-- -->ecret",
        "se * cret",
        "se-cret",
        "se|cret",
        "se\ncret",
        "se\n\ncret",
        "se(cr)et",
        "![se](https://x.org) (cret)",
        "[se](https://x.org",
        "[se](an address",
        "**se**",
        "bad\n\nword",
        "bad\n>\n> word",
        "bad\n- word",
        "bad * word",
        "badword",
        "a*b*c, a_b and 3 * a * b",
    ],
)
def test_what_marks_do_not_join_is_as_it_was_wherever_it_is_cut(text: str) -> None:
    words = masks("secret", "bad word")
    assert words.masked(text) == text
    for cut in range(len(text)):
        assert streamed(words, text[:cut], text[cut:]) == text
    assert streamed(words, *text) == text


_PARTS = st.sampled_from(
    [
        *("a", "b", "a", "b", "&#97;", "\u200b", " ", "\n", "\n> ", "x"),
        *("*", "**", "_", "~~", "`", "` ", " `", "\\", "$", "!", "<", ">"),
        *("[", "]", "](", ")", "(", "](x)", "][b]"),
    ]
)


@settings(deadline=None)
@given(st.lists(st.lists(_PARTS, max_size=5).map("".join), max_size=5))
def test_no_word_is_shown_among_marks_wherever_the_text_is_cut(pieces: list[str]) -> None:
    words = masks("ab", "a b", "a_b")
    text = "".join(pieces)
    for shown in (words.masked(text), streamed(words, *pieces)):
        assert len(shown) == len(text)
        assert words.masked(shown) == shown


def test_an_address_is_held_back_in_bounds() -> None:
    words = masks("secret")
    stream = FilteredStream(lambda: words)
    shown = stream.feed("[se](https://x.org/")
    for _ in range(100):
        shown += stream.feed("/a" * 25)
        assert stream.held <= 10 * words.longest + LONGEST_ADDRESS + 256
    assert shown.startswith("[se](https://x.org/")
