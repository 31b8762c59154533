"""Whether a question is acceptable, before anything is done with it."""

from typing import Any

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_number, check_text
from chat_service.conversations.usecases.check import check_model
from chat_service.providers.domain.parameters import PARAMETERS, Bounds, GenerationParameters, Texts
from chat_service.runs.domain.admission import Again, Question
from chat_service.runs.domain.limits import Limits
from parley.bounds import QUESTION, Range


def check_question(question: Question, limits: Limits) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    content = question.content
    errors = check_text(
        "content", content, minimum=QUESTION.minimum, maximum=limits.content_characters
    )
    if not errors and content.isspace():
        errors.append(FieldError("content", "REQUIRED"))
    errors += check_model(question.model)
    errors += check_parameters(question.parameters)
    if errors:
        raise ValidationFailed(fields=errors)


def check_again(again: Again) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    if errors := check_model(again.model) + check_parameters(again.parameters):
        raise ValidationFailed(fields=errors)


def check_parameters(parameters: GenerationParameters) -> list[FieldError]:
    """What is wrong with them, each by its name."""
    return [
        error
        for name, value in parameters.said().items()
        for error in _check(name, value, PARAMETERS[name])
    ]


def _check(name: str, value: Any, within: Bounds) -> list[FieldError]:
    if isinstance(within, Range):
        return check_number(name, value, minimum=within.minimum, maximum=within.maximum)
    if isinstance(within, Texts):
        if len(value) > within.most:
            return [FieldError(name, "TOO_MANY", maximum=within.most)]
        least, most = within.each.minimum, within.each.maximum
        return [
            error
            for at, text in enumerate(value)
            for error in check_text(f"{name}.{at}", text, minimum=least, maximum=most)
        ]
    return [] if value in within.words else [FieldError(name, "NOT_ONE_OF")]
