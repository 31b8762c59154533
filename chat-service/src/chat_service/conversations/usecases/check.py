"""Whether what is said of a conversation is acceptable, before anything is done with it."""

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_text
from parley.bounds import MODEL, SESSION_TITLE


def check_session(title: str, model: str | None) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    errors = check_text("title", title, maximum=SESSION_TITLE.maximum) + check_model(model)
    if errors:
        raise ValidationFailed(fields=errors)


def check_model(model: str | None) -> list[FieldError]:
    """What is wrong with a model's name, if one is given."""
    if model is None:
        return []
    return check_text("model", model, minimum=MODEL.minimum, maximum=MODEL.maximum)
