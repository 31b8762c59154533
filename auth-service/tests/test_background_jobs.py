"""Every job that goes on beside the calls runs in the service as it is shipped."""

from typing import Any

from chassis.db.idempotency import AnswerSweep
from chassis.testing.jobs import jobs_not_running


async def test_every_background_job_runs(running: Any) -> None:
    assert jobs_not_running("auth_service", AnswerSweep) == set()
