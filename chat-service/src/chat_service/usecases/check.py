"""Whether what was sent is acceptable, before anything is done with it."""

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_text
from chat_service.domain.limits import (
    MAXIMUM_TEMPERATURE,
    MAXIMUM_TOKENS,
    MODEL_CHARACTERS,
    TITLE_CHARACTERS,
    Limits,
)
from chat_service.usecases.accept_run import Question


def check_question(question: Question, limits: Limits) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    content = question.content
    errors = check_text("content", content, minimum=1, maximum=limits.content_characters)
    if not errors and content.isspace():
        errors.append(FieldError("content", "REQUIRED"))
    errors += _check_model(question.model)
    # Written so that NaN is refused as well.
    if not 0 <= question.temperature <= MAXIMUM_TEMPERATURE:
        errors.append(FieldError("temperature", "OUT_OF_RANGE"))
    if not 1 <= question.max_tokens <= MAXIMUM_TOKENS:
        errors.append(FieldError("max_tokens", "OUT_OF_RANGE"))
    _raise(errors)


def check_session(title: str, model: str | None) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    _raise(check_text("title", title, maximum=TITLE_CHARACTERS) + _check_model(model))


def _check_model(model: str | None) -> list[FieldError]:
    if model is None:
        return []
    return check_text("model", model, minimum=1, maximum=MODEL_CHARACTERS)


def _raise(errors: list[FieldError]) -> None:
    if errors:
        raise ValidationFailed(fields=errors)
