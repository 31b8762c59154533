"""Passwords and tokens are found nowhere, and what people write only where it is kept for them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from chassis.ids import new_id
from tests.stack import Stack

from .canary import Canary
from .search import found, gather

pytestmark = pytest.mark.slow

API = "/api/v1"


class Person:
    """Registers with a password that is a canary, under a name and an address that are."""

    def __init__(self, url: str, name: Canary, email: Canary, password: Canary) -> None:
        self.http = httpx.Client(base_url=f"{url}{API}", timeout=60, verify=False)
        who = {"username": name.text[:30], "email": f"{email.text}@example.com"}
        self.grant = self.tell("POST", "/auth/register", 201, **who, password=password.text)
        self.http.headers["Authorization"] = f"Bearer {self.grant['access_token']}"

    def tell(self, method: str, path: str, status: int, /, **body: Any) -> dict[str, Any]:
        answer = self.http.request(method, path, json=body or None)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json() if answer.content else {}
        return told

    def ask(self, stack: Stack, question: str, session: str = "", **more: Any) -> str:
        """The id of the session that has an answer; a new one unless it is given."""
        key = {"name": "k", "api_key": "sk-anything", "model": "echo", "base_url": stack.model_url}
        self.tell("POST", "/keys", 201, **key)
        path = f"/chat/sessions/{session}/messages" if session else "/chat/messages"
        asked = self.tell("POST", path, 200, content=question, **more)
        return str(asked["run"]["session_id"])


class Register(Protocol):
    def __call__(self, name: Canary, email: Canary, password: Canary) -> Person: ...


@pytest.fixture
def register(talkative_stack: Stack) -> Iterator[Register]:
    with ExitStack() as clients:

        def make(name: Canary, email: Canary, password: Canary) -> Person:
            person = Person(talkative_stack.url, name, email, password)
            clients.callback(person.http.close)
            return person

        yield make


def _secrets_of(grant: dict[str, Any], name: str) -> list[Canary]:
    """Of an access token the signature alone: all of them begin alike, and say who it is for."""
    signature = grant["access_token"].rpartition(".")[2]
    return [
        Canary(f"{name}: access token", signature),
        Canary(f"{name}: refresh token", grant["refresh_token"]),
    ]


def test_passwords_and_tokens_are_found_nowhere(
    talkative_stack: Stack, register: Register, evidence: Path, tmp_path: Path
) -> None:
    stack = talkative_stack
    first, second, wrong = Canary("first"), Canary("second"), Canary("wrong")
    shared, guessed, refused = Canary("of a share"), Canary("guessed"), Canary("refused")
    name, email = Canary.plain("name"), Canary.plain("email")
    person = register(name, email, first)
    http = person.http
    secrets = [first, second, wrong, shared, guessed, refused, *_secrets_of(person.grant, "1")]

    login = {"username": name.text[:30]}
    person.tell("POST", "/auth/login", 401, **login, password=wrong.text)
    person.tell("POST", "/auth/login", 422, **login, password=[refused.text])
    person.tell("POST", "/auth/login", 401, username=refused.text, password=refused.text)
    person.tell("POST", "/auth/login", 422, **{refused.text: refused.text})
    http.post("/auth/login", content=f'{{"password": "{refused.text}'.encode())
    http.post(f"/auth/login?password={guessed.text}", json={})
    passwords = {"old_password": first.text, "new_password": second.text}
    person.tell("PUT", "/password", 403, old_password=wrong.text, new_password=second.text)
    person.tell("PUT", "/password", 204, **passwords)
    person.tell("DELETE", "/me", 403, password=wrong.text)
    reset = {"email": f"{email.text}@example.com", "code": "000000"}
    person.tell("POST", "/auth/reset-password", 422, **reset, new_password=guessed.text)
    grant = person.tell("POST", "/auth/login", 200, **login, password=second.text)
    renewed = person.tell("POST", "/auth/refresh", 200, refresh_token=grant["refresh_token"])
    secrets += [*_secrets_of(grant, "2"), *_secrets_of(renewed, "3")]
    person.tell("POST", "/auth/refresh", 401, refresh_token=guessed.text)

    http.headers["Authorization"] = f"Bearer {renewed['access_token']}"
    made = person.tell("POST", "/tokens", 201, name="mine", scopes=["chat:read"])
    pat = made["token"]
    secrets.append(Canary("personal", pat.removeprefix("parley_pat_")))
    with httpx.Client(base_url=f"{stack.url}{API}", timeout=60, verify=False) as program:
        for token, status in ((pat, 200), (f"{pat[:-1]}_", 401), (guessed.text, 401)):
            bearer = {"Authorization": f"Bearer {token}"}
            assert program.get("/chat/sessions", headers=bearer).status_code == status
        session = person.ask(stack, "Whatever.")
        http.headers["Idempotency-Key"] = str(new_id())
        share = person.tell("POST", f"/chat/sessions/{session}/shares", 201, password=shared.text)
        del http.headers["Idempotency-Key"]
        secrets.append(Canary("link", share["token"]))
        for password, status in ((shared.text, 200), (guessed.text, 403)):
            heads = {"X-Share-Password": password}
            opened = program.get(f"/shares/{share['token']}", headers=heads)
            assert opened.status_code == status, opened.text
        assert program.get(f"/shares/{guessed.text}").status_code == 404

    gather(stack, evidence)
    places = found([*secrets, name, email], [evidence, stack.directory], tmp_path)
    # The same search finds who it is, where users are kept.
    for known in (places.pop("name"), places.pop("email")):
        assert str(evidence / "rows of auth") in known
        assert str(stack.directory / "output") not in known
    assert places == {canary.name: set() for canary in secrets}


def test_what_people_write_is_found_where_it_is_kept_for_them_and_nowhere_else(
    talkative_stack: Stack, register: Register, evidence: Path, tmp_path: Path
) -> None:
    stack = talkative_stack
    kept = {
        "auth": ("own instructions",),
        "chat": (
            *("title", "folder", "instructions", "question", "persona", "prompt", "file name"),
            *("own instructions", "file"),
        ),
        "notes": ("note's title", "note", "tag"),
    }
    nowhere = ("searched", "searched in notes", "refused", "unknown")
    names = dict.fromkeys([*(name for some in kept.values() for name in some), *nowhere])
    said = {name: Canary.plain(name) for name in names}

    def text(name: str) -> str:
        return said[name].text

    person = register(*map(Canary.plain, ("who", "where", "password")))
    http = person.http
    own = {"instructions": text("own instructions")}
    person.tell("PATCH", "/me/settings", 200, **own)
    persona = {"name": text("persona")[:30], "title": "p", "prompt": text("prompt")}
    person.tell("POST", "/chat/personas", 201, **persona)
    named = {field: text(field) for field in ("title", "folder", "instructions")}
    session = person.tell("POST", "/chat/sessions", 201, **named, persona=persona["name"])["id"]
    sent = http.post("/files", files={"file": (f"{text('file name')}.txt", text("file").encode())})
    assert sent.status_code == 201, sent.text
    person.ask(stack, text("question"), session, attachments=[sent.json()["id"]])
    note = {"title": text("note's title"), "content": text("note"), "tags": [text("tag")]}
    person.tell("POST", "/notes", 201, **note)
    person.tell("POST", "/notes", 422, title=text("refused"), content=text("refused"), pinned="no")
    person.tell("POST", f"/chat/sessions/{session}/messages", 422, content=[text("refused")])
    person.tell("GET", f"/keys/by-name/{text('unknown')}", 404)
    person.tell("GET", f"/chat/personas/{text('unknown')[:30]}", 404)
    person.tell("GET", f"/search?q={text('searched')}", 200)
    person.tell("GET", f"/notes?q={text('searched in notes')}", 200)
    exported = http.get("/chat/export")
    assert text("question") in exported.text

    gather(stack, evidence)
    # Not the folders of PostgreSQL, Redis and files: what is kept there is told from rows and values.
    looked_at = [evidence, stack.directory / "output", stack.data / "nats"]
    places = found(said.values(), looked_at, tmp_path)
    redis = str(evidence / "redis")
    for name, there in places.items():
        rows = {str(evidence / f"rows of {room}") for room, some in kept.items() if name in some}
        assert rows <= there <= {*rows, *([redis] if "chat" in str(rows) else [])}, (name, there)
