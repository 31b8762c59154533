"""What of the operator's environment, of the machine and of other users goes to a model server."""

import asyncio
import os
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis.caller import Caller
from chassis.errors import RemoteError
from chassis.testing import OpenChannel, eventually
from chassis.testing.variables import variables_of
from chassis.tls import issue
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2, chat_pb2_grpc

_EVENT = (
    b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


@dataclass
class Recorder:
    """Answers each question, wants a cookie kept, and keeps the head of each request."""

    scheme: str
    port: int = 0
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                self.heads.append(head)
                (length,) = (
                    int(line.split(":")[1])
                    for line in head.split("\r\n")
                    if line.lower().startswith("content-length:")
                )
                await reader.readexactly(length)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    b"Set-Cookie: tracked=yes; Path=/\r\nSet-Cookie: also=this\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(_EVENT) + _EVENT
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest_asyncio.fixture(params=[pytest.param("http", marks=pytest.mark.slow), "https"])
async def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Recorder]:
    recorder = Recorder(request.param)
    context = None
    if recorder.scheme == "https":
        issue(tmp_path, ["localhost"])
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "localhost.pem", tmp_path / "localhost.key")
    listener = await asyncio.start_server(recorder.serve, "127.0.0.1", 0, ssl=context)
    async with listener:
        recorder.port = listener.sockets[0].getsockname()[1]
        yield recorder


class Trap:
    """A proxy that nobody may ask."""

    def __init__(self) -> None:
        self.connections = 0
        self.url = ""

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


@asynccontextmanager
async def trap() -> AsyncIterator[Trap]:
    trap = Trap()
    async with await asyncio.start_server(trap.serve, "127.0.0.1", 0) as listener:
        trap.url = f"http://user:password@127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield trap


def _hostile(tmp_path: Path, proxy: str) -> dict[str, str]:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login secret-login password secret-password\n")
    netrc.chmod(0o600)
    hostile = {
        f"OPENAI_{name}": f"secret-{name}"
        for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "ORGANIZATION", "PROJECT_ID", "PROJECT")
    }
    hostile |= {
        "OPENAI_BASE_URL": proxy,
        "OPENAI_CUSTOM_HEADERS": "X-Secret: secret-header\nAuthorization: Bearer secret\nAccept: x",
        "OPENAI_LOG": "debug",
        "OPENAI_WEBHOOK_SECRET": "secret-hook",
        "ANTHROPIC_API_KEY": "secret-anthropic",
        "NETRC": str(netrc),
        "HOME": str(tmp_path),
        "SSLKEYLOGFILE": str(tmp_path / "keylog"),
        # Whom the operator trusts: this is to be heeded, and goes nowhere.
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "NO_PROXY": "",
        "no_proxy": "",
    }
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY"):
        hostile |= {name: proxy, name.lower(): proxy}
    return hostile


async def test_a_request_has_exactly_these_headers_whatever_the_environment_says(
    settings: Settings,
    vault: Any,
    recorder: Recorder,
    grpc_channel: OpenChannel,
    caller: Caller,
    tmp_path: Path,
) -> None:
    vault.base_url = f"{recorder.scheme}://localhost:{recorder.port}/v1"
    async with trap() as proxy:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chat_service", "serve"),
            env={**os.environ, **_hostile(tmp_path, proxy.url), **variables_of(settings)},
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            channel = await grpc_channel(settings.grpc_port, "chat-service")
            sessions = channel.stub(chat_pb2_grpc.SessionServiceStub)
            runs = channel.stub(chat_pb2_grpc.RunServiceStub)
            followed = channel.stub(chat_pb2_grpc.FrameServiceStub)

            async def ready() -> bool:
                assert process.returncode is None
                request = chat_pb2.ListSessionsRequest()
                await channel.unary(sessions.ListSessions, request, timeout=30, token=caller.token)
                return True

            await eventually(ready, timeout=60, ignoring=(RemoteError,))
            for _ in range(3):
                question = chat_pb2.StartRunRequest(content="hello")
                answer = await channel.unary(
                    runs.StartRun, question, timeout=30, token=caller.token
                )
                follow = chat_pb2.FollowRunRequest(run_id=answer.accepted.run_id)
                frames: list[chat_pb2.Frame] = []
                async for batch in channel.stream(followed.FollowRun, follow, token=caller.token):
                    frames += batch.frames
                assert frames[-1].event == "done", frames
        finally:
            process.terminate()
            logs, errors = await process.communicate()

    assert len(recorder.heads) == 3
    for head in recorder.heads:
        request, *lines = head.strip().split("\r\n")
        assert request == "POST /v1/chat/completions HTTP/1.1"
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines)
        assert 50 < int(headers.pop("Content-Length")) < 500
        assert headers == {
            "Host": f"localhost:{recorder.port}",
            "User-Agent": "Parley",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "Authorization": "Bearer sk-very-secret",
            "Content-Type": "application/json",
        }
    assert proxy.connections == 0
    # Imports of libraries begin the file; what counts is that no connection's secrets are in it.
    keylog = (tmp_path / "keylog").read_text().splitlines()
    assert [line for line in keylog if not line.startswith("#")] == []
    assert b"secret" not in logs + errors
