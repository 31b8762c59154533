"""Every job that goes on beside the calls runs in the service as it is shipped."""

from typing import Any

from chassis.db.idempotency import AnswerSweep
from chassis.testing.jobs import jobs_not_running


async def test_every_background_job_runs(running: Any) -> None:
    # It looks whether the operator's file has changed, and here there is none.
    assert jobs_not_running("apikey_service", AnswerSweep) == {"ConnectionsInForce"}
