"""Notes as they are wanted, and as they are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_id
from chassis.text import check_text
from notes_service.domain.note import NoteChange, Source
from parley.bounds import MAX_NOTE_TAGS, NOTE_CONTENT, NOTE_TAG, NOTE_TITLE
from servicekit.folding import fold


@dataclass(frozen=True, slots=True)
class WantedSource:
    """Ids as they were given; both empty: no source."""

    session_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class WantedChange:
    """What somebody wants of a note: None says nothing of it."""

    title: str | None = None
    content: str | None = None
    tags: Sequence[str] | None = None
    pinned: bool | None = None
    source: WantedSource | None = None


def checked(wanted: WantedChange) -> NoteChange:
    """The change as it is kept: white space around title and tags is dropped, and so is a tag that
    differs from an earlier one by its letter case alone. Raises ValidationFailed.
    """
    errors: list[FieldError] = []
    title = None if wanted.title is None else wanted.title.strip()
    if title is not None:
        errors += check_text("title", title, minimum=NOTE_TITLE.minimum, maximum=NOTE_TITLE.maximum)
    if wanted.content is not None:
        errors += check_text("content", wanted.content, maximum=NOTE_CONTENT.maximum)
    tags = None
    if wanted.tags is not None:
        tags = tuple(tag.strip() for tag in wanted.tags)
        errors += _check_tags(tags)
    source = None
    if wanted.source is not None and wanted.source != WantedSource("", ""):
        session_id = parse_id(wanted.source.session_id)
        message_id = parse_id(wanted.source.message_id)
        if session_id is None:
            errors.append(FieldError("source.session_id", "INVALID"))
        if message_id is None:
            errors.append(FieldError("source.message_id", "INVALID"))
        if session_id is not None and message_id is not None:
            source = Source(session_id, message_id)
    if errors:
        raise ValidationFailed(fields=errors)
    return NoteChange(
        title=title,
        content=wanted.content,
        tags=None if tags is None else _unlike(tags),
        pinned=wanted.pinned,
        sets_source=wanted.source is not None,
        source=source,
    )


def _unlike(tags: Sequence[str]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(fold(tag), tag)
    return tuple(first.values())


def _check_tags(tags: Sequence[str]) -> list[FieldError]:
    if len(tags) > MAX_NOTE_TAGS:
        return [FieldError("tags", "TOO_MANY", maximum=MAX_NOTE_TAGS)]
    errors: list[FieldError] = []
    for number, tag in enumerate(tags):
        name = f"tags.{number}"
        found = check_text(name, tag, minimum=NOTE_TAG.minimum, maximum=NOTE_TAG.maximum)
        if not found and not fold(tag).strip():
            # Of characters alone that cannot be seen.
            found = [FieldError(name, "REQUIRED")]
        errors += found
    return errors
