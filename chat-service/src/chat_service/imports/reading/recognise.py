"""Which application a document is of, by what is in it; and its conversations."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import IO, Any, Final

import ijson
from ijson.common import IncompleteJSONError, JSONError

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
from chat_service.imports.reading.made import Made, SkippedError
from chat_service.imports.reading.source import Document, UnreadableError
from chat_service.imports.reading.walk import Path, TooMuch, walk

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


class LeftOut:
    """Something that is no conversation and is not taken."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


Found = Made | Skipped | OwnPersona | LeftOut

# By the member that no other application's conversations have.
_BY_MEMBER: Final[Mapping[str, Convert]] = {
    "mapping": chatgpt.convert,
    "chat": open_webui.convert,
    "messagesTree": librechat.convert,
    "conversationId": librechat.convert,
}
_NEXTCHAT: Final[Path] = ("chat-next-web-store", "sessions")
_TOPICS: Final[Path] = ("indexedDB", "topics")
_BLOCKS: Final[Path] = ("indexedDB", "message_blocks")
_PAGES: Final[Path] = ("localStorage", "persist:cherry-studio")


def conversations_of(document: Document) -> Iterator[Found]:
    """Everything in it that is a conversation, or was meant to be one. Raises UnreadableError."""
    with closing(Blocks()) as blocks:
        if document.is_kept:
            _keep_blocks(document, blocks)
        yield from _conversations_of(document, blocks)


def _conversations_of(document: Document, blocks: Blocks) -> Iterator[Found]:
    found = 0
    # Members of the document that are no lists: it may itself be one conversation.
    members: dict[str, Any] = {}
    topics: Mapping[str, Mapping[str, Any]] = {}
    for path, part in _parts(document.open()):
        convert: Convert | None = None
        if path == _PAGES:
            topics = cherry_studio.topics_of(part)
        elif path == _TOPICS:
            convert = _with(topics, blocks)
        elif path == _NEXTCHAT:
            convert = nextchat.convert
        elif path == ("personas",) and members.get("format") == parley.SOURCE:
            yield OwnPersona(part) if isinstance(part, Mapping) else LeftOut("PERSONA")
        elif path == ("notes",) and members.get("format") == parley.SOURCE:
            yield LeftOut("NOTE")
        elif path in ((), ("conversations",)):
            convert = parley.convert if members.get("format") == parley.SOURCE else _by_member(part)
            if convert is None and isinstance(part, TooMuch):
                convert = parley.convert
            if convert is None:
                continue
        elif len(path) == 1:
            members[path[0]] = part
        if convert is not None:
            found += 1
            yield _converted(convert, part)
    whole = _by_member(members)
    if whole is not None:
        found += 1
        yield _converted(whole, _bounded(members))
    if not found and members.get("format") != parley.SOURCE:
        raise UnreadableError("FORMAT_UNKNOWN")


def _parts(file: IO[bytes]) -> Iterator[tuple[Path, Any]]:
    try:
        yield from walk(ijson.basic_parse(file, use_float=True))
    except (JSONError, ValueError) as error:
        # yajl says so of the one case, and calls them all by one name.
        cut_off = isinstance(error, IncompleteJSONError) and "premature EOF" in str(error)
        raise UnreadableError("FILE_CUT_OFF" if cut_off else "FILE_DAMAGED") from error


def _keep_blocks(document: Document, blocks: Blocks) -> None:
    for path, part in _parts(document.open()):
        if path == _BLOCKS:
            blocks.keep(part)


def _with(topics: Mapping[str, Mapping[str, Any]], blocks: Blocks) -> Convert:
    return lambda item: cherry_studio.convert(item, topics, blocks.find)


def _by_member(item: object) -> Convert | None:
    if not isinstance(item, Mapping):
        return None
    return next((convert for name, convert in _BY_MEMBER.items() if name in item), None)


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
        title = part.get("title") or part.get("topic") or part.get("name")
        return Skipped(clean.title(title), error.reason)
