"""Whether a question is acceptable, before anything is done with it."""

from collections.abc import Sequence

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_text, is_blank
from chat_service.conversations.usecases.check import check_model
from chat_service.files.domain.attachment import MOST_PICTURE_BYTES, Attachment
from chat_service.runs.domain.admission import Again, Question
from chat_service.runs.domain.limits import Limits
from parley.bounds import MAX_ATTACHMENTS, QUESTION
from servicekit.generation_parameters import check_parameters


def check_question(question: Question, limits: Limits) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    content = question.content
    errors = check_text(
        "content", content, minimum=QUESTION.minimum, maximum=limits.content_characters
    )
    if not errors and is_blank(content):
        errors.append(FieldError("content", "REQUIRED"))
    errors += check_model(question.model)
    errors += check_parameters(question.parameters)
    if len(attached := question.attachments or ()) > MAX_ATTACHMENTS:
        errors.append(FieldError("attachments", "TOO_MANY", maximum=MAX_ATTACHMENTS))
    elif len(set(attached)) < len(attached):
        errors.append(FieldError("attachments", "NOT_UNIQUE"))
    if errors:
        raise ValidationFailed(fields=errors)


def check_pictures(attached: Sequence[Attachment]) -> None:
    """Raises ValidationFailed for pictures that no request has room for together."""
    total = sum(one.size for one in attached if one.is_picture and one.is_there)
    if total > MOST_PICTURE_BYTES:
        too_large = FieldError("attachments", "TOO_LARGE", maximum=MOST_PICTURE_BYTES)
        raise ValidationFailed(fields=[too_large])


def check_again(again: Again) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    if errors := check_model(again.model) + check_parameters(again.parameters):
        raise ValidationFailed(fields=errors)
