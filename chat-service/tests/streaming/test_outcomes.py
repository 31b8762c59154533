"""What a model server does, as a run's readers and its conversation have it."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest

from chassis.caller import Caller
from parley_local.model_server.steps import Act, Hold

KEY = "k'ey/of+a\\test=w\"xyz"


# Of conftest.py, whose names a test module cannot import.
Serve = Callable[..., Awaitable[Any]]


def head(status: str = "200 OK", content_type: str = "text/event-stream", more: str = "") -> bytes:
    lines = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {content_type}\r\n{more}\r\n"
    return lines.encode()


def event(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


HI = event(content="hi")
STOP = event("stop")
ODD_INDEX = b'data: {"choices":[{"index":[],"delta":{"content":"of none"}}]}\n\n'
NO_ERROR = (
    b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}],'
    b'"error":{"message":"","type":"","param":"","code":null}}\n\n'
)
JSON = "application/json"
WHOLE = b'{"choices":[{"message":{"content":"hi","reasoning":"hm"},"finish_reason":"stop"}]}'


@pytest.mark.parametrize(
    ("acts", "status", "reason", "text", "thinking", "finish"),
    [
        ((head(), HI + STOP, Hold()), "completed", None, "hi", "", "stop"),
        ((head(content_type=JSON), WHOLE), "completed", None, "hi", "hm", "stop"),
        ((head(), (HI + STOP).replace(b"\n", b"\r")), "completed", None, "hi", "", "stop"),
        ((head(), event(content="<think>hm</think>hi") + STOP), "completed", None, "hi", "hm", "stop"),
        ((head(), event(refusal="no") + STOP), "completed", None, "no", "", "content_filter"),
        ((head(), HI), "interrupted", "PROVIDER_ENDED_EARLY", "hi", "", None),
        ((head(), STOP), "failed", "PROVIDER_EMPTY", "", "", "stop"),
        ((head(), event(reasoning="hm") + STOP), "failed", "PROVIDER_THOUGHT_ONLY", "", "hm", "stop"),
        ((head(), event(reasoning="hm") + event("length")), "interrupted", "PROVIDER_THOUGHT_ONLY", "", "hm", "length"),
        ((head(), event("content_filter")), "failed", "PROVIDER_CONTENT_REFUSED", "", "", "content_filter"),
        ((head(), event("tool_calls")), "failed", "PROVIDER_CALLED_TOOL", "", "", "tool_calls"),
        ((head(content_type="text/html"), b"<title>Sign in</title>"), "failed", "PROVIDER_GARBLED", "", "", None),
        ((head(), b""), "failed", "PROVIDER_GARBLED", "", "", None),
        ((head(), ODD_INDEX + HI + STOP), "completed", None, "hi", "", "stop"),
        ((head(), NO_ERROR + HI + STOP), "completed", None, "hihi", "", "stop"),
        ((head(), event(reasoning="hm") + b"data: " + WHOLE + b"\n\n"), "completed", None, "hi", "hm", "stop"),
    ],
)  # fmt: skip
async def test_a_run_ends_as_its_model_server_did(
    rig: Any,
    caller: Caller,
    serve: Serve,
    acts: tuple[Act, ...],
    status: str,
    reason: str | None,
    text: str,
    thinking: str,
    finish: str | None,
) -> None:
    run = (await rig.ask(caller, await serve(*acts), "m")).run
    frames = await rig.follow(run)
    assert (rig.joined(frames), rig.joined(frames, "reasoning")) == (text, thinking)
    assert frames[-1].event == ("error" if status == "failed" else "done")
    assert rig.end(frames).get("reason") == reason
    found = await rig.find(run)
    assert (found.run.status, found.run.reason, found.run.finish_reason) == (status, reason, finish)
    assert (found.answer.content, found.answer.reasoning or "") == (text, thinking)


async def test_what_is_gone_on_with_counts_as_text_when_nothing_is_added(
    rig: Any, caller: Caller, serve: Serve
) -> None:
    run = (await rig.ask(caller, await serve(head(), STOP), "m", prefix="begun")).run
    assert rig.end(await rig.follow(run))["status"] == "completed"


async def test_the_servers_own_sentence_and_its_wish_are_in_the_error(
    rig: Any, caller: Caller, serve: Serve
) -> None:
    refusal = head("429 Too Many Requests", JSON, "Retry-After: 7\r\n")
    served = await serve(refusal, b'{"error":{"message":"Slow\\n  down."}}')
    told = rig.end(await rig.follow((await rig.ask(caller, served, "m")).run))
    assert (told["reason"], told["provider_message"]) == ("PROVIDER_RATE_LIMITED", "Slow down.")
    assert told["retry_after"] == 7


@pytest.mark.parametrize(
    "spelled",
    [
        KEY,
        repr(KEY),
        json.dumps(KEY),
        quote(KEY, safe=""),
        base64.b64encode(KEY.encode()).decode(),
        " ".join(KEY),
        f"Bearer {KEY}",
        f"https://user:{quote(KEY, safe='')}@example.org/?key={quote(KEY, safe='')}",
    ],
)
async def test_of_the_key_nothing_is_in_the_servers_sentence_however_it_is_spelled(
    rig: Any, caller: Caller, serve: Serve, spelled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps({"error": {"message": f"Refused: {spelled} is wrong."}}).encode()
    served = await serve(head("401 Unauthorized", JSON), body)
    run = (await rig.ask(caller, served, "m", api_key=KEY)).run
    told = rig.end(await rig.follow(run))
    assert told["provider_message"].startswith("Refused: ")
    for shown in (str(told), capsys.readouterr().out):
        squeezed = "".join(shown.split())
        assert KEY not in squeezed
        assert 'w"xyz' not in squeezed
        assert base64.b64encode(KEY.encode()).decode()[:12] not in squeezed
        assert "%2Ba%5Ctest" not in squeezed


async def test_a_long_sentence_is_cut_and_made_storable(
    rig: Any, caller: Caller, serve: Serve
) -> None:
    body = json.dumps({"error": "a\0b\ud800\u2028" + "c" * 9000}).encode()
    served = await serve(head("500 Broken", JSON), body)
    told = rig.end(await rig.follow((await rig.ask(caller, served, "m")).run))
    message = told["provider_message"]
    assert (len(message), message.startswith("a"), message.isprintable()) == (500, True, True)
