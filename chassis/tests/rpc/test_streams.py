"""Streams of requests and of answers on the real wire."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from chassis.embedded import free_port
from chassis.errors import AppError, Kind
from chassis.grpc.client import Channel
from chassis.grpc.errors import PeerGone
from chassis.testing import collector_at_rest

from .service import (
    SERVICE,
    USER,
    Handlers,
    Signer,
    settings,
    unary,
)


async def test_leaving_a_stream_ends_its_handler(
    gateway: Channel, signer: Signer, handlers: Handlers
) -> None:
    count = gateway.channel.unary_stream(
        f"/{SERVICE}/Count",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
    seen = []
    async with aclosing(
        gateway.stream(count, StringValue(value="3"), token=signer.token())
    ) as stream:
        async for answer in stream:
            seen.append(answer.value)
            if len(seen) == 3:
                break
    assert seen == ["0", "1", "2"]
    async with asyncio.timeout(20):
        await handlers.stream_ended.wait()


async def test_a_client_that_leaves_while_much_is_on_its_way_to_it_is_no_error(
    gateway: Channel, handlers: Handlers, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    count = gateway.channel.unary_stream(
        f"/{SERVICE}/Count", StringValue.SerializeToString, StringValue.FromString
    )
    asked = StringValue(value=f"10 {'x' * 1_000_000}")
    for _ in range(20):
        handlers.stream_ended.clear()
        async with aclosing(gateway.stream(count, asked, token=signer.token())) as stream:
            assert (await anext(stream)).value
        await asyncio.wait_for(handlers.stream_ended.wait(), 30)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def joining(channel: Channel) -> Any:
    return channel.channel.stream_unary(
        f"/{SERVICE}/Join",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )


async def saying(*values: str) -> AsyncGenerator[StringValue, None]:
    for value in values:
        yield StringValue(value=value)


async def test_a_stream_of_requests_has_one_answer(gateway: Channel, signer: Signer) -> None:
    answer = await gateway.send(joining(gateway), saying("a", "b", "c"), token=signer.token())
    assert answer.value == f"abc for {USER}"
    assert (await gateway.send(joining(gateway), saying(), token=signer.token())).value[0] == " "
    with pytest.raises(AppError) as caught:
        await gateway.send(joining(gateway), saying("a"))
    assert caught.value.kind is Kind.UNAUTHENTICATED


async def test_a_refusal_comes_before_all_requests_were_heard(
    gateway: Channel, signer: Signer
) -> None:
    async def endless(size: int) -> AsyncGenerator[StringValue, None]:
        while True:
            yield StringValue(value="x" * size + "no")
            await asyncio.sleep(0)

    # Each time otherwise: the refusal meets a request on its way, or does not.
    for number in range(60):
        sending = gateway.send(joining(gateway), endless(number % 3 * 50_000), token=signer.token())
        with pytest.raises(AppError) as caught:
            await asyncio.wait_for(sending, 30)
        assert caught.value.reason == "NAME_TAKEN"


async def test_a_call_is_not_kept_by_its_refusal_or_by_answers_that_were_not_waited_for(
    gateway: Channel, signer: Signer
) -> None:
    """gRPC's channel goes on connecting, closed or not, for as long as it has a call."""
    count = gateway.channel.unary_stream(
        f"/{SERVICE}/Count", StringValue.SerializeToString, StringValue.FromString
    )
    asks: list[Callable[[], Awaitable[Any]]] = [
        lambda: gateway.unary(unary(gateway, "WhoAmI"), StringValue(), timeout=30),
        lambda: anext(gateway.stream(count, StringValue(value="3"))),
        lambda: gateway.send(joining(gateway), saying("a")),
    ]

    def calls() -> int:
        return sum(isinstance(one, grpc.aio.Call) for one in gc.get_objects())

    kept = []
    with collector_at_rest():
        before = calls()
        for ask in asks:
            with pytest.raises(AppError) as caught:
                await ask()
            kept.append(caught.value)
            assert calls() == before
        stream = gateway.stream(count, StringValue(value="3"), token=signer.token())
        async with aclosing(stream):
            assert (await anext(stream)).value == "0"
        assert calls() == before
    assert [problem.kind for problem in kept] == [Kind.UNAUTHENTICATED] * 3


async def test_what_keeps_requests_from_going_on_comes_out_and_they_are_closed(
    gateway: Channel, signer: Signer
) -> None:
    closed = asyncio.Event()

    async def broken() -> AsyncGenerator[StringValue, None]:
        try:
            yield StringValue(value="a")
            raise KeyError("the rest")
        finally:
            closed.set()

    with pytest.raises(KeyError, match="the rest"):
        await gateway.send(joining(gateway), broken(), token=signer.token())
    assert closed.is_set()


async def test_requests_to_a_service_that_is_away_are_refused_as_calls_are(tls: Path) -> None:
    away = Channel(
        target=f"127.0.0.1:{free_port()}", server="test-service", settings=settings(tls, "gateway")
    )
    await away.start()
    try:
        with pytest.raises(PeerGone):
            async with asyncio.timeout(30):
                await away.send(joining(away), saying("a"))
    finally:
        await away.stop()


async def test_a_stream_that_falls_silent_is_given_up(
    gateway: Channel, signer: Signer, handlers: Handlers
) -> None:
    count = gateway.channel.unary_stream(
        f"/{SERVICE}/Count", StringValue.SerializeToString, StringValue.FromString
    )
    stream = gateway.stream(count, StringValue(value="3"), token=signer.token(), silence=2)
    async with aclosing(stream):
        assert [(await anext(stream)).value for _ in range(3)] == ["0", "1", "2"]
        with pytest.raises(AppError) as caught:
            await anext(stream)
    assert (caught.value.kind, caught.value.reason) == (Kind.TIMEOUT, "DEADLINE_EXCEEDED")
    await asyncio.wait_for(handlers.stream_ended.wait(), 20)


@pytest.mark.parametrize(
    "behind",
    [pytest.param((), id="is not answered"), pytest.param(("x" * 100_000,) * 9, id="is not taken")],
)
async def test_what_is_not_taken_or_answered_in_time_is_given_up(
    gateway: Channel, signer: Signer, behind: tuple[str, ...]
) -> None:
    requests = saying("say nothing", *behind)
    with pytest.raises(AppError) as caught:
        async with asyncio.timeout(20):
            await gateway.send(
                joining(gateway), requests, token=signer.token(), silence=0.2, timeout=0.1
            )
    assert (caught.value.kind, caught.value.reason) == (Kind.TIMEOUT, "DEADLINE_EXCEEDED")
