"""Whatever is somebody else's is as if absent, on each route that the document has."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from chassis.ids import new_id

from .client import SignUp, User
from .stack import Stack

API = "/api/v1"
# Those who may do this to everybody's: their own tests say what they may not.
_OPERATORS = f"{API}/admin/"
# Open to whoever knows the number of a receipt, which is nobody's account any more, and the token of a share.
_OPEN = ("get_erasure", "open_share", "get_shared_file_content", "fork_share")


class Owner:
    """Ada, who has one of each thing, and what is seen of it."""

    def __init__(self, user: User, stack: Stack) -> None:
        self.user = user
        self.key = user.create_key(stack.model_url, "echo")
        session = user.create_session(folder="Hers", instructions="Hers.", key_id=self.key["id"])
        events = user.ask(session, "What is hers?")
        question, answer = user.messages(session)
        note = self._make("notes", title="Hers", content="Hers.")
        sent = user.http.post(f"{API}/files", files={"file": ("hers.txt", b"Hers.")})
        assert sent.status_code == 201, sent.text
        # Of no format that is known: it ends, and is there.
        brought = user.http.post(f"{API}/chat/import", files={"file": ("hers.json", b"Hers.")})
        assert brought.status_code == 202, brought.text
        persona = self._make("chat/personas", name="hers", title="Hers", prompt="I am hers.")
        share = self._make(f"chat/sessions/{session}/shares")
        token = self._make("tokens", name="hers", scopes=["chat:read"])
        self.question, self.answer, self.session = question["id"], answer["id"], session
        #: What stands for each parameter of a path.
        self.ids = {
            "session_id": session,
            "message_id": answer["id"],
            "run_id": events[0].data["run_id"],
            "key_id": self.key["id"],
            "note_id": note["id"],
            "share_id": share["id"],
            "file_id": sent.json()["id"],
            "import_id": brought.json()["id"],
            "token_id": token["id"],
            "login_id": user.http.get(f"{API}/me/logins").json()["items"][0]["id"],
            "user_id": user.id,
        }
        eventually_ended = f"{API}/chat/imports/{brought.json()['id']}"
        while user.http.get(eventually_ended).raise_for_status().json()["ended_at"] is None:
            time.sleep(0.05)
        self.names = {"keys": self.key["name"], "personas": persona["name"]}

    def _make(self, kind: str, **body: Any) -> dict[str, Any]:
        answer = self.user.http.post(f"{API}/{kind}", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def seen(self) -> list[Any]:
        """All that she has, as she sees it, but for when it was used last."""
        ids = self.ids
        paths = (
            *("/keys", "/notes", "/chat/personas", "/tokens", "/me", "/me/settings", "/me/logins"),
            *("/files", f"/files/{ids['file_id']}"),
            f"/chat/imports/{ids['import_id']}",
            *("/chat/sessions", "/chat/sessions?state=deleted", "/chat/sessions?state=archived"),
            f"/chat/sessions/{self.session}",
            *("/chat/shares", f"/chat/sessions/{self.session}/shares"),
            f"/chat/sessions/{self.session}/messages?path=all",
            *(f"/chat/runs/{ids['run_id']}", f"/notes/{ids['note_id']}"),
        )
        seen = []
        for path in paths:
            answer = self.user.http.get(f"{API}{path}")
            assert answer.status_code == 200, (path, answer.text)
            seen.append(_without(answer.json(), "last_used_at"))
        return seen


def _without(value: Any, field: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(part, field) for name, part in value.items() if name != field}
    return [_without(part, field) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def _ada(stack: Stack) -> Iterator[Owner]:
    user = User(stack.url)
    yield Owner(user, stack)
    user.close()


@pytest.fixture
def owner(_ada: Owner) -> Owner:
    """One for all strangers, of whom none may change anything of hers; logged in."""
    _ada.user.log_in()
    return _ada


@pytest.fixture(params=["a user", "a token of a user", "an operator"])
def stranger(
    request: pytest.FixtureRequest, stack: Stack, sign_up: SignUp, operator: User
) -> Iterator[httpx.Client]:
    """Each has a connection of their own, so that nothing but the id is in the way."""
    person = operator if request.param == "an operator" else sign_up(stack)
    person.create_key(stack.model_url, "echo")
    if request.param != "a token of a user":
        yield person.http
        return
    scopes = ["chat:read", "chat:write", "keys:read", "keys:write", "notes:read", "notes:write"]
    made = person.http.post(f"{API}/tokens", json={"name": "all", "scopes": scopes})
    assert made.status_code == 201, made.text
    bearer = {"Authorization": f"Bearer {made.json()['token']}"}
    with httpx.Client(base_url=stack.url, timeout=30, verify=False, headers=bearer) as http:
        yield http


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Each with its name, method, path and the first example of its body."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            example: dict[str, Any] = {}
            if body is not None:
                schema = body["schema"]["$ref"].rpartition("/")[2]
                examples = document["components"]["schemas"][schema].get("examples", [{}])
                example = examples[0]
            yield operation["operationId"], method.upper(), path, example


def _told(answer: httpx.Response) -> Any:
    """What an answer says, but for what names this one request."""
    if not answer.content:
        return None
    told = answer.json()
    return {name: told[name] for name in told if name not in ("instance", "request_id", "trace_id")}


Ask = Callable[[str], httpx.Response]


def test_in_a_path_it_is_answered_as_what_never_was(owner: Owner, stranger: httpx.Client) -> None:
    before = owner.seen()
    tried = 0
    for name, method, path, example in _operations(stranger.get("/openapi.json").json()):
        if "{" not in path or path.startswith(_OPERATORS) or name in _OPEN:
            continue
        kind = "personas" if "/personas/" in path else "keys"
        hers = {**owner.ids, "name": owner.names[kind]}
        absent = {**dict.fromkeys(owner.ids, str(new_id())), "name": "never-was"}

        def ask(
            ids: dict[str, str],
            method: str = method,
            path: str = path,
            example: dict[str, Any] = example,
        ) -> httpx.Response:
            # Of a fork, the message is in the body; a connection of the example's is nobody's.
            body = {
                field: ids.get(field, value) if field == "message_id" else value
                for field, value in example.items()
                if field != "key_id"
            }
            return stranger.request(method, path.format(**ids), json=body if example else None)

        answers = [ask(hers), ask(absent)]
        assert [answer.status_code for answer in answers] in (
            [404, 404],
            # Logins and tokens are a person's own business, which no token does.
            [403, 403],
        ), (name, [answer.text for answer in answers])
        assert _told(answers[0]) == _told(answers[1]), name
        if answers[0].status_code == 403:
            assert name in ("revoke_login", "delete_token")
        tried += 1
    assert tried >= 35
    assert owner.seen() == before


def test_in_a_body_or_a_query_it_is_answered_as_what_never_was(
    owner: Owner, stranger: httpx.Client
) -> None:
    before = owner.seen()
    own = stranger.post(f"{API}/chat/sessions", json={}).json()["id"]
    asked = stranger.post(f"{API}/chat/sessions/{own}/messages", json={"content": "Mine"})
    answer = asked.json()["answer"]["id"]
    mine, session = f"{API}/keys", f"{API}/chat/sessions/{own}"
    key = {"name": "n", "api_key": "k", "model": "echo", "base_url": "https://example.com/v1"}

    def key_of(value: str) -> list[tuple[str, str, dict[str, Any]]]:
        return [
            ("PUT", f"{mine}/default", {"key_id": value}),
            ("POST", mine, {**key, "fallback_key_id": value}),
            ("POST", f"{API}/chat/sessions", {"key_id": value}),
            ("PATCH", session, {"key_id": value}),
            ("POST", f"{session}/messages", {"content": "x", "key_id": value}),
            ("POST", f"{API}/chat/messages", {"content": "x", "key_id": value}),
            ("POST", f"{session}/messages/{answer}/regenerate", {"key_id": value}),
        ]

    def message_of(value: str) -> list[tuple[str, str, dict[str, Any]]]:
        messages = f"{session}/messages/{value}"
        return [
            ("POST", f"{session}/fork", {"message_id": value}),
            ("POST", f"{messages}/regenerate", {}),
            ("POST", f"{messages}/edit", {"content": "x"}),
            ("POST", f"{messages}/choose", {}),
            ("GET", f"{messages}/context", {}),
            ("GET", f"{messages}/extent", {}),
            ("DELETE", messages, {}),
        ]

    def file_of(value: str) -> list[tuple[str, str, dict[str, Any]]]:
        asked = {"content": "x", "attachments": [value]}
        question = stranger.get(f"{session}/messages").json()["items"][0]["id"]
        return [
            ("POST", f"{session}/messages", asked),
            ("POST", f"{API}/chat/messages", asked),
            ("POST", f"{session}/messages/{question}/edit", asked),
        ]

    cases = [
        *zip(file_of(owner.ids["file_id"]), file_of(str(new_id())), strict=True),
        *zip(key_of(owner.ids["key_id"]), key_of(str(new_id())), strict=True),
        *zip(message_of(owner.answer), message_of(str(new_id())), strict=True),
        *zip(message_of(owner.question), message_of(str(new_id())), strict=True),
    ]
    for hers, absent in cases:
        told = []
        for method, path, body in (hers, absent):
            said = stranger.request(method, path, json=body or None)
            assert said.status_code in (404, 422), (method, path, body, said.text)
            told.append((said.status_code, _told(said)))
        assert told[0] == told[1], hers
    persona = {"persona": owner.names["personas"]}
    for method, path in (("POST", f"{API}/chat/sessions"), ("PATCH", session)):
        said = stranger.request(method, path, json=persona)
        assert said.status_code in (404, 422), said.text
    for path in ("/chat/sessions?folder=Hers", f"/chat/sessions?q={owner.ids['session_id']}"):
        listed = stranger.get(f"{API}{path}")
        assert listed.status_code in (200, 422)
        assert owner.session not in listed.text
    assert owner.seen() == before
