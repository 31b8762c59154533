"""The same servers by Anthropic's Messages API: one line for each."""

from typing import Any, Final

from . import behaviours, case
from .answers import STEPS, THINKING, THOUGHT, text_of
from .case import MANY_WORDS, Case
from .process import ModelServer
from .servers import RETRY_AFTER, WORDS, AiMock, LiteLlm, LlamaCpp, LlMock

_SOME = "Wörter come "


def _gives(server: type[ModelServer], behaviour: str, model: str, text: str, **more: Any) -> Case:
    return case.gives(server, f"Anthropic: {behaviour}", model, text, provider="anthropic", **more)


def _fails(server: type[ModelServer], behaviour: str, model: str, reason: str, **more: Any) -> Case:
    return case.fails(
        server, f"Anthropic: {behaviour}", model, reason, provider="anthropic", **more
    )


CASES: Final = (
    _gives(LlamaCpp, behaviours.WORD_BY_WORD, "table", STEPS, question="twenty steps", pieces=2),
    _gives(LlamaCpp, behaviours.THINKING, "table", THOUGHT, thinking=THINKING, question="think"),
    _gives(
        LlamaCpp,
        behaviours.LENGTH,
        "table",
        text_of("<|steps|>", tokens=7),
        finish_reason="length",
        question="twenty steps",
        parameters={"max_tokens": 7},
    ),
    _gives(
        LlamaCpp,
        behaviours.STOP,
        "table",
        text_of("<|steps|>", tokens=11),
        question="twenty steps",
        usage=False,
        parameters={"stop": [" twelve"]},
    ),
    _fails(LlamaCpp, behaviours.KEY, "table", "PROVIDER_UNAUTHORIZED", key="sk-wrong"),
    _fails(LlamaCpp, behaviours.LONG, "table", "PROVIDER_CONTEXT_TOO_LONG", question=MANY_WORDS),
    # LiteLLM.
    _gives(
        LiteLlm,
        behaviours.WORD_BY_WORD,
        "xllamacpp/table",
        STEPS,
        question="twenty steps",
        pieces=2,
    ),
    _fails(LiteLlm, behaviours.KEY, "words", "PROVIDER_UNAUTHORIZED", key="sk-wrong"),
    _fails(LiteLlm, behaviours.MODEL, "nosuch", "PROVIDER_MODEL_NOT_FOUND"),
    _fails(LiteLlm, behaviours.LIMITED, "limited", "PROVIDER_RATE_LIMITED"),
    _fails(LiteLlm, behaviours.LONG, "long", "PROVIDER_CONTEXT_TOO_LONG"),
    _fails(LiteLlm, behaviours.BROKEN, "broken", "PROVIDER_FAILED"),
    # LLMock.
    _gives(LlMock, behaviours.WORD_BY_WORD, "words", WORDS, pieces=2),
    _gives(LlMock, behaviours.LENGTH, "short", "Cut sh", finish_reason="length"),
    _fails(LlMock, behaviours.KEY, "unauthorized", "PROVIDER_UNAUTHORIZED"),
    _fails(LlMock, behaviours.MODEL, "nosuch", "PROVIDER_MODEL_NOT_FOUND"),
    _fails(LlMock, behaviours.LIMITED, "limited", "PROVIDER_RATE_LIMITED", retry_after=RETRY_AFTER),
    _fails(LlMock, behaviours.LONG, "words", "PROVIDER_CONTEXT_TOO_LONG", question=MANY_WORDS),
    _fails(LlMock, behaviours.BROKEN, "broken", "PROVIDER_FAILED"),
    # It says so of each 503 and 529 itself.
    _fails(LlMock, behaviours.OVERLOADED, "overloaded-529", "PROVIDER_OVERLOADED", retry_after=1),
    _fails(LlMock, behaviours.BREAKS, "disconnect", "PROVIDER_BROKE", text=_SOME, times=20),
    _fails(
        LlMock,
        behaviours.EARLY,
        "truncate",
        "PROVIDER_ENDED_EARLY",
        status="interrupted",
        text=_SOME,
    ),
    _fails(LlMock, behaviours.GARBLED, "malformed", "PROVIDER_GARBLED", text=_SOME),
    # aimock.
    _gives(AiMock, behaviours.WORD_BY_WORD, "words", WORDS, pieces=2),
    _gives(AiMock, behaviours.USAGE, "counted", "Counted.", tokens=5),
    _gives(AiMock, behaviours.THINKING, "thinking", "The answer.", thinking="First 思考 🤔."),
    _gives(AiMock, behaviours.LENGTH, "short", "Cut sh", finish_reason="length"),
    _gives(AiMock, behaviours.FILTERED, "filtered", "I can", finish_reason="content_filter"),
    _fails(AiMock, behaviours.TOOLS, "tools", "PROVIDER_CALLED_TOOL"),
    _fails(AiMock, behaviours.KEY, "words", "PROVIDER_UNAUTHORIZED", key="sk-wrong"),
    _fails(AiMock, behaviours.MODEL, "nosuch", "PROVIDER_MODEL_NOT_FOUND"),
    _fails(AiMock, behaviours.LIMITED, "limited", "PROVIDER_RATE_LIMITED", retry_after=RETRY_AFTER),
    _fails(AiMock, behaviours.LONG, "long", "PROVIDER_CONTEXT_TOO_LONG"),
    _fails(AiMock, behaviours.BROKEN, "broken", "PROVIDER_FAILED"),
    _fails(AiMock, behaviours.BREAKS, "disconnect", "PROVIDER_BROKE", text=None),
    _fails(AiMock, behaviours.GARBAGE, "garbage", "PROVIDER_GARBLED"),
    _fails(AiMock, behaviours.SILENT, "silent", "PROVIDER_UNREACHABLE"),
)
