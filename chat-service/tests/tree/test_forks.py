"""A copy of a conversation says all that the conversation does, but for what is of that one alone."""

from dataclasses import replace
from typing import Any

from sqlalchemy import text

from chassis.ids import new_id
from chat_service.answer.domain.ending import Adapted, Ending, Fallback, RunStatus, Usage
from chat_service.conversations.domain.message import Message
from chat_service.conversations.domain.session import Session, SessionChange
from chat_service.personas.domain.persona import Told
from servicekit.generation_parameters import GenerationParameters

# Of conftest.py, which a test module has no name for.
Conversation = Any


async def test_what_is_set_of_a_conversation_is_set_of_its_copy(conversation: Conversation) -> None:
    conversation = await conversation.temporary()
    await conversation.turn("One?", "1")
    await conversation.change(
        SessionChange(
            title="a title of mine",
            model="another-model",
            parameters=GenerationParameters(temperature=0.3, max_tokens=77),
            instructions="in verse",
            folder="work",
            persona=Told("poet", "Poet", "", "rhyme"),
            summary=True,
        )
    )
    original: Session = await conversation.session()
    fork = conversation.of(await conversation.fork())
    copied: Session = await fork.session()
    own = ("id", "created_at", "updated_at", "active_at", "last_message_at", "read_order", "unread")
    assert copied == replace(original, **{name: getattr(copied, name) for name in own})
    assert copied.temporary
    prompts = text("SELECT persona_prompt FROM sessions WHERE id = ANY(:ids)")
    async with conversation.chat.worker.transaction() as connection:
        found = await connection.scalars(prompts, {"ids": [conversation.id, fork.id]})
        assert list(found) == ["rhyme", "rhyme"]


async def test_what_a_message_says_of_itself_its_copy_says(conversation: Conversation) -> None:
    fell = Fallback(new_id(), "PROVIDER_BUSY", new_id(), "anthropic", "m-2", True)
    adapted = Adapted("temperature", None)
    endings = {
        "whole": Ending(
            RunStatus.COMPLETED, None, "length", "1", "thought", Usage(7, 3), 5, (fell,), (adapted,)
        ),
        "failed": Ending(RunStatus.FAILED, "PROVIDER_BUSY", None, "", "", Usage(4, 0), 5),
        "cut": Ending(RunStatus.INTERRUPTED, "REPLICA_DIED", None, "on", "", None, 5),
    }
    for name, ending in endings.items():
        assert await conversation.chat.finish(await conversation.ask(f"{name}?"), ending)
    originals: list[Message] = list(await conversation.messages())
    copies = list(await conversation.of(await conversation.fork()).messages())
    assert len(copies) == len(originals)
    own = ("id", "session_id", "run_id", "parent_id", "variants")
    for original, copy in zip(originals, copies, strict=True):
        assert copy == replace(original, **{name: getattr(copy, name) for name in own})
        assert copy.run_id is None
