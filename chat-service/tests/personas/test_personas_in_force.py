"""The service as a process, whose file of personas is changed, broken and mended under it."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.caller import Caller
from chassis.embedded import free_port
from chassis.errors import AppError
from chassis.testing import OpenChannel, eventually
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from chat_service.settings import Settings
from parley.chat.v1 import personas_pb2 as pb
from parley.chat.v1 import personas_pb2_grpc

ENTRY = "  - name: {0}\n    title: T\n    prompt: I am {0}.\n"


def written(*names: str) -> str:
    return "personas:\n" + "".join(ENTRY.format(name) for name in names)


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **variables_of(settings)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "personas.yaml"
    file.write_text(written("first"))
    return file


@pytest.fixture
def settings(settings: Settings, file: Path) -> Settings:
    return settings.model_copy(update={"personas_file": file, "metrics_port": free_port()})


@pytest.mark.slow
async def test_a_file_that_changes_is_taken_as_a_whole_and_a_wrong_one_changes_nothing(
    settings: Settings,
    file: Path,
    grpc_channel: OpenChannel,
    caller: Caller,
    start_process: StartProcess,
) -> None:
    process = await start_process(sys.executable, "-m", "chat_service", env=_environment(settings))
    channel = await grpc_channel(settings.grpc_port, "chat-service", as_name="gateway")
    stub: Any = channel.stub(personas_pb2_grpc.PersonaServiceStub)
    operations = httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.metrics_port}")

    async def names() -> list[str]:
        request = pb.ListPersonasRequest(limit=100)
        page = await channel.unary(stub.ListPersonas, request, timeout=30, token=caller.token)
        return [persona.name for persona in page.items]

    async def shows(*expected: str) -> None:
        async def shown() -> bool:
            return await names() == list(expected)

        await eventually(shown, timeout=60, ignoring=(AppError,))

    async def ready() -> dict[str, Any]:
        told: dict[str, Any] = (await operations.get("/readyz")).json()
        return told

    async def metric(name: str) -> float:
        text = (await operations.get("/metrics")).text
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    async with operations:
        await shows("first")
        assert (await ready())["checks"]["personas-file"] == "ok"
        assert await metric("chat_personas_file_current") == 1

        file.write_text(written("second", "third"))
        await shows("second", "third")

        # The first of it is right, and is not taken either.
        file.write_text(written("fourth") + "  - name: fifth\n    title: ''\n    prompt: P\n")

        async def degraded() -> bool:
            return bool((await ready())["status"] == "degraded")

        await eventually(degraded, timeout=60)
        assert (await ready())["checks"]["personas-file"] == "away"
        assert await metric("chat_personas_file_current") == 0
        assert await names() == ["second", "third"]

        file.write_text(written("mended"))
        await shows("mended")
        assert (await ready())["checks"]["personas-file"] == "ok"

        # Whatever stamps say: SIGHUP reads it anew.
        reads = 'chat_personas_file_reads_total{outcome="taken"}'
        before = await metric(reads)
        process.send_signal(signal.SIGHUP)

        async def read_anew() -> bool:
            return await metric(reads) > before

        await eventually(read_anew, timeout=60)
        file.unlink()
        await eventually(degraded, timeout=60)
        assert await names() == ["mended"]
    process.send_signal(signal.SIGTERM)
    logs, _ = await process.communicate()
    assert process.returncode == 0
    events = [json.loads(line) for line in logs.decode().splitlines()]
    problems = [event["problem"] for event in events if event["event"] == "personas.refused"]
    assert problems[0] == "line 6: personas 2 title: REQUIRED"
    assert problems[1].startswith("No such file or directory: ")


async def test_a_file_that_is_wrong_at_the_start_is_one_line_and_status_2(
    settings: Settings, file: Path, start_process: StartProcess
) -> None:
    file.write_text("personas:\n  - name: a\n    colour: red\n")
    process = await start_process(
        *(sys.executable, "-m", "chat_service", "check"), env=_environment(settings)
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    (line,) = errors.decode().splitlines()
    assert line.startswith("settings: CHAT_PERSONAS_FILE: line 2: personas 1 title: Field required")
    assert "line 3: personas 1 colour: " in line
