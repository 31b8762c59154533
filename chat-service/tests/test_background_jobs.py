"""Every job that goes on beside the calls runs in the service as it is shipped."""

import pytest

from chassis.db.idempotency import AnswerSweep
from chassis.testing.jobs import jobs_not_running
from chat_service.settings import Settings
from chat_service.wiring import build
from servicekit.testing import components_not_handed_over

# These look whether a file of the operator's has changed, and here there is none.
WITHOUT_A_FILE = {
    "FileTerms",
    "PersonasInForce",
    "RetentionInForce",
    "UsageRulesInForce",
    "WordsInForce",
}

# The engine starts its flusher itself, and the heartbeat what repeats it.
HELD_BY_OTHERS = {"Flusher", "Repeated"}


@pytest.mark.usefixtures("service")
async def test_every_background_job_runs() -> None:
    assert jobs_not_running("chat_service", AnswerSweep) == WITHOUT_A_FILE


def test_every_component_is_handed_to_the_service(settings: Settings) -> None:
    assert components_not_handed_over(lambda: build(settings)) == HELD_BY_OTHERS
