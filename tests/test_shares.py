"""Sharing over HTTP alone: owner, strangers, members, and what none of them is to see."""

import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from chassis.testing.eventually import eventually

from .client import PASSWORD, SignUp, User
from .stack import Stack

API = "/api/v1"


@pytest.fixture
def ada(stack: Stack, sign_up: SignUp) -> User:
    user = sign_up(stack)
    user.create_key(stack.model_url, "echo")
    return user


def _asked(user: User, question: str = "What is shared?") -> str:
    session = user.create_session(title="A conversation")
    user.ask(session, question)
    return session


def _share(user: User, session: str, **body: Any) -> dict[str, Any]:
    answer = user.http.post(f"{API}/chat/sessions/{session}/shares", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _open(gateway: str, made: dict[str, Any], **headers: str) -> httpx.Response:
    """As somebody without an account."""
    return httpx.get(
        f"{gateway}{API}/shares/{made['token']}", headers=headers, timeout=30, verify=False
    )


def test_what_was_not_shared_is_nowhere_in_a_share(
    stack: Stack, ada: User, sign_up: SignUp
) -> None:
    """A canary in each place, and all that readers can get searched for it."""
    hidden = {
        place: f"canary-{secrets.token_hex(8)}"
        for place in (
            *("persona", "prompt", "instructions", "own", "key", "folder", "variant", "question"),
            *("other", "file", "file-name"),
        )
    }
    http = ada.http
    key = ada.create_key(stack.model_url, "echo", name=hidden["key"])
    persona = {"name": hidden["persona"], "title": "p", "prompt": hidden["prompt"]}
    assert http.post(f"{API}/chat/personas", json=persona).status_code == 201
    own = http.patch(f"{API}/me/settings", json={"instructions": hidden["own"]})
    assert own.status_code == 200
    session = ada.create_session(
        title="Shown",
        persona=hidden["persona"],
        instructions=hidden["instructions"],
        folder=hidden["folder"],
        key_id=key["id"],
    )
    ada.ask(session, hidden["question"])
    question, answer = ada.messages(session)
    messages = f"{API}/chat/sessions/{session}/messages"
    edited = http.post(f"{messages}/{answer['id']}/edit", json={"content": hidden["variant"]})
    assert edited.status_code == 200, edited.text
    asked = http.post(f"{messages}/{question['id']}/edit", json={"content": "shown question"})
    assert asked.status_code == 200, asked.text
    ada.ask(_asked(ada, hidden["other"]), hidden["other"])
    # The answer that is shown has been thought about, and its question has a file.
    sent = http.post(
        f"{API}/files", files={"file": (f"{hidden['file-name']}.txt", hidden["file"].encode())}
    )
    assert sent.status_code == 201, sent.text
    ada.ask(session, "and?", model="reasoning-5", attachments=[sent.json()["id"]])
    thought = ada.messages(session)[-1]["reasoning"]
    assert thought
    made = _share(ada, session)

    def texts() -> list[str]:
        # Whatever a reader can ask for.
        reader = sign_up(stack)
        forked = reader.http.post(f"{API}/shares/{made['token']}/fork")
        assert forked.status_code == 201, forked.text
        copy = f"{API}/chat/sessions/{forked.json()['id']}"
        theirs = [copy, f"{copy}/messages?path=all", f"{copy}/shares", f"{API}/chat/shares"]
        seen = [reader.http.get(path) for path in theirs]
        assert [answer.status_code for answer in seen] == [200] * len(theirs)
        opened = [_open(stack.url, made), reader.http.get(f"{API}/shares/{made['token']}")]
        return [
            json.dumps(dict(answer.headers)) + json.dumps(answer.json(), ensure_ascii=False)
            for answer in (*opened, forked, *seen)
        ]

    for text in texts():
        found = [place for place, canary in hidden.items() if canary in text]
        assert found == []
        # What a scripted model thinks is what it says: it is looked for where it would stand.
        assert thought not in re.findall(r'"reasoning": "([^"]*)"', text)
        ids = (ada.id, key["id"], session, answer["id"], sent.json()["id"])
        for whose in (ada.username, ada.email, *ids):
            assert whose not in text
    shown = _open(stack.url, made).json()
    assert shown["messages"][0]["content"] == "shown question"
    assert shown["messages"][-1]["model"] == "reasoning-5"


def test_files_are_read_by_whoever_opens_their_share_and_by_nobody_else(
    stack: Stack, ada: User, sign_up: SignUp
) -> None:
    content = secrets.token_hex(8).encode()
    sent = ada.http.post(f"{API}/files", files={"file": ("<b>.txt", content)})
    assert sent.status_code == 201, sent.text
    file_id = sent.json()["id"]
    session = ada.create_session(title="With a file")
    ada.ask(session, "and?", attachments=[file_id])
    made = _share(ada, session, include_files=True, password="open sesame")
    silent = _share(ada, session)
    assert (made["include_files"], silent["include_files"]) == (True, False)
    right = {"X-Share-Password": "open sesame"}
    shared = _open(stack.url, made, **right).json()
    (shown,) = shared["messages"][0]["files"]
    assert (shown["name"], shown["kind"], shown["size"]) == ("<b>.txt", "text", len(content))
    assert file_id not in json.dumps(shared)
    assert _open(stack.url, silent).json()["messages"][0]["files"] == []

    def read(made: dict[str, Any], gateway: str = stack.url, **headers: str) -> httpx.Response:
        path = f"{API}/shares/{made['token']}/files/{shown['id']}/content"
        return httpx.get(f"{gateway}{path}", headers=headers, timeout=30, verify=False)

    opening = {"X-Share-Opening": shared["opening"]}
    for gateway in stack.gateways:
        answer = read(made, gateway, **opening)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"].startswith("noindex")
    assert read(made).json()["reason"] == "SHARE_PASSWORD_NEEDED"
    assert read(silent).json()["reason"] == "FILE_NOT_FOUND"
    # Not by the file's own route, whoever asks, and no copy has it.
    reader = sign_up(stack)
    for known in (shown["id"], file_id):
        assert reader.http.get(f"{API}/files/{known}/content").status_code == 404
    forked = reader.http.post(f"{API}/shares/{made['token']}/fork", headers=opening)
    assert reader.messages(forked.json()["id"])[0]["attachments"] == []
    some = read(made, stack.gateways[1], Range="bytes=3-", **opening)
    assert (some.status_code, some.content) == (206, content[3:])
    assert some.headers["content-range"] == f"bytes 3-{len(content) - 1}/{len(content)}"
    rest = {**opening, "Range": "bytes=-2", "If-Range": some.headers["etag"]}
    assert read(made, **rest).content == content[-2:]
    nothing = read(made, Range=f"bytes={len(content)}-", **right)
    assert (nothing.status_code, nothing.json()["reason"]) == (416, "RANGE_NOT_SATISFIABLE")
    assert nothing.headers["content-range"] == f"bytes */{len(content)}"
    for path in ("", f"/files/{shown['id']}/content"):
        url = f"{stack.url}{API}/shares/{made['token']}{path}"
        look = httpx.head(url, headers=right, timeout=30, verify=False)
        assert (look.status_code, look.content) == (200, b"")
    views = {
        share["id"]: share["opens"] for share in ada.http.get(f"{API}/chat/shares").json()["items"]
    }
    assert views[made["id"]] == 1
    assert ada.http.delete(f"{API}/files/{file_id}").status_code == 204
    assert read(made, **opening).json()["reason"] == "FILE_NOT_FOUND"
    assert _open(stack.url, made, **opening).json()["messages"][0]["files"] == []
    assert ada.http.delete(f"{API}/chat/shares/{made['id']}").status_code == 204
    gone, never = read(made, **opening), read({"token": secrets.token_urlsafe(32)})
    told = [{**answer.json(), "request_id": ""} for answer in (gone, never)]
    assert (told[0], told[0]["reason"]) == (told[1], "SHARE_NOT_FOUND")


def test_a_share_that_is_taken_back_is_gone_at_each_gateway(stack: Stack, ada: User) -> None:
    session = _asked(ada)
    made, other = _share(ada, session), _share(ada, session)
    for gateway in stack.gateways:
        assert _open(gateway, made).status_code == 200
    assert ada.http.delete(f"{API}/chat/shares/{made['id']}").status_code == 204
    assert {_open(gateway, made).status_code for gateway in stack.gateways} == {404}
    assert ada.http.delete(f"{API}/chat/shares").status_code == 204
    gone = [_open(gateway, other) for gateway in stack.gateways]
    never = _open(stack.url, {"token": secrets.token_urlsafe(32)})
    told = [{**answer.json(), "request_id": ""} for answer in (*gone, never)]
    assert told[0] == told[1] == told[2]
    assert ada.http.get(f"{API}/chat/shares").json()["items"] == []


def test_one_for_members_is_for_nobody_else(stack: Stack, ada: User, sign_up: SignUp) -> None:
    made = _share(ada, _asked(ada), audience="members")
    assert _open(stack.url, made).status_code == 404
    assert sign_up(stack).http.get(f"{API}/shares/{made['token']}").status_code == 200
    assert _open(stack.url, made, Authorization="Bearer nonsense").status_code == 401


def test_views_are_counted_exactly_and_passwords_asked_for(stack: Stack, ada: User) -> None:
    session = _asked(ada)
    made = _share(ada, session, max_views=5)
    with ThreadPoolExecutor(50) as readers:
        gateways = [stack.gateways[number % 2] for number in range(50)]
        statuses = [
            answer.status_code for answer in readers.map(lambda at: _open(at, made), gateways)
        ]
    assert (statuses.count(200), statuses.count(404)) == (5, 45)
    locked = _share(ada, session, password="芝麻开门")
    assert _open(stack.url, locked).json()["reason"] == "SHARE_PASSWORD_NEEDED"
    wrong = [
        _open(stack.gateways[number % 2], locked, **{"X-Share-Password": f"wrong-{number}"})
        for number in range(100)
    ]
    reasons = [answer.json()["reason"] for answer in wrong]
    assert reasons.count("SHARE_PASSWORD_WRONG") == 10
    assert reasons.count("TOO_MANY_ATTEMPTS") == 90
    assert int(wrong[-1].headers["retry-after"]) > 0
    other = _share(ada, session, password="芝麻开门")
    right = {"X-Share-Password": "%E8%8A%9D%E9%BA%BB%E5%BC%80%E9%97%A8"}
    assert _open(stack.url, other, **right).status_code == 200
    opens = {
        share["id"]: share["opens"] for share in ada.http.get(f"{API}/chat/shares").json()["items"]
    }
    assert opens == {made["id"]: 5, locked["id"]: 0, other["id"]: 1}


async def test_a_share_that_has_expired_opens_no_more_until_it_is_given_time(
    stack: Stack, ada: User
) -> None:
    made = _share(ada, _asked(ada), expires_in=1)
    path = f"{API}/chat/shares/{made['id']}"

    def is_over() -> bool:
        return _open(stack.url, made).status_code == 404

    await eventually(is_over)
    assert ada.http.patch(path, json={"expires_in": 3600}).status_code == 200
    assert _open(stack.url, made).status_code == 200


async def test_with_its_owner_a_share_goes(stack: Stack, ada: User) -> None:
    made = _share(ada, _asked(ada))
    gone = ada.http.request("DELETE", f"{API}/me", json={"password": PASSWORD})
    assert gone.status_code == 202, gone.text

    def is_gone() -> bool:
        return {_open(gateway, made).status_code for gateway in stack.gateways} == {404}

    await eventually(is_gone, 5.0)

    def is_erased() -> bool:
        return not stack.query(
            "SELECT 1 FROM shares WHERE user_id = %s UNION ALL"
            " SELECT 1 FROM share_messages WHERE user_id = %s",
            ada.id,
            ada.id,
        )

    await eventually(is_erased, 60.0)
