"""The terminal event of a run, whoever says it: its owner, a taker, or the database later on."""

from typing import Any

from chat_service.answer.domain.ending import CacheState, RunStatus
from chat_service.answer.domain.frame import DONE, ERROR
from chat_service.runs.domain.run import Run

_UNKNOWN = "The answer could not be generated."


def terminal_event(
    run: Run,
    status: RunStatus,
    *,
    finish_reason: str | None,
    saved: bool,
    reason: str | None = None,
    detail: str = _UNKNOWN,
    cache: CacheState = CacheState.OFF,
) -> tuple[str, dict[str, Any]]:
    """The event's name and data: `error` if and only if the run failed.

    `reason` and `detail` say why it did; what a client is shown of that is the gateway's to write.
    `saved` says whether the answer is in the database already; a run that belongs to no
    conversation has no message, and so no place of one. `cache` is said where kept answers were wanted.
    """
    place: dict[str, Any] = {"saved": saved}
    if cache is not CacheState.OFF:
        place["cache"] = cache.value
    if run.turn is not None:
        place |= {"message_id": str(run.turn.answer_id), "order": run.turn.answer_order}
    if status is RunStatus.FAILED:
        return ERROR, {"reason": reason, "detail": detail, **place}
    why = {} if reason is None else {"reason": reason}
    return DONE, {"status": status.value, "finish_reason": finish_reason, **why, **place}
