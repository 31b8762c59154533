"""A model server that cannot be reached: each reason has a name of its own."""

import asyncio
import datetime as dt
import socket
import ssl
from contextlib import aclosing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chassis.address_policy import AddressPolicy
from chassis.ids import new_id
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderError
from chat_service.providers.patience import ServerPatience
from servicekit.generation_parameters import GenerationParameters


async def reason_of(provider: ModelClient, base_url: str) -> str:
    stream = provider.stream(
        Connection(new_id(), "x", "sk-a-key", "m", base_url, "openai"),
        [PromptMessage("user", "hello")],
        model="m",
        parameters=GenerationParameters(),
        next_read=lambda *_: asyncio.sleep(0),
    )
    with pytest.raises(ProviderError) as raised:
        async with aclosing(stream):
            _ = [piece async for piece in stream]
    assert raised.value.__cause__ is not None
    return raised.value.reason


async def test_a_name_that_is_none(provider: ModelClient) -> None:
    assert await reason_of(provider, "http://nowhere.invalid/v1") == "PROVIDER_NAME_NOT_FOUND"


async def test_a_port_where_nothing_listens(provider: ModelClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert await reason_of(provider, f"http://127.0.0.1:{port}") == "PROVIDER_REFUSED_CONNECTION"


async def test_a_server_without_tls_at_an_https_address(provider: ModelClient) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        assert await reason_of(provider, f"https://127.0.0.1:{port}") == "PROVIDER_TLS_FAILED"


async def test_a_certificate_that_nobody_has_signed(provider: ModelClient, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        assert await reason_of(provider, f"https://127.0.0.1:{port}") == "PROVIDER_TLS_FAILED"


async def test_an_address_that_takes_no_connection_in_time() -> None:
    provider = ModelClient(
        AddressPolicy(["127.0.0.0/8"]),
        streams=10,
        per_host=10,
        patience=ServerPatience(connect=0.2),
    )
    await provider.start()
    # A queue of none that is full: further connections wait.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            assert await reason_of(provider, f"http://127.0.0.1:{port}") == "PROVIDER_TIMED_OUT"
        finally:
            for one in waiting:
                one.close()
            await provider.stop()


def self_signed(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = directory / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
