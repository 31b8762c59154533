"""Which application a document is of, by what is in it; and its conversations."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import IO, Any, Final

import ijson
from ijson.common import JSONError

from chat_service.imports.reading import clean
from chat_service.imports.reading.blocks import Blocks
from chat_service.imports.reading.formats import (
    chatgpt,
    cherry_studio,
    librechat,
    nextchat,
    open_webui,
    parley,
)
from chat_service.imports.reading.last_line import COUNTED, Hashed, is_changed
from chat_service.imports.reading.made import Made, SkippedError
from chat_service.imports.reading.source import Document, UnreadableError
from chat_service.imports.reading.walk import WHOLE, Path, TooMuch, walk

Convert = Callable[[Mapping[str, Any]], Made]


class Skipped:
    """A conversation that is not taken."""

    def __init__(self, title: str, reason: str) -> None:
        self.title = title
        self.reason = reason


class OwnPersona:
    """A persona in our format."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told


class OwnNote:
    """A note in our format, as it is handed over."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = told


class LeftOut:
    """Something that is no conversation and is not taken."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Changed:
    """The document, one of ours, is not what was written."""


Found = Made | Skipped | OwnPersona | OwnNote | LeftOut | Changed

# By the member that no other application's conversations have.
_BY_MEMBER: Final[Mapping[str, Convert]] = {
    "mapping": chatgpt.convert,
    "chat": open_webui.convert,
    "messagesTree": librechat.convert,
    "conversationId": librechat.convert,
}
# What conversations and personas in our format have, wherever its name is told.
_CONVERSATION: Final = frozenset({"id", "created_at", "messages"})
_PERSONA: Final = frozenset({"name", "prompt", "starters"})
_NEXTCHAT: Final[Path] = ("chat-next-web-store", "sessions")
_TOPICS: Final[Path] = ("indexedDB", "topics")
# In the first version of a backup, each with the name under which it was kept.
_KEPT: Final[Path] = ("indexedDB",)
_BLOCKS: Final[Path] = ("indexedDB", "message_blocks")
_PAGES: Final[Path] = ("localStorage", "persist:cherry-studio")


def conversations_of(document: Document) -> Iterator[Found]:
    """Everything in it that is a conversation, or was meant to be one, also in several documents one behind the other.

    Raises UnreadableError.
    """
    with closing(Blocks()) as blocks:
        topics = _look_ahead(document, blocks) if document.is_kept else {}
        yield from _conversations_of(document, blocks, topics)


def _conversations_of(
    document: Document, blocks: Blocks, topics: Mapping[str, Mapping[str, Any]]
) -> Iterator[Found]:
    found = 0
    # Members of a document that are no lists: it may itself be one conversation.
    members: dict[str, Any] = {}
    # Of a document whose format is told behind them.
    unclear = 0
    is_ours, end = False, None
    file = Hashed(document.open())
    counted = Counter[str]()
    for path, part in _parts(file):
        convert: Convert | None = None
        taken: object = part
        if len(path) == 1 and path[0] in COUNTED:
            counted[path[0]] += 1
        if part is WHOLE:
            convert = _by_member(members) or _shared(members)
            taken = _bounded(members)
            if members.get("format") == parley.SOURCE:
                is_ours, end = True, members.get("end")
                for _ in range(unclear):
                    yield Skipped("", "NOT_A_CONVERSATION")
            members, unclear = {}, 0
        elif path == _TOPICS:
            convert = _with(topics, blocks)
        elif path == _KEPT:
            taken = _kept(part)
            convert = None if taken is None else _with(topics, blocks)
        elif path == _NEXTCHAT:
            convert = nextchat.convert
        elif path == ("personas",):
            is_one = isinstance(part, Mapping) and part.keys() >= _PERSONA
            if is_one:
                found += 1
            yield OwnPersona(part) if is_one else LeftOut("PERSONA")
        elif path == ("notes",):
            note = _note(part)
            found += isinstance(note, OwnNote)
            yield note
        elif path in ((), ("conversations",)):
            convert = parley.convert if members.get("format") == parley.SOURCE else _by_member(part)
            if convert is None and (isinstance(part, TooMuch) or _is_ours(path, part)):
                convert = parley.convert
            if convert is None:
                unclear += 1
                continue
        elif len(path) == 1:
            members[path[0]] = part
            _check_version(members)
        if convert is not None:
            found += 1
            yield _converted(convert, taken)
    if is_ours and is_changed(end, counted, file.before_the_last_line()):
        yield Changed()
    if not (found or is_ours):
        raise UnreadableError("FORMAT_UNKNOWN")


def _check_version(members: Mapping[str, Any]) -> None:
    """Raises UnreadableError for our format in a version that keeps none of this one's promises."""
    if (
        members.get("format") == parley.SOURCE
        and members.get("version", parley.VERSION) != parley.VERSION
    ):
        raise UnreadableError("FORMAT_UNKNOWN")


def _parts(file: IO[bytes] | Hashed) -> Iterator[tuple[Path, Any]]:
    read = _Read(file)
    try:
        # As lines have them, a document each.
        yield from walk(ijson.basic_parse(read, multiple_values=True))
    except (JSONError, ValueError, SystemError) as error:
        # The last of a number with more digits than Python reads, which comes through C.
        # What is wrong where nothing follows is the end of it, in a word or a number as well.
        raise UnreadableError("FILE_CUT_OFF" if read.to_its_end else "FILE_DAMAGED") from error


class _Read:
    """What ``file`` has, as it is read; knows whether that is all."""

    def __init__(self, file: IO[bytes] | Hashed) -> None:
        self._file = file
        self.to_its_end = False

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        # Nothing at all is asked for to learn what there is, bytes or text.
        self.to_its_end = not piece and size != 0
        return piece


def _look_ahead(document: Document, blocks: Blocks) -> Mapping[str, Mapping[str, Any]]:
    """Keeps what conversations in it refer to; returns what is told of them elsewhere, by their ids."""
    topics: Mapping[str, Mapping[str, Any]] = {}
    for path, part in _parts(document.open()):
        if path == _BLOCKS:
            blocks.keep(part)
        elif path == _PAGES:
            topics = _topics_of(part)
    return topics


def _kept(part: object) -> object:
    """The conversation that it is, None for what is none."""
    if isinstance(part, TooMuch):
        return part
    name = part.get("key") if isinstance(part, Mapping) else None
    is_one = isinstance(name, str) and name.startswith("topic:")
    return part.get("value") if is_one and isinstance(part, Mapping) else None


def _with(topics: Mapping[str, Mapping[str, Any]], blocks: Blocks) -> Convert:
    return lambda item: cherry_studio.convert(item, topics, blocks.find)


def _by_member(item: object) -> Convert | None:
    if not isinstance(item, Mapping):
        return None
    return next((convert for name, convert in _BY_MEMBER.items() if name in item), None)


def _shared(members: Mapping[str, Any]) -> Convert | None:
    return nextchat.convert_shared if nextchat.is_shared(members) else None


def _is_ours(path: Path, item: object) -> bool:
    """Whatever is told behind it."""
    return bool(path) and isinstance(item, Mapping) and item.keys() >= _CONVERSATION


def _bounded(members: Mapping[str, Any]) -> Mapping[str, Any] | TooMuch:
    return next((one for one in members.values() if isinstance(one, TooMuch)), members)


def _converted(convert: Convert, part: object) -> Made | Skipped:
    if isinstance(part, TooMuch):
        return Skipped("", part.reason)
    if not isinstance(part, Mapping):
        return Skipped("", "NOT_A_CONVERSATION")
    try:
        return convert(part)
    except SkippedError as error:
        return Skipped(_title_of(part), error.reason)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - what is odd about one is no reason to stop
        return Skipped(_title_of(part), "NOT_A_CONVERSATION")


def _note(part: object) -> OwnNote | LeftOut:
    try:
        return OwnNote(parley.note(part))
    except SkippedError as error:
        return LeftOut(error.reason)


def _title_of(part: Mapping[str, Any]) -> str:
    return clean.title(part.get("title") or part.get("topic") or part.get("name"))


def _topics_of(part: object) -> Mapping[str, Mapping[str, Any]]:
    try:
        return cherry_studio.topics_of(part)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - without them conversations have no names, and are there
        return {}
