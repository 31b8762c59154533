"""Every job that goes on beside the calls runs in the service as it is shipped."""

import pytest

from chassis.db.idempotency import AnswerSweep
from chassis.testing.jobs import jobs_not_running

# These look whether a file of the operator's has changed, and here there is none.
WITHOUT_A_FILE = {
    "FileTerms",
    "PersonasInForce",
    "RetentionInForce",
    "UsageRulesInForce",
    "WordsInForce",
}


@pytest.mark.usefixtures("service")
async def test_every_background_job_runs() -> None:
    assert jobs_not_running("chat_service", AnswerSweep) == WITHOUT_A_FILE
