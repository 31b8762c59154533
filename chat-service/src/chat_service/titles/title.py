"""What a model is asked for a title, and a title out of what it says."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from chat_service.conversations.domain.message import Role
from chat_service.providers.domain.prompt_message import PromptMessage
from parley.bounds import JOINERS

MOST_WORDS: Final = 8
#: In columns, of which a Chinese character takes two: eight words of any language, about.
MOST_WIDTH: Final = 80
# Of the question and of the answer: what they are about is said at their beginning.
_SHOWN_CHARACTERS: Final = 2_000
# Of what a model says, and of a line of that: a title stands at the beginning, and is looked at as often as there is
# something around it.
_READ_CHARACTERS: Final = 2_000
_LINE_CHARACTERS: Final = 500

_ASKED: Final = (
    f"Give the conversation below a title of at most {MOST_WORDS} words, in the language of the"
    " conversation. Answer with the title alone: no quotation marks, no Markdown, no explanation."
)

_LABEL: Final = re.compile(
    r"(?:(?:the |a |chat |conversation |suggested )*title|titel|titre|t[ií]tulo|titolo|tytuł|заголовок"
    r"|(?:对话|對話|会话)?(?:标题|標題)|题目|題目|タイトル|제목)\s*(?:is\s*)?[:：\-–—]\s*",
    re.IGNORECASE,
)
# What stands before a heading, a list's item or a quotation in Markdown.
_MARK: Final = re.compile(r"(?:#{1,6}\s+|>\s*|[-*+•]\s+|\d{1,2}[.)]\s+)")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\]\((?>(?:[^()]|\([^()]*\))*)\)")
# The same within a title: "What `async` **really** does".
_INSIDE: Final = re.compile(r"(\*\*|~~|`)(?=\S)(.+?)(?<=\S)\1")
_AROUND: Final = ("***", "**", "*", "___", "__", "_", "~~", "`")
_QUOTES: Final = (
    ('"', '"'),
    ("'", "'"),
    ("“", "”"),
    ("‘", "’"),
    ("„", "“"),
    ("„", "”"),
    ("‚", "‘"),
    ("«", "»"),
    ("»", "«"),
    ("‹", "›"),
    ("「", "」"),
    ("『", "』"),
    ("《", "》"),
    ("〈", "〉"),
    ("【", "】"),
    ("＂", "＂"),
)


def ask_for_title(question: str, answer: str) -> Sequence[PromptMessage]:
    """The prompt that asks for a title of what began so."""
    shown = f"Question:\n{_beginning(question)}\n\nAnswer:\n{_beginning(answer)}"
    return [PromptMessage(Role.USER.value, f"{_ASKED}\n\n{shown}")]


def clean_title(said: str) -> str | None:
    """The title in what a model said: one line of at most 8 words, without what models put around it.

    Markdown's marks, quotation marks, a label such as `Title:` and a full stop at its end are taken away, and what is
    too long ends with an ellipsis. None: there is none in it.
    """
    lines = [line for line in map(_plain, said.strip()[:_READ_CHARACTERS].splitlines()) if line]
    if not lines:
        return None
    # "Here is a title for it:", and then it comes.
    announced = len(lines) > 1 and lines[0].endswith((":", "："))
    title = _unwrapped(lines[1 if announced else 0][:_LINE_CHARACTERS])
    if not any(character.isalnum() for character in title):
        return None
    return _cut(title)


def _beginning(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _plain(line: str) -> str:
    """`line` with single spaces, and without what cannot be seen, but for what joins characters; a fence of
    code is nothing.
    """
    seen = "".join(
        character if unicodedata.category(character)[0] != "C" or character in JOINERS else " "
        for character in line
    )
    text = " ".join(seen.split())
    return "" if text.startswith("```") or not text.strip("-=*_ ") else text


def _unwrapped(text: str) -> str:
    text = _INSIDE.sub(r"\2", _LINK.sub(r"\1", text))
    before = None
    while text and text != before:
        before = text
        text = _bare(text).strip()
    return text


def _bare(text: str) -> str:
    """`text` without one layer of what stands around a title."""
    for pattern in (_MARK, _LABEL):
        if (found := pattern.match(text)) and found.end() < len(text):
            return text[found.end() :]
    for mark in _AROUND:
        if _is_around(text, mark, mark):
            return text[len(mark) : -len(mark)]
        # "**Title:** Tea", of which the label is gone.
        if text.startswith(mark) and text.count(mark) == 1:
            return text[len(mark) :]
        if (found := _LABEL.match(text.removeprefix(mark))) and text.startswith(mark):
            return text.removeprefix(mark)[found.end() :].removeprefix(mark)
    for opens, closes in _QUOTES:
        if _is_around(text, opens, closes):
            return text[1:-1]
    if text.endswith(("。", "．")) or (text.endswith(".") and not text.endswith("..")):
        return text[:-1]
    return text


def _is_around(text: str, opens: str, closes: str) -> bool:
    """Whether the two embrace all of `text`, rather than a word at each end."""
    if len(text) <= len(opens) + len(closes):
        return False
    if not (text.startswith(opens) and text.endswith(closes)):
        return False
    inside = text[len(opens) : -len(closes)]
    return opens not in inside and closes not in inside


def _cut(title: str) -> str:
    words = title.split(" ")
    kept = " ".join(words[:MOST_WORDS])
    width, end = 0, len(kept)
    for at, character in enumerate(kept):
        width += 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
        if width > MOST_WIDTH - 1:
            end = at
            break
    if len(words) <= MOST_WORDS and end == len(kept):
        return title
    return kept[:end].rstrip(" ,;:，；：、-–—") + "…"
