"""What a user of the REST interface does, in the fewest words."""

import json
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from chassis.ids import new_id

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: int
    name: str
    data: dict[str, Any]


def read_events(lines: Iterator[str]) -> Iterator[Event]:
    """The events of a stream, comments left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line and fields:
            yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


class User:
    """A registered user with a client that carries the access token."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30, verify=False)
        self.username = f"u-{new_id().hex[-20:]}"
        self.email = f"{self.username}@example.com"
        answer = self.http.post(
            "/api/v1/auth/register",
            json={"username": self.username, "email": self.email, "password": PASSWORD},
        )
        assert answer.status_code == 201, answer.text
        self.grant: dict[str, Any] = answer.json()
        self.id: str = self.grant["user"]["id"]
        self.http.headers["Authorization"] = f"Bearer {self.grant['access_token']}"

    def log_in(self) -> None:
        """Log in anew: access tokens live for five minutes."""
        answer = self.http.post(
            "/api/v1/auth/login", json={"username": self.username, "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text
        self.grant = answer.json()
        self.http.headers["Authorization"] = f"Bearer {self.grant['access_token']}"

    @property
    def token(self) -> str:
        """What the client shows with every request."""
        return self.http.headers["Authorization"].removeprefix("Bearer ")

    def again(self) -> "User":
        """The same user on another device, logged in by themselves."""
        other = copy(self)
        other.http = httpx.Client(base_url=self.http.base_url, timeout=30, verify=False)
        other.log_in()
        return other

    def close(self) -> None:
        self.http.close()

    def create_key(self, base_url: str, model: str, **changes: str) -> dict[str, Any]:
        body = {
            "name": f"key-{new_id().hex}",
            "api_key": f"sk-{new_id().hex}",
            "model": model,
            "base_url": base_url,
            **changes,
        }
        answer = self.http.post("/api/v1/keys", json=body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def create_session(self, **body: Any) -> str:
        answer = self.http.post("/api/v1/chat/sessions", json=body)
        assert answer.status_code == 201, answer.text
        session_id: str = answer.json()["id"]
        return session_id

    def ask(self, session_id: str, content: str, **body: Any) -> list[Event]:
        """Send a question and read its answer to the end."""
        with self.http.stream(
            "POST",
            f"/api/v1/chat/sessions/{session_id}/messages",
            json={"content": content, **body},
            headers={"Accept": "text/event-stream"},
        ) as answer:
            if answer.status_code != 200:
                answer.read()
            assert answer.status_code == 200, answer.text
            return list(read_events(answer.iter_lines()))

    def messages(self, session_id: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"/api/v1/chat/sessions/{session_id}/messages?limit=100")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


def text_of_events(events: list[Event]) -> str:
    """The answer as a reader of the stream has it."""
    return "".join(event.data["text"] for event in events if event.name == "delta")


class HasUrl(Protocol):
    @property
    def url(self) -> str: ...


# Registers a user whose client is closed after the test.
SignUp = Callable[[HasUrl], User]
