"""Whether what was sent is acceptable, before anything is done with it."""

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_number, check_text
from chat_service.domain.limits import Limits
from chat_service.usecases.accept_run import Question
from parley.bounds import MAX_TOKENS, MODEL, QUESTION, SESSION_TITLE, TEMPERATURE, Range


def check_question(question: Question, limits: Limits) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    content = question.content
    errors = check_text(
        "content", content, minimum=QUESTION.minimum, maximum=limits.content_characters
    )
    if not errors and content.isspace():
        errors.append(FieldError("content", "REQUIRED"))
    errors += _check_model(question.model)
    errors += _check_range("temperature", question.temperature, TEMPERATURE)
    errors += _check_range("max_tokens", question.max_tokens, MAX_TOKENS)
    _raise(errors)


def check_session(title: str, model: str | None) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    _raise(check_text("title", title, maximum=SESSION_TITLE.maximum) + _check_model(model))


def _check_model(model: str | None) -> list[FieldError]:
    if model is None:
        return []
    return check_text("model", model, minimum=MODEL.minimum, maximum=MODEL.maximum)


def _check_range(field: str, value: float, within: Range) -> list[FieldError]:
    return check_number(field, value, minimum=within.minimum, maximum=within.maximum)


def _raise(errors: list[FieldError]) -> None:
    if errors:
        raise ValidationFailed(fields=errors)
