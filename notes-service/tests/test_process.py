"""The service as a process: its commands, its probes, its end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest
from pydantic import SecretStr

from chassis.embedded.ports import free_port
from chassis.jetstream import JetStream
from chassis.testing import DatabaseUrls, eventually
from chassis.testing.operations import get_json
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from notes_service.__main__ import main
from notes_service.settings import Settings
from notes_service.wiring import build


def _readiness(port: int) -> str:
    return str(get_json(port, "/readyz")[1]["status"])


async def test_it_serves_until_it_is_told_to_end(
    settings: Settings, start_process: StartProcess
) -> None:
    port = free_port()
    process = await start_process(
        *(sys.executable, "-m", "notes_service"),
        env={**os.environ, **variables_of(settings), "NOTES_METRICS_PORT": str(port)},
    )

    async def is_ready() -> bool:
        return await asyncio.to_thread(_readiness, port) == "ok"

    await eventually(is_ready, timeout=30, ignoring=(OSError,))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    logs, _ = await process.communicate()

    assert process.returncode == 0
    assert time.monotonic() - began < 15
    assert logs


@pytest.mark.parametrize(
    ("without", "status", "away"),
    [
        ("auth-service", (503, "down"), {"auth-service", "token-keys"}),
        ("schema", (503, "down"), {"schema"}),
        ("database", (503, "down"), {"database", "schema"}),
        ("nats", (200, "degraded"), {"nats"}),
        ("", (200, "ok"), set()),
    ],
)
async def test_it_is_ready_with_all_that_it_cannot_do_without(
    settings: Settings,
    database: DatabaseUrls,
    monkeypatch: pytest.MonkeyPatch,
    without: str,
    status: tuple[int, str],
    away: set[str],
) -> None:
    # Who is away is waited for at each look.
    monkeypatch.setattr("chassis.health._PROBE_SECONDS", 0.3)
    nowhere = f"127.0.0.1:{free_port()}"
    changes: dict[str, dict[str, object]] = {
        "auth-service": {"auth_target": nowhere},
        "database": {"database_url": SecretStr(f"postgresql://nobody:secret@{nowhere}/nothing")},
        "nats": {"nats_url": SecretStr(f"nats://{nowhere}")},
    }
    if without == "schema":
        with psycopg.connect(database.admin) as admin:
            admin.execute("DELETE FROM alembic_version")
    service = build(settings.model_copy(update=changes.get(without, {})))
    await service.start()
    try:

        async def is_said() -> bool:
            code, said = await asyncio.to_thread(get_json, service.metrics_port, "/readyz")
            missing = {name for name, told in said["checks"].items() if told != "ok"}
            return ((code, said["status"]), missing) == (status, away)

        await eventually(is_said)
    finally:
        await service.stop()


def test_to_migrate_what_is_up_to_date_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables_of(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["notes-service", "migrate"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_without_its_settings_it_says_what_is_missing(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("NOTES_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "argv", ["notes-service", command])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "NOTES_DATABASE_URL: Field required" in capsys.readouterr().err


@pytest.mark.slow
async def test_its_dead_letters_are_listed_and_dropped_by_command(
    settings: Settings, notes: object, events: JetStream
) -> None:
    environment = {**os.environ, **variables_of(settings)}

    async def run(*words: str) -> tuple[int, bytes]:
        command = [sys.executable, "-m", "notes_service", "dead-letters", *words]
        # Not through the event loop: it would fork, which gRPC's threads in here do not survive.
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, stdout=subprocess.PIPE, check=False
        )
        return done.returncode, done.stdout

    assert await run("list") == (0, b"")
    await events.publish(events.subject("user.deleted"), b"\xff", msg_id="poison")

    async def listed() -> bytes:
        return (await run("list"))[1]

    letter = json.loads(await eventually(listed, 20))
    assert letter["consumer"] == "notes-service-user-deleted"
    # What nobody could read cannot be read now either.
    status, _ = await run("replay", letter["id"])
    assert status == 1
    assert await run("drop", letter["id"]) == (0, b"")
    assert await run("list") == (0, b"")
