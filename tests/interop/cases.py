"""What each server answers, and what Parley is to make of it: one line for each.

A case that Parley does not get right yet says why in ``not_yet``; its test then has to fail, and the
one who makes it right takes the words out.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from .answers import SHORT, STEPS, THINKING, THOUGHT, text_of
from .process import ModelServer
from .servers import (
    HALVES,
    RETRY_AFTER,
    WORDS,
    AiMock,
    LiteLlm,
    LlamaCpp,
    LlamaCppThinkingWithin,
    LlMock,
)

# Why something is not right yet.
ERRORS: Final = "refusals are told apart by their status alone"
RETRYING: Final = "a provider's Retry-After is not handed on"
BREAKING: Final = "text that arrives together with the end of its connection is lost"
SPLIT: Final = "a character whose surrogates come in two chunks is garbled"
EMPTY: Final = "an answer without any text is called completed"
WITHIN: Final = "thinking between tags is taken for text"
NO_BODY: Final = "a body that is no stream is taken for a stream that ended early"
STOPPING: Final = "a question has no stop sequences"


@dataclass(frozen=True)
class Case:
    """A question to ``model`` and its whole outcome; None: that is not looked at."""

    server: str
    behaviour: str
    model: str
    text: str | None = ""
    thinking: str = ""
    question: str = "Say something."
    status: str = "completed"
    reason: str | None = None
    finish_reason: str | None = None
    #: Whether the usage is the one that the server tells a plain client.
    usage: bool = False
    #: Tokens of the answer that are counted.
    tokens: int | None = None
    retry_after: int | None = None
    #: In how many events the text comes at least.
    pieces: int = 0
    key: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    #: How often it is asked: what hangs on when something arrives does not show each time.
    times: int = 1
    not_yet: str | None = None


def _answers(
    server: type[ModelServer], behaviour: str, model: str, text: str | None, **more: Any
) -> Case:
    more = {"finish_reason": "stop", "usage": True, **more}
    return Case(server.name, behaviour, model, text, **more)


def _fails(
    server: type[ModelServer], behaviour: str, model: str, reason: str | None, **more: Any
) -> Case:
    return Case(server.name, behaviour, model, status="failed", reason=reason, **more)


_WORD_BY_WORD = "an answer, word by word, with its usage and `stop`"
_LENGTH = "`length`"
_STOP = "stop sequences"
_THINKING = "thinking apart from the text"
_FILTERED = "`content_filter`, with what came before"
_TOOLS = "tool calls that nobody asked for"
_KEY = "a wrong key"
_MODEL = "a model that is not there"
_LIMITED = "a rate limit"
_LONG = "a prompt that is too long"
_BROKEN = "500"
_OVERLOADED = "overloaded"
_REFUSED = "content that is refused"
_BREAKS = "a stream that breaks off"
_EARLY = "a stream that ends without an end"
_GARBLED = "a chunk that is no JSON"
_GARBAGE = "a body that is no JSON"
_SILENT = "a connection that closes without a word"
# More than the context of any of them.
_MANY_WORDS = "word " * 5000 + "漢字" * 3000

CASES: Final = (
    _answers(LlamaCpp, _WORD_BY_WORD, "table", STEPS, question="twenty steps", tokens=21),
    _answers(LlamaCpp, "bytes of a character in several tokens", "table", SHORT, tokens=17),
    _answers(LlamaCpp, _THINKING, "table", THOUGHT, thinking=THINKING, question="think"),
    _answers(
        LlamaCppThinkingWithin,
        "thinking between tags in the text",
        "table",
        THOUGHT,
        thinking=THINKING,
        question="think",
        not_yet=WITHIN,
    ),
    _answers(
        LlamaCpp,
        _LENGTH,
        "table",
        text_of("<|steps|>", tokens=7),
        question="twenty steps",
        finish_reason="length",
        tokens=7,
        parameters={"max_tokens": 7},
    ),
    _answers(
        LlamaCpp,
        _STOP,
        "table",
        text_of("<|steps|>", tokens=11),
        question="twenty steps",
        parameters={"stop": [" twelve"]},
        not_yet=STOPPING,
    ),
    _answers(LlamaCpp, "a model's name that it does not know, answered all the same", "x", SHORT),
    _fails(LlamaCpp, _KEY, "table", "PROVIDER_UNAUTHORIZED", key="sk-wrong"),
    _fails(
        LlamaCpp,
        _LONG,
        "table",
        "PROVIDER_CONTEXT_TOO_LONG",
        question=_MANY_WORDS,
        not_yet=ERRORS,
    ),
    # LiteLLM: its own answers, then those of the others through it.
    _answers(LiteLlm, _WORD_BY_WORD, "words", WORDS),
    _answers(
        LiteLlm,
        f"llama.cpp behind LiteLLM: {_LENGTH}",
        "xllamacpp/table",
        None,
        finish_reason="length",
        tokens=7,
        question="twenty steps",
        parameters={"max_tokens": 7},
    ),
    _answers(
        LiteLlm,
        "llama.cpp behind LiteLLM: an answer",
        "xllamacpp/table",
        STEPS,
        question="twenty steps",
        pieces=0,
    ),
    _answers(
        LiteLlm,
        "llama.cpp behind LiteLLM: thinking",
        "xllamacpp/table",
        THOUGHT,
        thinking=THINKING,
        question="think",
    ),
    _fails(LiteLlm, _KEY, "words", None, key="sk-wrong"),
    _fails(LiteLlm, _MODEL, "nosuch", "PROVIDER_MODEL_NOT_FOUND", not_yet=ERRORS),
    _fails(LiteLlm, _LIMITED, "limited", "PROVIDER_RATE_LIMITED"),
    _fails(LiteLlm, _LONG, "long", "PROVIDER_CONTEXT_TOO_LONG", not_yet=ERRORS),
    _fails(LiteLlm, _BROKEN, "broken", "PROVIDER_FAILED"),
    _fails(LiteLlm, _OVERLOADED, "overloaded", "PROVIDER_OVERLOADED", not_yet=ERRORS),
    _fails(LiteLlm, _REFUSED, "filtered", "PROVIDER_CONTENT_REFUSED", not_yet=ERRORS),
    # How much it hands on of a stream that breaks behind it is its own affair.
    _fails(LiteLlm, _BREAKS, "llmock/disconnect", "PROVIDER_FAILED", text=None),
    _fails(LiteLlm, _GARBLED, "llmock/malformed", "PROVIDER_FAILED", text="Wörter come one by "),
    # LLMock.
    _answers(LlMock, _WORD_BY_WORD, "words", WORDS, pieces=2),
    _answers(LlMock, _LENGTH, "short", "Cut sh", finish_reason="length"),
    _fails(LlMock, _KEY, "unauthorized", "PROVIDER_UNAUTHORIZED"),
    _fails(LlMock, _MODEL, "nosuch", "PROVIDER_MODEL_NOT_FOUND", not_yet=ERRORS),
    _fails(
        LlMock,
        _LIMITED,
        "limited",
        "PROVIDER_RATE_LIMITED",
        retry_after=RETRY_AFTER,
        not_yet=RETRYING,
    ),
    _fails(
        LlMock, _LONG, "words", "PROVIDER_CONTEXT_TOO_LONG", question=_MANY_WORDS, not_yet=ERRORS
    ),
    _fails(LlMock, _BROKEN, "broken", "PROVIDER_FAILED"),
    _fails(LlMock, _OVERLOADED, "overloaded", "PROVIDER_OVERLOADED", not_yet=ERRORS),
    _fails(
        LlMock,
        _BREAKS,
        "disconnect",
        "PROVIDER_BROKE",
        text="Wörter come one by ",
        times=20,
        not_yet=BREAKING,
    ),
    Case(
        LlMock.name,
        _EARLY,
        "truncate",
        "Wörter come one by ",
        status="interrupted",
        reason="PROVIDER_ENDED_EARLY",
    ),
    _fails(LlMock, _GARBLED, "malformed", "PROVIDER_GARBLED", text="Wörter come one by "),
    # aimock.
    _answers(AiMock, _WORD_BY_WORD, "words", WORDS, pieces=2),
    _answers(AiMock, "a character in two chunks", "halves", HALVES, not_yet=SPLIT),
    _answers(AiMock, "usage as it says", "counted", "Counted.", tokens=5),
    _answers(AiMock, _THINKING, "thinking", "The answer.", thinking="First 思考 🤔."),
    _answers(AiMock, _LENGTH, "short", "Cut sh", finish_reason="length"),
    _answers(AiMock, _FILTERED, "filtered", "I can", finish_reason="content_filter"),
    _fails(AiMock, _TOOLS, "tools", None, not_yet=EMPTY),
    _fails(AiMock, _KEY, "words", "PROVIDER_UNAUTHORIZED", key="sk-wrong"),
    _fails(AiMock, _MODEL, "nosuch", "PROVIDER_MODEL_NOT_FOUND", not_yet=ERRORS),
    _fails(
        AiMock,
        _LIMITED,
        "limited",
        "PROVIDER_RATE_LIMITED",
        retry_after=RETRY_AFTER,
        not_yet=RETRYING,
    ),
    _fails(AiMock, _LONG, "long", "PROVIDER_CONTEXT_TOO_LONG", not_yet=ERRORS),
    _fails(AiMock, _BROKEN, "broken", "PROVIDER_FAILED"),
    _fails(AiMock, _BREAKS, "disconnect", "PROVIDER_BROKE", text=None),
    _fails(AiMock, _GARBAGE, "garbage", "PROVIDER_GARBLED", not_yet=NO_BODY),
    _fails(AiMock, _SILENT, "silent", "PROVIDER_UNREACHABLE"),
)
