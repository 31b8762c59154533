"""Generation parameters as one value, from a request to the row and back."""

import asyncio
import re
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.errors import ValidationFailed
from chassis.ids import new_id
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.parameters import DEFAULTS, PARAMETERS, GenerationParameters
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.openai import OpenAiProvider
from chat_service.runs.domain.admission import Question
from chat_service.runs.domain.limits import Limits
from chat_service.runs.mapping import parameters_from_proto
from chat_service.runs.usecases.check import check_question
from chat_service.runs.usecases.read import get_run
from parley.chat.v1 import chat_pb2

# A fixture of conftest.py; a test module cannot import its class by name.
Chat = Any


def test_every_parameter_of_the_contract_is_known_and_no_other() -> None:
    fields = {field.name for field in chat_pb2.GenerationParameters.DESCRIPTOR.fields}
    assert fields == {"model", *PARAMETERS}


def test_what_is_said_is_taken_and_the_defaults_stand_in_for_the_rest() -> None:
    assert parameters_from_proto(chat_pb2.GenerationParameters()) == DEFAULTS
    said = {name: within.minimum for name, within in PARAMETERS.items()}
    message = chat_pb2.GenerationParameters(model="m", **said)  # type: ignore[arg-type]
    assert parameters_from_proto(message).said() == said


def test_what_a_later_version_wrote_is_passed_over() -> None:
    read = GenerationParameters.of({"temperature": 0.0, "max_tokens": None, "telepathy": True})
    assert read == GenerationParameters(temperature=0.0)


def test_each_is_held_to_its_bounds_and_named() -> None:
    for name, within in PARAMETERS.items():
        for value, reason in (
            (within.minimum - 1, "TOO_SMALL"),
            (within.maximum + 1, "TOO_LARGE"),
            (float("nan"), "INVALID"),
        ):
            parameters = GenerationParameters.of({name: value})
            with pytest.raises(ValidationFailed) as refused:
                check_question(Question(None, "hello", None, None, parameters), Limits())
            assert [(f.field, f.reason) for f in refused.value.fields] == [(name, reason)]
        for value in (within.minimum, within.maximum):
            parameters = GenerationParameters.of({name: value})
            check_question(Question(None, "hello", None, None, parameters), Limits())


async def test_a_row_says_what_was_asked_for_and_an_older_one_is_read_from_its_columns(
    chat: Chat, caller: Caller
) -> None:
    run = (await chat.accept(caller, None)).run
    assert (await get_run(chat.open_transaction, caller, run.id)).parameters == run.parameters
    async with chat.worker.transaction() as connection:
        columns = text("SELECT parameters, temperature, max_tokens FROM runs WHERE id = :id")
        row = (await connection.execute(columns, {"id": run.id})).one()
        # An older replica, which reads these, continues it as it was asked for.
        assert (row.temperature, row.max_tokens) == (0.7, 100)
        assert row.parameters == {"temperature": 0.7, "max_tokens": 100}
        await connection.execute(
            text("UPDATE runs SET parameters = NULL, temperature = 1.5 WHERE id = :id"),
            {"id": run.id},
        )
    read = await get_run(chat.open_transaction, caller, run.id)
    assert read.parameters == GenerationParameters(temperature=1.5, max_tokens=100)


async def test_a_model_server_is_asked_for_what_was_said_and_nothing_else() -> None:
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

    provider = OpenAiProvider(AddressPolicy(["127.0.0.0/8"]), streams=1, per_host=1)
    await provider.start()
    everything = {name: within.maximum for name, within in PARAMETERS.items()}
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = Connection(new_id(), "x", "sk-x", "m", f"http://127.0.0.1:{port}/v1", "openai")
        for parameters in (GenerationParameters(), GenerationParameters.of(everything)):
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
    await provider.stop()
    plain = {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert asked == [plain, {**plain, **everything}]
