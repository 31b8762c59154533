"""The terminal event of a run, whoever says it: its owner, a taker, or the database later on."""

from typing import Any

from chat_service.domain.run import Run, RunStatus
from chat_service.streaming.frame import DONE, ERROR

_UNKNOWN = "The answer could not be generated."


def terminal_event(
    run: Run,
    status: RunStatus,
    *,
    finish_reason: str | None,
    saved: bool,
    reason: str | None = None,
    detail: str = _UNKNOWN,
    http_status: int = 502,
) -> tuple[str, dict[str, Any]]:
    """The event's name and data: ``error`` if and only if the run failed.

    ``reason``, ``detail`` and ``http_status`` make the problem of a failed run; ``saved`` says
    whether the answer is in the database already.
    """
    place = {"message_id": str(run.answer_id), "order": run.answer_order, "saved": saved}
    if status is RunStatus.FAILED:
        problem = {
            "type": "about:blank",
            "title": "Answer failed",
            "status": http_status,
            "detail": detail,
            "reason": reason,
        }
        return ERROR, {"problem": problem, **place}
    return DONE, {"status": status.value, "finish_reason": finish_reason, **place}
