"""The operator's personas as a file in YAML, read whole or not at all.

::

    personas:
      - name: translator
        title: Translator
        description: Translates whatever it is given.
        prompt: |
          You are a translator. …
        model: small                  # absent: the conversation's, or the connection's
        parameters: {temperature: 0.2}
        starters:                     # up to four questions to begin with
          - Translate into French …
        default: true                 # of one at most
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from chat_service.operator_yaml import bad_file, parsed
from chat_service.personas.domain.persona import Owner, Persona, Told
from chat_service.personas.usecases.check import check_told
from servicekit.file_parts import FileParameters, FilePart, Place
from servicekit.generation_parameters import GenerationParameters
from servicekit.operator_file import Reading

#: In one file: everybody's list ends with all of them.
MOST: Final = 200
_MOST_BYTES: Final = 1024 * 1024


class _Persona(FilePart):
    name: str
    title: str
    description: str = ""
    prompt: str
    model: str | None = None
    parameters: FileParameters | None = None
    starters: list[str] = Field(default_factory=list)
    default: bool = False


class _File(FilePart):
    personas: Annotated[list[_Persona], Field(max_length=MOST)]


def read_personas(reading: Reading, path: Path) -> tuple[Persona, ...]:
    """What the file says, in its order. Raises BadFile, with the line and the field of what is wrong."""
    file, lines = parsed(_File, reading.text(path, _MOST_BYTES))
    modified_ns = reading.seen[path][0]
    since = datetime.fromtimestamp(modified_ns / 1_000_000_000, UTC)
    personas = tuple(_persona(entry, since) for entry in file.personas)
    if problems := [each for at, one in enumerate(personas) for each in _wrong(personas, at, one)]:
        raise bad_file(problems, lines)
    return personas


def _persona(entry: _Persona, since: datetime) -> Persona:
    told = Told(
        name=entry.name.strip(),
        title=entry.title.strip(),
        description=entry.description.strip(),
        prompt=entry.prompt.rstrip("\n"),
        model=None if entry.model is None else entry.model.strip(),
        parameters=entry.parameters or GenerationParameters(),
        starters=tuple(starter.strip() for starter in entry.starters),
    )
    return Persona(told, Owner.OPERATOR, since, since, is_default=entry.default)


def _wrong(
    personas: tuple[Persona, ...], at: int, persona: Persona
) -> list[tuple[tuple[str | int, ...], str]]:
    """The places of what is wrong with one of them, with the reasons."""
    entry: Place = ("personas", at)
    problems: list[tuple[Place, str]] = [
        ((*entry, *_path(error.field)), error.reason) for error in check_told(persona.told)
    ]
    before = personas[:at]
    if any(other.name_folded == persona.name_folded for other in before):
        problems.append(((*entry, "name"), "another one has this name"))
    if persona.is_default and any(other.is_default for other in before):
        problems.append(((*entry, "default"), "another one is the default"))
    return problems


def _path(field: str) -> Place:
    return tuple(int(part) if part.isdigit() else part for part in field.split("."))
