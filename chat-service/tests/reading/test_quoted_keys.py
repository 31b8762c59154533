"""A key that a server quotes is not shown, however it is written."""

import base64
import codecs
import html
import json
from collections.abc import Callable
from contextvars import copy_context
from urllib.parse import quote

import pytest

from chat_service.providers.pieces import without_pieces
from chat_service.providers.shown import presentable as presented

KEYS = [
    "sk-Canary7f3e9b21d4c8a05e6f",
    "k'ey/of+a\\test=w\"xyz&<1>",
    "0123456789abcdef0123456789abcdef",
]


def presentable(told: str, secrets: list[str]) -> str:
    """What is shown of it; no other test's logs hide these secrets from then on."""
    return copy_context().run(presented, told, secrets)


def _each(form: str) -> Callable[[str], str]:
    return lambda key: "".join(form % byte for byte in key.encode())


def _between(separator: str, form: str) -> Callable[[str], str]:
    return lambda key: separator.join(form % byte for byte in key.encode())


def _base64(before: bytes, behind: bytes = b"") -> Callable[[str], str]:
    return lambda key: base64.b64encode(before + key.encode() + behind).decode()


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "base64": _base64(b""),
    "base64 behind one letter": _base64(b"x", b"y"),
    "base64 behind two": _base64(b":x", b"yz"),
    "base64 of a header": _base64(b"Bearer ", b"\r\n"),
    "base64 without its end": lambda key: _base64(b"")(key).rstrip("="),
    "base64 of URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "hex": _each("%02x"),
    "hex in capitals": _each("%02X"),
    "hex with blanks": _between(" ", "%02x"),
    "hex with colons": _between(":", "%02X"),
    "hex as in C": _between(", ", "0x%02x"),
    "hex as in Python": _each("\\x%02x"),
    "numbers": _between(", ", "%d"),
    "numbers of JSON": _between(",", "%d"),
    "octal": _each("\\%03o"),
    "in percent": _each("%%%02X"),
    "in percent where needed": lambda key: quote(key, safe=""),
    "in percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "in JSON": json.dumps,
    "in JSON twice": lambda key: json.dumps(json.dumps(key)),
    "in JSON's numbers": _each("\\u%04x"),
    "in HTML": html.escape,
    "in HTML's numbers": _each("&#%d;"),
    "in HTML's hex": _each("&#x%x;"),
    "with blanks": " ".join,
    "with what is not seen": "\u200b".join,
    "on two lines": lambda key: f"{key[:9]}\n{key[9:]}",
    "in capitals": str.upper,
    "base64 of base64": lambda key: _base64(b"")(_base64(b"")(key)),
    "base64 three times": lambda key: _base64(b"")(_base64(b"")(_base64(b"")(key))),
    "base64 of hex": lambda key: _base64(b"")(key.encode().hex()),
    "hex of base64": lambda key: _base64(b"")(key).encode().hex(),
    "base64 on two lines": lambda key: f"{_base64(b'')(key)[:17]}\n{_base64(b'')(key)[17:]}",
    "base32": lambda key: base64.b32encode(key.encode()).decode(),
    "base32 in small letters": lambda key: base64.b32encode(key.encode()).decode().lower(),
    "base32 behind letters": lambda key: base64.b32encode(b"Key " + key.encode()).decode(),
    "in letters of full width": lambda key: "".join(chr(ord(letter) + 0xFEE0) for letter in key),
    "backwards": lambda key: key[::-1],
    "turned by thirteen": lambda key: codecs.encode(key, "rot13"),
    "with marks between": "-".join,
    "with what is not seen, in base64": lambda key: "\u200b".join(_base64(b"")(key)),
    "in percent twice, each": lambda key: quote(_each("%%%02X")(key), safe=""),
    "in HTML's numbers, without their ends": _each("&#%d"),
    "in bits": lambda key: "".join(f"{byte:08b}" for byte in key.encode()),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_key_is_not_shown_however_a_server_writes_it(way: str) -> None:
    for key in KEYS:
        written = WRITTEN[way](key)
        shown = presentable(f"Invalid key {written} given.", [key])
        assert shown.startswith("Invalid key ")
        assert shown.endswith(" given.")
        assert "[redacted]" in shown
        # Nothing of it that is long enough to tell it.
        assert not any(written[at : at + 12] in shown for at in range(max(1, len(written) - 11)))


@pytest.mark.parametrize(
    "told",
    [
        "at 12:30:45, 2026-11-28, of 10.0.0.1",
        "tokens: 101, 102, 103, 104, 105, 106, 107, 108, 109",
        "id de:ad:be:ef:00:11:22:33:44",
        "request 01 23 45 67 89 ab cd ef 01 of a model",
    ],
)
def test_numbers_that_are_no_key_are_shown(told: str) -> None:
    assert presentable(told, KEYS) == told


def test_a_short_key_is_not_shown_as_a_word_and_no_word_is_broken_by_it() -> None:
    told = "Invalid key 'test1' or TEST1; not the latest1 nor test12."
    assert (
        presentable(told, ["test1"])
        == "Invalid key '[redacted]' or TEST1; not the latest1 nor test12."
    )


def test_a_key_is_not_shown_in_pieces_over_what_is_shown_together() -> None:
    key = KEYS[0]
    told = [f"Bad key {key[:11]}.", f"the parameter {key[11:20]}", "of gpt-4o at 12:30"]
    assert without_pieces(told, [key]) == [
        "Bad key [redacted].",
        "the parameter [redacted]",
        "of gpt-4o at 12:30",
    ]
    in_one = f"It begins with {key[:9]}, then {key[9:16]}, then {key[16:]}."
    assert without_pieces([in_one], [key]) == [
        "It begins with sk-Canary, then [redacted], then [redacted]."
    ]
    # One piece alone, letters alone, or words that a header has may be anybody's.
    for alone in ([f"Bad key {key[:11]}."], ["The chat server of the house"]):
        assert without_pieces(alone, [key, "the chat server 4 of the house"]) == alone


def test_what_no_secret_stands_in_is_told_as_it_is() -> None:
    told = (
        "Model 3f9a7c2e-11d4-4b6a-9c7e-5a1b2c3d4e5f of "
        "c29tZXRoaW5nIGVsc2UgdGhhdCBpcyBsb25nIGVub3VnaA== 你好 ＡＢＣ"
    )
    assert presentable(told, KEYS) == told
