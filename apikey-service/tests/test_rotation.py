"""Every stored key is locked with a new key-encryption key, while keys are used and changed."""

import asyncio
import base64
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from apikey_service.background import SealedCensus
from apikey_service.domain.sealed import Place, Sealed
from apikey_service.domain.secret import Secret
from apikey_service.settings import Settings
from apikey_service.store.rotation import Rotation
from apikey_service.vault.envelope import EnvelopeVault
from apikey_service.vault.kek import parse_kek
from apikey_service.vault.ring import LocalKeyRing
from apikey_service.wiring import rotate_keys
from chassis.db.engine import Database
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, eventually, sample
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from parley.apikey.v1 import apikey_pb2

Person = Any

NEXT = base64.b64encode(os.urandom(32)).decode()
MANY = 1_700  # more than three batches


@pytest.fixture
def changes() -> dict[str, object]:
    """The running service seals with the old key, and opens what the next one has locked."""
    return {"vault_old_keys": (SecretStr(NEXT),)}


@dataclass(frozen=True)
class Keks:
    """The ids of the key-encryption keys, and vaults that have one of them each."""

    old: str
    next: str
    old_vault: EnvelopeVault
    next_vault: EnvelopeVault


@pytest.fixture
def keks(settings: Settings) -> Keks:
    old, following = parse_kek(settings.vault_key.get_secret_value()), parse_kek(NEXT)
    return Keks(
        old.id,
        following.id,
        EnvelopeVault(LocalKeyRing(old)),
        EnvelopeVault(LocalKeyRing(following)),
    )


Rotate = Callable[..., Awaitable[Any]]


def turned_of(settings: Settings) -> Settings:
    """The settings that the service will have next."""
    return settings.model_copy(
        update={"vault_key": SecretStr(NEXT), "vault_old_keys": (settings.vault_key,)}
    )


async def rotate_here(settings: Settings) -> int:
    """What the command does, in this process; how many rows it has locked anew."""
    return (await rotate_keys(turned_of(settings), lambda _: None)).rewrapped


@pytest.fixture
def rotate(
    settings: Settings,
    start_process: StartProcess,
) -> Rotate:
    """Starts the command, the next key being the one that locks now."""
    turned = turned_of(settings)

    async def start(*words: str) -> Any:
        return await start_process(
            *(sys.executable, "-m", "apikey_service", "rotate", *words),
            env={**os.environ, **variables_of(turned)},
        )

    return start


async def told(process: Any) -> tuple[int, str, str]:
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


def insert_many(database: DatabaseUrls, vault: EnvelopeVault, count: int) -> dict[UUID, Place]:
    """Rows as the service would have stored them, each with headers."""
    places = {}
    rows = []
    for number in range(count):
        place = Place(new_id(), new_id(), new_id(), "api_key")
        key = vault.seal(Secret(f"sk-{place.key_id}"), place)
        headers = vault.seal(Secret("[]"), replace(place, field="headers"))
        places[place.key_id] = place
        rows.append(
            (
                *(place.key_id, place.tenant_id, place.user_id, str(number)),
                *(key.ciphertext, key.wrapped_key, key.kek_id),
                *(headers.ciphertext, headers.wrapped_key, headers.kek_id),
            )
        )
    with (
        psycopg.connect(database.admin) as admin,
        admin.cursor() as cursor,
        cursor.copy(
            "COPY keys (id, tenant_id, user_id, name, ciphertext, wrapped_key, kek_id,"
            " headers_ciphertext, headers_wrapped_key, headers_kek_id, name_folded, masked_key,"
            " model, base_url, provider, created_at, updated_at) FROM STDIN"
        ) as copy,
    ):
        for row in rows:
            copy.write_row((*row, row[3], "…", "m", "https://a.example", "openai", "now", "now"))
    return places


def stored(database: DatabaseUrls) -> dict[UUID, tuple[Sealed, Sealed | None]]:
    with psycopg.connect(database.worker) as worker:
        rows = worker.execute(
            "SELECT id, ciphertext, wrapped_key, kek_id,"
            " headers_ciphertext, headers_wrapped_key, headers_kek_id FROM keys"
        ).fetchall()
    return {
        row[0]: (Sealed(*row[1:4]), None if row[6] is None else Sealed(*row[4:7])) for row in rows
    }


def on(database: DatabaseUrls) -> dict[str, int]:
    with psycopg.connect(database.worker) as worker:
        rows = worker.execute(
            "SELECT kek_id, count(*) FROM (SELECT kek_id FROM keys UNION ALL"
            " SELECT headers_kek_id FROM keys WHERE headers_kek_id IS NOT NULL) AS all_of_them"
            " GROUP BY kek_id"
        ).fetchall()
    return dict(rows)


async def test_every_key_is_locked_anew_and_nothing_else_of_it_changes(
    ada: Person, rotate: Rotate, database: DatabaseUrls, keks: Keks, settings: Settings
) -> None:
    header = apikey_pb2.Header(name="a", value="in a header")
    key = await ada.create(api_key="sk-before", headers=apikey_pb2.Headers(items=[header]))
    places = insert_many(database, keks.old_vault, MANY)
    before = stored(database)
    assert on(database) == {keks.old: 2 * MANY + 2}

    status, output, errors = await told(await rotate())

    assert (status, errors) == (0, "")
    assert f"{MANY + 1} rows locked anew" in output
    assert re.search(f"{keks.old}  old +0\n", output)
    assert re.search(f"{keks.next}  current +{2 * MANY + 2}\n", output)
    after = stored(database)
    for key_id, place in places.items():
        (sealed, headers), (was, headers_were) = after[key_id], before[key_id]
        assert headers is not None
        assert headers_were is not None
        assert keks.next_vault.open(sealed, place).reveal() == f"sk-{key_id}"
        assert keks.next_vault.open(headers, replace(place, field="headers")).reveal() == "[]"
        assert sealed.ciphertext == was.ciphertext
        assert headers.ciphertext == headers_were.ciphertext
    assert await ada.get(key.id) == key
    resolved = await ada.resolve(id=key.id)
    assert (resolved.api_key, list(resolved.headers)) == ("sk-before", [header])

    # Done once, there is nothing left to do.
    assert await rotate_here(settings) == 0
    assert stored(database) == after


async def test_check_says_what_is_on_which_key_and_changes_nothing(
    rotate: Rotate, database: DatabaseUrls, keys: Any, keks: Keks
) -> None:
    insert_many(database, keks.old_vault, 3)
    insert_many(database, keks.next_vault, 2)
    before = stored(database)

    status, output, errors = await told(await rotate("--check"))

    assert status == 1
    assert output == "".join(sorted((f"{keks.old}  old      6\n", f"{keks.next}  current  4\n")))
    assert "6 secrets are not on the current key" in errors
    assert stored(database) == before


@pytest.mark.slow
async def test_killed_in_its_midst_it_is_run_again_also_by_two_at_once(
    rotate: Rotate, database: DatabaseUrls, keys: Any, keks: Keks, settings: Settings
) -> None:
    places = insert_many(database, keks.old_vault, MANY)
    held = max(places)
    with psycopg.connect(database.worker) as holder:
        holder.execute("SELECT id FROM keys WHERE id = %s FOR UPDATE", (held,))
        process = await rotate()

        def waits() -> bool:
            with psycopg.connect(database.admin, autocommit=True) as admin:
                ((count,),) = admin.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE application_name = 'apikey-service rotate'"
                    " AND wait_event_type = 'Lock'"
                ).fetchall()
            return bool(count)

        # Everything that was free is done; it waits for the one that is not.
        await eventually(waits, timeout=60)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    assert on(database) == {keks.old: 2, keks.next: 2 * MANY - 2}

    more = insert_many(database, keks.old_vault, MANY)
    (status, output, _), here = await asyncio.gather(told(await rotate()), rotate_here(settings))

    assert status == 0
    there = int(re.findall(r"(\d+) rows locked anew", output)[-1])
    assert there + here == MANY + 1
    after = stored(database)
    for key_id, place in (places | more).items():
        assert keks.next_vault.open(after[key_id][0], place).reveal() == f"sk-{key_id}"


@pytest.mark.slow
async def test_interrupted_it_says_that_it_can_be_run_again(
    rotate: Rotate, database: DatabaseUrls, keys: Any, keks: Keks
) -> None:
    (held,) = insert_many(database, keks.old_vault, 1)
    with psycopg.connect(database.worker) as holder:
        holder.execute("SELECT id FROM keys WHERE id = %s FOR UPDATE", (held,))
        process = await rotate()

        def waits() -> bool:
            with psycopg.connect(database.admin, autocommit=True) as admin:
                return bool(
                    admin.execute(
                        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        " AND application_name = 'apikey-service rotate'"
                    ).fetchall()
                )

        await eventually(waits, timeout=60)
        process.send_signal(signal.SIGINT)
        status, _, errors = await told(process)
    assert (status, errors) == (130, "rotate: interrupted. Run it again: it goes on.\n")
    assert on(database) == {keks.old: 2}


async def test_what_does_not_open_keeps_nothing_else_from_being_locked_anew(
    settings: Settings, database: DatabaseUrls, keys: Any, keks: Keks
) -> None:
    ids = sorted(insert_many(database, keks.old_vault, 3))
    with psycopg.connect(database.worker, autocommit=True) as worker:
        # The first one of a batch: behind it are all others.
        worker.execute(
            "UPDATE keys SET wrapped_key = (SELECT wrapped_key FROM keys WHERE id = %s)"
            " WHERE id = %s",
            (ids[1], ids[0]),
        )
    before = stored(database)

    done = await rotate_keys(turned_of(settings), lambda _: None)

    assert (done.rewrapped, done.unreadable, list(done.named)) == (2, 1, [ids[0]])
    after = stored(database)
    assert [key_id for key_id in ids if after[key_id] == before[key_id]] == [ids[0]]


@pytest.mark.slow
async def test_what_does_not_open_is_named_and_left_and_all_else_is_done(
    rotate: Rotate, database: DatabaseUrls, keys: Any, keks: Keks
) -> None:
    good, swapped, lost = insert_many(database, keks.old_vault, 3)
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute(
            "UPDATE keys SET wrapped_key = (SELECT wrapped_key FROM keys WHERE id = %s)"
            " WHERE id = %s",
            (good, swapped),
        )
        worker.execute("UPDATE keys SET kek_id = 'of-long-ago' WHERE id = %s", (lost,))
    before = stored(database)

    status, output, errors = await told(await rotate())

    assert status == 1
    assert "1 rows locked anew" in output
    assert "2 do not open" in output
    for key_id in (swapped, lost):
        assert f"does not open, and stays as it is: {key_id}" in output
    assert re.search("of-long-ago  missing +1\n", output)
    assert "4 secrets are not on the current key" in errors
    after = stored(database)
    assert {key_id for key_id in after if after[key_id] != before[key_id]} == {good}


@pytest.mark.slow
async def test_no_key_fails_to_open_and_no_change_is_lost_while_it_runs(
    ada: Person, rotate: Rotate, database: DatabaseUrls, keks: Keks, settings: Settings
) -> None:
    insert_many(database, keks.old_vault, 2 * MANY)
    names = [f"key {number}" for number in range(8)]
    kept = {
        name: await ada.create(name, api_key=f"sk-{name}-0".replace(" ", "-")) for name in names
    }
    last = dict.fromkeys(names, "")
    over = asyncio.Event()
    resolved = 0

    async def change(name: str) -> None:
        number = 0
        while not over.is_set():
            number += 1
            last[name] = f"sk-{name}-{number}".replace(" ", "-")
            await ada.update(kept[name].id, api_key=last[name])

    async def read() -> None:
        nonlocal resolved
        while not over.is_set():
            for key in kept.values():
                await ada.resolve(id=key.id)
                resolved += 1

    running = [asyncio.create_task(change(name)) for name in names[:4]]
    running += [asyncio.create_task(read()) for _ in range(2)]
    try:
        status, output, errors = await told(await rotate())
    finally:
        over.set()
        await asyncio.gather(*running)

    # Those that were changed meanwhile are sealed by the service, which has yet to turn.
    assert status in (0, 1), (output, errors)
    assert resolved > 0
    for name in names[:4]:
        assert (await ada.resolve(id=kept[name].id)).api_key == last[name]
    for name in names[4:]:
        assert (await ada.resolve(id=kept[name].id)).api_key == f"sk-{name}-0".replace(" ", "-")
    await rotate_here(settings)
    assert on(database).keys() == {keks.next}
    for name in names[:4]:
        assert (await ada.resolve(id=kept[name].id)).api_key == last[name]


@pytest.mark.slow
async def test_a_database_that_is_away_is_told_in_a_sentence(
    rotate: Rotate, database: DatabaseUrls, keys: Any
) -> None:
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute("ALTER ROLE parley_apikey_worker NOLOGIN")
        try:
            status, _, errors = await told(await rotate())
        finally:
            admin.execute("ALTER ROLE parley_apikey_worker LOGIN")
    assert status == 1
    (line,) = errors.splitlines()
    assert line.startswith("rotate: ")
    assert "Traceback" not in errors


async def test_the_census_tells_of_the_ring_at_zero_too_and_of_what_is_missing(
    database: DatabaseUrls, keys: Any, keks: Keks, settings: Settings
) -> None:
    insert_many(database, keks.old_vault, 2)
    (lost,) = insert_many(database, keks.old_vault, 1)
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("UPDATE keys SET kek_id = 'gone' WHERE id = %s", (lost,))
    ring = LocalKeyRing(parse_kek(settings.vault_key.get_secret_value()), [parse_kek(NEXT)])
    worker_database = Database(database.worker, application_name="test")
    census = SealedCensus(Rotation(worker_database), current=ring.current_id, ids=ring.ids)
    assert await census.counts() == sorted(
        [(keks.old, "current", 5), (keks.next, "old", 0), ("gone", "missing", 1)]
    )

    def shown() -> list[float | None]:
        rings = ((keks.old, "current"), (keks.next, "old"), ("gone", "missing"))
        return [sample("apikey_sealed_secrets", kek_id=one, ring=ring) for one, ring in rings]

    await census.count()
    assert shown() == [5, 0, 1]
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("DELETE FROM keys WHERE id = %s", (lost,))
    await census.count()
    # Of a key-encryption key that locks nothing, and is not of the ring, nothing is told any more.
    assert shown() == [4, 0, None]
    await worker_database.stop()


async def test_headers_that_were_locked_with_the_old_key_behind_the_rotation_are_locked_anew(
    ada: Person, settings: Settings, database: DatabaseUrls, keks: Keks
) -> None:
    headers = apikey_pb2.Headers(items=[apikey_pb2.Header(name="a", value="in a header")])
    key = await ada.create(headers=headers)
    await rotate_here(settings)
    assert on(database).keys() == {keks.next}
    # By a service that has not been started with the next key yet.
    await ada.update(key.id, headers=headers)
    assert on(database).keys() == {keks.next, keks.old}
    assert await rotate_here(settings) == 1
    assert on(database).keys() == {keks.next}
