"""A job that repeats: when it is done, and what its failures come to."""

import asyncio

import pytest
from structlog.testing import capture_logs

from chassis.errors import AppError, Kind
from chassis.repeated import Repeated, put_off
from chassis.testing import eventually


class Away(AppError):
    kind = Kind.UNAVAILABLE
    reason = "AWAY"


class Job:
    """Notes each time it is done; raises what is in ``failures`` first."""

    def __init__(self, *failures: Exception) -> None:
        self.times = 0
        self._failures = list(failures)

    async def __call__(self) -> None:
        self.times += 1
        if self._failures:
            raise self._failures.pop(0)


async def test_it_is_done_at_the_start_and_then_at_each_interval() -> None:
    job = Job()
    repeated = Repeated("job", job, seconds=0.01)
    await repeated.start()
    await eventually(lambda: job.times >= 5)
    await repeated.stop()
    done = job.times
    await asyncio.sleep(0.05)
    assert job.times == done


async def test_what_is_not_urgent_is_done_a_little_later_and_at_once_where_it_is_asked_for() -> (
    None
):
    soon, late = Job(), Job()
    hurried = Repeated("soon", soon, seconds=0.01, unhurried=True)
    unhurried = Repeated("late", late, seconds=3600, unhurried=True)
    assert all(0 <= put_off(3600) <= 5 and 0 <= put_off(1) <= 1 for _ in range(100))
    await unhurried.start()
    await hurried.start()
    await eventually(lambda: soon.times >= 5)
    unhurried.wake()
    await eventually(lambda: late.times == 1)
    await hurried.stop()
    await unhurried.stop()


async def test_woken_it_is_done_at_once_and_once_more_if_it_is_being_done() -> None:
    under_way, may_end, times = asyncio.Event(), asyncio.Event(), 0

    async def work() -> None:
        nonlocal times
        times += 1
        under_way.set()
        await may_end.wait()

    repeated = Repeated("job", work, seconds=3600)
    await repeated.start()
    await under_way.wait()
    repeated.wake()
    repeated.wake()
    may_end.set()
    await eventually(lambda: times == 2)
    repeated.wake()
    await eventually(lambda: times == 3)
    await repeated.stop()


async def test_a_failure_is_an_error_in_the_log_and_the_job_goes_on() -> None:
    job = Job(RuntimeError("broken"))
    repeated = Repeated("tidying", job, seconds=0.01)
    with capture_logs() as logs:
        await repeated.start()
        await eventually(lambda: job.times >= 3)
        await repeated.stop()
    (failed,) = [line for line in logs if line["log_level"] == "error"]
    assert (failed["event"], failed["job"]) == ("job.failed", "tidying")
    assert str(failed["exc_info"]) == "broken"


@pytest.mark.parametrize(
    ("error", "away"), [(Away(), (AppError,)), (ConnectionError(), (AppError, ConnectionError))]
)
async def test_what_it_needs_being_away_is_no_error(
    error: Exception, away: tuple[type[Exception], ...]
) -> None:
    job = Job(error)
    with capture_logs() as logs:
        repeated = Repeated("job", job, seconds=0.01, away=away)
        await repeated.start()
        await eventually(lambda: job.times >= 3)
        await repeated.stop()
    assert [line for line in logs if line["log_level"] != "debug"] == []


async def test_a_service_that_drains_begins_it_no_more() -> None:
    job = Job()
    repeated = Repeated("job", job, seconds=0.01)
    await repeated.start()
    await eventually(lambda: job.times >= 1)
    await repeated.drain()
    done = job.times
    repeated.wake()
    await asyncio.sleep(0.05)
    assert job.times == done
