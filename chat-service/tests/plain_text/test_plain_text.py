"""Markdown without its marks: the same, wherever it is cut, and never held back to no end."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.plain_text import line, spans
from chat_service.plain_text import stream as blocks
from chat_service.plain_text.stream import PlainText, plain

DOCUMENT = r"""# Heading *one* ##

Some **bold** and *it* and ***both***, `co*de`, ~~gone~~, snake_case_name, __dunder__ and 2 * 3 * 4.
Setext
======
Another
---
> quoted **x**
> > again

- item one
* item [two](https://e.org/a_(b)) <https://x.y>
  + below ![a *picture*](p.png "t")
- [ ] to do
- [x] done
1. first

```python
x = **kw  # not bold
```
| a | **b** | c |
|---|:-:|--:|
| 1 | `x|y` | z |
***
Price $5 and $6; maths $a_1*b*c_2$ and \(x_1*y*z\) &amp; \*not\* end\
$$
a*b*c
$$
你好**“世界”**吗？ **未闭合
"""
SHOWN = r"""Heading one

Some bold and it and both, co*de, gone, snake_case_name, dunder and 2 * 3 * 4.
Setext
Another
quoted x
again

• item one
• item two (https://e.org/a_(b)) https://x.y
  • below a picture
☐ to do
☑ done
1. first

x = **kw  # not bold
a	b	c
1	x|y	z
Price $5 and $6; maths $a_1*b*c_2$ and \(x_1*y*z\) & *not* end
$$
a*b*c
$$
你好“世界”吗？ **未闭合
"""


def streamed(pieces: list[str]) -> str:
    stream = PlainText()
    return "".join(map(stream.feed, pieces)) + stream.finish()


def test_marks_are_taken_away_and_nothing_else() -> None:
    assert plain(DOCUMENT) == SHOWN


def test_it_is_the_same_wherever_it_is_cut() -> None:
    for cut in range(len(DOCUMENT) + 1):
        assert streamed([DOCUMENT[:cut], DOCUMENT[cut:]]) == SHOWN
    assert streamed(list(DOCUMENT)) == SHOWN


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("#no heading", "#no heading"),
        ("####### seven", "####### seven"),
        ("# C# ##", "C#"),
        ("---\na", "a"),
        ("- - -", ""),
        ("*not\nclosed*", "*not\nclosed*"),
        ("a * b * c", "a * b * c"),
        ("**a*b**", "a*b"),
        ("*a **b** c*", "a b c"),
        ("``a`b``", "a`b"),
        ("` a `", "a"),
        ("`open", "`open"),
        ("[a](<b c>)", "a (b c)"),
        ("[https://a.b](https://a.b)", "https://a.b"),
        ("[a](#here)", "a"),
        ("[a][b] [1]", "[a][b] [1]"),
        ("[![alt](p)](u)", "alt (u)"),
        ("[[a](b)](c)", "[a](b) (c)"),
        ("a < b > c <b>", "a < b > c <b>"),
        ("AT&T &lt; &unknown;", "AT&T < &unknown;"),
        ("~~~\na\n~~~", "a\n"),
        ("````\n```\n````\nb", "```\nb"),
        ("```no end\n*a*", "*a*"),
        ("a `b` ```c```", "a b c"),
        ("~5 and ~~6", "~5 and ~~6"),
        ("\\[\na_b_c\n\\]", "\\[\na_b_c\n\\]"),
        ("+ a\n+ b", "• a\n• b"),
        ("-5 is less", "-5 is less"),
        ("2) two", "2) two"),
        # What stands in an item is what it is elsewhere.
        ("1. ### a *b* ##\n2. c", "1. a b\n2. c"),
        ("- # a\n- > b\n- 1. - c", "• a\n• b\n• 1. • c"),
        ("- | a | b |\n  |---|---|\n  | c | d |", "• a\tb\n  c\td"),
        ("1. $$\n   a_b_c\n   $$", "1. $$\n   a_b_c\n   $$"),
        ("a\n1. ---\n2. ===\n-5", "a\n1. \n2. ===\n-5"),
        ("a | b", "a | b"),
        ("a | b\n--- | ---\n1 | 2", "a | b\n1 | 2"),
        ("| a\\|b | c |", "a|b\tc"),
        ("> - *a*", "• a"),
        ("tail  \nof", "tail  \nof"),
        ("中文*强调*和**加粗**。", "中文强调和加粗。"),
        # What ends a line in other systems is no part of it.
        ("# a ##\r\nb", "a\r\nb"),
        ("#\r\nb", "\r\nb"),
        ("| a | **b** |\r\n|---|---|\r\n| 1 | 2 |\r\n", "a\tb\r\n1\t2\r\n"),
        ("a\\\r\n*b*\r\n", "a\r\nb\r\n"),
        ("-\r\n- *a*\r\n", "• \r\n• a\r\n"),
        ("```\r\nx*y*\r\n```\r\n**a**\r", "x*y*\r\na\r"),
        ("a\r**b**\rc", "a\rb\rc"),
        ("---\r\na\r\n===\r\n", "a\r\n"),
        # Code in quotations and items is code to its end, and what is behind it is text.
        ("> ```py\n> x*y*z\n> ```\n**b**", "x*y*z\nb"),
        ("> ```\n>  x\n>\n> y\n> ```\n> *b*", " x\n\ny\nb"),
        ("> ```\n> x*y*z\n**b**", "x*y*z\nb"),
        ("> > ~~~\n> > x\n> *b*", "x\nb"),
        (">```\n>x\n>```\n*b*", "x\nb"),
        ("> $$\n> a*b\n> $$\n*b*", "$$\na*b\n$$\nb"),
        ("- ```py\n  x*y*z\n  ```\n**b**", "•   x*y*z\nb"),
        ("1. ```\n   x*y*z\n   ```\n2. **b**", "1.    x*y*z\n2. b"),
        ("> - ~~~\n>   x*\n>   ~~~\n*b*", "•   x*\nb"),
        ("- `` ` ``", "• `"),
        ("- ~~a~~", "• a"),
        ("1. `a`", "1. a"),
        ("1. ", "1. "),
        ("2026", "2026"),
        ("3.14 and *pi*", "3.14 and pi"),
        ("12345678901. *a*", "12345678901. a"),
        # Whatever else stands where marks do.
        ("***a** b*", "a b"),
        ("*a*b*c*", "abc"),
        ("_a_b_", "a_b"),
        ("a__b__c", "a__b__c"),
        ("\\\\*a*", "\\a"),
        ("&#42;a&#42;", "*a*"),
        ("[a]()", "a"),
        ("[a](x 't')", "a (x)"),
        ("[a](x(y)z)", "a (x(y)z)"),
        ("[a\nb](c)", "[a\nb](c)"),
        ("<me@example.org>", "me@example.org"),
        ("<me@example>", "<me@example>"),
        ("<a@b.c d>", "<a@b.c d>"),
        ("`` ` ``", "`"),
        ("`a\nb`", "`a\nb`"),
        ("````md\n```\n````", "```\n"),
        ("```a`b\n*c*", "```a`b\nc"),
        ("🎉*a*🎉", "🎉a🎉"),
        ("a**「b」**c", "a「b」c"),
        ("\u2028*a*\u200b", "\u2028a\u200b"),
        ("a[^1]\n\n[^1]: *b*", "a[^1]\n\n[^1]: b"),
    ],
)
def test_each_mark_by_itself(markdown: str, shown: str) -> None:
    assert plain(markdown) == shown
    for cut in range(len(markdown) + 1):
        assert streamed([markdown[:cut], markdown[cut:]]) == shown


_PIECES = [
    *(
        "**",
        "*",
        "_",
        "`",
        "``",
        "```",
        "\n",
        "# ",
        "- ",
        "| ",
        " |",
        "---",
        "a",
        "b c",
        "a long word",
    ),
    *(
        "[",
        "](x)",
        "](",
        ")",
        " ",
        "~~",
        "$",
        "$$",
        "\\(",
        "\\)",
        "> ",
        "&amp;",
        "<a:b>",
        "===",
        "![",
    ),
    *('[x](<y> "t")', "\\", "+", "1. ", ":", "\t", "\r\n", "\r", "~~~", "> ```\n", "- ```\n"),
]
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=20).map("".join)


@given(_TEXTS)
def test_whatever_is_said_it_is_the_same_wherever_it_is_cut(text: str) -> None:
    shown = plain(text)
    for cut in range(len(text) + 1):
        assert streamed([text[:cut], text[cut:]]) == shown
    assert streamed(list(text)) == shown


@pytest.mark.parametrize("window", [4, 9])
def test_so_it_is_where_what_is_open_is_given_up(
    monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    """With windows so short that nearly everything is wider."""
    monkeypatch.setattr(spans, "WINDOW", window)
    monkeypatch.setattr(line, "WINDOW", window)
    monkeypatch.setattr(spans, "_MATHS_WINDOW", window - 1)
    monkeypatch.setattr(spans, "_LINK_WINDOW", window + 9)
    monkeypatch.setattr(blocks, "_MOST_HELD", window + 2)
    chance = random.Random(window)
    for _ in range(250):
        text = "".join(chance.choices(_PIECES, k=chance.randint(1, 20)))
        shown = plain(text)
        for cut in range(len(text) + 1):
            assert streamed([text[:cut], text[cut:]]) == shown
        assert streamed(list(text)) == shown


@pytest.mark.parametrize("opened", ["*", "`", "[", "$", "# ", "[a](", "<a:", "```", "| ", "\\("])
def test_what_is_held_back_is_bounded(opened: str) -> None:
    stream = PlainText()
    shown, said = 0, opened
    shown += len(stream.feed(opened))
    for _ in range(200):
        said += "word and " * 4
        shown += len(stream.feed("word and " * 4))
        assert len(said) - shown < 2 * 2048 + 64
    assert shown > len(said) / 2


@pytest.mark.parametrize(
    "piece", ["[", "*a _b ", "a* ", "`", "> ", "![", "[a](b ", "$a ", "# ", "\\(", "***a** "]
)
def test_time_grows_with_the_text_and_not_with_its_square(piece: str) -> None:
    def seconds(characters: int) -> float:
        text = piece * (characters // len(piece))
        began = time.thread_time()
        plain(text)
        return time.thread_time() - began

    short = min(seconds(1_000) for _ in range(5))
    # Thirty-two times as much: with the square it would be 1,024 times. A busy machine slows either by some times.
    assert min(seconds(32_000) for _ in range(2)) < 180 * max(short, 0.0002)
