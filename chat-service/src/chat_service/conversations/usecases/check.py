"""Whether what is said of a conversation is acceptable, before anything is done with it."""

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_number, check_text
from chat_service.conversations.domain.session import SessionChange, Unchanged
from parley.bounds import (
    FOLDER,
    INSTRUCTIONS,
    MODEL,
    PERSONA_NAME,
    READ_ORDER,
    SESSION_TITLE,
    is_joined_line,
    is_line,
)
from servicekit.generation_parameters import check_changed


def check_change(change: SessionChange) -> None:
    """Raises ValidationFailed with every field that is wrong."""
    errors: list[FieldError] = []
    if not isinstance(change.title, Unchanged):
        errors += check_text("title", change.title, maximum=SESSION_TITLE.maximum)
    if not isinstance(change.model, Unchanged):
        errors += check_model(change.model)
    errors += check_changed(change.parameters, change.cleared, within="parameters")
    if not isinstance(change.instructions, Unchanged) and change.instructions is not None:
        errors += check_text("instructions", change.instructions, maximum=INSTRUCTIONS.maximum)
    if not isinstance(change.folder, Unchanged):
        errors += check_folder(change.folder)
    if not isinstance(change.read_order, Unchanged):
        errors += check_number(
            "read_order",
            change.read_order,
            minimum=READ_ORDER.minimum,
            maximum=READ_ORDER.maximum,
        )
    if errors:
        raise ValidationFailed(fields=errors)


def check_model(model: str | None) -> list[FieldError]:
    """What is wrong with a model's name, if one is given."""
    if model is None:
        return []
    errors = check_text("model", model, minimum=MODEL.minimum, maximum=MODEL.maximum)
    if not errors and not is_line(model):
        return [FieldError("model", "INVALID_CHARACTER")]
    return errors


def check_persona(name: str) -> None:
    """Raises ValidationFailed for what is the name of no persona."""
    maximum = PERSONA_NAME.maximum
    if errors := check_text("persona", name, minimum=PERSONA_NAME.minimum, maximum=maximum):
        raise ValidationFailed(fields=errors)


def check_folder(folder: str | None) -> list[FieldError]:
    """What is wrong with a folder's name, if one is given: it is one line that can be seen."""
    if folder is None:
        return []
    errors = check_text("folder", folder, minimum=FOLDER.minimum, maximum=FOLDER.maximum)
    if not errors and folder.isspace():
        return [FieldError("folder", "REQUIRED")]
    if not errors and not is_joined_line(folder):
        return [FieldError("folder", "INVALID_CHARACTER")]
    return errors
