"""Codes, forgotten passwords and profiles, as they come and go at the door."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, FieldError, Kind, ValidationFailed
from parley.auth.v1 import auth_pb2

from .door import Door

CLIENT = auth_pb2.Client(ip="127.0.0.1", user_agent="test/1")
AGENT = {"user-agent": "test/1"}
USER = auth_pb2.User(
    id="u1",
    tenant_id="t1",
    username="ada",
    email="ada@example.org",
    role=auth_pb2.ROLE_USER,
    created_at=Timestamp(seconds=1_700_000_000),
    email_verified=True,
    display_name="Ada",
)
SHOWN_PROFILE = {
    "id": "u1",
    "tenant_id": "t1",
    "username": "ada",
    "email": "ada@example.org",
    "role": "user",
    "created_at": "2023-11-14T22:13:20Z",
    "last_login_at": None,
    "email_verified": True,
    "display_name": "Ada",
}


class TooManyAttempts(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_ATTEMPTS"
    detail = "That has been tried too often; try again later."


async def test_a_code_is_sent_for_and_the_answer_says_nothing(door: Door) -> None:
    door.auth.answers["SendCode"] = auth_pb2.SendCodeResponse()
    for purpose, asked in (
        ("register", auth_pb2.CODE_PURPOSE_REGISTER),
        ("password_reset", auth_pb2.CODE_PURPOSE_PASSWORD_RESET),
    ):
        body = {"email": "ada@example.org", "purpose": purpose}
        response = await door.http.post("/api/v1/auth/send-code", json=body, headers=AGENT)
        assert (response.status_code, response.content) == (202, b"")
        assert door.auth.calls[-1].request == auth_pb2.SendCodeRequest(
            email="ada@example.org", purpose=asked, client=CLIENT
        )


async def test_a_code_is_verified(door: Door) -> None:
    body = {"email": "ada@example.org", "code": "012345", "purpose": "password_reset"}
    for valid in (True, False):
        door.auth.answers["VerifyCode"] = auth_pb2.VerifyCodeResponse(valid=valid)
        response = await door.http.post("/api/v1/auth/verify-code", json=body, headers=AGENT)
        assert (response.status_code, response.json()) == (200, {"valid": valid})
    assert door.auth.calls[-1].request == auth_pb2.VerifyCodeRequest(
        email="ada@example.org",
        code="012345",
        purpose=auth_pb2.CODE_PURPOSE_PASSWORD_RESET,
        client=CLIENT,
    )


async def test_a_password_is_reset(door: Door) -> None:
    door.auth.answers["ResetPassword"] = auth_pb2.ResetPasswordResponse()
    body = {"email": "ada@example.org", "code": "012345", "new_password": "battery staple"}
    response = await door.http.post("/api/v1/auth/reset-password", json=body, headers=AGENT)
    assert (response.status_code, response.content) == (204, b"")
    assert door.auth.calls[-1].request == auth_pb2.ResetPasswordRequest(**body, client=CLIENT)


async def test_registering_passes_the_code_on_if_there_is_one(door: Door) -> None:
    grant = auth_pb2.Grant(user=USER, access_token="at", token_type="Bearer", expires_in=300)
    door.auth.answers["Register"] = auth_pb2.RegisterResponse(grant=grant)
    body = {"username": "ada", "email": "ada@example.org", "password": "correct horse"}
    for code in ({"code": "012345"}, {"code": None}, {}):
        response = await door.http.post("/api/v1/auth/register", json={**body, **code})
        assert response.status_code == 201
    passed_on = [call.request for call in door.auth.calls]
    assert [request.HasField("code") for request in passed_on] == [True, False, False]
    assert passed_on[0].code == "012345"


async def test_who_is_refused_by_a_limit_is_told_when_to_come_back(door: Door) -> None:
    door.auth.answers["SendCode"] = TooManyAttempts(retry_after=421)
    body = {"email": "ada@example.org", "purpose": "register"}
    response = await door.http.post("/api/v1/auth/send-code", json=body)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "421"
    assert response.headers["ratelimit"] == '"too-many-attempts";r=0;t=421'
    assert response.json()["reason"] == "TOO_MANY_ATTEMPTS"
    assert "ada@" not in response.text


async def test_the_profile_is_shown_and_what_is_given_of_it_is_changed(door: Door) -> None:
    door.auth.answers |= {
        "GetMe": auth_pb2.GetMeResponse(user=USER),
        "UpdateMe": auth_pb2.UpdateMeResponse(user=USER),
    }
    shown = await door.http.get("/api/v1/profile", headers=door.bearer)
    assert (shown.status_code, shown.json()) == (200, SHOWN_PROFILE)
    for body in (
        {},
        {"display_name": ""},
        {"email": "a@b.c", "password": "correct horse", "code": "012345"},
    ):
        changed = await door.http.patch("/api/v1/profile", json=body, headers=door.bearer)
        assert (changed.status_code, changed.json()) == (200, SHOWN_PROFILE)
        call = door.auth.calls[-1]
        assert (call.request, call.token) == (auth_pb2.UpdateMeRequest(**body), door.caller.token)
        assert {field.name for field, _ in call.request.ListFields()} == body.keys()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/auth/send-code", {"email": "a@b.c", "purpose": "register"}),
        (
            "POST",
            "/auth/verify-code",
            {"email": "a@b.c", "code": "012345", "purpose": "register"},
        ),
        ("POST", "/auth/reset-password", {"email": "a@b.c", "code": "0", "new_password": "p"}),
        ("PATCH", "/profile", {"display_name": "Ada"}),
    ],
)
async def test_fields_that_nobody_asked_for_are_refused(
    door: Door, method: str, path: str, body: dict[str, Any]
) -> None:
    for field in ("role", "tenant_id", "user_id", "username", "email_verified", "status"):
        response = await door.http.request(
            method, f"/api/v1{path}", json={**body, field: "operator"}, headers=door.bearer
        )
        assert response.status_code == 422
        assert response.json()["errors"] == [{"field": field, "reason": "UNKNOWN_FIELD"}]
        assert "operator" not in response.text
    for field in body:
        response = await door.http.request(
            method, f"/api/v1{path}", json={**body, field: 7}, headers=door.bearer
        )
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == [field]
    assert door.auth.calls == []


async def test_another_purpose_is_refused_and_not_repeated(door: Door) -> None:
    body = {"email": "ada@example.org", "purpose": "world_domination"}
    response = await door.http.post("/api/v1/auth/send-code", json=body)
    assert response.json()["errors"] == [{"field": "purpose", "reason": "NOT_ONE_OF"}]
    assert "domination" not in response.text


async def test_what_auth_service_refuses_is_said_by_field(door: Door) -> None:
    fields = [FieldError("email", "INVALID"), FieldError("code", "INVALID")]
    door.auth.answers["VerifyCode"] = ValidationFailed(fields=fields)
    body = {"email": "nowhere", "code": "x", "purpose": "register"}
    response = await door.http.post("/api/v1/auth/verify-code", json=body)
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": "email", "reason": "INVALID"},
        {"field": "code", "reason": "INVALID"},
    ]
    assert "nowhere" not in response.text
