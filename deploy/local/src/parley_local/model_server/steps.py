"""What an answer is made of: the steps that a behaviour lists and the player performs."""

from dataclasses import dataclass
from typing import Literal

Field = Literal["content", "reasoning_content"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """`count` scripted tokens (None: without end), flat out or at `rate` tokens a second."""

    count: int | None
    rate: float | None = None
    field: Field = "content"


@dataclass(frozen=True, slots=True)
class Said:
    """These texts, one delta each, flat out or at `rate` a second."""

    texts: tuple[str, ...]
    rate: float | None = None
    field: Field = "content"


@dataclass(frozen=True, slots=True)
class Torn:
    """Scripted tokens whose events arrive torn into writes of seven bytes, 1 ms apart."""

    count: int


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are, `HEAD` in them standing for the beginning of a content event."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing more comes, unless `comments`: an SSE comment each second."""

    comments: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """The chunk with the finish_reason."""

    reason: str = "stop"


@dataclass(frozen=True, slots=True)
class Done:
    """The usage chunk where it was asked for, then `[DONE]`."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is dropped, the body unfinished."""


Step = Tokens | Said | Torn | Raw | Stall | Finish | Done | Cut
HEAD = b"\0HEAD\0"


@dataclass(frozen=True, slots=True)
class Answer:
    """A 200 whose body is these steps."""

    steps: tuple[Step, ...]
    # Every response has the same completion id, every event the same SSE id.
    duplicate_ids: bool = False
    content_type: bytes = b"text/event-stream; charset=utf-8"

    @property
    def greets(self) -> bool:
        """Whether the role's own event comes first: not where the fault is that nothing comes."""
        return not isinstance(self.steps[0], Stall | Raw)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status other than 200 with an error in OpenAI's shape; `quotes_key`: its text holds the key."""

    status: int
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    quotes_key: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """307 to this server's own trap, which counts who follows."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The request is read and no byte is ever answered."""


@dataclass(frozen=True, slots=True)
class Flaky:
    """The first `failures` calls of the model are refused, the later ones answered."""

    failures: int
    refusal: Refusal
    answer: Answer


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing more is sent; the connection stays."""


@dataclass(frozen=True, slots=True)
class HalfClose:
    """Our half of the connection ends; what the client says is still read."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset, not closed."""


Act = bytes | Pause | Hold | HalfClose | Reset


@dataclass(frozen=True, slots=True)
class Script:
    """A whole response as it goes over the wire, its head included; then the connection closes."""

    acts: tuple[Act, ...]


Behaviour = Answer | Refusal | Redirect | Silence | Flaky | Script
