"""The gRPC server and client on the real wire, with real certificates."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import grpc
import grpc.aio
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.wrappers_pb2 import StringValue
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # compiled, and without stubs
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from chassis.embedded import free_port
from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from chassis.grpc.caller import TokenVerifier, current_caller
from chassis.grpc.client import MAX_MESSAGE_BYTES, Channel
from chassis.grpc.errors import PeerGone, from_rpc_error, keep_hang_ups_from_the_log
from chassis.grpc.server import GrpcServer, allow
from chassis.grpc.trust import TrustStore
from chassis.ids import new_id
from chassis.settings import GrpcServerSettings
from chassis.testing import eventually
from chassis.tls import issue

SERVICE = "parley.test.v1.TestService"
USER = new_id()
TENANT = new_id()


# What a field missed comes over with it, whole numbers and others.
FIELDS = (
    FieldError("name", "TOO_LONG", maximum=64),
    FieldError("code", "INVALID"),
    FieldError("heat", "TOO_SMALL", minimum=-0.5),
    FieldError("after", "TOO_LARGE", maximum=2**63 - 1),
)


class Taken(AppError):
    kind = Kind.CONFLICT
    reason = "NAME_TAKEN"
    detail = "That name is taken."


class Handlers:
    """A service written by hand: chassis knows no contract of Parley's."""

    def __init__(self) -> None:
        self.stream_ended = asyncio.Event()
        self.calls = 0

    async def WhoAmI(self, request: StringValue, context: Any) -> StringValue:
        return StringValue(value=str(current_caller().user_id))

    async def Fail(self, request: StringValue, context: Any) -> StringValue:
        self.calls += 1
        match request.value:
            case "typed":
                raise Taken(metadata={"id": "7"}, retry_after=3)
            case "fields":
                raise ValidationFailed(fields=FIELDS)
            case "slow":
                await asyncio.sleep(30)
        raise RuntimeError("the password is hunter2")

    async def Open(self, request: StringValue, context: Any) -> StringValue:
        return request

    async def Count(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        try:
            most, _, rest = request.value.partition(" ")
            for number in range(int(most)):
                yield StringValue(value=rest if rest.startswith("x") else str(number))
            await asyncio.sleep(0 if rest else 30)
        finally:
            self.stream_ended.set()

    async def Join(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:
        joined = ""
        async for request in requests:
            joined += request.value
            if joined.endswith("no"):
                raise Taken()
        return StringValue(value=f"{joined} for {current_caller().user_id}")

    def register(self, server: grpc.aio.Server) -> None:
        encode, decode = StringValue.SerializeToString, StringValue.FromString
        methods: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(getattr(self, name), decode, encode)
            for name in ("WhoAmI", "Fail", "Open")
        }
        methods["Join"] = grpc.stream_unary_rpc_method_handler(self.Join, decode, encode)
        methods["Count"] = grpc.unary_stream_rpc_method_handler(self.Count, decode, encode)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        server.add_registered_method_handlers(SERVICE, methods)


POLICY = {
    SERVICE: {
        "WhoAmI": allow("gateway"),
        "Fail": allow("gateway"),
        "Count": allow("gateway"),
        "Join": allow("gateway"),
        "Open": allow("gateway", "notes-service", open=True),
    }
}


class Signer:
    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.store = TrustStore()

    def message(self, **changes: object) -> Any:
        raw = self.key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        key = SimpleNamespace(kid="k1", public_key=raw)
        return SimpleNamespace(**{"snapshot": True, "keys": [key], "revocations": [], **changes})

    def token(self, header: dict[str, Any] | None = None, **changes: object) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": "parley",
            "aud": "parley",
            "sub": str(USER),
            "tid": str(TENANT),
            "role": "user",
            "sid": "login-1",
            "iat": now,
            "exp": now + 300,
            "jti": "1",
        }
        claims.update(changes)
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(
            claims,
            self.key,
            algorithm="EdDSA",
            headers={"typ": "at+jwt", "kid": "k1", **(header or {})},
        )


@pytest.fixture
def signer() -> Signer:
    signer = Signer()
    signer.store.apply(signer.message())
    return signer


def settings(directory: Path, name: str) -> GrpcServerSettings:
    return GrpcServerSettings(
        tls_ca_file=directory / "ca.pem",
        tls_cert_file=directory / f"{name}.pem",
        tls_key_file=directory / f"{name}.key",
    )


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    issue(tmp_path, ["test-service", "gateway", "notes-service"])
    return tmp_path


@pytest.fixture
async def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
async def server(tls: Path, signer: Signer, handlers: Handlers) -> AsyncIterator[GrpcServer]:
    server = GrpcServer(
        settings=settings(tls, "test-service"),
        policy=POLICY,
        register=handlers.register,
        verifier=TokenVerifier(signer.store),
    )
    await server.start()
    yield server
    await server.stop()


async def open_channel(server: GrpcServer, tls: Path, name: str) -> Channel:
    channel = Channel(
        target=f"127.0.0.1:{server.port}", server="test-service", settings=settings(tls, name)
    )
    await channel.start()
    return channel


@pytest.fixture
async def gateway(server: GrpcServer, tls: Path) -> AsyncIterator[Channel]:
    channel = await open_channel(server, tls, "gateway")
    yield channel
    await channel.stop()


def unary(channel: Channel, name: str) -> Any:
    return channel.channel.unary_unary(
        f"/{SERVICE}/{name}",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
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


async def test_a_caller_not_on_the_methods_list_is_denied(
    server: GrpcServer, tls: Path, signer: Signer
) -> None:
    channel = await open_channel(server, tls, "notes-service")
    try:
        opened = await channel.unary(unary(channel, "Open"), StringValue(value="x"), timeout=30)
        assert opened.value == "x"
        with pytest.raises(AppError) as caught:
            await channel.unary(
                unary(channel, "WhoAmI"), StringValue(), timeout=30, token=signer.token()
            )
        assert caught.value.kind is Kind.FORBIDDEN
    finally:
        await channel.stop()


async def test_without_a_client_certificate_the_handshake_fails(
    server: GrpcServer, tls: Path
) -> None:
    credentials = grpc.ssl_channel_credentials(root_certificates=(tls / "ca.pem").read_bytes())
    async with grpc.aio.secure_channel(
        f"127.0.0.1:{server.port}",
        credentials,
        options=[("grpc.ssl_target_name_override", "test-service")],
    ) as channel:
        call: Any = channel.unary_unary(f"/{SERVICE}/Open")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", timeout=2)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_another_authority_is_refused(
    server: GrpcServer, tmp_path: Path, tls: Path
) -> None:
    foreign = tmp_path / "foreign"
    issue(foreign, ["gateway"])
    (foreign / "ca.pem").write_bytes((tls / "ca.pem").read_bytes())
    channel = await open_channel(server, foreign, "gateway")
    try:
        with pytest.raises(AppError) as caught:
            await channel.unary(unary(channel, "Open"), StringValue(), timeout=2)
        assert caught.value.kind in (Kind.UNAVAILABLE, Kind.TIMEOUT)
    finally:
        await channel.stop()


async def test_a_passed_deadline_is_a_timeout(gateway: Channel, signer: Signer) -> None:
    with pytest.raises(AppError) as caught:
        await gateway.unary(
            unary(gateway, "Fail"), StringValue(value="slow"), timeout=0.2, token=signer.token()
        )
    assert caught.value.kind is Kind.TIMEOUT


def of_grpc_itself(code: str, details: str) -> grpc.aio.AioRpcError:
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(grpc.StatusCode[code], nothing, nothing, details=details)


@pytest.mark.parametrize(
    ("code", "details"),
    [
        ("UNAVAILABLE", "failed to connect"),
        ("CANCELLED", "CANCELLED"),
        ("INTERNAL", "Received RST_STREAM with error code 2"),
        ("UNKNOWN", "Stream removed"),
    ],
)
def test_a_peer_that_has_gone_is_unavailable_and_why_is_for_the_log_of_its_channel(
    code: str, details: str
) -> None:
    error = from_rpc_error(of_grpc_itself(code, details))
    assert isinstance(error, PeerGone)
    assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "UNAVAILABLE")
    assert error.why == f"{code}: {details}"
    assert details not in error.detail


@pytest.mark.parametrize("code", ["INTERNAL", "RESOURCE_EXHAUSTED"])
def test_what_grpc_itself_says_otherwise_is_internal_and_logged_with_its_text(code: str) -> None:
    details = "what nobody has seen yet"
    with capture_logs() as logged:
        error = from_rpc_error(of_grpc_itself(code, details))
    assert (error.kind, error.reason) == (Kind.INTERNAL, "INTERNAL")
    assert details not in error.detail
    assert [(event["code"], event["details"]) for event in logged] == [(code, details)]


async def test_an_answer_that_is_too_large_is_no_unknown_accident(
    gateway: Channel, signer: Signer
) -> None:
    long = StringValue(value="x" * (MAX_MESSAGE_BYTES + 1))
    with pytest.raises(AppError) as caught:
        await gateway.unary(unary(gateway, "Open"), long, timeout=30, token=signer.token())
    assert caught.value.reason == "MESSAGE_TOO_LARGE"


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
    async with asyncio.timeout(5):
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


def test_of_what_grpc_logs_hang_ups_alone_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    keep_hang_ups_from_the_log()
    log = logging.getLogger(cygrpc.__name__)
    for error in (
        cygrpc.ExecuteBatchError("gone"),
        grpc.aio.InternalError("odd"),
        ValueError("no"),
    ):
        log.error("%r", error, exc_info=error)
    assert [record.getMessage() for record in caplog.records] == [
        "InternalError('odd')",
        "ValueError('no')",
    ]


async def test_forged_and_stale_tokens_are_all_refused_alike(
    gateway: Channel, signer: Signer
) -> None:
    stranger = Signer()
    now = int(time.time())
    forged = [
        stranger.token(),
        signer.token(header={"typ": "JWT"}),
        signer.token(header={"kid": "k2"}),
        signer.token(header={"jku": "https://example.invalid/keys"}),
        signer.token(header={"crit": ["x"], "x": 1}),
        signer.token(iss="other"),
        signer.token(aud="other"),
        signer.token(aud=["parley", "other"]),
        signer.token(exp=now - 1),
        signer.token(exp=None),
        signer.token(iat=now + 900),
        signer.token(iat="soon"),
        signer.token(exp=1e400),
        signer.token(sid=None),
        signer.token(sid=7),
        signer.token(role="root"),
        signer.token(sub="nobody"),
        signer.token(tid=None),
        jwt.encode({"sub": str(USER)}, key="", algorithm="none"),
        jwt.encode({"sub": str(USER)}, key="x" * 32, algorithm="HS256"),
        "a.b.c",
        "x" * 5000,
    ]
    seen = set()
    for token in forged:
        try:
            await gateway.unary(unary(gateway, "WhoAmI"), StringValue(), timeout=30, token=token)
        except AppError as error:
            seen.add((error.kind, error.reason, error.detail))
        else:
            pytest.fail(f"accepted: {token[:20]}")
    assert {kind for kind, _, _ in seen} == {Kind.UNAUTHENTICATED}
    assert len(seen) == 1


async def test_a_revocation_ends_a_token_that_was_in_the_cache(
    gateway: Channel, signer: Signer
) -> None:
    token = signer.token()
    who_am_i = unary(gateway, "WhoAmI")
    await gateway.unary(who_am_i, StringValue(), timeout=30, token=token)
    now = SimpleNamespace(seconds=int(time.time()) + 1, nanos=0)
    later = SimpleNamespace(seconds=int(time.time()) + 600, nanos=0)
    revocation = SimpleNamespace(sid="login-1", user_id="", revoked_at=now, expires_at=later)
    signer.store.apply(signer.message(snapshot=False, keys=[], revocations=[revocation]))
    with pytest.raises(AppError) as caught:
        await gateway.unary(who_am_i, StringValue(), timeout=30, token=token)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    other = signer.token(sid="login-2")
    await gateway.unary(who_am_i, StringValue(), timeout=30, token=other)


async def test_an_issuers_clock_may_be_a_little_ahead(gateway: Channel, signer: Signer) -> None:
    token = signer.token(iat=int(time.time()) + 5)
    await gateway.unary(unary(gateway, "WhoAmI"), StringValue(), timeout=30, token=token)


async def test_a_method_without_policy_refuses_to_start(
    tls: Path, signer: Signer, handlers: Handlers
) -> None:
    policy = {SERVICE: {name: method for name, method in POLICY[SERVICE].items() if name != "Open"}}
    server = GrpcServer(
        settings=settings(tls, "test-service"),
        policy=policy,
        register=handlers.register,
        verifier=TokenVerifier(signer.store),
    )
    with pytest.raises(RuntimeError, match="TestService/Open"):
        await server.start()


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
        async with asyncio.timeout(10):
            await channel.probe()
        answer = await channel.unary(
            unary(channel, "Open"), StringValue(value="again"), timeout=30, idempotent=True
        )
        assert answer.value == "again"
    finally:
        await channel.stop()
        await second.stop()


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
