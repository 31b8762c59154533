"""What a reader says of a file, stored as it comes: each conversation in a transaction, whole or not at all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import orjson

from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError, ValidationFailed
from chassis.ids import new_id
from chassis.telemetry.logging import get_logger
from chat_service.imports.domain.job import Problem, Report
from chat_service.imports.filing import Filing, Lines, TakeFile
from chat_service.imports.noting import Noting, TakeNotes
from chat_service.imports.reading import clean
from chat_service.imports.reading.frames import Kind, understood
from chat_service.imports.store.conversations import ForeignConversations, There
from chat_service.imports.store.leases import Taken
from chat_service.personas.domain.errors import PersonaNameTaken, TooManyPersonas
from chat_service.personas.domain.persona import Told
from chat_service.personas.usecases.write import WritePersonas
from chat_service.words.domain.word_filter import InForce, masked, no_words
from servicekit.generation_parameters import GenerationParameters

_log = get_logger(__name__)

_MOST_PROBLEMS: Final = 100
#: How long a reader may be silent in the midst of a conversation, whose transaction the database ends after
#: 30 s without a statement. All of a conversation is at hand when its reader begins to tell it.
STALLED_SECONDS: Final = 15.0
#: Of so many conversations of a file it is known that they came before in it.
_MOST_KNOWN: Final = 200_000
#: Of a conversation's head, what lists show.
_SEEN: Final = ("title", "folder", "persona")


class Storing:
    """Stores for one user, and keeps the report.

    `reason` is what the reader says at its end, `is_changed` whether the file is not what was written.

    A reader is given up that is silent for `stalled_seconds` in the midst of a conversation. Conversations that are kept for `days` are none that are older. The words `in_force` are masked in what is stored, also those that are refused elsewhere.
    """

    def __init__(
        self,
        open_transaction: OpenTransaction,
        whose: Taken,
        write_personas: WritePersonas,
        in_force: InForce = no_words,
        days: int | None = None,
        take_notes: TakeNotes | None = None,
        take_file: TakeFile | None = None,
        *,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        self._stalled_seconds = stalled_seconds
        self._notes = Noting(take_notes, whose)
        self._files = Filing(open_transaction, take_file, whose)
        self._days = days
        self._in_force = in_force
        self._open_transaction = open_transaction
        self._whose = whose
        self._write_personas = write_personas
        self._added = self._existing = self._skipped = self._messages = self._personas = 0
        self._left_out: Counter[str] = Counter()
        self._already_there: Counter[str] = Counter()
        self._problems: list[Problem] = []
        self._met = set[int]()
        self.done = 0.0
        self.format: str | None = None
        self.reason: str | None = "READER_FAILED"
        self.is_changed = False

    @property
    def report(self) -> Report:
        return Report(
            added=self._added,
            existing=self._existing,
            skipped=self._skipped,
            messages=self._messages,
            personas=self._personas,
            notes=self._notes.added,
            files=self._files.added,
            left_out=dict(self._left_out + self._notes.left_out + self._files.left_out),
            already_there=dict(
                self._already_there + Counter(NOTE=self._notes.existing, FILE=self._files.existing)
            ),
            problems=tuple(self._problems),
        )

    async def store(self, lines: Lines) -> None:
        """All that comes, to the reader's end; where it ends without saying so, `reason` tells.

        Raises AppError where the database is away, OwnerErased, NotTakenNow, and ReaderStalled.
        """
        async for line in lines:
            kind, told = understood(line)
            match kind:
                case Kind.CONVERSATION:
                    await self._conversation(told, lines)
                case Kind.SKIPPED:
                    self._skip(told["title"], told["reason"])
                case Kind.PERSONA:
                    await self._persona(told)
                case Kind.NOTE:
                    await self._notes.add(told)
                case Kind.FILE:
                    await self._files.take(told, lines)
                case Kind.LEFT_OUT:
                    self._left_out[told["reason"]] += told["count"]
                case Kind.PROGRESS:
                    self.done = told["done"]
                    self.format = told["format"] or self.format
                case Kind.CHANGED:
                    self.is_changed = True
                case Kind.DONE:
                    await self._notes.flush()
                    self.reason = told["reason"]
                case Kind.MESSAGES | Kind.END | Kind.PIECE | Kind.FILE_END:
                    raise ValueError("a part of nothing")

    def _skip(self, title: str, reason: str) -> None:
        self._skipped += 1
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(Problem(masked(self._in_force(), title), reason))

    async def _conversation(self, head: dict[str, Any], lines: Lines) -> None:
        source, key = head.pop("source"), head.pop("key")
        self.format = source
        conversation, added = _Conversation(lines, self._stalled_seconds), self._added
        name = hash((source, key))
        try:
            await self._store(source, key, head, conversation)
        except (AppError, TimeoutError, ReaderStalled):
            raise
        except _TakenError as error:
            if error.there.by_this and name not in self._met:
                # Before another replica took this import over, or it was begun anew.
                self._added += 1
                self._messages += error.there.messages
            else:
                self._existing += 1
        except _TooOldError:
            self._skip(head["title"], "TOO_OLD_TO_KEEP")
        except Exception as error:  # noqa: BLE001 - one that cannot be stored is no reason to stop
            _log.warning("import.not_stored", error=type(error).__name__)
            self._skip(head["title"], "NOT_STORABLE")
        if len(self._met) < _MOST_KNOWN:
            self._met.add(name)
        # Of one that was not stored the rest is still to come.
        async for _ in conversation.messages():
            continue
        if self._added > added:
            self._left_out.update(conversation.left_out)

    async def _store(
        self, source: str, key: str, head: dict[str, Any], conversation: "_Conversation"
    ) -> None:
        async with self._open_transaction(self._whose) as transaction:
            await transaction.lock_owner()
            foreign = ForeignConversations(transaction, self._whose.id)
            if (there := await foreign.find(source, key)) is not None:
                raise _TakenError(there)
            session_id = new_id()
            if not await foreign.begin(session_id, source, key, self._masked_head(head)):
                raise _TakenError(There(0, by_this=False))
            async for messages in conversation.messages():
                await foreign.add(session_id, self._masked(messages))
            stored = await foreign.finish(session_id, utc_now(), self._days)
            if stored is None:
                raise _TooOldError()
        self._added += 1
        self._messages += stored

    def _masked_head(self, head: dict[str, Any]) -> dict[str, Any]:
        words = self._in_force()
        if words is None:
            return head
        seen = {name: words.masked(head[name]) for name in _SEEN if head.get(name)}
        return {**head, **seen}

    def _masked(self, messages: str) -> str:
        words = self._in_force()
        if words is None:
            return messages
        told: list[dict[str, Any]] = orjson.loads(messages)
        for message in told:
            for name in ("content", "reasoning"):
                if said := message.get(name):
                    message[name] = words.masked(said)
            for file in message.get("attachments") or ():
                file["name"] = words.masked(file["name"])
        return orjson.dumps(told).decode()

    def _persona_of(self, told: dict[str, Any]) -> Told:
        persona, words = _told_of(told), self._in_force()
        return replace(
            persona,
            name=masked(words, persona.name),
            title=masked(words, persona.title),
            description=masked(words, persona.description),
        )

    async def _persona(self, told: dict[str, Any]) -> None:
        try:
            await self._write_personas.create(self._whose, self._persona_of(told))
        except (ValidationFailed, KeyError, TypeError, AttributeError):
            self._left_out["PERSONA"] += 1
        except PersonaNameTaken:
            self._already_there["PERSONA"] += 1
        except TooManyPersonas:
            self._left_out["TOO_MANY_PERSONAS"] += 1
        else:
            self._personas += 1


class ReaderStalled(Exception):
    """The reader fell silent in the midst of a conversation: by its own doing, or for want of a processor."""


class _TakenError(Exception):
    """There is such a conversation already: nothing is kept of this one."""

    def __init__(self, there: There) -> None:
        super().__init__()
        self.there = there


class _TooOldError(Exception):
    """It would be deleted at once, as nobody keeps any for so long."""


class _Conversation:
    """The messages of one conversation, which are read once, by whoever comes first."""

    def __init__(self, lines: Lines, stalled_seconds: float) -> None:
        self._lines = lines
        self._stalled_seconds = stalled_seconds
        self._is_over = False
        self.left_out: dict[str, int] = {}

    async def messages(self) -> AsyncIterator[str]:
        """What is still to come of them, in JSON."""
        while not self._is_over:
            line = await self._next()
            if line is None:
                self._is_over = True
                raise ValueError("half a conversation")
            if line[:1] == Kind.END.value:
                self._is_over = True
                self.left_out = orjson.loads(line[1:])["left_out"]
            else:
                yield line[1:].decode()

    async def _next(self) -> bytes | None:
        try:
            async with asyncio.timeout(self._stalled_seconds):
                return await anext(self._lines, None)
        except TimeoutError:
            raise ReaderStalled from None


def _told_of(told: dict[str, Any]) -> Told:
    """Raises KeyError, TypeError or AttributeError for what is no persona."""
    return Told(
        name=told["name"],
        title=told["title"],
        description=told["description"],
        prompt=told["prompt"],
        model=told["model"],
        parameters=GenerationParameters.of(clean.parameters(told["parameters"]) or {}),
        starters=tuple(told["starters"]),
    )
