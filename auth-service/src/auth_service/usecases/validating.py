"""What is wrong with what was given, field by field."""

from chassis.errors import FieldError, ValidationFailed


def refuse(**problems: str | None) -> None:
    """Raise ValidationFailed if any field has a problem, naming every one that has."""
    if fields := [FieldError(name, reason) for name, reason in problems.items() if reason]:
        raise ValidationFailed(fields=fields)
