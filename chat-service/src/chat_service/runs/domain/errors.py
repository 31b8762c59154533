"""The reasons for which a run is refused."""

from uuid import UUID

from chassis.errors import AppError, Kind


class RunNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "RUN_NOT_FOUND"
    detail = "There is no such run."


class RunInProgress(AppError):
    """Metadata `run_id` names the run that is still being generated."""

    kind = Kind.CONFLICT
    reason = "RUN_IN_PROGRESS"
    detail = "An answer is still being written in this conversation."

    def __init__(self, run_id: UUID) -> None:
        super().__init__(metadata={"run_id": str(run_id)})


class RunNotContinuable(AppError):
    kind = Kind.CONFLICT
    reason = "RUN_NOT_CONTINUABLE"
    detail = "Only an answer that was cut short, and that nothing follows, can be continued."


class AnswerTooLarge(RunNotContinuable):
    detail = "This answer is as long as an answer may be."

    def __init__(self) -> None:
        super().__init__(metadata={"cause": "ANSWER_TOO_LARGE"})


class ModelCannotSee(AppError):
    kind = Kind.INVALID
    reason = "MODEL_CANNOT_SEE"
    detail = (
        "This model takes no pictures; choose one that does, or take the pictures away from the"
        " question."
    )


class TooManyRuns(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_RUNS"
    detail = "As many answers are being written for you as may be at once; wait for one to end."

    def __init__(self) -> None:
        super().__init__(retry_after=5)


class ShuttingDown(AppError):
    kind = Kind.UNAVAILABLE
    reason = "SHUTTING_DOWN"
    detail = "This replica is stopping; try again."

    def __init__(self) -> None:
        super().__init__(retry_after=1)
