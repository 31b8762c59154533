"""Logins and passwords over REST."""

from google.protobuf.timestamp_pb2 import Timestamp

from parley.auth.v1 import auth_pb2

from .door import Door

ID = "01900000-0000-7000-8000-000000000009"
WHEN = Timestamp(seconds=1_700_000_000)


async def test_logins_are_listed_and_ended_one_by_one_or_all_at_once(door: Door) -> None:
    login = auth_pb2.Login(
        id=ID,
        ip="192.0.2.7",
        user_agent="a browser",
        created_at=WHEN,
        last_used_at=WHEN,
        expires_at=WHEN,
        current=True,
    )
    door.auth.answers |= {
        "ListLogins": auth_pb2.ListLoginsResponse(items=[login], next_cursor="c", total=7),
        "RevokeLogin": auth_pb2.RevokeLoginResponse(),
        "RevokeLogins": auth_pb2.RevokeLoginsResponse(),
    }
    listed = await door.http.get(
        "/api/v1/me/logins?limit=5&cursor=b&count=true", headers=door.bearer
    )
    assert listed.json() == {
        "items": [
            {
                "id": ID,
                "ip": "192.0.2.7",
                "user_agent": "a browser",
                "created_at": "2023-11-14T22:13:20Z",
                "last_used_at": "2023-11-14T22:13:20Z",
                "expires_at": "2023-11-14T22:13:20Z",
                "current": True,
            }
        ],
        "next_cursor": "c",
        "total": 7,
    }
    one = await door.http.delete(f"/api/v1/me/logins/{ID}", headers=door.bearer)
    cookie = {"cookie": "__Host-parley_refresh=rt"}
    all_ = await door.http.delete("/api/v1/me/logins", headers={**door.bearer, **cookie})
    assert (one.status_code, all_.status_code) == (204, 204)
    assert 'refresh=""' in all_.headers["set-cookie"]
    assert [call.request for call in door.auth.calls if call.token] == [
        auth_pb2.ListLoginsRequest(limit=5, cursor="b", count=True),
        auth_pb2.RevokeLoginRequest(id=ID),
        auth_pb2.RevokeLoginsRequest(),
    ]


async def test_a_password_is_changed(door: Door) -> None:
    door.auth.answers["ChangePassword"] = auth_pb2.ChangePasswordResponse()
    body = {"old_password": "old", "new_password": "new"}
    response = await door.http.put("/api/v1/password", json=body, headers=door.bearer)
    assert (response.status_code, response.content) == (204, b"")
    call = door.auth.calls[-1]
    assert (call.request, call.token) == (
        auth_pb2.ChangePasswordRequest(**body),
        door.caller.token,
    )
    unknown = await door.http.put(
        "/api/v1/password", json={**body, "user_id": "x"}, headers=door.bearer
    )
    assert unknown.status_code == 422
