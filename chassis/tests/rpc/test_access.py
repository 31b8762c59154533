"""Who may call: certificates, lists of callers, tokens."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import jwt
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from chassis.errors import AppError, Kind
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer
from chassis.tls import issue

from .service import POLICY, SERVICE, USER, Handlers, Signer, open_channel, settings, unary


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
