"""What was attached to a question elsewhere: by name, since what is in it is not taken."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from chat_service.files.domain.kinds import KINDS
from chat_service.imports.reading import clean
from parley.bounds import FILE_NAME, MAX_ATTACHMENTS

_LARGEST: Final = 2**53
_BY_EXTENSION: Final = {
    extension: kind.name for kind in KINDS.values() for extension in kind.extensions
}
# A text's own is said of several kinds.
_BY_TYPE: Final = {kind.media_type: name for name, kind in reversed(list(KINDS.items()))}


def attached(told: Iterable[tuple[object, object, object]]) -> list[dict[str, Any]] | None:
    """Of names, media types and sizes in bytes, those that a message here may have; None for none.

    What has a name of another kind, or none, is told of where it is counted alone.
    """
    found: list[dict[str, Any]] = []
    for name, media_type, size in told:
        label = clean.line(name, FILE_NAME.maximum)
        kind = _kind(label, media_type)
        if label is not None and kind is not None:
            counted = clean.count(size, _LARGEST) or 0
            found.append({"key": None, "name": label, "kind": kind, "size": counted})
    return found[:MAX_ATTACHMENTS] or None


def _kind(name: str | None, media_type: object) -> str | None:
    told = media_type.partition(";")[0].strip() if isinstance(media_type, str) else ""
    if kind := _BY_TYPE.get(told):
        return kind
    return _BY_EXTENSION.get(PurePosixPath(name or "").suffix.lower())


def those_of(
    files: object, name: str, media_type: str, size: str
) -> Iterable[tuple[object, object, object]]:
    """The three of each of `files`, under the names that they have there."""
    for one in files if isinstance(files, list) else ():
        if isinstance(one, Mapping):
            yield one.get(name), one.get(media_type), one.get(size)
