"""The reasons for which a text is refused."""

from chassis.errors import AppError, FieldError, Kind


class WordRefused(AppError):
    """`field` has a word that the operator refuses; which one is not said."""

    kind = Kind.INVALID
    reason = "WORD_REFUSED"
    detail = "This contains something that may not be said here."

    def __init__(self, field: str) -> None:
        super().__init__(fields=[FieldError(field, self.reason)])
