"""The scripted model server over the wire, as the process that tests, bench and demo start."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import orjson
import pytest

from parley_local.model_server import reasoning_of, text_of
from parley_local.model_server.process import ModelServerProcess, model_server

KEY = "sk-scripted-0123456789"


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServerProcess]:
    with model_server("--show-messages") as running:
        yield running


@pytest.fixture
async def http(server: ModelServerProcess) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        await session.post("/reset")
        yield session


def asking(model: str, content: str = "Hello?", **more: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": content}], **more}


async def stream(
    http: aiohttp.ClientSession, model: str, content: str = "Hello?", **more: object
) -> list[bytes]:
    """The data of each event, to the end of the body."""
    body = asking(model, content, stream=True, **more)
    async with http.post("/v1/chat/completions", json=body) as response:
        assert response.status == 200
        raw = await response.read()
    events = [event for event in raw.split(b"\n\n") if event]
    return [line[6:] for event in events for line in event.split(b"\n") if line[:6] == b"data: "]


def joined(events: list[bytes], field: str = "content") -> str:
    chunks = [orjson.loads(event) for event in events if event != b"[DONE]"]
    return "".join(
        choice["delta"].get(field, "") for chunk in chunks for choice in chunk["choices"]
    )


async def counters(http: aiohttp.ClientSession) -> dict[str, Any]:
    async with http.get("/counters") as response:
        content: dict[str, Any] = await response.json()
    return content


async def until_counted(http: aiohttp.ClientSession, name: str, value: int) -> None:
    async with asyncio.timeout(60):
        while (await counters(http))[name] != value:  # noqa: ASYNC110  another process counts
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "model",
    ["tokens-1", "tokens-64", "tokens-65", "tokens-2000", "tokens-20-at-500", "torn-3", "echo"],
)
async def test_a_streamed_answer_is_the_scripted_text(
    http: aiohttp.ClientSession, model: str
) -> None:
    events = await stream(http, model, "naïve 你好\nworld")
    assert events[-1] == b"[DONE]"
    assert orjson.loads(events[-2])["choices"][0]["finish_reason"] == "stop"
    assert joined(events) == text_of(model, "naïve 你好\nworld") != ""


async def test_an_answer_that_is_not_streamed_is_the_scripted_text(
    http: aiohttp.ClientSession,
) -> None:
    async with http.post("/v1/chat/completions", json=asking("reasoning-30")) as response:
        content = await response.json()
    message = content["choices"][0]["message"]
    assert message["content"] == text_of("reasoning-30")
    assert message["reasoning_content"] == reasoning_of("reasoning-30")
    assert content["choices"][0]["finish_reason"] == "stop"
    assert content["usage"] == {"prompt_tokens": 2, "completion_tokens": 60, "total_tokens": 62}


async def test_reasoning_comes_before_the_text(http: aiohttp.ClientSession) -> None:
    events = await stream(http, "reasoning-5")
    assert joined(events, "reasoning_content") == reasoning_of("reasoning-5")
    fields = [next(iter(orjson.loads(event)["choices"][0]["delta"])) for event in events[1:11]]
    assert fields == ["reasoning_content"] * 5 + ["content"] * 5


async def test_usage_comes_last_and_only_where_it_was_asked_for(
    http: aiohttp.ClientSession,
) -> None:
    plain = await stream(http, "tokens-7")
    assert not any(b'"usage"' in event for event in plain)
    events = await stream(http, "tokens-7", stream_options={"include_usage": True})
    last = orjson.loads(events[-2])
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 7
    assert all(orjson.loads(event)["usage"] is None for event in events[:-2])


async def test_a_paced_answer_keeps_its_deadlines(http: aiohttp.ClientSession) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await stream(http, "tokens-51-at-100")
    # The last of 51 tokens is due 0.5 s after the first; the upper bound is for a busy machine.
    assert 0.49 <= loop.time() - began < 10


async def test_the_demo_quotes_the_question_and_says_what_it_is(
    http: aiohttp.ClientSession,
) -> None:
    text = text_of("demo", "Who are\nyou?")
    assert "Who are you?" in text
    assert "scripted demo model" in text
    assert joined(await stream(http, "demo", "Who are\nyou?")) == text
    braces = text_of("demo", "{quoted} 是什么？")
    assert "{quoted} 是什么？" in braces
    assert "演示模型" in braces


async def test_a_client_of_the_openai_package_understands_it(server: ModelServerProcess) -> None:
    # A twentieth of what each worker does before its first test, and for this one alone.
    import openai

    async with openai.AsyncOpenAI(api_key=KEY, base_url=server.base_url, max_retries=0) as client:
        answer = await client.chat.completions.create(
            model="tokens-100",
            messages=[{"role": "user", "content": "Hello?"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in answer]
        models = [model.id async for model in client.models.list()]
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.chat.completions.create(
                model="status-401", messages=[{"role": "user", "content": "Hello?"}]
            )
    assert text_of("tokens-100") == "".join(
        choice.delta.content or "" for chunk in chunks for choice in chunk.choices
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 100
    assert "demo" in models
    assert KEY in str(refused.value)


async def test_calls_are_counted_by_name_and_label(http: aiohttp.ClientSession) -> None:
    await stream(http, "tokens-3#mine")
    await stream(http, "tokens-3#mine", temperature=0.5)
    await stream(http, "tokens-3")
    counted = await counters(http)
    assert counted["calls"] == {"tokens-3#mine": 2, "tokens-3": 1}
    assert counted["open"] == counted["closed_by_client"] == 0
    await http.post("/reset")
    assert (await counters(http))["calls"] == {}


async def test_the_last_request_is_told_with_the_key_as_a_digest(
    http: aiohttp.ClientSession,
) -> None:
    body = asking("tokens-3", max_tokens=5)
    body["messages"] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello?"}]},
    ]
    async with http.post("/v1/chat/completions", json=body) as response:
        assert response.status == 200
    told = (await counters(http))["last_request"]
    assert 0 <= time.monotonic() - told["received_at"] < 10
    assert told["roles"] == ["system", "user"]
    assert told["texts"] == ["Be brief.", "Hello?"]
    assert told["parameters"] == {"max_tokens": 5}
    assert told["key_sha256"] == hashlib.sha256(KEY.encode()).hexdigest()
    assert KEY not in str(told)


async def test_texts_are_not_told_unless_asked_for() -> None:
    with model_server() as quiet:
        async with aiohttp.ClientSession(quiet.url) as session:
            headers = {"Authorization": "Bearer x"}
            body = asking("tokens-1", "a private question")
            await session.post("/v1/chat/completions", json=body, headers=headers)
            assert "a private question" not in str(await counters(session))


async def test_a_client_that_leaves_is_counted(http: aiohttp.ClientSession) -> None:
    for model in ("endless", "endless-at-10", "stall-first", "stall-after-3", "silent"):
        await http.post("/reset")
        body = asking(model, stream=True)
        request = asyncio.ensure_future(http.post("/v1/chat/completions", json=body))
        await until_counted(http, "open", 1)
        if model == "silent":
            request.cancel()
        else:
            (await request).close()
        await until_counted(http, "closed_by_client", 1)
        assert (await counters(http))["open"] == 0


async def test_many_answers_at_once_do_not_mix(http: aiohttp.ClientSession) -> None:
    models = [f"tokens-{n}" for n in range(1, 60)] + [f"tokens-{n}-at-400" for n in range(1, 30)]
    answers = await asyncio.gather(*(stream(http, model) for model in models))
    assert [joined(events) for events in answers] == [text_of(model) for model in models]
    ids = {orjson.loads(events[0])["id"] for events in answers}
    assert len(ids) == len(models)


async def test_a_call_without_a_key_is_refused(server: ModelServerProcess) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Basic abc"}):
            async with session.post(
                "/v1/chat/completions", json=asking("demo"), headers=headers
            ) as response:
                assert response.status == 401


@pytest.mark.parametrize(
    "model", ["", "gpt-4", "tokens-0", "tokens-x", "tokens-9999999", "status-200"]
)
async def test_an_unknown_model_is_not_found(http: aiohttp.ClientSession, model: str) -> None:
    async with http.post("/v1/chat/completions", json=asking(model)) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "model_not_found"
    with pytest.raises(ValueError, match="no model"):
        text_of(model)
