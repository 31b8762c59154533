"""The generator's process against the model server, and against one that misbehaves."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from bench.generator import put_load
from bench.load import Outcome, Plan, Question
from parley_local.model_server.process import ModelServerProcess, model_server


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServerProcess]:
    with model_server() as running:
        yield running


def asking(model: str) -> Question:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "?"}]}
    return Question("/v1/chat/completions", "k", orjson.dumps(body).decode(), model)


def put(plan: Plan) -> tuple[Outcome, list[str]]:
    calls: list[str] = []
    outcome = put_load(plan, lambda: calls.append("before"), lambda: calls.append("after"))
    return outcome, calls


def test_every_answer_is_judged(server: ModelServerProcess) -> None:
    streams = [[asking("tokens-300"), asking("tokens-20-at-200")]] * 5
    outcome, calls = put(Plan("openai", server.port, streams, ramp=0.1, limit=30.0))
    assert calls == ["before", "after"]
    assert [answer.error for answer in outcome.answers] == [""] * 10
    assert 0.09 < outcome.seconds < 30
    paced = outcome.answers[1]
    assert paced.first_token < paced.last_token
    assert paced.last_token > 0.09
    assert paced.longest_gap < 30


def test_a_text_that_is_not_the_models_is_found_out(server: ModelServerProcess) -> None:
    question = asking("tokens-30")
    lied = Question(question.path, question.token, question.body, "tokens-31")
    outcome, _ = put(Plan("openai", server.port, [[lied]], ramp=0.0, limit=30.0))
    assert "differs" in outcome.answers[0].error


def test_what_is_refused_cut_or_endless_is_an_error(server: ModelServerProcess) -> None:
    streams = [
        [asking("status-500"), asking("tokens-3")],
        [asking("cut-after-3"), asking("tokens-3")],
    ]
    outcome, _ = put(Plan("openai", server.port, streams, ramp=0.0, limit=30.0))
    refused, good, cut, unasked = outcome.answers
    assert refused.error.startswith("status 500")
    assert good.error == ""
    assert "last chunk" in cut.error
    assert unasked.error == "never asked"
    endless = Question("/v1/chat/completions", "k", asking("stall-after-3").body, "tokens-3")
    outcome, _ = put(Plan("openai", server.port, [[endless]], ramp=0.0, limit=0.3))
    assert "last chunk" in outcome.answers[0].error


async def test_a_run_is_read_as_parley_sends_it() -> None:
    events = (
        b"id: 1\nevent: start\ndata: {}\n\n"
        b': \n\nid: 2\nevent: delta\ndata: {"text":"The"}\n\n'
        b'id: 3\nevent: delta\ndata: {"text":" quick"}\n\n'
        b'id: 4\nevent: done\ndata: {"status":"completed"}\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"{}"))
        writer.write(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(events), events))
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        question = Question("/ask", "the-token", "{}", "tokens-2")
        plan = Plan("parley", port, [[question]], ramp=0.0, limit=30.0)
        with ThreadPoolExecutor(1) as pool:
            outcome, _ = await asyncio.get_running_loop().run_in_executor(pool, put, plan)
    assert [answer.error for answer in outcome.answers] == [""]
    assert asked[0].startswith(b"POST /ask HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer the-token\r\n" in asked[0]
    assert b"\r\nAccept: text/event-stream\r\n" in asked[0]
