"""What a persona may consist of: the same for a user's own and the operator's."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

from chassis.errors import FieldError
from chassis.text import check_text, is_blank
from chat_service.personas.domain.errors import PersonaNotFound
from chat_service.personas.domain.persona import Told
from parley.bounds import (
    JOINERS,
    MAX_STARTERS,
    MODEL,
    PERSONA_DESCRIPTION,
    PERSONA_NAME,
    PERSONA_PROMPT,
    PERSONA_TITLE,
    STARTER,
    Length,
    is_joined_line,
    is_line,
)
from servicekit.generation_parameters import check_parameters

_BETWEEN: Final = " -_."


def check_told(told: Told) -> list[FieldError]:
    """What is wrong with it, each as an error of its field: `starters.0`, `parameters.top_p`."""
    return [
        *check_name(told.name),
        *check_title(told.title),
        *check_description(told.description),
        *check_prompt(told.prompt),
        *check_model(told.model),
        *check_parameters(told.parameters, within="parameters"),
        *check_starters(told.starters),
    ]


def check_name(name: str, field: str = "name") -> list[FieldError]:
    """It is a part of an address, and is read aloud: letters and digits of any script, and little else."""
    errors = _check(field, name, PERSONA_NAME)
    ends_in_words = name != "" and _is_word(name[0]) and _is_word(name[-1])
    if name and not (ends_in_words and all(map(_is_in_name, name)) and is_joined_line(name)):
        errors.append(FieldError(field, "INVALID_CHARACTER"))
    return list(dict.fromkeys(errors))


def parse_name(name: str) -> str:
    """`name` as a persona can be called; raises PersonaNotFound: nothing is called otherwise."""
    name = name.strip()
    if check_name(name):
        raise PersonaNotFound()
    return name


def check_title(title: str) -> list[FieldError]:
    return _check_line("title", title, PERSONA_TITLE, is_joined_line)


def check_description(description: str) -> list[FieldError]:
    return _check("description", description, PERSONA_DESCRIPTION)


def check_prompt(prompt: str) -> list[FieldError]:
    return _check_said("prompt", prompt, PERSONA_PROMPT)


def check_model(model: str | None) -> list[FieldError]:
    return [] if model is None else _check_line("model", model, MODEL, is_line)


def check_starters(starters: Sequence[str]) -> list[FieldError]:
    if len(starters) > MAX_STARTERS:
        return [FieldError("starters", "TOO_MANY", maximum=MAX_STARTERS)]
    return [
        error
        for at, text in enumerate(starters)
        for error in _check_said(f"starters.{at}", text, STARTER)
    ]


def _is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def _is_in_name(character: str) -> bool:
    return _is_word(character) or character in _BETWEEN or character in JOINERS


def _check_line(
    field: str, text: str, length: Length, is_good: Callable[[str], bool]
) -> list[FieldError]:
    errors = _check(field, text, length)
    if not is_good(text):
        errors.append(FieldError(field, "INVALID_CHARACTER"))
    return list(dict.fromkeys(errors))


def _check_said(field: str, text: str, length: Length) -> list[FieldError]:
    errors = _check(field, text, length)
    return [FieldError(field, "REQUIRED")] if not errors and is_blank(text) else errors


def _check(field: str, text: str, length: Length) -> list[FieldError]:
    return check_text(field, text, minimum=length.minimum, maximum=length.maximum)
