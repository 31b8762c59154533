"""What has been asked of the server, for tests and bench to read at `/counters`."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Counts since the start or the last reset; `open` is of now and survives a reset."""

    # By the model's whole name, label included; refused calls too.
    calls: Counter[str] = field(default_factory=Counter)
    # Answers that have begun and not ended.
    open: int = 0
    # Answers whose connection the client closed before their end.
    closed_by_client: int = 0
    redirects_followed: int = 0
    unauthorized: int = 0
    last_request: dict[str, object] | None = None
    # Of the last request to /v1/messages: tokens read anew, read and kept, found kept.
    last_prompt: dict[str, int] | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "calls": dict(self.calls),
            "open": self.open,
            "closed_by_client": self.closed_by_client,
            "redirects_followed": self.redirects_followed,
            "unauthorized": self.unauthorized,
            "last_request": self.last_request,
            "last_prompt": self.last_prompt,
        }

    def reset(self) -> None:
        self.calls.clear()
        self.closed_by_client = 0
        self.redirects_followed = 0
        self.unauthorized = 0
        self.last_request = None
        self.last_prompt = None
