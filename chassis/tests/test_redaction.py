"""What is hidden by value: a secret that somebody has in hand is in no text, however it is escaped."""

import base64
import contextvars
import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from chassis.telemetry.redaction import MOST_CHARACTERS, hide, redact_text

SECRETS = [
    "plainkey0123456789",
    "s'k\\abc\"def/ghi+%41xyz",
    "a\\u0041b\\x41'c\"d\\n",
    "%25%41%2541abc%",
    "&lt;key&amp;&#39;x'",
    "\\\\ab\\\\cd\\ef",
    "line\nbreak\ttab",
    "bell\x07key\x7f0123456789",
]


def _each(how: str) -> Callable[[str], str]:
    return lambda text: "".join(how.format(ord(letter)) for letter in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "repr": repr,
    "repr of a repr": lambda text: repr(repr(text)),
    "deep in a dict": lambda text: repr({"a": repr({"b": [text]})}),
    "repr of bytes": lambda text: repr(text.encode()),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "each letter escaped": _each("\\u{:04x}"),
    "each letter escaped, in a repr": lambda text: repr(_each("\\u{:04X}")(text)),
    "each letter in hexadecimal": _each("\\x{:02x}"),
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "each letter percent-encoded": _each("%{:02x}"),
    "HTML": html.escape,
    "HTML of a repr": lambda text: html.escape(repr(text)),
    "Basic": lambda text: "Basic " + base64.b64encode(b"user:" + text.encode()).decode(),
    "base64, one byte on": lambda text: base64.b64encode(b"x" + text.encode() + b"y").decode(),
    "base64, two bytes on": lambda text: base64.urlsafe_b64encode(b"xy" + text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}


def _hiding(secret: str, text: str) -> str:
    """The text as a task that hides the secret logs it."""

    def redact() -> str:
        hide(secret)
        return redact_text(text)

    return contextvars.copy_context().run(redact)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_hidden_secret_is_in_no_text_however_it_is_spelled(secret: str, spelling: str) -> None:
    spelled = SPELLINGS[spelling](secret)
    shown = _hiding(secret, f"before [{spelled}] after")
    assert shown.startswith("before [")
    assert shown.endswith("] after")
    assert "[redacted]" in shown
    # But for the dict around it, a name of a scheme, and in base64 what shares a letter with it.
    rest = shown.replace("[redacted]", "").replace("\\", "")
    assert len(rest) < len("before [] after") + 24
    assert spelled[2:-2] not in shown


@pytest.mark.parametrize("spelling", ["as it is", "repr", "JSON", "percent-encoded"])
@pytest.mark.parametrize("secret", SECRETS[:2])
def test_a_text_that_ends_within_a_hidden_secret_does_not_show_its_beginning(
    secret: str, spelling: str
) -> None:
    spelled = SPELLINGS[spelling](secret)
    whole = len(spelled.rstrip("'\""))
    for cut in range(whole // 2, whole):
        shown = _hiding(secret, f"it was {spelled[:cut]}")
        assert shown.lstrip().startswith("it was")
        assert shown.endswith("[redacted]"), shown


def test_only_the_task_that_hid_it_and_those_it_starts_know_of_a_secret() -> None:
    assert "plainkey" not in _hiding(SECRETS[0], f"is {SECRETS[0]}")
    assert redact_text(f"is {SECRETS[0]}") == f"is {SECRETS[0]}"


def test_what_is_no_secret_stays_as_it_was() -> None:
    text = 'C:\\temp 100% of "&amp;" \\u0041\n\ttask-force, max_tokens=5, tokens: 7, sketch'
    assert _hiding("some-other-secret", text) == text
    assert _hiding("some-other-secret", f"some-other-secret {text}") == f"[redacted] {text}"


def test_several_secrets_are_hidden_at_a_time_and_overlap() -> None:
    def redact() -> str:
        hide("abcdefgh")
        hide("efghijkl")
        return redact_text("1 abcdefghijkl 2 efghijkl 3")

    shown = contextvars.copy_context().run(redact)
    assert shown == "1 [redacted] 2 [redacted] 3"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("GET /v1?api_key=abc123&x=1 failed", "GET /v1?api_key=[redacted]&x=1 failed"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted]"),
        ("{'x-api-key': 'abc', 'n': 1}", "{'x-api-key': '[redacted]', 'n': 1}"),
        ('{\\"password\\": \\"hunter2\\"}', '{\\"password\\": \\"[redacted]\\"}'),
        ("Connection(api_key='abc', model='m')", "Connection(api_key='[redacted]', model='m')"),
        ("Set-Cookie: sid=1; Path=/", "Set-Cookie: [redacted]"),
        ("Cookie: a=1; b=2\r\nHost: x", "Cookie: [redacted]\r\nHost: x"),
        ("key is one of max_tokens=5, token: yes", "key is one of max_tokens=5, token: yes"),
        ('{"password": 12345}', '{"password": [redacted]}'),
        ("{'code': 493021, 'n': 1}", "{'code': [redacted], 'n': 1}"),
        ('{\\"code\\": \\"493021\\"}', '{\\"code\\": \\"[redacted]\\"}'),
        ("verification_code=012345", "verification_code=[redacted]"),
        ("pin: 1234, otp=493021", "pin: [redacted], otp=[redacted]"),
        ("GET /callback?code=a8f-XYZ&state=1", "GET /callback?code=[redacted]&state=1"),
        (
            "exit code: 137, code=404, status_code=500123",
            "exit code: 137, code=404, status_code=500123",
        ),
        ("code: NOT_FOUND, pin: see below, spin=7", "code: NOT_FOUND, pin: see below, spin=7"),
    ],
)
def test_what_stands_beside_the_name_of_a_secret_is_taken_out(text: str, kept: str) -> None:
    assert redact_text(text) == kept


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "eyJ-",
        "://",
        "a://",
        "sk-",
        "bearer ",
        "api_key=",
        "?key=",
        "?a-key",
        "pin:",
        "code=",
        "otp=1",
        "x-",
        "\\",
        "\\a",
        "&amp;",
        "%25",
        "secret-x",
    ],
)
def test_the_cost_of_a_text_is_bounded_whatever_is_in_it(piece: str) -> None:
    text = piece * (1024 * 1024 // len(piece)) + " api-key"
    began = time.process_time()
    shown = _hiding("secret-xyz", text)
    # A third of a second of this machine's at most; quadratic, a megabyte takes minutes.
    assert time.process_time() - began < 5
    assert len(shown) < 3 * MOST_CHARACTERS
    assert "characters more)" in shown


def test_what_is_too_short_to_be_a_secret_takes_no_words_from_the_log() -> None:
    said = "run.provider_failed run_id=1"
    assert _hiding("run", said) == said
    assert _hiding("run_id=", said) == said
    assert "run_id=1" not in _hiding("run_id=1", said)


# Without a stretch that it has twice, and with what is escaped.
WHOLE = "zQ7\"w+Z/8\\e'R%41&<t>$y{U2}i;O=p~5A0bC1dE2fG3hI4j"
PLAIN = "zQ7wZ8eR41tyU2iOp5A0bC1dE2fG3hI4jK6"
PIECE_SPELLINGS = [
    "as it is",
    "repr",
    "JSON",
    "JSON in JSON",
    "each letter escaped",
    "percent-encoded",
    "percent-encoded twice",
    "HTML",
]


@pytest.mark.parametrize("spelling", PIECE_SPELLINGS)
def test_twelve_characters_of_a_hidden_secret_are_in_no_text(spelling: str) -> None:
    for at in range(len(WHOLE) - 11):
        piece = WHOLE[at : at + 12]
        shown = _hiding(WHOLE, f"before [{SPELLINGS[spelling](piece)}] after")
        assert shown.startswith("before [")
        assert shown.endswith("] after")
        # An end that is a part of what looks like an escape may stay, and quotes around it.
        assert "[redacted]" in shown, piece
        kept = shown.removeprefix("before [").removesuffix("] after").replace("[redacted]", "")
        assert len(kept) <= 18, shown


def test_pieces_of_several_lengths_and_places_are_all_taken_out() -> None:
    text = f"1 {PLAIN[:20]} 2 {PLAIN[5:17]}{PLAIN[20:32]} 3 {PLAIN[20:31]} 4 {PLAIN[-13:]}"
    shown = _hiding(PLAIN, text)
    assert shown == f"1 [redacted] 2 [redacted][redacted] 3 {PLAIN[20:31]} 4 [redacted]"


def test_the_words_of_a_header_and_the_beginning_of_a_url_stay() -> None:
    said = "a my application for chat at https://chat.example.com/one failed"
    assert _hiding("my application for chatting", said) == said
    assert _hiding("https://chat.example.com/two", said) == said


@pytest.mark.parametrize("secret", ["ab" * 4000, "a" * 8000 + "b", "abcdefghijk" * 700])
@pytest.mark.parametrize(
    "text", ["ab" * 20_000, "a" * 40_000, "abcdef" * 6000, "abcdefghij " * 3000]
)
def test_the_cost_of_pieces_is_bounded_whatever_repeats(secret: str, text: str) -> None:
    began = time.process_time()
    _hiding(secret, text)
    # A tenth of a second at most; with the product of both lengths, minutes.
    assert time.process_time() - began < 5
