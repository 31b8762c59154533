"""What came of testing a connection."""

from dataclasses import dataclass
from typing import Final

#: The protocols that a connection may speak.
PROVIDERS: Final = ("openai", "anthropic")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What differs in a connection that answered where the tested one did not; None: nothing."""

    base_url: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a connection works, and how long it took to begin to answer, or to fail.

    `reason` and `detail` say why it failed and what to do, `provider_message` what the server said,
    without credentials; `retry_after` are seconds until another try may help; `suggestion` is what would have worked.
    """

    latency_ms: int
    reason: str | None = None
    detail: str = ""
    provider_message: str = ""
    retry_after: int | None = None
    suggestion: Suggestion | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None
