"""Calls of one request and one answer on the real wire."""

import asyncio
import weakref
from contextlib import aclosing, suppress
from pathlib import Path
from uuid import UUID

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import REGISTRY

from chassis.errors import AppError, Kind
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import MAX_MESSAGE_BYTES, Channel
from chassis.grpc.server import GrpcServer
from chassis.testing import collector_at_rest, eventually

from .service import (
    FIELDS,
    POLICY,
    SERVICE,
    USER,
    Handlers,
    Signer,
    open_channel,
    settings,
    unary,
)


async def test_a_call_carries_the_user_to_the_handler(gateway: Channel, signer: Signer) -> None:
    answer = await gateway.unary(
        unary(gateway, "WhoAmI"), StringValue(), timeout=30, token=signer.token()
    )
    assert UUID(answer.value) == USER


async def test_an_error_keeps_kind_reason_fields_and_metadata_on_its_way(
    gateway: Channel, signer: Signer
) -> None:
    fail = unary(gateway, "Fail")
    with pytest.raises(AppError) as caught:
        await gateway.unary(fail, StringValue(value="typed"), timeout=30, token=signer.token())
    assert caught.value.kind is Kind.CONFLICT
    assert caught.value.reason == "NAME_TAKEN"
    assert caught.value.detail == "That name is taken."
    assert caught.value.metadata == {"id": "7"}
    assert caught.value.retry_after == 3
    with pytest.raises(AppError) as caught:
        await gateway.unary(fail, StringValue(value="fields"), timeout=30, token=signer.token())
    assert caught.value.fields == FIELDS
    assert caught.value.http_status == 422


async def test_an_unhandled_exceptions_text_does_not_reach_the_client(
    gateway: Channel, signer: Signer
) -> None:
    call = unary(gateway, "Fail")(
        StringValue(value="bug"), metadata=gateway.metadata(signer.token()), timeout=30
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    everything = f"{caught.value.details()}{caught.value.debug_error_string()}"
    everything += repr(caught.value.trailing_metadata())
    assert "hunter2" not in everything
    assert "RuntimeError" not in everything


async def test_a_refusal_leaves_nothing_of_its_callers_to_the_garbage_collector(
    gateway: Channel, signer: Signer
) -> None:
    class Matter:
        """Something large that a caller is about."""

    async def caller() -> weakref.ref[Matter]:
        matter = Matter()
        with suppress(AppError):
            await gateway.unary(
                unary(gateway, "Fail"), StringValue(value="typed"), timeout=30, token=signer.token()
            )
            raise AssertionError("it was not refused")
        return weakref.ref(matter)

    with collector_at_rest():
        assert (await caller())() is None


async def test_a_machine_that_has_no_more_to_give_is_unavailable(
    gateway: Channel, signer: Signer
) -> None:
    with pytest.raises(AppError) as caught:
        await gateway.unary(
            unary(gateway, "Fail"), StringValue(value="used up"), timeout=30, token=signer.token()
        )
    assert (caught.value.kind, caught.value.retry_after) == (Kind.UNAVAILABLE, 1)
    assert "hunter2" not in caught.value.detail


async def test_every_call_that_ends_is_counted_by_its_method_and_how_it_ended(
    gateway: Channel, signer: Signer
) -> None:
    def counted(method: str) -> dict[str, float]:
        [metric] = [one for one in REGISTRY.collect() if one.name == "grpc_server_handled"]
        return {
            sample.labels["code"]: sample.value
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.labels["method"] == f"/{SERVICE}/{method}"
        }

    async def ask(method: str, value: str, timeout: float = 20) -> None:
        token = signer.token()
        with suppress(AppError):
            said = StringValue(value=value)
            await gateway.unary(unary(gateway, method), said, timeout=timeout, token=token)

    before = {method: counted(method) for method in ("WhoAmI", "Fail", "Count")}
    await ask("WhoAmI", "")
    for value in ("typed", "fields", "bug"):
        await ask("Fail", value)
    await ask("Fail", "slow", 0.2)
    count = gateway.channel.unary_stream(
        f"/{SERVICE}/Count",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )
    for value in ("2 and no more", "2"):
        stream = gateway.stream(count, StringValue(value=value), token=signer.token())
        async with aclosing(stream) as answers:
            assert [(await anext(answers)).value for _ in range(2)] == ["0", "1"]
            if value != "2":
                assert await anext(answers, None) is None

    def more(method: str) -> dict[str, float]:
        was = before[method]
        now = {code: value - was.get(code, 0) for code, value in counted(method).items()}
        return {code: value for code, value in now.items() if value}

    failed = {"ALREADY_EXISTS": 1, "INVALID_ARGUMENT": 1, "INTERNAL": 1, "CANCELLED": 1}
    await eventually(lambda: more("Fail") == failed)
    await eventually(lambda: more("Count") == {"OK": 1, "CANCELLED": 1})
    assert more("WhoAmI") == {"OK": 1}


async def test_a_passed_deadline_is_a_timeout(gateway: Channel, signer: Signer) -> None:
    with pytest.raises(AppError) as caught:
        await gateway.unary(
            unary(gateway, "Fail"), StringValue(value="slow"), timeout=0.2, token=signer.token()
        )
    assert caught.value.kind is Kind.TIMEOUT


async def test_an_answer_that_is_too_large_is_no_unknown_accident(
    gateway: Channel, signer: Signer
) -> None:
    long = StringValue(value="x" * (MAX_MESSAGE_BYTES + 1))
    with pytest.raises(AppError) as caught:
        await gateway.unary(unary(gateway, "Open"), long, timeout=30, token=signer.token())
    assert caught.value.reason == "MESSAGE_TOO_LARGE"


async def test_an_idempotent_call_is_tried_again_after_a_restart(
    tls: Path, signer: Signer, handlers: Handlers
) -> None:
    first = GrpcServer(
        settings=settings(tls, "test-service"),
        policy=POLICY,
        register=handlers.register,
        verifier=TokenVerifier(signer.store),
    )
    await first.start()
    channel = await open_channel(first, tls, "gateway")
    await channel.unary(unary(channel, "Open"), StringValue(), timeout=30)
    port = first.port
    await first.stop()
    second = GrpcServer(
        settings=settings(tls, "test-service").model_copy(update={"grpc_port": port}),
        policy=POLICY,
        register=handlers.register,
        verifier=TokenVerifier(signer.store),
    )
    await second.start()
    try:
        async with asyncio.timeout(60):
            await channel.probe()
        answer = await channel.unary(
            unary(channel, "Open"), StringValue(value="again"), timeout=30, idempotent=True
        )
        assert answer.value == "again"
    finally:
        await channel.stop()
        await second.stop()
