"""The events of Anthropic's Messages API, and what an answer is made of them."""

import json
from typing import Any

import pytest

from chat_service.answer.domain.ending import Usage
from chat_service.providers.anthropic.events import Messages
from chat_service.providers.body import Body
from chat_service.providers.errors import (
    ProviderContentRefused,
    ProviderError,
    ProviderGarbled,
    ProviderOverloaded,
    ProviderRateLimited,
)
from chat_service.providers.port import TEXT, THINKING, End, Part
from chat_service.providers.sse import EventDecoder

from .events import (
    CLOSED,
    END,
    START,
    USUAL,
    block,
    delta,
    event,
    joined,
    read,
    stopped,
    text,
)


def test_an_answer_is_the_same_wherever_its_reads_are_cut() -> None:
    for size in (1, 2, 3, 7, 50, 333, len(USUAL)):
        whole, reason = read(*[USUAL[at : at + size] for at in range(0, len(USUAL), size)])
        assert joined(whole.parts) == [(THINKING, "Let me see."), (TEXT, "你好 🙂")]
        assert (whole.finish_reason, whole.end, reason) == ("end_turn", End.WHOLE, "")
        assert whole.usage == Usage(123, 5, 100)


def test_events_by_the_short_way_are_those_of_the_standards() -> None:
    odd = [
        USUAL,
        USUAL + b": a comment\n\n" + text("more"),
        b"event: a\nevent: content_block_delta\n" + text("x").partition(b"\n")[2],
        text("x").replace(b"data: ", b"data:") + text("y"),
        text("x")[:-1] + b"data: {}\n\n" + text("y"),
        b"id: 7\n" + text("x"),
        text("x") + b"xx" + text("y"),
        text("x") + b"event: ping\n\n" + text("y"),
        text("x").replace(b"\n", b"\r\n"),
    ]
    for body in odd:
        for size in (1, 5, 64, len(body)):
            reads = [body[at : at + size] for at in range(0, len(body), size)]
            found = []
            for names in (True, False):
                decoder = EventDecoder(10**6, names=names)
                datas = []
                for events in [*map(decoder.feed, reads), decoder.end()]:
                    if isinstance(events, bytes):
                        datas += events.split(b"\n") if events else []
                    else:
                        datas += [event.data for event in events]
                found.append(datas)
            assert found[0] == found[1]


def test_events_need_no_names_since_they_say_their_type() -> None:
    lines = [line for line in USUAL.split(b"\n") if not line.startswith(b"event:")]
    whole, _ = read(b"\n".join(lines))
    assert joined(whole.parts) == [(THINKING, "Let me see."), (TEXT, "你好 🙂")]
    assert whole.end is End.WHOLE


@pytest.mark.parametrize(
    ("events", "parts", "finish_reason", "end", "reason"),
    [
        pytest.param(text("hi") + END, [(TEXT, "hi")], None, End.WHOLE, "", id="no start, no stop"),
        pytest.param(
            START + text("hi") + stopped("max_tokens"),
            [(TEXT, "hi")],
            "max_tokens",
            End.WHOLE,
            "",
            id="a reason and no message_stop",
        ),
        pytest.param(START + text("hi"), [(TEXT, "hi")], None, End.EARLY, "", id="cut off"),
        pytest.param(START, [], None, End.EARLY, "", id="nothing said"),
        pytest.param(
            START + block("text", text="he") + text("llo") + END,
            [(TEXT, "hello")],
            None,
            End.WHOLE,
            "",
            id="a block that begins with text",
        ),
        pytest.param(
            START
            + block("tool_use", id="t", name="n", input={})
            + delta("input_json_delta", partial_json='{"a":')
            + CLOSED
            + stopped("tool_use")
            + END,
            [],
            "tool_use",
            End.WHOLE,
            "",
            id="a tool",
        ),
        pytest.param(
            START
            + event("message_fork", message=7, delta=None)
            + delta("hologram_delta", hologram="x")
            + block("hologram", text="no text of ours")
            + text("hi")
            + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="what is not known",
        ),
        pytest.param(
            START + text("hi") + event("error", error={"type": "overloaded_error", "message": "O"}),
            [(TEXT, "hi")],
            None,
            None,
            ProviderOverloaded.reason,
            id="overloaded in mid-stream",
        ),
        pytest.param(
            event("error", error={"type": "rate_limit_error", "message": "Slow down."}),
            [],
            None,
            None,
            ProviderRateLimited.reason,
            id="a rate limit",
        ),
        pytest.param(
            START + text("hi") + event("error", error={"type": "api_error", "message": "Oh."}),
            [(TEXT, "hi")],
            None,
            None,
            ProviderError.reason,
            id="an error of theirs",
        ),
        pytest.param(
            START
            + stopped("refusal", stop_details={"type": "refusal", "explanation": "No."})
            + END,
            [],
            None,
            None,
            ProviderContentRefused.reason,
            id="refused",
        ),
        pytest.param(
            START + text("Well") + stopped("refusal") + END,
            [(TEXT, "Well")],
            "refusal",
            End.WHOLE,
            "",
            id="refused in mid-answer",
        ),
        pytest.param(
            START + text("hi") + b"data: {not json\n\n",
            [(TEXT, "hi")],
            None,
            None,
            ProviderGarbled.reason,
            id="not JSON",
        ),
        pytest.param(
            b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"x"}}]}\n\n',
            [],
            None,
            None,
            ProviderGarbled.reason,
            id="the other protocol",
        ),
        pytest.param(
            START
            + b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":7}}\n\n'
            + b"data: null\n\ndata: ping\n\ndata: 3\n\n"
            + text("hi")
            + b"data: [DONE]\n\n",
            [(TEXT, "hi")],
            None,
            End.EARLY,
            "",
            id="what has another shape",
        ),
        pytest.param(
            START + text("hi") + stopped("pause_turn") + END,
            [(TEXT, "hi")],
            None,
            End.EARLY,
            "",
            id="paused",
        ),
        pytest.param(
            START + text("hi") + stopped("model_context_window_exceeded") + END,
            [(TEXT, "hi")],
            "model_context_window_exceeded",
            End.WHOLE,
            "",
            id="no more room",
        ),
        pytest.param(
            START + START + text("hi") + stopped("end_turn") + stopped("end_turn") + END + END,
            [(TEXT, "hi")],
            "end_turn",
            End.WHOLE,
            "",
            id="everything twice",
        ),
        pytest.param(
            START + text("h") + stopped("end_turn") + text("i") + END,
            [(TEXT, "hi")],
            "end_turn",
            End.WHOLE,
            "",
            id="text behind the stop",
        ),
        pytest.param(
            START + text("hi") + event("message_delta", delta={"stop_reason": None}) + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="a stop without a reason",
        ),
        pytest.param(
            START + text("hi") + event("message_delta", delta=None, usage=None) + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="a stop of nothing",
        ),
        pytest.param(
            START + delta("text_delta", text=None) + delta("text_delta") + text("hi") + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="deltas of nothing",
        ),
        pytest.param(
            START + event("content_block_delta", index=0) + text("hi") + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="no delta",
        ),
        pytest.param(
            START + event("content_block_delta", index=7, delta={"text": "hi"}) + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="a block that did not begin, a delta without a type",
        ),
        pytest.param(
            START + text("hi") + event("error", error="Broken."),
            [(TEXT, "hi")],
            None,
            None,
            ProviderError.reason,
            id="an error that is text",
        ),
        pytest.param(
            START + text("hi") + b'event: error\ndata: {"error":{"message":"Overloaded"}}\n\n',
            [(TEXT, "hi")],
            None,
            None,
            ProviderOverloaded.reason,
            id="an error without a type",
        ),
        pytest.param(
            START + text("hi") + b"event: error\ndata: Internal error.\n\n",
            [(TEXT, "hi")],
            None,
            None,
            ProviderError.reason,
            id="an error that is no JSON",
        ),
        pytest.param(
            b'data: [{"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED"}}]\n\n',
            [],
            None,
            None,
            ProviderRateLimited.reason,
            id="an error in a list",
        ),
        pytest.param(
            START.replace(b"\n", b"\r\n") + text("hi").replace(b"\n", b"\r") + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="every end of a line",
        ),
        pytest.param(
            START + b": ping\n\nevent: ping\ndata:\n\n" + text("hi") + b"retry: 1\n\n" + END,
            [(TEXT, "hi")],
            None,
            End.WHOLE,
            "",
            id="signs of life",
        ),
        pytest.param(
            START + b'data: {"type":"content_block_delta","delta":{"text":"h\ti\0"}}\n\n' + END,
            [(TEXT, "h\ti\0")],
            None,
            End.WHOLE,
            "",
            id="control characters",
        ),
        pytest.param(
            START
            + b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\\ud83d"}}\n\n'
            + b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\\ude42"}}\n\n'
            + END,
            [(TEXT, "🙂")],
            None,
            End.WHOLE,
            "",
            id="half a character at a time",
        ),
        pytest.param(
            START + text("<think>hm") + text("m</think>\n\nyes") + stopped("end_turn") + END,
            [(THINKING, "hmm"), (TEXT, "yes")],
            "end_turn",
            End.WHOLE,
            "",
            id="thinking in the text",
        ),
    ],
)
def test_whatever_comes_is_read_for_what_it_is(
    events: bytes, parts: list[Part], finish_reason: str | None, end: End | None, reason: str
) -> None:
    whole, problem = read(events)
    assert joined(whole.parts) == parts
    assert (whole.finish_reason, whole.end, problem) == (finish_reason, end, reason)


def test_a_refusals_explanation_is_what_the_provider_says() -> None:
    said = stopped("refusal", stop_details={"type": "refusal", "explanation": "Not of this."})
    body = Body("text/event-stream", most_bytes=10**6)
    piece, problem = Messages().read(body.feed(START + said))
    assert isinstance(problem, ProviderContentRefused)
    assert problem.provider_message == "Not of this."
    assert piece.usage == Usage(123, 5, 100)


def test_counts_are_of_all_until_now_and_an_odd_one_is_none() -> None:
    later = {"input_tokens": 4, "cache_read_input_tokens": 101, "output_tokens": 9}
    assert read(START + stopped("end_turn", later) + END)[0].usage == Usage(125, 9, 101)
    odd = {"input_tokens": "many", "cache_read_input_tokens": None, "output_tokens": 2**40}
    assert read(START + stopped("end_turn", odd) + END)[0].usage == Usage(123, 1, 100)
    assert read(stopped("end_turn", {"output_tokens": 7.0}) + END)[0].usage == Usage(0, 7)
    none = {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 9}
    assert read(START + stopped("end_turn", none) + END)[0].usage == Usage(123, 9, 100)


def whole_message(**more: Any) -> bytes:
    return json.dumps(
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "x"},
                {"type": "text", "text": "Hello"},
                {"type": "tool_use", "id": "t", "name": "n", "input": {}},
                {"type": "text", "text": ", you."},
            ],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 4},
            **more,
        }
    ).encode()


def test_a_message_that_comes_whole_is_the_answer() -> None:
    whole, reason = read(whole_message(), content_type="application/json")
    assert joined(whole.parts) == [(THINKING, "Hm."), (TEXT, "Hello, you.")]
    assert (whole.finish_reason, whole.end, reason) == ("end_turn", End.WHOLE, "")
    assert whole.usage == Usage(3, 4)


def test_an_error_that_comes_whole_is_the_error() -> None:
    said = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert read(json.dumps(said).encode())[1] == ProviderOverloaded.reason
