"""Why an aside came to nothing. Nobody is told but the log and a counter: nobody has asked for it."""


class AsideFailed(Exception):
    """`reason` is in upper snake case: the provider's, that of an AppError, or one of ours.

    `most_tokens`: what the model takes in all, where it was given more and its server said so.
    """

    def __init__(self, reason: str, *, most_tokens: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.most_tokens = most_tokens
