"""The grammar of the models' names, and what each of them does."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from parley_local.model_server.demo import DEMO_RATE, demo_answer
from parley_local.model_server.steps import (
    HEAD,
    Answer,
    Behaviour,
    Cut,
    Done,
    Finish,
    Flaky,
    Raw,
    Redirect,
    Refusal,
    Said,
    Silence,
    Stall,
    Step,
    Tokens,
    Torn,
)
from parley_local.model_server.tokens import pieces_of

# Beyond chat-service's cap of 1 MiB of text, and no further.
_MOST = 4_000_000
_NUMBERS = {
    "N": "(?P<n>[0-9]{1,7})",
    "M": "(?P<m>[0-9]{1,7})",
    "R": "(?P<rate>[0-9]{1,7}(?:[.][0-9]{1,3})?)",
}
_FEW = Tokens(20)
_END = (Finish(), Done())
_ERROR_EVENT = b'data: {"error":{"message":"The model broke down.","type":"server_error"}}\n\n'
_OVERLOADED_EVENT = b'data: {"error":{"message":"Overloaded","type":"overloaded_error"}}\n\n'
_HALF = HEAD + b"\xe4\xbd"
_SURROGATES = ("before", " \x00", " \ud800", " \udc00 ", "\ud83d", "\ude00", " after")


@dataclass(frozen=True, slots=True)
class Ask:
    """The name's numbers (0 where it has none) and the last user message."""

    n: int
    m: int
    rate: float
    question: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A form of name (`N`, `M` and `R` stand for numbers), what it does, and how."""

    form: str
    does: str
    build: Callable[[Ask], Behaviour | None] | Behaviour

    @property
    def example(self) -> str:
        """A name of this form."""
        return self.form.replace("N", "500").replace("M", "20").replace("R", "50")

    def pattern(self) -> re.Pattern[str]:
        """Matches the whole of a name of this form."""
        return re.compile(re.sub(r"\b[NMR]\b", lambda match: _NUMBERS[match[0]], self.form))


def behaviour_of(model: str, question: str = "") -> Behaviour | None:
    """What the model does when asked this; None if no rule knows the name.

    What follows a `#` is a label: it changes nothing but the name under which calls are counted.
    """
    name = model.partition("#")[0]
    for pattern, build in _PATTERNS:
        if match := pattern.fullmatch(name):
            numbers = {key: float(number) for key, number in match.groupdict().items()}
            if any(number == 0 or number > _MOST for number in numbers.values()):
                return None
            if not callable(build):
                return build
            n, m = int(numbers.get("n", 0)), int(numbers.get("m", 0))
            if n * m > _MOST:
                return None
            return build(Ask(n, m, numbers.get("rate", 0.0), question))
    return None


def _after_n(*steps: Step) -> Callable[[Ask], Behaviour]:
    """N tokens flat out, then these steps."""
    return lambda ask: Answer((Tokens(ask.n), *steps))


def _status(ask: Ask) -> Behaviour | None:
    match ask.n:
        case 401:
            return Refusal(401, "invalid_api_key", "Incorrect API key provided: ", quotes_key=True)
        case 429:
            retry = (("Retry-After", "7"),)
            return Refusal(429, "rate_limit_exceeded", "Rate limit reached.", headers=retry)
        case status if 400 <= status <= 599:
            return Refusal(status, "server_error", "The scripted model refuses.")
        case _:
            return None


def _flaky(ask: Ask) -> Behaviour:
    overloaded = Refusal(503, "overloaded", "The scripted model is overloaded.")
    return Flaky(ask.n, overloaded, Answer((_FEW, *_END)))


RULES = (
    Rule(
        "demo",
        "a short markdown answer at 30 tokens/s, for trying Parley without a key",
        lambda ask: Answer((Said(demo_answer(ask.question), DEMO_RATE), *_END)),
    ),
    Rule(
        "echo",
        "the last user message, word by word, flat out",
        lambda ask: Answer((Said(pieces_of(ask.question)), *_END)),
    ),
    Rule("tokens-N", "N tokens flat out", _after_n(*_END)),
    Rule(
        "tokens-N-at-R",
        "N tokens at R a second, by deadline: a late one does not delay the next",
        lambda ask: Answer((Tokens(ask.n, ask.rate), *_END)),
    ),
    Rule("endless", "tokens flat out, without end", Answer((Tokens(None),))),
    Rule(
        "endless-at-R",
        "tokens at R a second, without end",
        lambda ask: Answer((Tokens(None, ask.rate),)),
    ),
    Rule(
        "reasoning-N",
        "N tokens of reasoning_content, then N of text",
        lambda ask: Answer((Tokens(ask.n, field="reasoning_content"), Tokens(ask.n), *_END)),
    ),
    Rule(
        "burst-N",
        "one delta of N characters",
        lambda ask: Answer((Said(("x" * ask.n,)), *_END)),
    ),
    Rule(
        "bursts-N-of-M",
        "N deltas of M characters each, flat out",
        lambda ask: Answer((Said(("x" * ask.m,) * ask.n), *_END)),
    ),
    Rule(
        "torn-N",
        "N tokens, arriving in writes of seven bytes",
        lambda ask: Answer((Torn(ask.n), *_END)),
    ),
    Rule("empty", "an end without any text", Answer(_END)),
    Rule("length-N", "N tokens, finish_reason length", _after_n(Finish("length"), Done())),
    Rule(
        "filtered-N",
        "N tokens, finish_reason content_filter",
        _after_n(Finish("content_filter"), Done()),
    ),
    Rule(
        "refused",
        "finish_reason content_filter without any text",
        Answer((Finish("content_filter"), Done())),
    ),
    Rule("silent", "no byte is ever answered, not even a status", Silence()),
    Rule("stall-first", "200, then nothing", Answer((Stall(),))),
    Rule(
        "stall-with-comments",
        "200, then an SSE comment each second",
        Answer((Stall(comments=True),)),
    ),
    Rule("stall-after-N", "N tokens, then nothing", _after_n(Stall())),
    Rule(
        "garbage-after-N",
        "N tokens, an event that is not JSON, the end",
        _after_n(Raw(b"data: {not json\n\n"), *_END),
    ),
    Rule(
        "error-after-N",
        "N tokens, an error event, the end of the body",
        _after_n(Raw(_ERROR_EVENT)),
    ),
    Rule(
        "overloaded-after-N",
        "N tokens, an error event that says so, the end of the body",
        _after_n(Raw(_OVERLOADED_EVENT)),
    ),
    Rule("cut-after-N", "N tokens, then the connection is dropped", _after_n(Cut())),
    Rule(
        "no-finish-reason",
        "20 tokens, then a clean end of the body: no finish_reason, no [DONE]",
        Answer((_FEW,)),
    ),
    Rule("no-done", "20 tokens and a finish_reason, no [DONE]", Answer((_FEW, Finish()))),
    Rule(
        "half-character",
        "20 tokens, an event with two bytes of a three-byte character, the end",
        Answer((_FEW, Raw(_HALF + b'"},"finish_reason":null}]}\n\n'), *_END)),
    ),
    Rule(
        "half-event",
        "20 tokens, a clean end of the body within a character within an event",
        Answer((_FEW, Raw(_HALF))),
    ),
    Rule(
        "nul-and-surrogates",
        "text with U+0000 and lone surrogates, and a pair split over two deltas",
        Answer((Said(_SURROGATES), *_END)),
    ),
    Rule(
        "duplicate-ids",
        "20 tokens; every response the same completion id, every event the same SSE id",
        Answer((_FEW, *_END), duplicate_ids=True),
    ),
    Rule(
        "html",
        "200 with a page instead of events",
        Answer((Raw(b"<!doctype html><title>Sign in</title>"),), content_type=b"text/html"),
    ),
    Rule("redirect", "307 to a trap on this server, which counts who follows", Redirect()),
    Rule("status-N", "that status; 401 quotes the key, 429 has Retry-After: 7", _status),
    Rule("flaky-N", "503 for the first N calls since the last reset, then 20 tokens", _flaky),
)
_PATTERNS = tuple((rule.pattern(), rule.build) for rule in RULES)
