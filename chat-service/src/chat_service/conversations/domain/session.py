"""A conversation."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from chassis.text import TURNING, is_blank, shortened
from chat_service.personas.domain.persona import Told
from chat_service.plain_text.line import Kind, render
from servicekit.generation_parameters import GenerationParameters

TITLE_FROM_MESSAGE = 60


class TitleBy(StrEnum):
    """Who named a conversation. What its user has written is never replaced."""

    FIRST_LINE = "first_line"
    MODEL = "model"
    USER = "user"

    @classmethod
    def of(cls, title: str) -> "TitleBy":
        """Of a title that a user gives: an empty one leaves it to the next question."""
        return cls.USER if title else cls.FIRST_LINE


class SessionState(StrEnum):
    """Where a conversation is in its life."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Gave:
    """What a conversation has of its persona, because its user had said nothing of it."""

    model: str | None = None
    parameters: GenerationParameters = field(default_factory=GenerationParameters)


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation of one user.

    `key_id` None: the connection that is the user's default when a question is sent. `model`
    None: the connection's model. `active_at` is the time of its last message, or of its making.
    `pinned`: its user keeps it at hand. `parameters` come behind a question's own and before its
    connection's. `read_order` is the highest order that its user has read, `unread` whether the newest
    message is an answer behind that. `temporary`: it is purged some time after its last activity.
    `persona` is the name of one, as it was when it was taken, `persona_gave` what goes with it when it
    goes. `summary`: what falls out of what models are
    given of it is summed up.
    """

    id: UUID
    title: str
    key_id: UUID | None
    model: str | None
    message_count: int
    last_message_at: datetime | None
    active_at: datetime
    created_at: datetime
    updated_at: datetime
    pinned: bool = False
    title_by: TitleBy = TitleBy.FIRST_LINE
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    instructions: str | None = None
    folder: str | None = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    temporary: bool = False
    read_order: int = 0
    unread: bool = False
    persona: str | None = None
    persona_gave: Gave = field(default_factory=Gave)
    summary: bool = False


class Unchanged:
    """Stands for what a change leaves as it is."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()


@dataclass(frozen=True, slots=True)
class SessionChange:
    """What is to become of a conversation; None takes away what may be absent.

    Of the parameters those that are said change, and nothing is said any more of the `cleared` ones.
    """

    title: str | Unchanged = UNCHANGED
    key_id: UUID | Unchanged | None = UNCHANGED
    model: str | Unchanged | None = UNCHANGED
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    cleared: frozenset[str] = frozenset()
    instructions: str | Unchanged | None = UNCHANGED
    pinned: bool | Unchanged = UNCHANGED
    folder: str | Unchanged | None = UNCHANGED
    persona: Told | Unchanged | None = UNCHANGED
    archived: bool | Unchanged = UNCHANGED
    read_order: int | Unchanged = UNCHANGED
    summary: bool | Unchanged = UNCHANGED

    def of(self, session: Session, at: datetime) -> Session:
        """The session as it is then, `updated_at` aside: the very same if nothing changes."""
        changes: dict[str, Any] = {
            name: value for name in _PLAIN if (value := getattr(self, name)) is not UNCHANGED
        }
        if "title" in changes:
            changes["title_by"] = TitleBy.of(changes["title"])
        if not isinstance(self.archived, Unchanged) and self.archived != bool(session.archived_at):
            changes["archived_at"] = at if self.archived else None
        if not isinstance(self.persona, Unchanged):
            session = leave(session)
        changes["parameters"] = changed_parameters(
            session.parameters, self.parameters, self.cleared
        )
        changed = replace(session, **changes)
        if isinstance(self.persona, Unchanged) or self.persona is None:
            return changed
        return take(changed, self.persona)


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a conversation is begun with; see Session."""

    title: str = ""
    key_id: UUID | None = None
    model: str | None = None
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    instructions: str | None = None
    folder: str | None = None
    temporary: bool = False
    summary: bool = False

    def as_change(self) -> SessionChange:
        """What of it is said as it would be of a conversation that is there."""
        return SessionChange(
            title=self.title,
            model=self.model,
            parameters=self.parameters,
            instructions=self.instructions,
            folder=self.folder,
        )

    def session(self, session_id: UUID, at: datetime) -> Session:
        """The conversation, empty, as it is made `at` that time."""
        return Session(
            id=session_id,
            title=self.title,
            title_by=TitleBy.of(self.title),
            key_id=self.key_id,
            model=self.model,
            parameters=self.parameters,
            instructions=self.instructions,
            folder=self.folder,
            temporary=self.temporary,
            summary=self.summary,
            message_count=0,
            last_message_at=None,
            active_at=at,
            created_at=at,
            updated_at=at,
        )


def given_by(
    persona: Told, *, model: str | None, parameters: GenerationParameters | None = None
) -> Gave:
    """What a session takes of this persona that has this model and these parameters of its own."""
    own = {} if parameters is None else parameters.said()
    given = {name: value for name, value in persona.parameters.said().items() if name not in own}
    return Gave(persona.model if model is None else None, GenerationParameters(**given))


def take(session: Session, persona: Told) -> Session:
    """The session with this persona, and its model and parameters where it has none of its own."""
    gave = given_by(persona, model=session.model, parameters=session.parameters)
    return replace(
        session,
        persona=persona.name,
        persona_gave=gave,
        model=session.model or gave.model,
        parameters=session.parameters.over(gave.parameters),
    )


def leave(session: Session) -> Session:
    """The session without its persona, nor what that gave and nobody has changed since."""
    gave, own = session.persona_gave, session.parameters.said()
    given = gave.parameters.said()
    kept = {name: value for name, value in own.items() if given.get(name) != value}
    return replace(
        session,
        persona=None,
        persona_gave=Gave(),
        model=None if session.model == gave.model else session.model,
        parameters=GenerationParameters(**kept),
    )


_PLAIN = (
    *("title", "key_id", "model", "instructions", "pinned", "folder", "read_order", "summary"),
)


def changed_parameters(
    parameters: GenerationParameters, said: GenerationParameters, cleared: Iterable[str]
) -> GenerationParameters:
    """`parameters` without those that are cleared, and with what is said anew."""
    left = {name: value for name, value in parameters.said().items() if name not in set(cleared)}
    return said.over(GenerationParameters(**left))


# At the beginning of a line: headings, quotations, items; or a line of nothing but a rule.
_MARKS: Final = re.compile(r"^(?:(?:#{1,6}|>|[-*+]|\d{1,9}[.)])(?:\s+|$))+|^(?:[-*_]\s*){3,}$")
_FENCES: Final = ("```", "~~~")
# Characters of a message among which a line is looked for that names it.
_READ_FOR_A_TITLE: Final = 10_000
# Within a line, what shows nothing, or turns what is written behind it: a title is cut, and stands among others.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f]+")
_TURNING: Final = re.compile(f"[{TURNING}]")


def title_from(content: str) -> str:
    """Returns a title of at most 60 characters: the first line of a message's beginning that says anything.

    Signs of Markdown that make a line a heading, a quotation or an item are no part of it, and a line of
    such signs alone, or one that begins a block of code, says nothing where another one does. Nor are those of emphasis,
    code and links within it, controls, and marks that turn the direction; a line of which nothing is to be seen says
    nothing at all.
    """
    beginning = content.lstrip()[:_READ_FOR_A_TITLE]
    lines = [line for line in map(_plain, beginning.splitlines()) if not is_blank(line)]
    said = (_said(line) for line in lines if not line.startswith(_FENCES))
    first = next((line for line in said if not is_blank(line)), next(iter(lines), ""))
    return shortened(first, TITLE_FROM_MESSAGE)


def _said(line: str) -> str:
    text = _MARKS.sub("", line)
    kind = Kind(heading=text != line and line.startswith("#"))
    # Once more: characters may have been written as entities.
    return _plain(render(text, ended=True, kind=kind)[0]) if text else ""


def _plain(line: str) -> str:
    return _TURNING.sub("", _CONTROLS.sub(" ", line)).strip()
