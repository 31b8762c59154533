"""Forged access tokens before the services themselves, at every kind of route and at the socket."""

import httpx

from chassis.testing.forgeries import forgeries

from .client import SignUp
from .held import ROUTES
from .signing import signer_of
from .sockets import open_socket
from .stack import Stack


async def test_forged_tokens_get_one_and_the_same_401_from_every_service(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    signer = signer_of(stack, user)
    tokens = forgeries(signer)
    assert len(tokens) > 100
    with httpx.Client(
        base_url=stack.url, headers={"X-Request-ID": "same"}, timeout=30, verify=False
    ) as http:
        good = {"Authorization": f"Bearer {signer.token()}"}
        assert http.get("/api/v1/notes", headers=good).status_code == 200
        absent = http.get("/api/v1/notes")
        answers = {(absent.status_code, absent.text): "no token"}
        for route in ROUTES:
            assert user.http.get(f"/api/v1/{route}").status_code == 200
            for name, token in tokens.items():
                headers = {"Authorization": f"Bearer {token}"}
                answer = http.get(f"/api/v1/{route}", headers=headers)
                answers.setdefault((answer.status_code, answer.text), f"{route}: {name}")
    assert len(answers) == 1, answers
    [(status, _)] = answers
    assert status == 401


async def test_forged_tokens_open_no_socket(stack: Stack, sign_up: SignUp) -> None:
    answers: dict[tuple[str, int | None], str] = {}
    for name, token in forgeries(signer_of(stack, sign_up(stack))).items():
        async with open_socket(stack.url) as socket:
            told = await socket.ask(type="auth", token=token)
            await socket.connection.wait_closed()
            assert told.pop("request_id")
            assert told["status"] == 401
            answers.setdefault((str(told), socket.connection.close_code), name)
    assert len(answers) == 1, answers
    [(_, code)] = answers
    assert code == 4401
