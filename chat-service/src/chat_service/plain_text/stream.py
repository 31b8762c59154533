"""Markdown in, plain text out, as it comes.

Marks are taken away: those of headings, quotations, emphasis, code and its fences, rules, and tables' frames.
What they meant stays where a line can say it: a bullet before a list's item, a tab between cells, an
address behind a link's text. Code and maths stay as they are. Emphasis and links end with their line.

What is shown depends on the text alone and not on how it was cut; what is held back is bounded, and is
nothing at the end.
"""

import re
from typing import Final

from chat_service.plain_text.line import Kind, render

# Of a line's beginning, as long as it may still be a mark.
_MOST_HELD: Final = 512
_INDENT: Final = re.compile(r"[ \t]*")
_HEADING: Final = re.compile(r"#{1,6}(?:[ \t]+|\Z|(?=\r))")
_ONLY_MARKS: Final = {
    **dict.fromkeys("-|:", re.compile(r"[-|: \t\r]*")),
    "*": re.compile(r"[* \t\r]*"),
    "_": re.compile(r"[_ \t\r]*"),
    "+": re.compile(r"[+ \t\r]*"),
    "=": re.compile(r"[= \t\r]*"),
}
_RULE: Final = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}")
_UNDERLINE: Final = re.compile(r"-+[ \t]*|=+[ \t]*")
_ROW_RULE: Final = re.compile(r"\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*\|?[ \t]*+")
_ITEM: Final = re.compile(r"[-*+](?:[ \t]+|\Z|(?=\r))")
_NUMBER: Final = re.compile(r"\d{1,9}[.)][ \t]+", re.ASCII)
_NUMBER_BEGUN: Final = re.compile(r"\d{1,9}[.)]?\Z", re.ASCII)
_TASK: Final = re.compile(r"\[([ xX])\](?=[ \t])")
_TASK_BEGUN: Final = re.compile(r"\[(?:[ xX]\]?)?\Z")
_QUOTED: Final = re.compile(r" {0,3}> ?")
_QUOTED_BEGUN: Final = re.compile(r" {0,3}(?:>)?\Z")
# What a block within deeper quotations has before its lines is shown as it is.
_MOST_QUOTES: Final = 16
_MATHS: Final = {"$$": "$$", "\\[": "\\]"}


class PlainText:
    """Takes a text as it comes, and gives it without marks."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._shown: list[str] = []
        self._begins = True
        # The line that ends a block of code or maths, None outside of one; whether it is shown.
        self._fence: str | None = None
        self._verbatim = False
        # In how many quotations the line stands, and the block; whether the marks of these are behind.
        self._quotes = 0
        self._fence_quotes = 0
        self._unquoted = False
        self._kind = Kind()
        self._first = True
        self._before = ""
        # Whether an item's mark was shown of the line.
        self._in_item = False
        # Whether the line before was text, which a line of `=` or `-` makes a heading.
        self._behind_text = False

    def feed(self, text: str) -> str:
        """What may be shown now that `text` has come."""
        return self._take(text, ended=False)

    def finish(self) -> str:
        """What was held back, of a text that has ended."""
        return self._take("", ended=True)

    def _take(self, text: str, *, ended: bool) -> str:
        self._text = self._text[self._at :] + text
        self._at = 0
        while self._at < len(self._text) and self._step(ended):
            pass
        shown, self._shown = "".join(self._shown), []
        return shown

    def _step(self, ended: bool) -> bool:
        """Go on; False: more has to come."""
        if not self._begins:
            return self._read_verbatim() if self._verbatim else self._read_line(ended)
        if self._fence is not None:
            return self._begin_in_block(self._fence, ended)
        return self._begin_line(ended)

    def _show(self, text: str, end: int) -> bool:
        if text:
            self._shown.append(text)
        self._at = end
        return True

    def _end_line(self, text: str, end: int, *, is_text: bool = False) -> bool:
        self._begins, self._verbatim, self._first = True, False, True
        self._kind, self._before, self._behind_text = Kind(), "", is_text
        self._quotes, self._unquoted, self._in_item = 0, False, False
        return self._show(text, end)

    def _line_end(self) -> int:
        """Where the line's characters end; -1: that has not come."""
        return self._text.find("\n", self._at)

    # Blocks of code and maths

    def _begin_block(self, fence: str, end: int) -> bool:
        self._fence, self._fence_quotes = fence, min(self._quotes, _MOST_QUOTES)
        return self._end_line("", end)

    def _unquote(self, ended: bool) -> bool | None:
        """Go past the quotations in which the block stands; False: it ends with them, None: more has to come."""
        at = self._at
        for _ in range(self._fence_quotes):
            found = _QUOTED.match(self._text, at)
            is_last = found is None or found.end() == len(self._text)
            if is_last and not ended and _QUOTED_BEGUN.match(self._text, at):
                return None
            if found is None:
                return False
            at = found.end()
        self._at, self._unquoted = at, True
        return True

    def _begin_in_block(self, fence: str, ended: bool) -> bool:
        if self._fence_quotes and not self._unquoted:
            unquoted = self._unquote(ended)
            if not unquoted:
                if unquoted is False:
                    self._fence = None
                return unquoted is False
            if self._at == len(self._text):
                return ended
        text, at = self._text, self._at
        end = self._line_end()
        line = text[at:] if end < 0 else text[at:end]
        said = line.strip()
        character = fence[0]
        if character in "`~":
            may_close = not said.strip(character) and len(line) <= _MOST_HELD
            closes = may_close and len(said) >= len(fence)
        else:
            may_close = fence.startswith(said) and len(line) <= _MOST_HELD
            closes = may_close and said == fence
        if end < 0 and not ended and may_close:
            return False
        if closes and (end >= 0 or ended):
            self._fence = None
            shown = "" if character in "`~" else line + ("\n" if end >= 0 else "")
            return self._end_line(shown, at + len(line) + (end >= 0))
        self._begins, self._verbatim = False, True
        return True

    def _read_verbatim(self) -> bool:
        end = self._line_end()
        if end < 0:
            return self._show(self._text[self._at :], len(self._text))
        return self._end_line(self._text[self._at : end + 1], end + 1)

    # Lines

    def _begin_line(self, ended: bool) -> bool:
        text = self._text
        indent = _INDENT.match(text, self._at)
        assert indent is not None
        # What is longer is nothing that has to be read to its end to be known.
        at = indent.end()
        end = text.find("\n", at, at + _MOST_HELD + 1)
        if at - self._at >= _MOST_HELD:
            return self._show(text[self._at : self._at + _MOST_HELD], self._at + _MOST_HELD)
        if at == len(text):
            return self._show(indent[0], at) if ended else False
        if at == end:
            return self._end_line(text[self._at : end + 1], end + 1)
        line = text[at : at + _MOST_HELD + 1] if end < 0 else text[at:end]
        known = end >= 0 or (ended and len(line) <= _MOST_HELD)
        step = self._begin_known(indent[0], line, at, end, known)
        if step is None:
            if not known and len(line) <= _MOST_HELD:
                return False
            return self._begin_text(indent[0], at)
        return step

    def _begin_known(self, indent: str, line: str, at: int, end: int, known: bool) -> bool | None:
        """What its first characters make of a line; None: they do not say yet, or never will."""
        character = line[0]
        if character == ">":
            if len(line) == 1 and not known:
                return None
            self._quotes += 1
            return self._show("", at + 1 + line[1:2].count(" "))
        if character == "#":
            return self._begin_heading(indent, line, at, known)
        if character in _ONLY_MARKS:
            return self._begin_marks(indent, line, at, end, known)
        if character in "`~":
            return self._begin_code(indent, line, at, end, known)
        if character in "$\\":
            return self._begin_maths(indent, line, at, end, known)
        if number := _NUMBER.match(line):
            if not known and number.end() == len(line):
                return None
            return self._begin_item(indent + number[0], at + number.end())
        if not known and _NUMBER_BEGUN.match(line):
            return None
        return self._begin_text(indent, at)

    def _begin_item(self, mark: str, at: int) -> bool:
        """Behind an item's mark a line begins: a heading, a quotation, code, or another item."""
        self._behind_text, self._in_item = False, True
        return self._show(mark, at)

    def _begin_text(self, indent: str, at: int, kind: Kind | None = None) -> bool:
        self._begins, self._kind = False, kind or Kind()
        return self._show(indent, at)

    def _begin_heading(self, indent: str, line: str, at: int, known: bool) -> bool | None:
        found = _HEADING.match(line)
        if found is None or (found.end() == len(line) and not known):
            may_be = not known and len(line) <= 6 and not line.strip("#")
            return None if may_be or found is not None else self._begin_text(indent, at)
        return self._begin_text("", at + found.end(), Kind(heading=True))

    def _begin_marks(self, indent: str, line: str, at: int, end: int, known: bool) -> bool | None:
        """A rule, a heading's underline, a table's frame, a list's item, or none of them."""
        only = _ONLY_MARKS[line[0]].match(line)
        assert only is not None
        if only.end() == len(line):
            if not known:
                return None
            said = line.rstrip()
            is_frame = "|" in said and _ROW_RULE.fullmatch(said) is not None
            is_underline = self._behind_text and _UNDERLINE.fullmatch(said) is not None
            if is_frame or is_underline or _RULE.fullmatch(said):
                # An item's line that has a rule alone stays one.
                shown = "\n" if self._in_item and end >= 0 else ""
                return self._end_line(shown, at + len(line) + (end >= 0))
        if item := _ITEM.match(line):
            rest = line[item.end() :]
            if not known and (item.end() == len(line) or _TASK_BEGUN.match(rest)):
                return None
            if task := _TASK.match(rest):
                mark = "☐" if task[1] == " " else "☑"
                return self._begin_text(indent + mark, at + item.end() + task.end())
            if not known and len(rest) == 3 and rest.endswith("]") and rest[0] == "[":
                return None
            return self._begin_item(f"{indent}• ", at + item.end())
        return self._begin_text(indent, at, Kind(row=line[0] == "|"))

    def _begin_code(self, indent: str, line: str, at: int, end: int, known: bool) -> bool | None:
        count = len(line) - len(line.lstrip(line[0]))
        if count == len(line) and not known:
            return None
        if count < 3:
            return self._begin_text(indent, at)
        if not known:
            return None
        if line[0] == "`" and "`" in line[count:]:
            return self._begin_text(indent, at)
        return self._begin_block(line[0] * count, at + len(line) + (end >= 0))

    def _begin_maths(self, indent: str, line: str, at: int, end: int, known: bool) -> bool | None:
        said = line.rstrip()
        if not known and (said in _MATHS or len(line) < 2):
            return None
        if said not in _MATHS:
            return self._begin_text(indent, at)
        self._shown.append(indent + line + ("\n" if end >= 0 else ""))
        return self._begin_block(_MATHS[said], at + len(line) + (end >= 0))

    def _read_line(self, ended: bool) -> bool:
        text, end = self._text, self._line_end()
        line = text[self._at :] if end < 0 else text[self._at : end]
        # It ends the line, if that ends.
        line, back = line.removesuffix("\r"), line[-1:].count("\r")
        shown, known = render(
            line,
            ended=ended or end >= 0,
            before=self._before,
            kind=self._kind,
            first=self._first,
        )
        if end >= 0:
            is_text = not (self._kind.row or self._kind.heading)
            return self._end_line(shown + "\r" * back + "\n", end + 1, is_text=is_text)
        if ended:
            return self._show(shown + "\r" * back, len(text))
        if known:
            self._before, self._first = line[known - 1], False
            self._show(shown, self._at + known)
        return False


def plain(text: str) -> str:
    """The whole of a text without marks."""
    stream = PlainText()
    return stream.feed(text) + stream.finish()
