"""Why an aside came to nothing. Nobody is told but the log and a counter: nobody has asked for it."""


class AsideFailed(Exception):
    """`reason` is in upper snake case: the provider's, that of an AppError, or one of ours."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
