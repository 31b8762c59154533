"""Of a connection that failed nothing is left in the answer of the one that goes on."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.ids import new_id
from chassis.testing import ModelServer
from chat_service.answer.domain.ending import Adapted, RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.providers.domain.connection import Connection, Learnt
from chat_service.runs.domain.run import Run
from parley_local.model_server.texts import text_of
from servicekit.generation_parameters import GenerationParameters

# Fixtures of conftest.py, which a test module has no names for.
Rig = Any
Serve = Callable[..., Awaitable[Any]]

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n"
SAID = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
NO_WORD = b'data: {"choices":[{"delta":{"role":"assistant"},"finish_reason":null}]}\n\n'

NO_WISHES = GenerationParameters()


def connection(served: Any, model: str = "m", **other: Any) -> Connection:
    usual = {"key_id": new_id(), "name": "n", "api_key": "sk-very-secret-key", "provider": "openai"}
    return Connection(**{**usual, "model": model, "base_url": served.base_url, **other})


async def begin(
    rig: Rig,
    caller: Caller,
    first: Connection,
    second: Connection,
    wishes: GenerationParameters = NO_WISHES,
) -> Run:
    """A question to the first, which falls back to the second."""
    first = replace(first, fallback_key_id=second.key_id)
    rig.connections[second.key_id] = second
    chat = replace(rig.chat, connection=first)
    accepted = await chat.accept(caller, None, "a question", model=first.model, parameters=wishes)
    rig.engine.begin(accepted.run, first, accepted.prompt, wishes=wishes)
    run: Run = accepted.run
    return run


def events(frames: list[Frame], event: str) -> list[dict[str, Any]]:
    return [json.loads(frame.data) for frame in frames if frame.event == event]


def message_events(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in events
    )


async def test_tokens_that_the_failed_server_has_counted_are_not_the_next_ones(
    rig: Rig, caller: Caller, serve: Serve
) -> None:
    overloaded = message_events(
        {
            "type": "message_start",
            "message": {
                "id": "1",
                "type": "message",
                "role": "assistant",
                "content": [],
                "model": "m",
                "usage": {"input_tokens": 4000, "output_tokens": 1},
            },
        },
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    )
    first = connection(await serve(HEAD, overloaded), provider="anthropic")
    # It says nothing of tokens.
    second = connection(await serve(HEAD, SAID))
    run = await begin(rig, caller, first, second)
    frames = await rig.follow(run)
    assert (rig.joined(frames), events(frames, "usage")) == ("hi", [])
    (told,) = events(frames, "fallback")
    assert told["reason"] == "PROVIDER_OVERLOADED"
    ended = await rig.ended(run)
    assert (ended.run.status, ended.run.usage) == (RunStatus.COMPLETED, None)
    assert ended.answer.usage is None


async def test_what_the_next_server_does_not_take_is_told_also_behind_one_that_took_less(
    rig: Rig, caller: Caller, serve: Serve
) -> None:
    first = connection(await serve(HEAD, NO_WORD), learnt=(Learnt("m", "temperature", ""),))
    second = connection(await serve(HEAD, SAID), learnt=(Learnt("m", "top_p", ""),))
    wishes = GenerationParameters(temperature=0.3, top_p=0.5)
    run = await begin(rig, caller, first, second, wishes)
    frames = await rig.follow(run)
    kinds = [frame.event for frame in frames if frame.event in {"fallback", "adapted"}]
    assert kinds == ["adapted", "fallback", "adapted"]
    assert [
        [one["parameter"] for one in told["adapted"]] for told in events(frames, "adapted")
    ] == [
        ["temperature"],
        ["top_p"],
    ]
    assert (await rig.ended(run)).answer.adapted == (Adapted("top_p"),)


@pytest.mark.parametrize("is_first", [True, False])
async def test_of_whoever_is_asked_no_secret_is_in_the_log_of_what_breaks_here(
    rig: Rig,
    caller: Caller,
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_first: bool,
) -> None:
    # Hidden by no test before.
    key, header = (f"{new_id().hex}-of-{kind}" for kind in ("key", "header"))
    broken = connection(model_server, api_key=key, headers=(("X-Team", header),))
    failing, other = (connection(model_server, model) for model in ("status-503", "tokens-20"))
    stream = rig.provider.stream

    def stream_or_break(asked: Connection, *arguments: Any, **others: Any) -> Any:
        if asked.key_id == broken.key_id:
            raise RuntimeError(f"something nobody thought of, with {asked.secrets()}")
        return stream(asked, *arguments, **others)

    monkeypatch.setattr(rig.provider, "stream", stream_or_break)
    asked = (broken, other) if is_first else (failing, broken)
    frames = await rig.follow(await begin(rig, caller, *asked))
    assert rig.end(frames)["reason"] == "INTERNAL"
    logged = capsys.readouterr().out
    assert "something nobody thought of, with" in logged
    for secret in (key, header):
        assert secret not in logged
        assert secret not in str(frames)


async def test_where_there_is_no_such_host_just_now_another_answers(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    rig = await make_rig(redis_url, allowed_hosts=("0.0.0.0/0", "::/0"))
    first = connection(model_server, base_url="http://nowhere.invalid:9/v1")
    second = connection(model_server, "tokens-20")
    frames = await rig.follow(await begin(rig, caller, first, second))
    assert rig.joined(frames) == text_of("tokens-20")
    assert events(frames, "fallback")[0]["reason"] == "PROVIDER_NAME_NOT_FOUND"
