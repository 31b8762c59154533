"""An operator, made by command, over HTTP alone."""

import time
from functools import partial
from pathlib import Path

import pytest

from chassis.testing.eventually import eventually

from .client import SignUp, User
from .stack import Stack


def _is_refused(user: User, path: str) -> bool:
    return user.http.get(f"/api/v1/{path}").status_code == 401


async def test_a_disabled_user_is_out_of_every_service_in_seconds_and_comes_back_enabled(
    stack: Stack, sign_up: SignUp, operator: User
) -> None:
    user = sign_up(stack)
    url = f"/api/v1/admin/users/{user.id}"
    assert user.http.get("/api/v1/admin/users").status_code == 403
    assert user.http.patch(url, json={"role": "operator"}).status_code == 403
    listed = operator.http.get("/api/v1/admin/users", params={"q": user.username}).json()
    assert [(one["id"], one["status"]) for one in listed["items"]] == [(user.id, "active")]

    began = time.monotonic()
    disabled = operator.http.patch(url, json={"status": "disabled"})
    assert (disabled.status_code, disabled.json()["status"]) == (200, "disabled")
    for path in ("me", "notes", "keys", "chat/sessions"):
        await eventually(partial(_is_refused, user, path), 5)
    assert time.monotonic() - began < 5
    with pytest.raises(AssertionError):
        user.log_in()

    operator.http.patch(url, json={"status": "active"})
    user.log_in()
    assert user.http.get("/api/v1/me").status_code == 200
    trail = operator.http.get("/api/v1/admin/audit", params={"user_id": user.id}).json()["items"]
    told = [entry["event"] for entry in reversed(trail)]
    assert told == [
        "user.registered",
        "user.disabled",
        "login.refused",
        "user.enabled",
        "login.opened",
    ]
    assert trail[-1]["ip"] == "127.0.0.1"
    assert {entry["actor_id"] for entry in trail if entry["event"] == "user.disabled"} == {
        operator.id
    }


async def test_an_operator_removes_a_user_and_the_receipt_is_complete(
    stack: Stack, sign_up: SignUp, operator: User
) -> None:
    user = sign_up(stack)
    gone = operator.http.delete(f"/api/v1/admin/users/{user.id}")
    assert gone.status_code == 202
    receipt = f"/api/v1/erasures/{gone.json()['erasure_id']}"
    await eventually(lambda: operator.http.get(receipt).json()["status"] == "completed", 30)
    assert operator.http.delete(f"/api/v1/admin/users/{user.id}").status_code == 404
    own = operator.http.delete(f"/api/v1/admin/users/{operator.id}")
    assert (own.status_code, own.json()["reason"]) == (403, "NOT_YOURSELF")


async def test_a_command_says_what_is_wrong(stack: Stack, tmp_path: Path) -> None:
    nobody = stack.command("auth-service", "make-operator", "nobody-of-that-name")
    assert nobody.returncode == 1
    assert nobody.stderr == "make-operator: there is no active user of that name\n"
    assert stack.command("notes-service", "dead-letters", "list").returncode == 0
    for words in ((), ("auth-service",), ("gateway", "serve"), ("nobody", "list")):
        assert stack.command(*words).returncode == 2
    said = Stack(tmp_path).command("auth-service", "make-operator", "ada")
    assert (said.returncode, "no Parley runs" in said.stderr) == (2, True)
