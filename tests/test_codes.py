"""A password forgotten and set anew, over HTTP alone; the code is read where it is sent to."""

import json

import httpx

from chassis.ids import new_id
from chassis.testing.eventually import eventually

from .stack import Stack

OLD, NEW = "correct horse battery staple", "another battery staple"


def codes_to(stack: Stack, email: str) -> list[str]:
    """The codes on auth-service's console."""
    told = (json.loads(line) for line in stack.output.splitlines() if "code.on_console" in line)
    return [line["code"] for line in told if line["to"] == email]


async def newest_code(stack: Stack, email: str, count: int) -> str:
    await eventually(lambda: len(codes_to(stack, email)) == count)
    return codes_to(stack, email)[-1]


async def test_a_forgotten_password_is_set_anew_and_whoever_had_the_account_is_out(
    stack: Stack,
) -> None:
    name = f"u-{new_id().hex[-20:]}"
    email = f"{name}@example.com"
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", timeout=30, verify=False) as http:

        async def send(purpose: str, count: int) -> str:
            body = {"email": email, "purpose": purpose}
            sent = await http.post("/auth/send-code", json=body)
            assert (sent.status_code, sent.content) == (202, b"")
            return await newest_code(stack, email, count)

        body = {"username": name, "email": email, "password": OLD}
        code = await send("register", 1)
        registered = await http.post("/auth/register", json={**body, "code": code})
        assert registered.status_code == 201, registered.text
        thief = registered.json()
        bearer = {"authorization": f"Bearer {thief['access_token']}"}
        profile = (await http.get("/profile", headers=bearer)).json()
        assert (profile["email"], profile["email_verified"]) == (email, True)
        named = await http.patch("/profile", json={"display_name": "Ada"}, headers=bearer)
        assert named.json() == {**profile, "display_name": "Ada"}

        code = await send("password_reset", 2)
        verify = {"email": email, "code": code, "purpose": "password_reset"}
        assert (await http.post("/auth/verify-code", json=verify)).json() == {"valid": True}
        reset = {"email": email, "code": code, "new_password": NEW}
        assert (await http.post("/auth/reset-password", json=reset)).status_code == 204
        again = await http.post("/auth/reset-password", json=reset)
        assert (again.status_code, again.json()["reason"]) == (422, "INVALID_CODE")

        refresh = {"refresh_token": thief["refresh_token"]}
        assert (await http.post("/auth/refresh", json=refresh)).status_code == 401

        async def is_out() -> bool:
            return (await http.get("/me", headers=bearer)).status_code == 401

        await eventually(is_out, 5)
        for identifier, password, status in ((name, OLD, 401), (email, NEW, 200)):
            log_in = {"username": identifier, "password": password}
            assert (await http.post("/auth/login", json=log_in)).status_code == status

        guesses = [
            await http.post("/auth/verify-code", json={**verify, "code": "000000"})
            for _ in range(5)
        ]
        assert [guess.status_code for guess in guesses] == [200] * 2 + [429] * 3
        assert 1 <= int(guesses[-1].headers["retry-after"]) <= 600
