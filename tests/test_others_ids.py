"""Whatever is somebody else's is as if absent, on each route that the document has."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import psycopg
import pytest

from chassis.ids import new_id

from .client import SignUp, User
from .stack import Stack

API = "/api/v1"
_NEVER_WAS = str(new_id())
_ADMINS = f"{API}/admin/"
# Open to whoever knows the number of a receipt, which is nobody's account any more, and the token of a share.
_OPEN = ("get_erasure", "open_share", "get_shared_file_content", "fork_share")
# A place in the list of one's own conversations; and where a note says that it is from, which is kept as it is said.
_NOTHING_IS_LOOKED_UP = {
    "export_all after",
    *(f"{name} source" for name in ("create_note", "replace_note", "update_note")),
}


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


@pytest.fixture(params=["a user", "a token of a user", "an admin elsewhere", "an operator"])
def stranger(
    request: pytest.FixtureRequest, stack: Stack, sign_up: SignUp, operator: User
) -> Iterator[httpx.Client]:
    """Each has a connection of their own, so that nothing but the id is in the way."""
    person = operator if request.param == "an operator" else sign_up(stack)
    if request.param == "an admin elsewhere":
        _appoint_elsewhere(person, stack, operator)
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


def _appoint_elsewhere(person: User, stack: Stack, operator: User) -> None:
    """Make them the admin of a tenant that they, and nobody else, are in."""
    made = operator.http.post(f"{API}/admin/tenants", json={"name": f"t-{new_id().hex}"})
    assert made.status_code == 201, made.text
    # No call moves a user, and who registers is where everybody is.
    with psycopg.connect(stack.database_url("auth"), autocommit=True) as database:
        moved = database.execute(
            "UPDATE users SET tenant_id = %s, role = 'tenant_admin' WHERE id = %s",
            (made.json()["id"], person.id),
        )
        assert moved.rowcount == 1
    person.log_in()


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
    return _without_request(answer.json())


def _without_request(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in told if name not in ("instance", "request_id", "trace_id")}


Ask = Callable[[str], httpx.Response]


def test_in_a_path_it_is_answered_as_what_never_was(owner: Owner, stranger: httpx.Client) -> None:
    before = owner.seen()
    is_operator = stranger.get(f"{API}/me").json().get("role") == "operator"
    tried = 0
    for name, method, path, example in _operations(stranger.get("/openapi.json").json()):
        # Operators may do this to everybody's: their own tests say what they may not.
        if "{" not in path or name in _OPEN or (path.startswith(_ADMINS) and is_operator):
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
            # Logins and tokens are a person's own business, which no token does; users are admins'.
            [403, 403],
        ), (name, [answer.text for answer in answers])
        assert _told(answers[0]) == _told(answers[1]), name
        if answers[0].status_code == 403:
            assert name in ("revoke_login", "delete_token", "update_user", "delete_user")
        tried += 1
    assert tried >= 35
    assert owner.seen() == before


# What some would take for another address, or for an id, if it was trimmed, joined, or decoded once more.
NO_IDS = (
    "%20", "%20%20", f"{_NEVER_WAS}%20", f"%20{_NEVER_WAS}", "%C2%A0", "%E2%80%83", "%E2%80%8B", "%EF%BB%BF", "%252F",
    "%252e", "%ED%A0%80", "%FF", "%ff", "%", "%zz", "null", "0", "-1", _NEVER_WAS.replace("-", ""), _NEVER_WAS.upper(),
    "nonsense", "';%20drop", "%E4%B8%AD", "x" * 10_000, "%F0%9F%92%A9" * 100,
)  # fmt: skip


@pytest.mark.parametrize("who", ["a user", "an operator"])
def test_what_is_no_id_is_answered_as_what_never_was(
    stack: Stack, sign_up: SignUp, operator: User, who: str
) -> None:
    person = operator if who == "an operator" else sign_up(stack)
    person.create_key(stack.model_url, "echo")
    own, tried = person.create_session(), 0
    with closing(HTTPConnection(urlsplit(stack.url).netloc, timeout=30)) as connection:

        def ask(method: str, path: str, example: dict[str, Any]) -> tuple[int, Any]:
            # As it is written: a client of HTTP would write some of it in another way.
            headers = {"Authorization": f"Bearer {person.token}"}
            body = orjson.dumps(example) if example else None
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, _without_request(orjson.loads(answer.read()))

        for name, method, path, example in _operations(person.http.get("/openapi.json").json()):
            if who == "an operator" and not path.startswith(_ADMINS):
                continue
            example.pop("key_id", None)
            for parameter in re.findall(r"{(\w+_id)}", path):
                at_own = path if parameter == "session_id" else path.replace("{session_id}", own)
                expected = ask(method, re.sub(r"{\w+}", _NEVER_WAS, at_own), example)
                assert expected[0] in (403, 404), (name, expected)
                for odd in NO_IDS:
                    address = re.sub(r"{\w+}", _NEVER_WAS, at_own.replace(f"{{{parameter}}}", odd))
                    assert ask(method, address, example) == expected, (name, parameter, odd)
                    tried += 1
    assert tried >= (2 if who == "an operator" else 35) * len(NO_IDS)


def _places(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a body or a query names something by its id: the operation and the field."""
    schemas = document["components"]["schemas"]

    def fields(schema: dict[str, Any], name: str) -> Iterator[str]:
        schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if schema.get("format") == "uuid":
            yield name
        for part in (*schema.get("anyOf", ()), *filter(None, [schema.get("items")])):
            yield from fields(part, name)
        for inner, part in schema.get("properties", {}).items():
            yield from fields(part, f"{name}.{inner}" if name else inner)

    for methods in document["paths"].values():
        for operation in methods.values():
            name = operation["operationId"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from ((name, field) for field in fields(content["schema"], ""))
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
                    field = parameter["name"]
                    yield from ((name, found) for found in fields(parameter["schema"], field))


def test_in_a_body_or_a_query_it_is_answered_as_what_never_was(
    owner: Owner, stranger: httpx.Client
) -> None:
    before = owner.seen()
    key = stranger.get(f"{API}/keys").json()["items"][0]["id"]
    own = stranger.post(f"{API}/chat/sessions", json={}).json()["id"]
    asked = stranger.post(f"{API}/chat/sessions/{own}/messages", json={"content": "Mine"})
    question, answer = (asked.json()[part]["id"] for part in ("question", "answer"))
    session, message = f"{API}/chat/sessions/{own}", f"{API}/chat/sessions/{own}/messages"
    new = {"name": "n", "api_key": "k", "model": "echo", "base_url": "https://example.com/v1"}

    def cases(ids: dict[str, str]) -> dict[str, tuple[str, str, dict[str, Any]]]:
        """By operation and field."""
        by_key, by_file = {"key_id": ids["key_id"]}, {"attachments": [ids["file_id"]]}
        by_fallback = {"fallback_key_id": ids["key_id"]}
        to_ask = {"content": "x"}
        return {
            "set_default_key key_id": ("PUT", f"{API}/keys/default", by_key),
            "create_key fallback_key_id": ("POST", f"{API}/keys", {**new, **by_fallback}),
            "update_key fallback_key_id": ("PATCH", f"{API}/keys/{key}", by_fallback),
            "create_session key_id": ("POST", f"{API}/chat/sessions", by_key),
            "update_session key_id": ("PATCH", session, by_key),
            "ask key_id": ("POST", message, {**to_ask, **by_key}),
            "ask attachments": ("POST", message, {**to_ask, **by_file}),
            "ask_anew key_id": ("POST", f"{API}/chat/messages", {**to_ask, **by_key}),
            "ask_anew attachments": ("POST", f"{API}/chat/messages", {**to_ask, **by_file}),
            "regenerate key_id": ("POST", f"{message}/{answer}/regenerate", by_key),
            "edit key_id": ("POST", f"{message}/{question}/edit", {**to_ask, **by_key}),
            "edit attachments": ("POST", f"{message}/{question}/edit", {**to_ask, **by_file}),
            "fork message_id": ("POST", f"{session}/fork", {"message_id": ids["message_id"]}),
            "create_note message_id": ("POST", f"{API}/notes", {"message_id": ids["message_id"]}),
            "search session_id": ("GET", f"{API}/search?q=Hers&session_id={ids['session_id']}", {}),
            # Whoever is no admin may not look at all; an admin looks in their own tenant.
            "list_users tenant_id": ("GET", f"{_ADMINS}users?tenant_id={ids['tenant_id']}", {}),
            "list_usage tenant_id": ("GET", f"{_ADMINS}usage?tenant_id={ids['tenant_id']}", {}),
            "list_audit user_id": ("GET", f"{_ADMINS}audit?user_id={ids['user_id']}", {}),
            # In the path of a conversation of one's own.
            **{
                f"{method} {what} in mine": (method, f"{message}/{ids['message_id']}/{what}", body)
                for method, what, body in (
                    ("POST", "regenerate", {}),
                    ("POST", "edit", to_ask),
                    ("POST", "choose", {}),
                    ("GET", "context", {}),
                    ("GET", "extent", {}),
                )
            },
            "delete in mine": ("DELETE", f"{message}/{ids['message_id']}", {}),
        }

    is_operator = stranger.get(f"{API}/me").json().get("role") == "operator"
    hers = {**owner.ids, "tenant_id": owner.user.grant["user"]["tenant_id"]}
    absent = {name: str(new_id()) for name in hers}
    named = {
        f"{name} {field.split('.')[0]}"
        for name, field in _places(stranger.get("/openapi.json").json())
    }
    tried = {place for place in cases(absent) if not place.endswith(" in mine")}
    assert named - _NOTHING_IS_LOOKED_UP == tried
    for place, asks in cases(hers).items():
        if is_operator and asks[1].startswith(_ADMINS):
            continue
        told = []
        for method, path, body in (asks, cases(absent)[place]):
            said = stranger.request(method, path, json=body or None)
            told.append((said.status_code, _told(said)))
        assert told[0] == told[1], place
        assert told[0][0] in (403, 404, 422) or told[0][1]["items"] == [], (place, told)
        if told[0][0] == 403:
            assert asks[1].startswith(_ADMINS)
    also_hers = {**hers, "message_id": owner.question}
    for place, (method, path, body) in cases(also_hers).items():
        if "message_id" in place or place.endswith(" in mine"):
            assert stranger.request(method, path, json=body or None).status_code == 404, place
    for method, path in (("POST", f"{API}/chat/sessions"), ("PATCH", session)):
        told = [
            (said.status_code, _told(said))
            for name in (owner.names["personas"], "never-was")
            for said in [stranger.request(method, path, json={"persona": name})]
        ]
        assert told[0] == told[1]
        assert told[0][0] in (404, 422)
    for path in ("/chat/sessions?folder=Hers", f"/chat/sessions?q={owner.ids['session_id']}"):
        listed = stranger.get(f"{API}{path}")
        assert listed.status_code in (200, 422)
        assert owner.session not in listed.text
    assert owner.seen() == before
