"""What ends logins, before the services themselves: all that they have open ends as well.

What is done is done at one gateway; the streams and sockets hang on another.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from copy import copy
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chassis.testing.eventually import eventually

from .client import PASSWORD, SignUp, User
from .held import Held, hold
from .stack import Stack
from .traces import redis_keys, rows_about

BAR_SECONDS = 5.0


@dataclass(frozen=True)
class People:
    """Two logins of one user, ``there`` being the one that has begun the run, and an operator."""

    here: User
    there: User
    operator: User


Way = Callable[[People], None]


def _is(status: int, answer: httpx.Response) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


# What ends `there`, and leaves `here` as it is.


def _log_out(people: People) -> None:
    _is(204, people.there.http.post("/api/v1/auth/logout"))


def _change_password(people: People) -> None:
    body = {"old_password": PASSWORD, "new_password": f"{PASSWORD} 2"}
    _is(204, people.here.http.put("/api/v1/password", json=body))


def _revoke_it(people: People) -> None:
    logins = _is(200, people.here.http.get("/api/v1/me/logins"))["items"]
    [other] = [login["id"] for login in logins if not login["current"]]
    _is(204, people.here.http.delete(f"/api/v1/me/logins/{other}"))


def _reuse_its_refresh_token(people: People) -> None:
    def refresh(token: str) -> httpx.Response:
        return people.there.http.post("/api/v1/auth/refresh", json={"refresh_token": token})

    first = people.there.grant["refresh_token"]
    second = _is(200, refresh(first))["refresh_token"]
    _is(200, refresh(second))
    _is(401, refresh(first))


def _delete_token(people: People) -> None:
    [token] = _is(200, people.here.http.get("/api/v1/tokens"))["items"]
    _is(204, people.here.http.delete(f"/api/v1/tokens/{token['id']}"))


# What ends both.


def _revoke_all(people: People) -> None:
    _is(204, people.here.http.delete("/api/v1/me/logins"))


def _disable(people: People) -> None:
    _change(people, status="disabled")


def _demote(people: People) -> None:
    _change(people, role="user")


def _change(people: People, **change: str) -> None:
    _is(200, people.operator.http.patch(f"/api/v1/admin/users/{people.here.id}", json=change))


# What ends the user.


def _delete_oneself(people: People) -> None:
    _is(202, people.here.http.request("DELETE", "/api/v1/me", json={"password": PASSWORD}))


def _be_deleted(people: People) -> None:
    _is(202, people.operator.http.delete(f"/api/v1/admin/users/{people.here.id}"))


def _with_a_token(user: User) -> User:
    """The same user as a program that has a personal access token."""
    body = {"name": "a program", "scopes": ["chat:read", "chat:write", "keys:read", "notes:read"]}
    token = _is(201, user.http.post("/api/v1/tokens", json=body))["token"]
    program = copy(user)
    program.http = httpx.Client(
        base_url=user.http.base_url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        verify=False,
    )
    return program


@dataclass(frozen=True)
class Scene:
    """A run goes on without end, begun by one login; both of them see it, live."""

    people: People
    session_id: str
    lost: Held
    kept: Held

    async def end(self, way: Way, *ended: Held) -> None:
        """Go that way, while everything is live; all that is ``ended`` by it is over in time."""
        await asyncio.gather(self.lost.is_live(), self.kept.is_live())
        await asyncio.to_thread(way, self.people)
        began = time.monotonic()
        took = await asyncio.gather(*(held.ended_after(began) for held in ended))
        print(f"{way.__name__}: {took}")
        assert all(seconds < BAR_SECONDS for each in took for seconds in each.values()), took

    async def cancel(self) -> None:
        """End the run; what there is of its answer is saved."""
        http = self.people.here.http
        _is(202, http.post(f"/api/v1/chat/runs/{self.lost.run_id}/cancel"))

        def saved() -> bool:
            messages = self.people.here.messages(self.session_id)
            return [message["status"] for message in messages][1:] == ["cancelled"]

        await eventually(saved)


@asynccontextmanager
async def _scene(
    stack: Stack, here: User, operator: User, enter: Callable[[User], User] = User.again
) -> AsyncIterator[Scene]:
    here.create_key(stack.model_url, "endless-at-50")
    session_id = here.create_session()
    with closing(enter(here)) as there:
        question = f"sessions/{session_id}/messages", "Go on, whoever listens."
        async with (
            hold(stack.gateways, there, *question) as lost,
            hold(stack.gateways, here, f"runs/{lost.run_id}/events") as kept,
        ):
            yield Scene(People(here, there, operator), session_id, lost, kept)


def _were_told(held: Held) -> None:
    assert (held.stream.farewell, held.socket.farewell) == (": logged out", 4401)
    for line in (held.stream, held.socket):
        assert not {"done", "error"} & set(line.events)


@pytest.mark.parametrize(
    ("way", "enter"),
    [
        (_log_out, User.again),
        pytest.param(_change_password, User.again, marks=pytest.mark.slow),
        pytest.param(_revoke_it, User.again, marks=pytest.mark.slow),
        pytest.param(_reuse_its_refresh_token, User.again, marks=pytest.mark.slow),
        (_delete_token, _with_a_token),
    ],
)
async def test_the_end_of_a_login_ends_what_it_has_open_and_neither_its_run_nor_another_login(
    stack: Stack, sign_up: SignUp, operator: User, way: Way, enter: Callable[[User], User]
) -> None:
    async with _scene(stack, sign_up(stack), operator, enter) as scene:
        await scene.end(way, scene.lost)
        _were_told(scene.lost)

        await scene.kept.is_live()
        await scene.cancel()
        lines = (scene.kept.stream, scene.kept.socket)
        await eventually(lambda: [line.events[-1] for line in lines] == ["done", "done"])
        assert scene.kept.socket.ended_at is None


@pytest.mark.parametrize(
    "way",
    [_revoke_all, *(pytest.param(way, marks=pytest.mark.slow) for way in (_disable, _demote))],
)
async def test_the_end_of_all_logins_ends_what_they_have_open_and_not_the_run(
    stack: Stack, sign_up: SignUp, operator: User, way: Way
) -> None:
    here = sign_up(stack)
    _is(200, operator.http.patch(f"/api/v1/admin/users/{here.id}", json={"role": "tenant_admin"}))
    here.log_in()
    async with _scene(stack, here, operator) as scene:
        await scene.end(way, scene.lost, scene.kept)
        for held in (scene.lost, scene.kept):
            _were_told(held)

        _change(scene.people, status="active")
        here.log_in()
        events = f"runs/{scene.lost.run_id}/events"
        async with hold(stack.gateways, here, events) as afterwards:
            await afterwards.is_live()
            await scene.cancel()


@pytest.mark.slow
@pytest.mark.parametrize("way", [_delete_oneself, _be_deleted])
async def test_the_end_of_a_user_ends_what_they_have_open_and_the_run(
    stack: Stack, sign_up: SignUp, operator: User, way: Way
) -> None:
    def given_up() -> int:
        counters = httpx.get(stack.model_url.removesuffix("/v1") + "/counters", verify=False).json()
        count: int = counters["closed_by_client"]
        return count

    keys = redis_keys(stack)
    async with _scene(stack, sign_up(stack), operator) as scene:
        before = given_up()
        assert redis_keys(stack) - keys
        await scene.end(way, scene.lost, scene.kept)

        # Nobody asks the model to go on, and of what it has said there is nothing left.
        await eventually(lambda: given_up() > before, 30)
        await eventually(lambda: not redis_keys(stack) - keys, 30)
        await eventually(lambda: not rows_about(stack, "chat", scene.session_id), 30)
