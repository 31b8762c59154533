"""What came of a question, as a user of the REST interface sees it."""

from dataclasses import dataclass
from typing import Any

from tests.client import Event, User, text_of_events


@dataclass(frozen=True)
class Outcome:
    """A run from its first event to its last, and as it is kept afterwards."""

    events: list[Event]
    run: dict[str, Any]
    answer: dict[str, Any] | None

    @property
    def text(self) -> str:
        return text_of_events(self.events)

    @property
    def thinking(self) -> str:
        return "".join(event.data["text"] for event in self.events if event.name == "reasoning")

    @property
    def pieces(self) -> int:
        """In how many events the text came."""
        return sum(event.name == "delta" for event in self.events)

    @property
    def finish_reason(self) -> str | None:
        end = self.events[-1]
        return end.data["finish_reason"] if end.name == "done" else None

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document of a run that failed; empty of another."""
        end = self.events[-1]
        problem: dict[str, Any] = end.data["problem"] if end.name == "error" else {}
        return problem

    @property
    def usage(self) -> tuple[int, int] | None:
        """Tokens of the prompt and of the answer."""
        if (usage := self.run["usage"]) is None:
            return None
        return usage["prompt_tokens"], usage["completion_tokens"]


def ask(user: User, key_id: str, content: str, *, session_id: str = "", **asked: Any) -> Outcome:
    """Ask with that connection, read the answer to its end, and look at what was kept."""
    session_id = session_id or user.create_session()
    events = user.ask(session_id, content, key_id=key_id, **asked)
    return outcome_of(user, events)


def outcome_of(user: User, events: list[Event]) -> Outcome:
    kept = user.http.get(f"/api/v1/chat/runs/{events[0].data['run_id']}")
    assert kept.status_code == 200, kept.text
    result = kept.json()
    return Outcome(events, result["run"], result["answer"])
