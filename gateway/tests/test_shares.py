"""Shares over HTTP: what goes to chat-service, and what comes back."""

from typing import Any

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import Kind, RemoteError, Unavailable
from chassis.ids import new_id
from gateway.identity.rate_limit import ShareRateLimit, TooManySharesOpened
from parley.chat.v1 import chat_pb2
from parley.chat.v1 import shares_pb2 as pb

from .door import Door

SESSION, SHARE = str(new_id()), str(new_id())
OF_SESSION = f"/api/v1/chat/sessions/{SESSION}/shares"
MINE = "/api/v1/chat/shares"
TOKEN = "a" * 43
SHARED = f"/api/v1/shares/{TOKEN}"
A_SHARE = pb.Share(
    id=SHARE,
    session_id=SESSION,
    title="About",
    audience=pb.SHARE_AUDIENCE_MEMBERS,
    has_password=True,
    expires_at=Timestamp(seconds=60),
    max_views=5,
    opens=2,
    include_reasoning=True,
    include_files=True,
    message_count=3,
)
SHOWN = {
    "id": SHARE,
    "session_id": SESSION,
    "title": "About",
    "audience": "members",
    "has_password": True,
    "expires_at": "1970-01-01T00:01:00Z",
    "max_views": 5,
    "opens": 2,
    "include_reasoning": True,
    "include_files": True,
    "message_count": 3,
    "created_at": "1970-01-01T00:00:00Z",
    "refreshed_at": "1970-01-01T00:00:00Z",
}
FILE = str(new_id())
CONTENT = bytes(range(256)) * 1024
A_FILE = pb.SharedFile(
    id=FILE,
    name="Plan 计划.txt",
    kind="text",
    media_type="text/plain; charset=utf-8",
    size=len(CONTENT),
)
PAGE = pb.OpenShareResponse(
    title="About",
    message_count=3,
    messages=[
        pb.SharedMessage(role=chat_pb2.MESSAGE_ROLE_USER, content="q", files=[A_FILE]),
        pb.SharedMessage(
            role=chat_pb2.MESSAGE_ROLE_ASSISTANT, content="a", model="m", reasoning="r"
        ),
    ],
    next_cursor="next",
    opening="an-opening",
)

SHOWN_FILE = {
    "id": FILE,
    "name": "Plan 计划.txt",
    "kind": "text",
    "media_type": "text/plain; charset=utf-8",
    "size": len(CONTENT),
}


def asked(door: Door) -> Any:
    """The one call that came."""
    (call,) = door.chat.calls
    door.chat.calls.clear()
    return call


async def test_one_is_asked_for_once_since_its_link_is_in_the_first_answer(door: Door) -> None:
    door.chat.answers["CreateShare"] = Unavailable()
    headers = {**door.bearer, "idempotency-key": "a-key"}
    answer = await door.http.post(OF_SESSION, headers=headers, json={})
    assert answer.status_code == 503
    assert asked(door).method == "CreateShare"


async def test_one_is_made_with_all_that_is_said_of_it_and_its_link_is_shown(door: Door) -> None:
    door.chat.answers["CreateShare"] = pb.CreateShareResponse(share=A_SHARE, token=TOKEN)
    body = {
        "expires_in": 60,
        "password": " open sesame ",
        "audience": "members",
        "max_views": 5,
        "include_reasoning": True,
        "include_files": True,
    }
    headers = {**door.bearer, "idempotency-key": "key-1"}
    response = await door.http.post(OF_SESSION, json=body, headers=headers)
    assert (response.status_code, response.json()) == (
        201,
        {**SHOWN, "token": TOKEN, "url": f"/share/{TOKEN}"},
    )
    call = asked(door)
    assert call.idempotency_key == "key-1"
    assert call.request == pb.CreateShareRequest(
        session_id=SESSION,
        expires_in=60,
        password=" open sesame ",
        audience=pb.SHARE_AUDIENCE_MEMBERS,
        max_views=5,
        include_reasoning=True,
        include_files=True,
    )
    await door.http.post(OF_SESSION, headers=door.bearer)
    assert asked(door).request == pb.CreateShareRequest(
        session_id=SESSION, audience=pb.SHARE_AUDIENCE_LINK
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 1e18}, "expires_in"),
        ({"expires_in": "60"}, "expires_in"),
        ({"max_views": 1_000_001}, "max_views"),
        ({"audience": "all"}, "audience"),
        ({"include_reasoning": 1}, "include_reasoning"),
        ({"tenant_id": str(new_id())}, "tenant_id"),
    ],
)
async def test_what_cannot_be_is_refused_at_the_door(
    door: Door, body: dict[str, Any], field: str
) -> None:
    for call in (
        door.http.post(OF_SESSION, json=body, headers=door.bearer),
        door.http.patch(f"{MINE}/{SHARE}", json=body, headers=door.bearer),
    ):
        response = await call
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == [field]
    assert door.chat.calls == []


@pytest.mark.parametrize("most", [0, 1000])
async def test_how_many_there_may_be_is_told(door: Door, most: int) -> None:
    door.chat.answers["GetShareLimits"] = pb.GetShareLimitsResponse(maximum_shares=most)
    answer = await door.http.get(f"{MINE}/limits", headers=door.bearer)
    assert answer.json() == {"maximum_shares": most}


async def test_they_are_listed_all_or_of_one_conversation(door: Door) -> None:
    answer = pb.ListSharesResponse(items=[A_SHARE], next_cursor="next", total=7)
    door.chat.answers["ListShares"] = answer
    query: dict[str, Any] = {"limit": 3, "cursor": "here", "count": True}
    for path, named in ((MINE, {}), (OF_SESSION, {"session_id": SESSION})):
        response = await door.http.get(path, params=query, headers=door.bearer)
        assert response.json() == {"items": [SHOWN], "next_cursor": "next", "total": 7}
        assert asked(door).request == pb.ListSharesRequest(
            limit=3, cursor="here", count=True, **named
        )


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, {}),
        ({"expires_in": 60}, {"expires_in": 60}),
        ({"expires_in": None, "max_views": None}, {"without_expiry": 1, "without_max_views": 1}),
        ({"password": "another"}, {"password": "another"}),
        ({"password": None, "max_views": 3}, {"without_password": 1, "max_views": 3}),
        ({"audience": "link"}, {"audience": pb.SHARE_AUDIENCE_LINK}),
    ],
)
async def test_what_is_given_is_changed_and_null_takes_away(
    door: Door, body: dict[str, Any], wanted: dict[str, Any]
) -> None:
    door.chat.answers["UpdateShare"] = pb.UpdateShareResponse(share=A_SHARE)
    response = await door.http.patch(f"{MINE}/{SHARE}", json=body, headers=door.bearer)
    assert (response.status_code, response.json()) == (200, SHOWN)
    assert asked(door).request == pb.UpdateShareRequest(id=SHARE, **wanted)


async def test_they_are_refreshed_and_taken_back_one_by_one_or_all(door: Door) -> None:
    door.chat.answers["RefreshShare"] = pb.RefreshShareResponse(share=A_SHARE)
    door.chat.answers["DeleteShare"] = pb.DeleteShareResponse()
    door.chat.answers["DeleteShares"] = pb.DeleteSharesResponse()
    response = await door.http.post(f"{MINE}/{SHARE}/refresh", headers=door.bearer)
    assert (response.status_code, response.json()) == (200, SHOWN)
    assert asked(door).request == pb.RefreshShareRequest(id=SHARE)
    response = await door.http.delete(f"{MINE}/{SHARE}", headers=door.bearer)
    assert (response.status_code, asked(door).request) == (204, pb.DeleteShareRequest(id=SHARE))
    response = await door.http.delete(MINE, headers=door.bearer)
    assert (response.status_code, asked(door).request) == (204, pb.DeleteSharesRequest())


async def test_anybody_opens_one_and_it_is_neither_kept_nor_indexed(door: Door) -> None:
    door.chat.answers["OpenShare"] = PAGE
    response = await door.http.get(SHARED, params={"limit": 2, "cursor": "here"})
    assert (response.status_code, response.json()) == (
        200,
        {
            "title": "About",
            "shared_at": "1970-01-01T00:00:00Z",
            "message_count": 3,
            "messages": [
                {
                    "role": role,
                    "content": content,
                    "reasoning": reasoning,
                    "model": model,
                    "created_at": "1970-01-01T00:00:00Z",
                    "files": files,
                }
                for role, content, reasoning, model, files in (
                    ("user", "q", None, None, [SHOWN_FILE]),
                    ("assistant", "a", "r", "m", []),
                )
            ],
            "next_cursor": "next",
            "opening": "an-opening",
        },
    )
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-robots-tag"] == "noindex, nofollow"
    assert response.headers["referrer-policy"] == "no-referrer"
    call = asked(door)
    assert call.token is None
    assert call.request == pb.OpenShareRequest(
        key=pb.ShareKey(token=TOKEN, client_ip="127.0.0.1"), limit=2, cursor="here"
    )


async def test_a_head_is_answered_as_a_get_and_is_for_a_look(door: Door) -> None:
    door.chat.answers["OpenShare"] = PAGE
    door.chat.answers["OpenShareAsMember"] = pb.OpenShareAsMemberResponse(opened=PAGE)
    door.chat.shared_file = [{"file": A_FILE}, {"chunk": CONTENT}]
    for path in (SHARED, f"{SHARED}/files/{FILE}/content"):
        for bearer in ({}, door.bearer):
            told = await door.http.get(path, headers=bearer)
            call = asked(door).request
            key = getattr(call, "open", getattr(call, "read", call)).key
            assert not key.look
            head = await door.http.head(path, headers=bearer)
            assert (head.status_code, head.content) == (told.status_code, b"")
            assert head.headers["content-type"] == told.headers["content-type"]
            call = asked(door).request
            assert getattr(call, "open", getattr(call, "read", call)).key == pb.ShareKey(
                token=TOKEN, client_ip="127.0.0.1", look=True
            )
    door.chat.answers["OpenShare"] = RemoteError(Kind.NOT_FOUND, "SHARE_NOT_FOUND", "a sentence")
    assert (await door.http.head(SHARED)).status_code == 404


async def test_who_is_logged_in_opens_it_as_a_member(door: Door) -> None:
    door.chat.answers["OpenShareAsMember"] = pb.OpenShareAsMemberResponse(opened=PAGE)
    response = await door.http.get(SHARED, headers=door.bearer)
    assert response.status_code == 200
    call = asked(door)
    assert (call.method, call.token) == (
        "OpenShareAsMember",
        door.bearer["authorization"].removeprefix("Bearer "),
    )
    # A token that is not good is not nobody's.
    response = await door.http.get(SHARED, headers={"Authorization": "Bearer nonsense"})
    assert (response.status_code, door.chat.calls) == (401, [])


@pytest.mark.parametrize(
    ("header", "password"),
    [
        (b"open sesame", "open sesame"),
        (b"%E8%8A%9D%E9%BA%BB%20", "芝麻 "),
        ("芝麻".encode(), "芝麻"),
        (b"100%", "100%"),
        (b"%25", "%"),
    ],
)
async def test_its_password_comes_in_a_header_in_any_script(
    door: Door, header: bytes, password: str
) -> None:
    door.chat.answers["OpenShare"] = PAGE
    headers = {b"X-Share-Password": header, b"X-Share-Opening": b"an-opening"}
    response = await door.http.get(SHARED, headers=headers)
    assert response.status_code == 200
    key = asked(door).request.key
    assert (key.password, key.opening) == (password, "an-opening")


async def test_a_password_that_is_no_text_is_refused(door: Door) -> None:
    response = await door.http.get(SHARED, headers={b"X-Share-Password": b"%ff%fe"})
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "X-Share-Password", "reason": "INVALID"}]


@pytest.mark.parametrize(
    ("kind", "reason", "status"),
    [
        (Kind.NOT_FOUND, "SHARE_NOT_FOUND", 404),
        (Kind.FORBIDDEN, "SHARE_PASSWORD_NEEDED", 403),
        (Kind.FORBIDDEN, "SHARE_PASSWORD_WRONG", 403),
        (Kind.EXHAUSTED, "TOO_MANY_ATTEMPTS", 429),
    ],
)
async def test_a_refusal_is_told_as_it_is(door: Door, kind: Kind, reason: str, status: int) -> None:
    door.chat.answers["OpenShare"] = RemoteError(kind, reason, "a sentence", retry_after=7)
    response = await door.http.get(SHARED)
    assert (response.status_code, response.json()["reason"]) == (status, reason)
    assert response.headers["cache-control"] == "no-store"
    assert TOKEN not in response.text


async def test_an_opening_is_a_view_and_is_tried_once(door: Door) -> None:
    door.chat.answers["OpenShare"] = Unavailable()
    assert (await door.http.get(SHARED)).status_code == 503
    assert [call.method for call in door.chat.calls] == ["OpenShare"]


async def test_a_file_of_it_is_saved_and_neither_kept_nor_shown(own_door: Door) -> None:
    door = own_door
    door.chat.shared_file = [{"file": A_FILE}, {"chunk": CONTENT[:1000]}, {"chunk": CONTENT[1000:]}]
    path = f"{SHARED}/files/{FILE}/content"
    for bearer, method in (({}, "ReadSharedFile"), (door.bearer, "ReadSharedFileAsMember")):
        response = await door.http.get(path, headers={**bearer, "X-Share-Opening": "an-opening"})
        assert (response.status_code, response.content) == (200, CONTENT)
        headers = response.headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert headers["content-disposition"].startswith("attachment; filename=")
        assert headers["content-security-policy"].endswith("sandbox")
        assert headers["content-length"] == str(len(CONTENT))
        assert (headers["etag"], headers["accept-ranges"]) == (f'"{FILE}"', "bytes")
        call = asked(door)
        wanted = pb.ReadSharedFileRequest(
            key=pb.ShareKey(token=TOKEN, opening="an-opening", client_ip="127.0.0.1"), id=FILE
        )
        assert call.method == method
        assert (call.request if bearer == {} else call.request.read) == wanted
    refusal = RemoteError(Kind.NOT_FOUND, "SHARE_NOT_FOUND", "a sentence")
    door.chat.shared_file = refusal
    statuses = [(await door.http.get(path)).status_code for _ in range(301)]
    assert statuses == [404] * 300 + [429]


@pytest.mark.parametrize(
    ("asked_for", "part", "begin", "end"),
    [
        ("bytes=0-0", pb.FilePart(first=0, last=0), 0, 1),
        ("bytes=5-", pb.FilePart(first=5), 5, len(CONTENT)),
        ("bytes=-7", pb.FilePart(last=7), len(CONTENT) - 7, len(CONTENT)),
        ("bytes=9-99999999", pb.FilePart(first=9, last=99_999_999), 9, len(CONTENT)),
    ],
)
async def test_a_part_of_its_file_is_had_by_its_range(
    door: Door, asked_for: str, part: pb.FilePart, begin: int, end: int
) -> None:
    door.chat.shared_file = [{"file": A_FILE}, {"chunk": CONTENT[begin:end]}]
    path = f"{SHARED}/files/{FILE}/content"
    for if_range in ({}, {"If-Range": f'"{FILE}"'}):
        got = await door.http.get(path, headers={"Range": asked_for, **if_range})
        assert (got.status_code, got.content) == (206, CONTENT[begin:end])
        assert got.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(CONTENT)}"
        assert got.headers["etag"] == f'"{FILE}"'
        assert asked(door).request.part == part


async def test_what_is_no_range_of_its_file_is_all_of_it_or_refused(door: Door) -> None:
    door.chat.shared_file = [{"file": A_FILE}, {"chunk": CONTENT}]
    path = f"{SHARED}/files/{FILE}/content"
    for headers in (
        [("Range", "bytes=0-1,4-5")],
        [("Range", "bytes=0-1"), ("Range", "bytes=4-5")],
        [("Range", "bytes=4-1")],
        [("Range", "bytes=0-1"), ("If-Range", '"another"')],
    ):
        got = await door.http.get(path, headers=headers)
        assert (got.status_code, len(got.content)) == (200, len(CONTENT)), headers
        assert not asked(door).request.HasField("part")
    head = await door.http.head(path, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(CONTENT)))
    assert not asked(door).request.HasField("part")
    for more in ({}, {"Range": "bytes=5-"}):
        known = await door.http.get(path, headers={"If-None-Match": f'"{FILE}"', **more})
        assert (known.status_code, known.content) == (304, b"")
        assert not asked(door).request.HasField("part")
    door.chat.shared_file = RemoteError(
        Kind.INVALID, "RANGE_NOT_SATISFIABLE", "a sentence", metadata={"size": "5"}
    )
    refused = await door.http.get(path, headers={"Range": "bytes=5-"})
    assert (refused.status_code, refused.json()["reason"]) == (416, "RANGE_NOT_SATISFIABLE")
    assert refused.headers["content-range"] == "bytes */5"


async def test_a_file_of_it_that_is_cut_is_not_taken_for_the_whole(door: Door) -> None:
    door.chat.shared_file = [{"file": A_FILE}, {"chunk": CONTENT[:1000]}]
    with pytest.raises(httpx.RemoteProtocolError):
        await door.http.get(f"{SHARED}/files/{FILE}/content")


async def test_it_is_forked_once_by_whoever_is_logged_in(door: Door) -> None:
    door.chat.answers["ForkShare"] = pb.ForkShareResponse(session=chat_pb2.Session(id=SESSION))
    headers = {**door.bearer, "Idempotency-Key": "key-1", "X-Share-Opening": "an-opening"}
    response = await door.http.post(f"{SHARED}/fork", headers=headers)
    assert (response.status_code, response.json()["id"]) == (201, SESSION)
    call = asked(door)
    assert call.idempotency_key == "key-1"
    assert call.request == pb.ForkShareRequest(
        key=pb.ShareKey(token=TOKEN, opening="an-opening", client_ip="127.0.0.1")
    )
    assert (await door.http.post(f"{SHARED}/fork")).status_code == 401
    assert door.chat.calls == []


def test_an_address_opens_so_many_a_minute_and_misses_fewer() -> None:
    limit = ShareRateLimit()
    for _ in range(300):
        limit.count("192.0.2.1")
        limit.note_miss("192.0.2.1")
    with pytest.raises(TooManySharesOpened) as refused:
        limit.count("192.0.2.1")
    assert refused.value.retry_after in range(1, 62)
    for number in range(1200):
        limit.count(f"2001:db8::{number:x}")
    with pytest.raises(TooManySharesOpened):
        limit.count("2001:db8::ffff")


def test_of_an_ipv6_network_all_misses_are_of_one() -> None:
    limit = ShareRateLimit()
    for number in range(300):
        limit.note_miss(f"2001:db8::{number:x}")
    with pytest.raises(TooManySharesOpened):
        limit.count("2001:db8::ffff")
    limit.count("2001:db8:0:1::1")


async def test_who_looks_for_links_is_sent_away(own_door: Door) -> None:
    door = own_door
    missing = RemoteError(Kind.NOT_FOUND, "SHARE_NOT_FOUND", "a sentence")
    door.chat.answers |= {"OpenShare": missing, "ForkShare": missing}
    door.chat.shared_file = missing
    ways: list[tuple[str, str, dict[str, str]]] = [
        ("GET", SHARED, {}),
        ("GET", f"{SHARED}/files/{FILE}/content", {}),
        ("POST", f"{SHARED}/fork", door.bearer),
    ]

    async def look() -> list[int]:
        answers = [await door.http.request(how, path, headers=head) for how, path, head in ways]
        return [answer.status_code for answer in answers]

    # Whichever way they look, it is one count.
    assert [await look() for _ in range(101)] == [[404] * 3] * 100 + [[429] * 3]
    assert len(door.chat.calls) == 300
