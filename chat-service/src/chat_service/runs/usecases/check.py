"""Whether a question is acceptable, before anything is done with it."""

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_text
from chat_service.conversations.usecases.check import check_model, check_parameters
from chat_service.runs.domain.admission import Question
from chat_service.runs.domain.limits import Limits
from parley.bounds import QUESTION


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
