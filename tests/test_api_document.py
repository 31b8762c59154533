"""The API does what its document says: its examples are accepted, its bounds are the services'."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import regex
from jsonschema import Draft202012Validator

from chassis.testing import eventually

from .client import SignUp, User
from .stack import Stack
from .test_codes import codes_to

API = "/api/v1"
# The examples' own address.
ADA = "ada@example.org"


class Journey:
    """Sends each operation its example, and holds its answers against the document."""

    def __init__(self, stack: Stack) -> None:
        self.http = httpx.Client(base_url=stack.url, timeout=60, verify=False)
        self.document: dict[str, Any] = self.http.get("/openapi.json").json()
        self.sent: set[str] = set()
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def example(self, name: str) -> dict[str, Any] | None:
        body = self.operations[name][2].get("requestBody")
        if body is None:
            return None
        if "application/json" not in body["content"]:
            return None
        schema = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        examples: list[dict[str, Any]] = self.document["components"]["schemas"][schema].get(
            "examples", [{}]
        )
        return examples[0]

    def send(
        self,
        name: str,
        /,
        *,
        known: dict[str, Any] | None = None,
        accept: str = "*/*",
        query: str = "",
        form: dict[str, Any] | None = None,
        **ids: str,
    ) -> Any:
        """Sends operation ``name``. ``known`` is what no document can know: a code that was sent,
        a token that was given; ``form`` the files of one that takes a form.
        """
        method, path, _ = self.operations[name]
        body = self.example(name)
        if known is not None and body is not None:
            body = {**body, **known}
        answer = self.http.request(
            method, path.format(**ids) + query, json=body, files=form, headers={"accept": accept}
        )
        self.check(name, answer)
        assert answer.is_success, (name, answer.text)
        self.sent.add(name)
        is_json = answer.content and "json" in answer.headers["content-type"]
        return answer.json() if is_json else answer.text

    def check(self, name: str, answer: httpx.Response) -> None:
        """Whether the answer is one that the document tells of."""
        told = self.operations[name][2]["responses"][str(answer.status_code)]
        if "$ref" in told:
            told = self.document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        if not answer.content:
            assert not told.get("content"), name
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        shown = told["content"].get(media_type) or told["content"]["*/*"]
        schema = shown["schema"]
        content = answer.json() if media_type.endswith("json") else answer.text
        root = {**schema, "components": self.document["components"]}
        assert [e.message for e in Draft202012Validator(root).iter_errors(content)] == [], name
        for header in told.get("headers", {}):
            assert header in answer.headers, (name, header)


@pytest.fixture
def journey(stack: Stack) -> Iterator[Journey]:
    journey = Journey(stack)
    yield journey
    journey.http.close()


async def test_each_example_is_accepted_in_the_order_of_a_journey(
    stack: Stack, operator: User, journey: Journey
) -> None:
    go = journey.send
    for name in ("healthz", "readyz", "jwks"):
        go(name)
    registered = go("register")
    go("verify_code")
    go("send_code")
    await eventually(lambda: len(codes_to(stack, ADA)) == 1, timeout=30)
    bear(journey, go("log_in")["access_token"])
    go("get_me")
    go("get_profile")
    go("update_profile")
    journey.http.patch(f"{API}/profile", json={"code": codes_to(stack, ADA)[-1]}).raise_for_status()
    go("update_settings")
    assert go("get_settings")["theme"] == "dark"
    go("list_logins")
    # Example connections lead to the demo model's usual port: the default one is this stack's.
    here = journey.http.post(
        f"{API}/keys",
        json={"name": "here", "api_key": "k", "model": "echo", "base_url": stack.model_url},
    ).raise_for_status()
    key = go("create_key")
    assert [one["is_default"] for one in go("list_keys")["items"]] == [True, False]
    assert go("get_key", key_id=key["id"]) == key
    assert go("get_key_by_name", name=key["name"].upper()) == key
    changed = go("update_key", key_id=key["id"])
    assert changed["parameters"]["max_tokens"] is None
    assert go("set_default_key", known={"key_id": key["id"]}) == {**changed, "is_default": True}
    go("delete_key", key_id=key["id"])
    assert go("get_default_key")["id"] == here.json()["id"]
    # What the example leads to is not there; what stands here is.
    assert not go("test_key")["ok"]
    assert go("test_stored_key", key_id=here.json()["id"])["ok"]
    assert go("list_models", key_id=here.json()["id"])["items"]
    session = go("create_session")["id"]
    go("list_sessions")
    go("get_session", session_id=session)
    assert go("update_session", session_id=session)["pinned"]
    assert go("list_folders")["items"] == [{"name": "Projects", "sessions": 1}]
    run = go("ask", session_id=session)["run"]["id"]
    assert "event: done" in go("ask_anew", accept="text/event-stream")
    question, answer = go("list_messages", session_id=session)["items"]
    place = {"session_id": session, "message_id": answer["id"]}
    assert go("get_context", **place)["parts"][0]["message_ids"] == [question["id"]]
    assert go("regenerate", **place)["answer"]["parent_id"] == question["id"]
    assert go("edit", **place)["answer"]["status"] == "edited"
    assert go("choose", **place)["id"] == answer["id"]
    go("fork", known={"message_id": question["id"]}, session_id=session)
    again = {"session_id": session, "message_id": go("edit", **place)["answer"]["id"]}
    assert go("measure_message", **again) == {"messages": 1}
    go("delete_message", **again)
    assert go("choose", **place)["id"] == answer["id"]
    assert go("list_runs", query="?live=true")["items"] == []
    go("recover_run", session_id=session)
    go("get_run", run_id=run)
    assert "event: done" in go("follow_run", run_id=run)
    go("cancel_run", run_id=run)
    usage = go("get_usage")
    assert [item["model"] for item in usage["items"]] == ["echo"]
    assert usage["total"]["completed"] == 3
    assert go("get_limits")["items"] == []
    assert go("export_session", session_id=session)["end"]["messages"] == 4
    assert go("export_all")["end"]["conversations"] == 3
    shared = go("create_share", session_id=session)
    assert go("open_share", token=shared["token"])["message_count"] == 2
    assert go("fork_share", token=shared["token"])["title"] == shared["title"]
    share = shared["id"]
    assert go("update_share", share_id=share)["opens"] == 2
    go("refresh_share", share_id=share)
    assert go("get_share_limits")["maximum_shares"] == 1000
    assert [one["id"] for one in go("list_shares")["items"]] == [share]
    assert [one["id"] for one in go("list_shares_of_session", session_id=session)["items"]] == [
        share
    ]
    go("delete_share", share_id=share)
    go("delete_shares")
    go("get_import_limits")
    brought = go("import_conversations", form={"file": ("none.json", b"[]")})["id"]
    assert [one["id"] for one in go("list_imports")["items"]] == [brought]
    assert go("get_import", import_id=brought)["name"] == "none.json"
    go("end_import", import_id=brought)
    go("delete_session", session_id=session)
    assert go("restore_session", session_id=session)["message_count"] == 4
    go("clear_session", session_id=session)
    assert go("get_session", session_id=session)["message_count"] == 0
    persona = go("create_persona")["name"]
    assert [one["name"] for one in go("list_personas")["items"]] == [persona]
    assert go("get_persona", name=persona.upper())["name"] == persona
    assert go("update_persona", name=persona)["parameters"]["top_p"] is not None
    go("delete_persona", name=persona)
    assert go("get_file_limits")["offered"]
    file = go("upload_file", form={"file": ("plan.txt", b"What is to be done.")})
    assert [one["id"] for one in go("list_files")["items"]] == [file["id"]]
    assert go("get_file", file_id=file["id"]) == file
    assert go("get_file_content", file_id=file["id"]) == "What is to be done."
    go("ask", session_id=session, known={"attachments": [file["id"]]})
    token = go("create_share", session_id=session, known={"include_files": True})["token"]
    (shown,) = go("open_share", token=token)["messages"][0]["files"]
    content = go("get_shared_file_content", token=token, file_id=shown["id"])
    assert content == "What is to be done."
    go("delete_file", file_id=file["id"])
    note = go("create_note")["id"]
    go("list_notes")
    found = go("search", query="?q=bread")
    assert [hit["id"] for hit in found["items"]] == [note]
    go("get_note", note_id=note)
    go("update_note", note_id=note)
    go("replace_note", note_id=note)
    go("delete_note", note_id=note)
    token = go("create_token")["id"]
    go("list_tokens")
    go("delete_token", token_id=token)
    go("continue_run", run_id=interrupted(journey, stack))
    go("delete_sessions")
    assert go("list_sessions")["items"] == []

    go("change_password")
    journey.http.post(
        f"{API}/auth/send-code", json={"email": ADA, "purpose": "password_reset"}
    ).raise_for_status()
    await eventually(lambda: len(codes_to(stack, ADA)) == 2, timeout=30)
    go("reset_password", known={"code": codes_to(stack, ADA)[-1]})
    mine = journey.http
    journey.http = operator.http
    go("list_users")
    go("update_user", user_id=registered["user"]["id"])
    users = go("list_usage", query="?by=user&limit=100")["items"]
    sums = {item["user_id"]: item for item in users}
    # What was deleted meanwhile is still in it.
    assert sums[registered["user"]["id"]]["total_tokens"] >= usage["total"]["total_tokens"]
    go("list_audit")
    go("create_tenant")
    go("list_tenants")
    other = User(stack.url)
    go("delete_user", user_id=other.id)
    other.close()
    journey.http = mine

    granted = go("log_in")
    granted = go("refresh", known={"refresh_token": granted["refresh_token"]})
    bear(journey, granted["access_token"])
    go("revoke_login", login_id=go("list_logins")["items"][0]["id"])
    bear(journey, go("log_in")["access_token"])
    go("log_out")
    bear(journey, go("log_in")["access_token"])
    go("revoke_logins")
    bear(journey, go("log_in")["access_token"])
    go("get_erasure", erasure_id=go("delete_me")["erasure_id"])
    # A socket is opened by no request of this kind.
    assert journey.operations.keys() - journey.sent == {"socket"}


def bear(journey: Journey, token: str) -> None:
    journey.http.headers["authorization"] = f"Bearer {token}"


def interrupted(journey: Journey, stack: Stack) -> str:
    """A run that was cancelled while its answer was being written."""
    question = {"content": "x", "model": "tokens-2000-at-200"}
    with journey.http.stream(
        "POST", f"{API}/chat/messages", json=question, headers={"accept": "text/event-stream"}
    ) as answer:
        run: str = answer.headers["x-run-id"]
        lines = answer.iter_lines()
        while "event: delta" not in next(lines):
            pass
        journey.http.post(f"{API}/chat/runs/{run}/cancel").raise_for_status()
        assert any("event: done" in line for line in lines)
    return run


def bounded(journey: Journey) -> list[tuple[str, str, str, int]]:
    """Each bound of a text in a body: operation, field, which, and the number."""
    found = []
    for name, (_, _, operation) in journey.operations.items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        schema = journey.document["components"]["schemas"][
            body["schema"]["$ref"].rpartition("/")[2]
        ]
        for field, told in schema.get("properties", {}).items():
            one = {**told, **next(iter(told.get("anyOf", [{}])))}
            found += [
                (name, field, bound, one[bound])
                for bound in ("minLength", "maxLength", "minimum", "maximum")
                if bound in one
            ]
    return found


def value(field: str, bound: str, number: int) -> Any:
    """What is just at the bound, and of the right form otherwise."""
    if bound in ("minimum", "maximum"):
        return int(number)
    match field:
        case "email" if number > 2:
            # Labels of a domain have 63 characters at most.
            return "a@" + "".join("." if at % 60 == 59 else "b" for at in range(number - 2))
        case "base_url":
            return "http://x/".ljust(number, "y")[:number]
        case "language":
            return ("en" + "-abcdefgh" * 5)[:number]
        case _:
            return "x" * number


#: The status of an operation with this in its fields, and what was found wrong with each of them.
About = Callable[[str, dict[str, Any]], tuple[int, dict[str, list[Any]]]]


@pytest.fixture
def about(stack: Stack, operator: User, sign_up: SignUp, journey: Journey) -> About:
    """Sends an operation its example, with something else in some fields."""
    user = sign_up(stack)
    key = user.create_key(stack.model_url, "echo")["id"]
    session = user.create_session()
    user.ask(session, "What is there to edit?")
    ids = {
        "session_id": session,
        "message_id": user.messages(session)[1]["id"],
        "key_id": key,
        "name": "absent",
        "share_id": user.http.post(f"{API}/chat/sessions/{session}/shares").json()["id"],
        "note_id": user.http.post(f"{API}/notes", json=journey.example("create_note")).json()["id"],
    }

    def ask(name: str, probed: dict[str, Any]) -> tuple[int, dict[str, list[Any]]]:
        method, path, _ = journey.operations[name]
        body = {**(journey.example(name) or {}), **probed}
        if "/auth/" in path and "email" in body and name != "send_code":
            # Wrong as well: so nobody is registered, and no guess is spent.
            body["code"] = "none"
        http = operator.http if "/admin/" in path else user.http
        answer = http.request(method, path.format(**ids), json=body)
        told = answer.json() if answer.content else {}
        errors = told.get("errors", [])
        return answer.status_code, {
            field: [e for e in errors if e["field"] == field] for field in probed
        }

    return ask


def test_every_bound_of_the_document_is_the_services_own(journey: Journey, about: About) -> None:
    bounds = bounded(journey)
    assert len(bounds) > 30
    for name, field, bound, number in bounds:
        reason, side = REASONS[bound]
        case = (name, field, bound)
        if bound == "minLength" and number == 1:
            # Of nothing at all it is said that it is missing.
            status, errors = about(name, {field: ""})
            assert (status, errors[field]) == (422, [{"field": field, "reason": "REQUIRED"}]), case
            continue
        beyond = number + 1 if side == "maximum" else number - 1
        status, errors = about(name, {field: value(field, bound, beyond)})
        wrong = [{"field": field, "reason": reason, side: number}]
        assert (status, errors[field]) == (422, wrong), case
        _, errors = about(name, {field: value(field, bound, number)})
        assert errors[field] == [], case


REASONS = {
    "minLength": ("TOO_SHORT", "minimum"),
    "maxLength": ("TOO_LONG", "maximum"),
    "minimum": ("TOO_SMALL", "minimum"),
    "maximum": ("TOO_LARGE", "maximum"),
}


def patterned(journey: Journey) -> dict[str, dict[str, str]]:
    """By operation and field, the pattern of each text in a body that has one."""
    found: dict[str, dict[str, str]] = {}
    for name, (_, _, operation) in journey.operations.items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        schema = journey.document["components"]["schemas"][
            body["schema"]["$ref"].rpartition("/")[2]
        ]
        for field, told in schema.get("properties", {}).items():
            one = {**told, **next(iter(told.get("anyOf", [{}])))}
            if one.get("type") == "string" and "pattern" in one:
                found.setdefault(name, {})[field] = one["pattern"]
    return found


# Of a length that suits every bound of a text that may be anything.
PROBES = {
    "letters and signs": "ab \u00e9\u4e2d_.-ef",
    "an emoji": "abcd\U0001f511efgh",
    "U+0000": "abcd\x00efghi",
    "a bell": "abcd\x07efghi",
    "a line": "abcd\nefghi",
    "a mark of direction": "abcd\u202eefghi",
    "a joiner": "abcd\u200cefghi",
    "a joiner beside a blank": "abcd \u200defghi",
    "two joiners": "abcd\u200c\u200cefghi",
}
# What more their services want of them stands in words.
IN_WORDS = {"username", "code", "language"}
NAMED_IN_WORDS = {"create_persona", "update_persona"}


def in_words(name: str, field: str) -> bool:
    return field in IN_WORDS or (field == "name" and name in NAMED_IN_WORDS)


def test_every_pattern_of_the_document_is_the_services_own(journey: Journey, about: About) -> None:
    patterns = patterned(journey)
    assert sum(map(len, patterns.values())) > 50
    told, expected = {}, {}
    for name, fields in patterns.items():
        # Those that are tried out take time, and have the same schema.
        if name == "test_key":
            continue
        for probe, text in PROBES.items():
            fits = {
                field: fit
                for field, pattern in fields.items()
                if not (fit := regex.search(pattern, text) is not None) or not in_words(name, field)
            }
            status, errors = about(name, dict.fromkeys(fits, text))
            for field, fit in fits.items():
                if not fit and not errors[field] and len(fits) > 1:
                    # What is looked at behind the others is told of once they are right.
                    status, alone = about(name, {field: text})
                    errors |= alone
                # Of a name that nothing can have it may be said that nothing has it.
                told[name, field, probe] = bool(errors[field]) or (not fit and status == 404)
                expected[name, field, probe] = not fit
    wrong = {case for case, refused in told.items() if refused != expected[case]}
    assert wrong == set()
