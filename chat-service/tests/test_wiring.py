"""What an operator has set reaches what it is set for, and subjects are told of each other."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from chassis.db.engine import Database
from chassis.service import Service
from chassis.testing import eventually
from chat_service import models
from chat_service.notices.publisher import Publisher
from chat_service.prompt.room import ContextWindow
from chat_service.runs.domain.limits import Limits
from chat_service.settings import Settings
from chat_service.streaming.cache.bounds import CacheBounds
from chat_service.streaming.write.means import Bounds
from chat_service.wiring import build
from servicekit.argon2_passwords import Argon2Passwords
from servicekit.testing import made_by

# Each has a value of its own: none can stand for another.
SET: dict[str, Any] = {
    "first_token_seconds": 11.0,
    "idle_seconds": 12.0,
    "total_seconds": 13.0,
    "answer_bytes": 14_000,
    "content_characters": 15_000,
    "runs_per_user": 16,
    "window_messages": 34,
    "window_characters": 18_000,
    "cache_hours": 2,
    "cache_answer_bytes": 1_024,
    "cache_user_bytes": 4_096,
    "cache_bytes": 8_192,
    "provider_connections": 21,
    "provider_connections_per_host": 20,
}
REACHED = [
    Bounds(first_token_seconds=11.0, idle_seconds=12.0, total_seconds=13.0, answer_bytes=14_000),
    Limits(content_characters=15_000, runs_per_user=16, answer_bytes=14_000),
    CacheBounds(seconds=7_200, answer_bytes=1_024, user_bytes=4_096, all_bytes=8_192),
    ContextWindow(pairs=17, characters=18_000),
]


def test_bounds_are_what_the_settings_say(settings: Settings) -> None:
    _, made = made_by(lambda: build(settings.model_copy(update=SET)))
    for wanted in REACHED:
        assert [one for one in made if type(one) is type(wanted)] == [wanted]


def test_so_many_connections_are_open_to_model_servers_and_to_one_as_are_set(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []

    def client(policy: object, **options: Any) -> None:
        given.append(options)

    monkeypatch.setattr(models, "ModelClient", client)
    models.models_of(settings.model_copy(update=SET))
    [options] = given
    assert (options["streams"], options["per_host"]) == (21, 20)
    assert options["answer_bytes"] == 14_000


async def test_passwords_of_shared_pages_are_hashed_as_owasp_asks_for(service: Service) -> None:
    [passwords] = (one for one in service.components if isinstance(one, Argon2Passwords))
    with passwords.reserve_slot() as slot:
        stored = await slot.hash("open sesame")
    # At the least, as https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html says.
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_statement_of_a_background_job_has_a_minute_and_one_of_a_request_ten_seconds(
    service: Service,
) -> None:
    app, worker = (one for one in service.components if isinstance(one, Database))
    for database, patience in ((app, "10s"), (worker, "1min")):
        async with database.transaction() as connection:
            shown = await connection.execute(text("SHOW statement_timeout"))
            assert shown.scalar_one() == patience


async def test_behind_a_replica_that_was_killed_whoever_watches_is_told_to_read_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubted: list[bool] = []
    monkeypatch.setattr(Publisher, "doubt", lambda _: doubted.append(True))
    # No job waits until others have had their turn.
    monkeypatch.setattr("chassis.repeated.put_off", lambda _: 0.0)
    with psycopg.connect(settings.worker_database_url.get_secret_value()) as worker:
        worker.execute(
            "INSERT INTO replicas (id, beat, seen) VALUES ('killed', 1, now() - interval '2 minutes')"
        )
    service = build(settings)
    await service.start()
    try:
        await eventually(lambda: doubted)
    finally:
        await service.stop()
