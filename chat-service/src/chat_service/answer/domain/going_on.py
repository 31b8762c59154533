"""Whether there is more to come of an answer that has ended."""

from typing import Final

from chat_service.answer.domain.ending import RunStatus

#: The finish reason of an answer that came to the most tokens it might have.
LENGTH: Final = "length"


def can_go_on(status: RunStatus, finish_reason: str | None, text: str) -> bool:
    """Whether an answer that ended so could go on.

    It was cut short by its user or by us, it broke off behind its first word, or its model was
    allowed no more. What failed without a word is asked again instead.
    """
    if status is RunStatus.COMPLETED:
        return finish_reason == LENGTH
    if status is RunStatus.FAILED:
        return bool(text.strip())
    return status in {RunStatus.CANCELLED, RunStatus.INTERRUPTED}
