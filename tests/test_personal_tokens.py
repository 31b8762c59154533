"""A personal access token before the services themselves, from its making to its end."""

import httpx

from chassis.testing.eventually import eventually

from .client import SignUp
from .stack import Stack


async def test_a_program_reads_with_its_own_token_until_it_is_deleted(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    made = user.http.post("/api/v1/tokens", json={"name": "a script", "scopes": ["notes:read"]})
    assert made.status_code == 201, made.text
    note = user.http.post("/api/v1/notes", json={"title": "One", "content": ""}).json()
    bearer = {"authorization": f"Bearer {made.json()['token']}"}
    with httpx.Client(base_url=stack.url, headers=bearer, timeout=30, verify=False) as program:
        assert program.get(f"/api/v1/notes/{note['id']}").json() == note
        for method, path in (
            ("DELETE", f"/api/v1/notes/{note['id']}"),
            ("GET", "/api/v1/me"),
            ("GET", "/api/v1/tokens"),
        ):
            refused = program.request(method, path)
            assert (refused.status_code, refused.json()["reason"]) == (403, "INSUFFICIENT_SCOPE")

        gone = user.http.delete(f"/api/v1/tokens/{made.json()['id']}")
        assert gone.status_code == 204, gone.text

        await eventually(lambda: program.get("/api/v1/notes").status_code == 401, timeout=5)
    assert user.http.get("/api/v1/tokens").json()["items"] == []
    assert made.json()["token"] not in stack.output
