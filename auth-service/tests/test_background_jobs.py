"""Every job that goes on beside the calls runs in the service as it is shipped."""

from collections.abc import Callable
from typing import Any

from auth_service.wiring import build
from chassis.db.idempotency import AnswerSweep
from chassis.testing.jobs import jobs_not_running
from servicekit.testing import components_not_handed_over


async def test_every_background_job_runs(running: Any) -> None:
    assert jobs_not_running("auth_service", AnswerSweep) == set()


async def test_every_component_is_handed_to_the_service(
    running: Any, settings_of: Callable[..., Any]
) -> None:
    settings = settings_of(running.database, "t")
    assert components_not_handed_over(lambda: build(settings)) == set()
