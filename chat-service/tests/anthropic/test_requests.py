"""What Anthropic's Messages API is asked."""

from typing import Any

import pytest

from chat_service.answer.domain.ending import Adapted
from chat_service.providers.anthropic.facts import UNKNOWN, ModelFacts
from chat_service.providers.anthropic.request import request_of
from chat_service.providers.domain.learnt import Lesson
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderParameterRefused

MARK = {"cache_control": {"type": "ephemeral"}}
QUESTION = (PromptMessage("user", "hello"),)
BOTH = ModelFacts(
    32_000, frozenset({"disabled", "enabled", "adaptive"}), frozenset({"low", "high"})
)
BUDGET = ModelFacts(32_000, frozenset({"disabled", "enabled"}), frozenset())
NONE = ModelFacts(8_192, frozenset({"disabled"}), frozenset())


def text(said: str, *, marked: bool = True) -> list[dict[str, Any]]:
    return [{"type": "text", "text": said, **(MARK if marked else {})}]


def asked(
    *said: tuple[str, str] | PromptMessage,
    model: str = "m",
    facts: ModelFacts = UNKNOWN,
    learnt: list[Lesson] | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    prompt = [one if isinstance(one, PromptMessage) else PromptMessage(*one) for one in said]
    return request_of(prompt or QUESTION, model, parameters, facts, learnt or []).body


def test_only_what_is_needed_and_what_was_asked_for_is_sent() -> None:
    assert asked() == {
        "model": "m",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": text("hello")}],
        "stream": True,
    }
    body = asked(temperature=0.0, top_p=0.5, max_tokens=7, stop=("END",))
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.0, 0.5, 7)
    assert body["stop_sequences"] == ["END"]
    assert asked(facts=BOTH)["max_tokens"] == 32_000


def test_roles_alternate_whatever_the_conversation_is() -> None:
    body = asked(
        ("assistant", "nobody asked"),
        ("system", "Be kind."),
        ("user", "one"),
        ("user", "two"),
        ("assistant", " \n"),
        ("user", "three"),
        ("assistant", "four"),
        ("assistant", "five"),
        ("system", "Be brief."),
        ("user", "\u3000"),
        ("user", "six"),
    )
    assert body["system"] == text("Be kind.\n\nBe brief.")
    assert body["messages"] == [
        {"role": "user", "content": text("one\n\ntwo\n\nthree")},
        {"role": "assistant", "content": "four\n\nfive"},
        {"role": "user", "content": text("six")},
    ]


def marks(body: dict[str, Any]) -> list[int]:
    assert "cache_control" not in str(body.get("tools", ""))
    return [
        at
        for at, message in enumerate(body["messages"])
        if isinstance(message["content"], list) and "cache_control" in message["content"][-1]
    ]


def test_the_last_two_questions_and_the_system_message_are_marked() -> None:
    turns = [("user", "q"), ("assistant", "a")] * 10
    body = asked(("system", "s"), *turns, ("user", "last"))
    assert marks(body) == [18, 20]
    assert body["system"] == text("s")
    assert str(body).count("cache_control") == 3
    learnt = [Lesson("cache_control")]
    body = asked(("system", "s"), *turns, ("user", "last"), learnt=learnt)
    assert "cache_control" not in str(body)
    assert body["messages"][-1] == {"role": "user", "content": "last"}


def test_blank_stop_sequences_are_left_out_and_told() -> None:
    both = request_of(QUESTION, "m", {"stop": (" ", "END", "\n")}, UNKNOWN, [])
    assert both.body["stop_sequences"] == ["END"]
    assert both.adapted == (Adapted("stop", '["END"]'),)
    blank = request_of(QUESTION, "m", {"stop": ("\n\n",)}, UNKNOWN, [])
    assert "stop_sequences" not in blank.body
    assert blank.adapted == (Adapted("stop"),)


def test_a_temperature_that_no_model_takes_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ProviderParameterRefused, match="temperature") as refused:
        asked(temperature=1.5)
    assert "temperature" in refused.value.detail
    assert asked(temperature=1.0)["temperature"] == 1.0


ADAPTIVE = {"type": "adaptive", "display": "summarized"}


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("model", "facts", "effort", "max_tokens", "thinking", "level"),
    [
        # By what the server says.
        ("m", BOTH, "high", None, ADAPTIVE, "high"),
        ("m", BOTH, "minimal", None, ADAPTIVE, "low"),
        ("m", BOTH, "medium", None, ADAPTIVE, None),
        ("m", BOTH, "none", None, {"type": "disabled"}, None),
        ("m", BUDGET, "minimal", None, budget(1024), None),
        ("m", BUDGET, "low", None, budget(4096), None),
        ("m", BUDGET, "medium", None, budget(12_288), None),
        ("m", BUDGET, "high", None, budget(16_000), None),
        ("m", BUDGET, "high", 1500, budget(1024), None),
        ("m", BUDGET, "high", 1025, budget(1024), None),
        ("m", BUDGET, "high", 1024, None, None),
        ("claude-opus-4-8", NONE, "high", None, None, None),
        # By the name.
        ("claude-opus-4-6", UNKNOWN, "high", None, ADAPTIVE, "high"),
        ("claude-sonnet-5", UNKNOWN, "low", None, ADAPTIVE, "low"),
        ("anthropic/claude-opus-4.8", UNKNOWN, "low", None, ADAPTIVE, "low"),
        ("claude-haiku-4-5-20251001", UNKNOWN, "low", None, budget(2048), None),
        ("claude-sonnet-4-20250514", UNKNOWN, "low", None, budget(2048), None),
        ("claude-3-7-sonnet-20250219", UNKNOWN, "low", None, budget(2048), None),
        ("claude-3-5-haiku-20241022", UNKNOWN, "low", None, None, None),
        ("claude-3-opus-20240229", UNKNOWN, "low", None, None, None),
        ("another-1", UNKNOWN, "low", None, budget(2048), None),
        ("claude-opus-4-6", UNKNOWN, "none", None, None, None),
    ],
)
def test_a_model_is_asked_to_think_in_the_way_that_it_does(
    model: str,
    facts: ModelFacts,
    effort: str,
    max_tokens: int | None,
    thinking: dict[str, Any] | None,
    level: str | None,
) -> None:
    said = {"reasoning_effort": effort} | ({"max_tokens": max_tokens} if max_tokens else {})
    request = request_of(QUESTION, model, said, facts, [])
    assert request.body.get("thinking") == thinking
    assert request.body.get("output_config") == (level and {"effort": level})
    expected = (Adapted("reasoning_effort"),) if thinking is None and effort != "none" else ()
    assert request.adapted == expected


def test_with_thinking_no_temperature_but_the_models_own_is_sent() -> None:
    said = {"reasoning_effort": "low", "temperature": 0.7, "top_p": 0.9}
    request = request_of(QUESTION, "m", said, BOTH, [])
    assert not {"temperature", "top_p"} & request.body.keys()
    assert request.adapted == (Adapted("temperature"), Adapted("top_p"))
    said = {"reasoning_effort": "low", "temperature": 1.0, "top_p": 0.95}
    request = request_of(QUESTION, "m", said, BOTH, [])
    assert (request.body["temperature"], request.body["top_p"]) == (1.0, 0.95)
    said = {"reasoning_effort": "none", "temperature": 0.7}
    assert request_of(QUESTION, "m", said, BOTH, []).body["temperature"] == 0.7


@pytest.mark.parametrize(
    ("learnt", "thinking", "level"),
    [
        ([Lesson("thinking", "enabled")], budget(16_000), None),
        ([Lesson("thinking", "adaptive")], ADAPTIVE, "high"),
        ([Lesson("thinking")], None, None),
        ([Lesson("output_config")], ADAPTIVE, None),
    ],
)
def test_what_was_refused_of_thinking_is_not_tried_again(
    learnt: list[Lesson], thinking: dict[str, Any] | None, level: str | None
) -> None:
    body = asked(facts=BOTH, learnt=learnt, reasoning_effort="high")
    assert body.get("thinking") == thinking
    assert body.get("output_config") == (level and {"effort": level})
    assert "disabled" not in str(
        asked(facts=BOTH, learnt=[Lesson("thinking")], reasoning_effort="none")
    )


def test_what_was_learnt_of_a_number_holds_here_as_well() -> None:
    said = {"max_tokens": 64_000, "temperature": 0.5, "top_p": 0.5}
    learnt = [Lesson("max_tokens", "8192"), Lesson("top_p-temperature")]
    request = request_of(QUESTION, "m", said, UNKNOWN, learnt)
    assert request.body["max_tokens"] == 8192
    assert request.body["temperature"] == 0.5
    assert request.adapted == (Adapted("max_tokens", "8192"), Adapted("top_p"))


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        (b"", UNKNOWN),
        (b"[]", UNKNOWN),
        (b'"x"', UNKNOWN),
        (b"<html>", UNKNOWN),
        (b"{}", UNKNOWN),
        (b'{"max_tokens":null,"capabilities":null}', UNKNOWN),
        (b'{"max_tokens":true}', UNKNOWN),
        (b'{"max_tokens":-1}', UNKNOWN),
        (b'{"max_tokens":"many"}', UNKNOWN),
        (b'{"max_tokens":99999999999}', UNKNOWN),
        (b'{"max_tokens":64000}', ModelFacts(64_000)),
        (b'{"capabilities":{"thinking":[],"effort":7}}', UNKNOWN),
        (
            (
                b'{"max_tokens":64000,"capabilities":{"thinking":{"supported":true,"types":{"adaptive":'
                b'{"supported":true},"enabled":{"supported":false},"disabled":{"supported":true}}},'
                b'"effort":{"supported":true,"low":{"supported":true},"max":{"supported":false}}}}'
            ),
            ModelFacts(64_000, frozenset({"adaptive", "disabled"}), frozenset({"low"})),
        ),
    ],
)
def test_of_a_model_is_known_what_can_be_understood(said: bytes, facts: ModelFacts) -> None:
    assert ModelFacts.of(said) == facts
