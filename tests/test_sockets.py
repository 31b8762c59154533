"""The WebSocket before the services themselves: a line that breaks, a stop, a log-out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

from parley_local.model_server.texts import text_of

from .client import SignUp, User
from .stack import Stack


class Socket:
    """An open socket of a user; what is heard out of turn is kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            heard: dict[str, Any] = orjson.loads(await self.connection.recv())
        return heard

    async def say(self, **frame: Any) -> None:
        await self.connection.send(orjson.dumps(frame).decode())

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Say it, and return what is answered to it; events before that are left out."""
        await self.say(ref="r", **frame)
        while (heard := await self.hear()).get("ref") != "r":
            assert heard["type"] == "event"
        return heard


@asynccontextmanager
async def socket_of(stack: Stack, user: User) -> AsyncIterator[Socket]:
    url = f"{stack.url.replace('http', 'ws', 1)}/api/v1/ws"
    async with connect(url, proxy=None) as connection:
        socket = Socket(connection)
        token = user.http.headers["Authorization"].partition(" ")[2]
        assert (await socket.ask(type="auth", token=token))["type"] == "ack"
        yield socket


async def test_a_line_that_breaks_in_mid_answer_costs_no_token(
    stack: Stack, sign_up: SignUp
) -> None:
    user, stranger = sign_up(stack), sign_up(stack)
    user.create_key(stack.model_url, "tokens-100-at-50")
    async with socket_of(stack, user) as socket:
        sent = {"type": "send", "content": "What is in the socket?", "idempotency_key": "one"}
        accepted = await socket.ask(**sent)
        assert accepted["type"] == "ack", accepted
        run_id = accepted["run_id"]
        events = [await socket.hear() for _ in range(5)]
        socket.connection.transport.abort()
    async with socket_of(stack, stranger) as socket:
        for kind in ("follow", "cancel", "continue"):
            told = await socket.ask(type=kind, run_id=run_id)
            assert (told["status"], told["reason"]) == (404, "RUN_NOT_FOUND")
    async with socket_of(stack, user) as socket:
        # Sent again, as if the first ack had never come: the same run.
        assert (await socket.ask(**sent))["run_id"] == run_id
        await socket.ask(type="follow", run_id=run_id, after=events[-1]["seq"])
        while events[-1]["event"] != "done":
            events.append(await socket.hear())
        ended = await socket.ask(type="follow", run_id=run_id, after=events[-1]["seq"])
        assert ended["ended"] is True
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    text = "".join(event["data"]["text"] for event in events if event["event"] == "delta")
    assert text == text_of("tokens-100-at-50")
    _, answer = user.messages(accepted["session_id"])
    assert answer["content"] == text


async def test_a_cancel_over_the_socket_ends_the_run_with_what_was_shown(
    stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(stack)
    user.create_key(stack.model_url, "tokens-5000-at-50")
    async with socket_of(stack, user) as socket:
        accepted = await socket.ask(type="send", content="Go on for ever.")
        events = [await socket.hear() for _ in range(5)]
        await socket.say(type="cancel", ref="c", run_id=accepted["run_id"])
        while events[-1].get("event") != "done":
            events.append(await socket.hear())
        if not any(event["type"] == "ack" for event in events):
            events.append(await socket.hear())
    assert [e["ref"] for e in events if e["type"] == "ack"] == ["c"]
    text = "".join(e["data"]["text"] for e in events if e.get("event") == "delta")
    _, answer = user.messages(accepted["session_id"])
    assert (answer["status"], answer["content"]) == ("cancelled", text)


async def test_logging_out_ends_the_socket_within_5_seconds(stack: Stack, sign_up: SignUp) -> None:
    user = sign_up(stack)
    async with socket_of(stack, user) as socket:
        gone = user.http.post("/api/v1/auth/logout")
        assert gone.status_code == 204, gone.text
        async with asyncio.timeout(5):
            await socket.connection.wait_closed()
        assert socket.connection.close_code == 4401
