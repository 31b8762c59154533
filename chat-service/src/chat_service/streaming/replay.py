"""What the frames of a run tell: its text, and how it ended if it did."""

from collections.abc import Sequence

import orjson

from chat_service.domain.run import Ending, RunStatus, Usage, known_finish_reason
from chat_service.streaming.frame import (
    DELTA,
    DONE,
    ERROR,
    REASONING,
    SNAPSHOT,
    USAGE,
    Frame,
)

OWNER_LOST = "OWNER_LOST"


def replay(frames: Sequence[Frame], prefix: str = "") -> Ending:
    """The end that a log tells: its own terminal frame, or ``interrupted`` behind its last.

    ``prefix`` is what the answer began with, in case the log does not say so itself.
    """
    text: list[str] = [prefix]
    reasoning: list[str] = []
    usage: Usage | None = None
    status = RunStatus.INTERRUPTED
    reason: str | None = OWNER_LOST
    finish_reason: str | None = None
    last_seq = frames[-1].seq + 1 if frames else 1
    for frame in frames:
        data = orjson.loads(frame.data)
        if frame.event == DELTA:
            text.append(data["text"])
        elif frame.event == REASONING:
            reasoning.append(data["text"])
        elif frame.event == SNAPSHOT:
            text, reasoning = [data["text"]], [data["reasoning"]]
        elif frame.event == USAGE:
            usage = Usage(data["prompt_tokens"], data["completion_tokens"])
        elif frame.event == DONE:
            last_seq = frame.seq
            status, reason = RunStatus(data["status"]), None
            # Logs of earlier versions have it as the provider said it.
            finish_reason = known_finish_reason(data["finish_reason"])
        elif frame.event == ERROR:
            last_seq = frame.seq
            status, reason = RunStatus.FAILED, data["problem"]["reason"]
    return Ending(
        status=status,
        reason=reason,
        finish_reason=finish_reason,
        text="".join(text),
        reasoning="".join(reasoning),
        usage=usage,
        last_seq=last_seq,
    )
