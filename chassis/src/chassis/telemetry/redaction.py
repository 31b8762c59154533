"""Secrets taken out of text that is to be logged.

Two ways, for every text. By shape and by name: bearer headers, JSON Web Tokens, provider keys,
passwords in URLs, ``api_key=…``. And by value: whoever has a secret in hand says so with
:func:`hide`, and no log of that task shows it, however the text around it was escaped.

A value is not looked for as it is, but in the text with its escapes undone (backslashes of
``repr`` and JSON to any depth, percent-encoding, HTML entities): what an exception, a dict's
``repr`` or a server has made of it need not be known. A piece of it is looked for as well: a server
that quotes half a key has quoted it. The cost is linear in the text. What undoes escapes and what finds pieces share places
in the text, and so this file, which is longer than others.
"""

import base64
import binascii
import html
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cached_property
from urllib.parse import quote

REDACTED = "[redacted]"

# Of one text so much is looked through and kept.
MOST_CHARACTERS = 32 * 1024

# Three connections, each with a key and sixteen headers, and some more.
_MOST_HIDDEN = 64
_LEAST_HIDDEN = 8
# Of a longer secret its beginning is looked for.
_MOST_SECRET_CHARACTERS = 8192
# A text may end in the middle of a secret: so much of its beginning is recognised.
_LEAST_BEGINNING = 6
# Less of an encoded secret could be part of anything.
_LEAST_ENCODED = 8
# So much of a secret, from wherever in it, is recognised: by the stretches that the secret is divided
# into, one of which is whole in so many characters. They are short because of secrets that have
# what looks like an escape, of which less is left where escapes are undone.
_LEAST_PIECE = 12
_STRETCH = 4
# Of a stretch that a secret has time and again, so many places are gone on from.
_MOST_PLACES = 4

_SHAPE = re.compile(
    r"(?P<kept>\b[Bb]earer\s{1,8})[A-Za-z0-9._~+/=-]+"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\bparley_pat_[A-Za-z0-9_-]+"
    r"|\b(?:sk|pk|rk|xai|gsk|pat)[-_][A-Za-z0-9*._-]{6,}"
    r"|(?P<url>(?<![A-Za-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s@/]+(?=@)"
)
# Most texts are told by these to hold nothing of the shape, for a tenth of what a search costs.
_SHAPE_HINTS = ("earer", "eyJ", "k-", "k_", "xai", "pat-", "pat_", "://")
# Between a name and its value, however both are quoted and escaped.
_IS = r"\\{0,8}[\"']?\s{0,8}[:=]\s{0,8}(?:b(?=[\\\"']))?\\{0,8}[\"']?"
_NAMED = re.compile(
    r"(?P<query>[?&](?:[a-z0-9_-]{0,30}(?:key|token|secret|password|signature|otp)|pin|code|sig)=)"
    r"[^\s&#\"'\\]+"
    # Numbers alone: "pin: see below" is a sentence; and codes of six digits: others are errors'.
    rf"|(?P<number>(?:(?<![a-z0-9])(?:pin|otp|totp|pwd|passcode){_IS}(?=[0-9]{{3,12}}(?![0-9a-z]))"
    rf"|(?<![a-z0-9_-])(?:verification[-_ ]?)?code{_IS}(?=[0-9]{{6}}(?![0-9a-z]))))[0-9]+"
    r"|(?P<kept>\b(?:(?:x[-_])?api[-_]?key|passwd|password|passphrase|(?:client|shared)[-_]secret"
    rf"|(?:access|refresh)[-_]token|private[-_]key|(?:proxy-)?authorization){_IS}"
    r"(?:(?:basic|bearer|token)\s{1,8})?)(?!\[redacted\])[^\s\"'\\,;&)}\]]+"
    r"|(?P<cookie>\b(?:set-)?cookie[\"']?\s{0,8}[:=]\s{0,8}[\"']?)[^\r\n\"'\\]+",
    re.IGNORECASE,
)
_NAMED_HINTS = (
    *("key", "token", "secret", "pass", "signature", "authorization", "cookie"),
    *("pin", "otp", "pwd", "code", "sig"),
)

# No match is shorter.
_SHORTEST = 6

# The escapes that are undone: each stands for one character, or for none.
_ESCAPE = re.compile(
    r"\\+(?:u(?P<u>[0-9A-Fa-f]{4})|U(?P<U>[0-9A-Fa-f]{8})|x(?P<x>[0-9A-Fa-f]{2})"
    r"|(?P<o>[0-3][0-7]{2}))?"
    r"|%(?:25)*(?P<p>[0-9A-Fa-f]{2})"
    r"|&(?:amp;)*(?:(?P<h>#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});?|(?P<n>quot|apos|lt|gt|amp);)"
    r"|[\n\r\t]"
)
_ESCAPING = "\\%&\n\r\t"
_BEGUN_ESCAPE = re.compile(
    r"(?:(?<!\\)\\+[uUx]?[0-9A-Fa-f]{0,7}|%(?:25)*[0-9A-Fa-f]?|&#?[0-9A-Za-z]{0,6})$"
)
# White space and its usual escape, a backslash and a letter, become the same: the letter.
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\\": ""}


class _Hidden:
    """A secret, and what it looks like where escapes are undone."""

    def __init__(self, secret: str) -> None:
        self.secret = secret[:_MOST_SECRET_CHARACTERS]

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The longest first; none is empty."""
        secret = self.secret
        escaped = (
            secret,
            _letter_by_letter(secret),
            repr(secret)[1:-1],
            json.dumps(secret)[1:-1],
            quote(secret, safe="", errors="replace"),
        )
        forms = {_undo(form).text for form in (*escaped, html.escape(secret))}
        forms |= {_undo(form).text for form in _encoded(secret.encode(errors="replace"))}
        # One of backslashes alone has nothing left without them.
        return tuple(sorted(filter(None, forms), key=len, reverse=True))

    @cached_property
    def stretches(self) -> dict[str, list[tuple["_Word", int]]]:
        """What pieces are known by, and where it stands in the words of the secret.

        Each word is by itself: several that follow each other are a sentence, such as a title in a
        header, and others write it too. So it is with a URL, which has no pieces.
        """
        found: dict[str, list[tuple[_Word, int]]] = {}
        for word in () if "://" in self.secret else self._words():
            text = word.undone.text
            for at in range(0, len(text) - _STRETCH + 1, _STRETCH):
                places = found.setdefault(text[at : at + _STRETCH], [])
                if len(places) < _MOST_PLACES:
                    places.append((word, at))
        return found

    def _words(self) -> Iterator["_Word"]:
        for word in self.secret.split():
            yield (plain := _Word(word))
            # What looks like an escape in it is none where each letter is escaped.
            lettered = _Word(word, lettered=True)
            if lettered.undone.text != plain.undone.text:
                yield lettered

    def pieces(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in ``text`` pieces of it stand, from and to."""
        stretches = self.stretches
        if len(stretches) > len(text):
            there = {text[at : at + _STRETCH] for at in range(len(text) - _STRETCH + 1)}
            known = [stretch for stretch in stretches if stretch in there]
        else:
            known = [stretch for stretch in stretches if stretch in text]
        behind = 0
        for at, stretch in sorted((at, known_) for known_ in known for at in _all_of(known_, text)):
            for word, place in stretches[stretch] if at + _STRETCH > behind else ():
                first, last = _grown(text, at, word.undone.text, place)
                if word.is_piece(place + first - at, place + last - at):
                    yield first, last
                    behind = max(behind, last)


class _Word:
    """A word of a secret, as in a text whose escapes are undone."""

    def __init__(self, word: str, *, lettered: bool = False) -> None:
        self.undone = _undo(_letter_by_letter(word) if lettered else word)
        self._lettered = lettered
        # A piece may be cut where the secret has what looks like an escape, and be less undone.
        self._least = _LEAST_PIECE if len(self.undone.text) == len(word) else _LEAST_HIDDEN

    def is_piece(self, first: int, behind: int) -> bool:
        """Whether so much of it tells the secret."""
        if self._lettered:
            return behind - first >= self._least
        return self.undone.before(behind - 1)[1] - self.undone.before(first)[0] >= self._least


def _letter_by_letter(text: str) -> str:
    """Each letter escaped, as JSON may have it."""
    return "".join(f"\\u{ord(letter):04x}" for letter in text if ord(letter) < 0x10000)


def _all_of(part: str, text: str) -> Iterator[int]:
    """Where ``part`` stands in ``text``."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _encoded(secret: bytes) -> Iterator[str]:
    """What of ``secret`` is seen in base64 wherever it stands within what is encoded, and hex."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + secret).decode()
        core = text[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        if len(core) >= _LEAST_ENCODED:
            yield core
            yield core.replace("+", "-").replace("/", "_")
    if len(secret) * 2 >= _LEAST_ENCODED:
        yield binascii.hexlify(secret).decode()
        yield binascii.hexlify(secret).decode().upper()


def _grown(text: str, at: int, other: str, place: int) -> tuple[int, int]:
    """From where to where ``text`` is the same around ``at`` as ``other`` around ``place``."""
    first, last = at, at
    while (
        first > 0 and place - (at - first) > 0 and text[first - 1] == other[place - at + first - 1]
    ):
        first -= 1
    length, shift = len(text), place - at
    while last < length and last + shift < len(other) and text[last] == other[last + shift]:
        last += 1
    return first, last


_hidden: ContextVar[tuple[_Hidden, ...]] = ContextVar("hidden_secrets", default=())


def hide(secret: str) -> None:
    """From now on, no log of this task and of those it starts shows ``secret``.

    Nor a text in which it is escaped, in base64 or in hex, nor one that ends in its middle, nor twelve
    characters that follow each other in it, unless it is a URL. The last sixty-four count. One of less than eight characters guards nothing, and may be a word that the
    log needs: it is not hidden.
    """
    known = _hidden.get()
    if len(secret) >= _LEAST_HIDDEN and all(one.secret != secret for one in known):
        _hidden.set((*known, _Hidden(secret))[-_MOST_HIDDEN:])


def redact_text(text: str) -> str:
    """``text`` without hidden secrets and without what looks like a credential.

    Of a longer text than MOST_CHARACTERS the beginning, with a mark behind it.
    """
    rest = len(text) - MOST_CHARACTERS
    if rest > 0:
        text = text[:MOST_CHARACTERS]
    if known := _hidden.get():
        text = _without(text, known)
    if len(text) < _SHORTEST:
        return text
    if _holds_any(text, _SHAPE_HINTS):
        text = _SHAPE.sub(_replacement, text)
    if _holds_any(text.lower(), _NAMED_HINTS):
        text = _NAMED.sub(_replacement, text)
    return f"{text}… ({rest} characters more)" if rest > 0 else text


def _holds_any(text: str, hints: tuple[str, ...]) -> bool:
    # A plain loop: any() over a generator takes twice as long, which is half of what a text costs.
    for hint in hints:  # noqa: SIM110
        if hint in text:
            return True
    return False


def _replacement(match: re.Match[str]) -> str:
    kept = match[match.lastgroup] if match.lastgroup else ""
    return kept + REDACTED


class _Undone:
    """A text with its escapes undone, and where each character of it stood."""

    def __init__(self, text: str, starts: list[int], stretches: list[tuple[int, int]]) -> None:
        self.text = text
        # Where stretches begin in `text`; where they began and ended before. A stretch is
        # literal, with the same length on both sides, or one escape.
        self._starts = starts
        self._stretches = stretches

    def before(self, at: int) -> tuple[int, int]:
        """Where the character ``at`` stood: from and to."""
        index = bisect_right(self._starts, at) - 1
        first, behind = self._stretches[index]
        offset = at - self._starts[index]
        length = self._starts[index + 1] - self._starts[index]
        if length == behind - first:
            return first + offset, first + offset + 1
        return first, behind


def _undo(text: str) -> _Undone:
    pieces: list[str] = []
    starts: list[int] = []
    stretches: list[tuple[int, int]] = []
    length = at = 0

    def add(piece: str, first: int, behind: int) -> None:
        nonlocal length
        if piece:
            pieces.append(piece)
            starts.append(length)
            stretches.append((first, behind))
            length += len(piece)

    for match in _ESCAPE.finditer(text):
        add(text[at : match.start()], at, match.start())
        at = match.end()
        add(_meaning(match), match.start(), at)
    add(text[at:], at, len(text))
    return _Undone("".join(pieces), [*starts, length], stretches)


def _meaning(escape: re.Match[str]) -> str:
    """One character, or none for a backslash."""
    if (character := _LETTERS.get(escape[0])) is not None:
        return character
    kind = escape.lastgroup
    if kind is None:
        return ""  # backslashes: what they stand before is taken as it is
    digits = escape[kind]
    if kind in ("h", "n"):
        meant = html.unescape(f"&{digits};")[:1]
    else:
        code = int(digits, 8 if kind == "o" else 16)
        meant = chr(code) if code < 0x110000 else ""
    return _LETTERS.get(meant, meant)


def _without(text: str, known: tuple[_Hidden, ...]) -> str:
    if not any(character in text for character in _ESCAPING):
        tail = text[-_LEAST_BEGINNING:]
        if not any(form in text or tail in form for one in known for form in one.forms) and not any(
            True for one in known for _ in one.pieces(text)
        ):
            return text
    undone = _undo(text)
    spans: list[tuple[int, int]] = []
    for one in known:
        for form in one.forms:
            at = undone.text.find(form)
            while at >= 0:
                last = at + len(form) - 1
                spans.append((undone.before(at)[0], undone.before(last)[1]))
                at = undone.text.find(form, last + 1)
        spans += [
            (undone.before(first)[0], undone.before(behind - 1)[1])
            for first, behind in one.pieces(undone.text)
        ]
    begun = _BEGUN_ESCAPE.search(text)
    ends = (undone,) if begun is None else (undone, _undo(text[: begun.start()]))
    spans += [
        (end.before(len(end.text) - beginning)[0], len(text))
        for end in ends
        if (beginning := max((_begins(end.text, one) for one in known), default=0))
    ]
    return _cut(text, spans)


def _begins(text: str, one: _Hidden) -> int:
    """How many characters of a secret's beginning ``text`` ends with, if enough to tell."""
    tail = text[-_LEAST_BEGINNING:]
    for form in one.forms:
        at = form.find(tail)
        while at >= 0:
            length = at + len(tail)
            if len(tail) == _LEAST_BEGINNING and text.endswith(form[:length]):
                return length
            at = form.find(tail, at + 1)
    return 0


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    kept: list[str] = []
    at = 0
    for first, behind in sorted(spans):
        if first >= at:
            kept += (text[at:first], REDACTED)
        at = max(at, behind)
    return "".join(kept) + text[at:]
