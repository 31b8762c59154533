"""What is open when its login ends, before the services themselves."""

import time
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest

from chassis.testing.eventually import eventually

from .client import PASSWORD, SignUp, User
from .stack import Stack

Way = Callable[[User, User], httpx.Response]


def _log_out(elsewhere: User, _here: User) -> httpx.Response:
    return elsewhere.http.post("/api/v1/auth/logout")


def _change_password(_elsewhere: User, here: User) -> httpx.Response:
    body = {"old_password": PASSWORD, "new_password": f"{PASSWORD} 2"}
    return here.http.put("/api/v1/password", json=body)


def _revoke_it(_elsewhere: User, here: User) -> httpx.Response:
    logins = here.http.get("/api/v1/me/logins").json()["items"]
    [other] = [login["id"] for login in logins if not login["current"]]
    return here.http.delete(f"/api/v1/me/logins/{other}")


@pytest.mark.parametrize("way", [_log_out, _change_password, _revoke_it])
async def test_the_end_of_a_login_ends_its_streams_within_5_seconds_and_no_run(
    stack: Stack, sign_up: SignUp, way: Way
) -> None:
    here = sign_up(stack)
    here.create_key(stack.model_url, "tokens-300-at-20")
    session_id = here.create_session()
    with closing(here.again()) as elsewhere:
        with elsewhere.http.stream(
            "POST",
            f"/api/v1/chat/sessions/{session_id}/messages",
            json={"content": "Go on, whoever listens."},
            headers={"Accept": "text/event-stream"},
        ) as answer:
            lines = answer.iter_lines()
            while "event: delta" not in next(lines):
                pass
            ended = way(elsewhere, here)
            assert ended.status_code == 204, ended.text
            began = time.monotonic()
            rest = list(lines)
            took = time.monotonic() - began
        assert took < 5
        assert ": logged out" in rest
        assert not any(line in ("event: done", "event: error") for line in rest)
        assert elsewhere.http.get("/api/v1/me").status_code == 401

    def saved() -> bool:
        # The login that goes on, with the token that it had.
        return [message["status"] for message in here.messages(session_id)][1:] == ["completed"]

    await eventually(saved, timeout=30, ignoring=(httpx.TransportError,))
