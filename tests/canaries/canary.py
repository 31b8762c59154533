"""A secret that is nobody's, and all that it would be recognised by."""

import base64
import html
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

#: So many characters of a secret that follow each other are that secret.
PIECE = 12
# What JSON, URLs, HTML, shells and regular expressions have another spelling for.
_ESCAPED = "\"\\/+'%&<>$`{};=~#?@,:!|^*()[]"


def _letters(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(letter)) for letter in text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


#: In how many ways a server may write what it was sent.
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON with every letter escaped": _letters("\\u{:04x}"),
    "URL": lambda text: quote(text, safe=""),
    "a form": quote_plus,
    "a URL with every letter escaped": _letters("%{:02X}"),
    "HTML": html.escape,
    "repr": repr,
    "base64": _base64,
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "Basic": lambda text: _base64(f"user:{text}"),
    "hex": lambda text: text.encode().hex(),
    "its middle": lambda text: text[5:-5],
    "its halves": lambda text: f"{text[: len(text) // 2]} and {text[len(text) // 2 :]}",
}
# Those in which a piece of a secret is a piece of the text.
_LETTER_BY_LETTER = (
    "as it is",
    "JSON",
    "JSON with escaped slashes",
    "JSON with every letter escaped",
    "URL",
    "a form",
    "a URL with every letter escaped",
    "HTML",
)


@dataclass(frozen=True)
class Canary:
    """Visible ASCII without what anything would take for a key by its shape."""

    name: str
    text: str = field(default_factory=lambda: _made(48), repr=False)

    @classmethod
    def plain(cls, name: str) -> "Canary":
        """Of letters and digits: where nothing else can stand, as in the name of a host."""
        return cls(name, f"q{secrets.token_hex(20)}z")

    def needles(self) -> Iterator[bytes]:
        """Of all of it every spelling, and of every piece those that go letter by letter."""
        pieces = [self.text[at : at + PIECE] for at in range(len(self.text) - PIECE + 1)]
        for spelling, spell in SPELLINGS.items():
            if spelling not in ("its middle", "its halves"):
                yield spell(self.text).strip("\"'=").encode()
            if spelling in _LETTER_BY_LETTER:
                yield from (spell(piece).strip('"').encode() for piece in pieces)
        for before in range(3):
            text = _base64("\0" * before + self.text)
            yield text[-(-before * 8 // 6) : (before + len(self.text)) * 8 // 6].encode()
        yield self.text.encode().hex().upper().encode()


def _made(length: int) -> str:
    """One character in three is one that is escaped somewhere; each of these is there."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    escaped = list(_ESCAPED)
    secrets.SystemRandom().shuffle(escaped)
    made = "z"
    while len(made) < length or escaped:
        made += secrets.choice(letters) + secrets.choice(letters)
        made += escaped.pop() if escaped else secrets.choice(letters)
    return made + "z"
