"""Whole answers: waiting for a run to end, and saying how it failed."""

from collections.abc import AsyncIterator, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import AppError, Unavailable
from gateway import problems
from gateway.presence import ClientGone, Closing, End, LongRequests
from gateway.sse import MEDIA_TYPE, Batch, FrameLike

_TERMINAL = frozenset({"done", "error"})


class RunOutOfSight(Unavailable):
    reason = "RUN_OUT_OF_SIGHT"
    detail = "The question was taken, but its answer cannot be followed just now: ask for the run."


def wants_events(request: Request) -> bool:
    """Whether the client takes server-sent events."""
    return MEDIA_TYPE in request.headers.get("accept", "").lower()


async def end_of_run(
    request: Request,
    requests: LongRequests,
    run_id: str,
    first: Batch,
    batches: AsyncIterator[Batch],
) -> FrameLike:
    """The run's terminal frame, once it has come.

    Raises ClientGone, Closing when the server is being stopped, and RunOutOfSight when the
    stream breaks off; the run goes on in each case.
    """
    end = _terminal(first)
    presence = requests.hold(request.receive)
    async with presence:
        try:
            while end is None:
                end = _terminal(await anext(batches))
        except (AppError, StopAsyncIteration) as error:
            raise RunOutOfSight(metadata={"run_id": run_id}) from error
    match presence.ended:
        case End.CLIENT_GONE:
            raise ClientGone()
        case End.CLOSING:
            raise Closing(metadata={"run_id": run_id})
    assert end is not None
    return end


def _terminal(batch: Batch) -> FrameLike | None:
    return next((frame for frame in batch.frames if frame.event in _TERMINAL), None)


def failure(data: bytes, headers: Mapping[str, str]) -> Response:
    """502 with the problem that an ``error`` frame's data holds."""
    told = orjson.loads(data)["problem"]
    return problems.document(
        502,
        str(told.get("reason", "MODEL_FAILED")),
        str(told.get("detail", "The model did not answer.")),
        headers=headers,
    )
