"""What connections fall back to."""

import asyncio
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError
from chassis.testing import DatabaseUrls, eventually

Person = Any
ELSEWHERE = "https://elsewhere.example/v1"


async def test_a_deleted_connection_is_gone_and_nothing_falls_back_to_it(
    ada: Person, database: DatabaseUrls
) -> None:
    last = await ada.create("last")
    middle = await ada.create("middle", fallback_key_id=last.id)
    first = await ada.create("first", fallback_key_id=middle.id)

    await ada.tell("DeleteKey", id=middle.id)

    assert not (await ada.get(first.id)).HasField("fallback_key_id")
    assert await ada.refused("GetKey", id=middle.id) == ("KEY_NOT_FOUND", [])
    assert await ada.refused("DeleteKey", id=middle.id) == ("KEY_NOT_FOUND", [])
    assert (await ada.create("middle")).id != middle.id
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT count(*) FROM keys").fetchall() == [(3,)]


async def test_no_chain_of_fallbacks_comes_round_to_its_beginning(ada: Person) -> None:
    keys = [await ada.create(f"key {number}") for number in range(4)]
    circle = ("VALIDATION", [FieldError("fallback_key_id", "CIRCLE")])
    assert await ada.refused("UpdateKey", id=keys[0].id, fallback_key_id=keys[0].id) == circle
    for one, next_one in pairwise(keys):
        await ada.update(one.id, fallback_key_id=next_one.id)
    for later in keys[1:]:
        refused = await ada.refused("UpdateKey", id=later.id, fallback_key_id=keys[0].id)
        assert refused == circle


async def test_of_two_that_fall_back_to_each_other_at_once_one_is_refused(ada: Person) -> None:
    for attempt in range(5):
        one, other = await ada.create(f"one {attempt}"), await ada.create(f"other {attempt}")
        outcomes = await asyncio.gather(
            ada.update(one.id, fallback_key_id=other.id),
            ada.update(other.id, fallback_key_id=one.id),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, BaseException) for outcome in outcomes) == 1


@pytest.mark.parametrize("makes", [False, True])
async def test_one_that_is_being_deleted_is_not_there_to_fall_back_to(
    ada: Person, database: DatabaseUrls, *, makes: bool
) -> None:
    one, other = await ada.create("one"), await ada.create("other")
    not_found = ("VALIDATION", [FieldError("fallback_key_id", "NOT_FOUND")])
    with psycopg.connect(database.worker) as worker:
        worker.execute("DELETE FROM keys WHERE id = %s", [other.id])
        if makes:
            body = {"api_key": "k", "model": "m", "base_url": ELSEWHERE, "name": "third"}
            refusal = ada.refused("CreateKey", fallback_key_id=other.id, **body)
        else:
            refusal = ada.refused("UpdateKey", id=one.id, fallback_key_id=other.id)
        asked = asyncio.create_task(refusal)
        await eventually(lambda: somebody_waits(database))
        worker.commit()
    assert await asked == not_found


def somebody_waits(database: DatabaseUrls) -> bool:
    """Whether a transaction waits for another one's lock."""
    with psycopg.connect(database.admin) as admin:
        waiting = admin.execute(
            "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return waiting.fetchone() is not None
