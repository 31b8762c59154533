"""Generation parameters as one value, from a request to the row and back."""

import asyncio
import re
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import ValidationFailed
from chassis.ids import new_id
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Question
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.check import check_question
from chat_service.runs.usecases.read import get_run
from parley.generation.v1 import generation_pb2
from servicekit.generation_messages import parameters_from_proto
from servicekit.generation_parameters import PARAMETERS, GenerationParameters

from .chat import Chat

# What each may be at its least and at its most, and what is refused of it and why.
TAKEN: dict[str, tuple[Any, ...]] = {
    "temperature": (0.0, 2.0),
    "max_tokens": (1, 1_000_000),
    "top_p": (0.0, 1.0),
    "stop": (("\n",), ("x" * 64, "。", "</end>", " ")),
    "reasoning_effort": ("none", "minimal", "low", "medium", "high"),
}
NAN = float("nan")
REFUSED: dict[str, tuple[tuple[Any, str, str], ...]] = {
    "temperature": ((-0.1, "", "TOO_SMALL"), (2.1, "", "TOO_LARGE"), (NAN, "", "INVALID")),
    "max_tokens": ((0, "", "TOO_SMALL"), (1_000_001, "", "TOO_LARGE")),
    "top_p": ((-0.1, "", "TOO_SMALL"), (1.1, "", "TOO_LARGE"), (NAN, "", "INVALID")),
    "stop": (
        (("a", ""), ".1", "REQUIRED"),
        (("x" * 65,), ".0", "TOO_LONG"),
        (("a\x00",), ".0", "INVALID_CHARACTER"),
        (("a", "b", "c", "d", "e"), "", "TOO_MANY"),
    ),
    "reasoning_effort": (("", "", "NOT_ONE_OF"), ("HIGH", "", "NOT_ONE_OF")),
}
EVERYTHING: dict[str, Any] = {name: taken[-1] for name, taken in TAKEN.items()}


def test_every_parameter_of_the_contract_is_known_and_no_other() -> None:
    fields = {field.name for field in generation_pb2.GenerationParameters.DESCRIPTOR.fields}
    assert fields == {"model", *PARAMETERS}
    assert set(TAKEN) == set(REFUSED) == set(PARAMETERS)


def test_what_is_said_is_taken_and_of_the_rest_nothing_is_said() -> None:
    assert parameters_from_proto(generation_pb2.GenerationParameters()).said() == {}
    message = generation_pb2.GenerationParameters(model="m", **EVERYTHING)
    assert parameters_from_proto(message).said() == EVERYTHING


def test_a_questions_own_come_before_its_connections() -> None:
    connections = GenerationParameters(temperature=0.7, max_tokens=2048, stop=("a", "b"))
    own = GenerationParameters(temperature=0.0, reasoning_effort="low", stop=("c",))
    assert own.over(connections) == GenerationParameters(
        temperature=0.0, max_tokens=2048, stop=("c",), reasoning_effort="low"
    )
    assert GenerationParameters().over(connections) == connections
    assert own.over(GenerationParameters()) == own


def test_what_a_later_version_wrote_is_passed_over() -> None:
    read = GenerationParameters.of({"temperature": 0.0, "max_tokens": None, "telepathy": True})
    assert read == GenerationParameters(temperature=0.0)
    assert GenerationParameters.of({"stop": []}) == GenerationParameters()
    assert GenerationParameters.of({"stop": ["a"]}) == GenerationParameters(stop=("a",))


def _check(name: str, value: Any) -> None:
    parameters = GenerationParameters(**{name: value})
    check_question(Question(None, "hello", None, None, parameters), Limits())


def test_each_is_held_to_its_bounds_and_named() -> None:
    for name, refused in REFUSED.items():
        for value, behind, reason in refused:
            with pytest.raises(ValidationFailed) as error:
                _check(name, value)
            assert [(f.field, f.reason) for f in error.value.fields] == [(name + behind, reason)]
    for name, taken in TAKEN.items():
        for value in taken:
            _check(name, value)


async def _row(chat: Chat, run: Run) -> Any:
    columns = text("SELECT parameters, temperature, max_tokens FROM runs WHERE id = :id")
    async with chat.worker.transaction() as connection:
        return (await connection.execute(columns, {"id": run.id})).one()


async def test_a_row_says_what_is_asked_of_the_server_the_questions_own_before_the_connections(
    chat: Chat, caller: Caller
) -> None:
    defaults = GenerationParameters(temperature=0.3, top_p=0.5, stop=("END",))
    chat = replace(chat, connection=replace(chat.connection, parameters=defaults))
    session = await chat.session(caller)
    own = GenerationParameters(temperature=0.0, reasoning_effort="high")
    for session_id in (None, session.id):
        run = (await chat.accept(caller, session_id, parameters=own)).run
        assert run.parameters == own.over(defaults)
        assert (await get_run(chat.open_transaction, caller, run.id)).parameters == run.parameters
        assert (await _row(chat, run)).parameters == {
            "temperature": 0.0,
            "top_p": 0.5,
            "stop": ["END"],
            "reasoning_effort": "high",
        }


async def test_of_what_nobody_said_the_row_says_nothing_but_in_the_columns_that_older_versions_read(
    chat: Chat, caller: Caller
) -> None:
    run = (await chat.accept(caller, None, parameters=GenerationParameters())).run
    assert run.parameters.said() == {}
    row = await _row(chat, run)
    assert (row.parameters, row.temperature, row.max_tokens) == ({}, 0.7, 2048)
    assert (await get_run(chat.open_transaction, caller, run.id)).parameters == run.parameters


async def test_a_row_of_an_older_version_is_read_from_its_columns(
    chat: Chat, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    row = await _row(chat, run)
    # An older replica, which reads these, continues it as it was asked for.
    assert (row.temperature, row.max_tokens) == (0.7, 100)
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE runs SET parameters = NULL, temperature = 1.5 WHERE id = :id"),
            {"id": run.id},
        )
    read = await get_run(chat.open_transaction, caller, run.id)
    assert read.parameters == GenerationParameters(temperature=1.5, max_tokens=100)


async def test_a_model_server_is_asked_for_what_was_said_and_nothing_else(
    provider: ModelClient,
) -> None:
    asked: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None
        asked.append(orjson.loads(await reader.readexactly(int(length[1]))))
        body = b"data: [DONE]\n\n"
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = Connection(new_id(), "x", "sk-x", "m", f"http://127.0.0.1:{port}/v1", "openai")
        for parameters in (GenerationParameters(), GenerationParameters.of(EVERYTHING)):
            pieces = provider.stream(
                connection,
                [PromptMessage("user", "hello")],
                model="m",
                parameters=parameters,
                next_read=lambda *_: asyncio.sleep(0),
            )
            async with aclosing(pieces):
                async for _ in pieces:
                    pass
    plain = {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    stops = list(EVERYTHING["stop"])
    assert asked == [plain, {**plain, **EVERYTHING, "stop": stops}]
