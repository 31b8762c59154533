"""Answers that are kept for repeated requests go when a day has passed."""

from datetime import timedelta

import psycopg

from chassis.db.engine import Database
from chassis.db.idempotency import AnswerSweep
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, eventually

DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)


async def test_answers_are_kept_for_24_hours_and_then_deleted_however_many_there_are(
    database: DatabaseUrls,
) -> None:
    with psycopg.connect(database.admin) as connection:
        for number in range(6):
            connection.execute(
                "INSERT INTO idempotency_keys"
                " (user_id, tenant_id, key, request_hash, answer, created_at)"
                " VALUES (%s, %s, %s, '', '', now() - %s)",
                (new_id(), new_id(), f"k{number}", DAY + MINUTE if number else DAY - MINUTE),
            )

    def left() -> list[str]:
        with psycopg.connect(database.admin) as admin:
            return [key for (key,) in admin.execute("SELECT key FROM idempotency_keys")]

    worker = Database(database.worker, application_name="test")
    sweep = AnswerSweep(worker, batch=2)
    await sweep.start()
    await eventually(lambda: left() == ["k0"])
    await sweep.stop()
    await worker.stop()
