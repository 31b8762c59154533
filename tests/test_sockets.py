"""The WebSocket before the services themselves: a line that breaks, a stop."""

from parley_local.model_server.texts import text_of

from .client import SignUp
from .sockets import socket_of
from .stack import Stack


async def test_a_line_that_breaks_in_mid_answer_costs_no_token(
    stack: Stack, sign_up: SignUp
) -> None:
    user, stranger = sign_up(stack), sign_up(stack)
    user.create_key(stack.model_url, "tokens-100-at-50")
    async with socket_of(stack.url, user) as socket:
        sent = {"type": "send", "content": "What is in the socket?", "idempotency_key": "one"}
        accepted = await socket.ask(**sent)
        assert accepted["type"] == "ack", accepted
        run_id = accepted["run_id"]
        events = [await socket.hear() for _ in range(5)]
        socket.connection.transport.abort()
    async with socket_of(stack.url, stranger) as socket:
        for kind in ("follow", "cancel", "continue"):
            told = await socket.ask(type=kind, run_id=run_id)
            assert (told["status"], told["reason"]) == (404, "RUN_NOT_FOUND")
    async with socket_of(stack.url, user) as socket:
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
    async with socket_of(stack.url, user) as socket:
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
