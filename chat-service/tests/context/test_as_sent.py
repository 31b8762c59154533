"""What a model was given is told as it was sent, also to one that knows no system."""

from collections.abc import Callable
from typing import Any

import pytest

from parley.chat.v1 import chat_pb2

# Of the conftests above, for which there is no name here.
Client = Any
Scripted = Any
Vault = Any
MakeReply = Callable[..., Any]

INSTRUCTIONS = "Be brief."


@pytest.fixture
def vault(vault: Vault, scripted: Scripted) -> Vault:
    vault.base_url, vault.model = scripted.base_url, "m"
    return vault


async def test_instructions_are_told_where_they_were_sent(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply
) -> None:
    made = await client.call(
        "CreateSession", chat_pb2.CreateSessionRequest(instructions=INSTRUCTIONS)
    )

    async def asked(question: str) -> list[tuple[int, int]]:
        accepted, frames = await client.ask(question, session_id=made.session.id)
        assert frames[-1].event == "done"
        given = await client.call(
            "GetContext",
            chat_pb2.GetContextRequest(session_id=made.session.id, message_id=accepted.answer_id),
        )
        sent = [one["content"] for one in scripted.asked[-1]["messages"]]
        assert [one.characters for one in given.parts] == list(map(len, sent))
        assert all(one.tokens > 0 for one in given.parts)
        return [(one.role, len(one.message_ids)) for one in given.parts]

    system, user, assistant = (
        chat_pb2.MESSAGE_ROLE_SYSTEM,
        chat_pb2.MESSAGE_ROLE_USER,
        chat_pb2.MESSAGE_ROLE_ASSISTANT,
    )
    assert await asked("One?") == [(system, 0), (user, 1)]

    def without_a_system(body: dict[str, Any]) -> Any:
        roles = [message["role"] for message in body["messages"]]
        if "system" in roles:
            return reply(status=400, text="System role not supported")
        return reply("an answer")

    scripted.rule = without_a_system
    # When it is refused, and from then on at once.
    assert await asked("Two?") == [(user, 1), (assistant, 1), (user, 1)]
    assert await asked("Three?") == [(user, 1), (assistant, 1)] * 2 + [(user, 1)]
