"""A prompt that is too long for its model is asked once more with what the model takes, before the first word."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from chat_service.settings import Settings
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import chat_pb2

# Of the conftests above, for which there is no name here.
Client = Any
Scripted = Any
Vault = Any
MakeReply = Callable[..., Any]
Said = dict[str, Any]

# Some 1,000 tokens, and as many words, which is how the scripted model counts.
LONG = "word " * 1_000
MOST = 2_500


@pytest.fixture
def vault(vault: Vault, scripted: Scripted) -> Vault:
    vault.base_url, vault.model = scripted.base_url, "m"
    return vault


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"context_tokens": 100_000, "window_messages": 60})


def count(asked: Said) -> int:
    said = [message["content"] for message in asked["messages"]]
    texts = [one if isinstance(one, str) else "".join(x["text"] for x in one) for one in said]
    return sum(len(text.split()) for text in texts)


def refusing(reply: MakeReply, refusal: str, most: int = MOST, **how: Any) -> Callable[[Said], Any]:
    def rule(asked: Said) -> Any:
        used = count(asked)
        is_long = used > most
        return reply(status=400, text=refusal.format(used=used), **how) if is_long else reply("ok")

    return rule


async def conversation(client: Client, turns: int = 4) -> str:
    """The id of a session with so many long questions, and short answers, in it."""
    session_id = ""
    for _ in range(turns):
        accepted, frames = await client.ask(LONG, session_id=session_id or None)
        assert frames[-1].event == "done"
        session_id = str(accepted.session_id)
    return session_id


async def context(client: Client, accepted: Any) -> chat_pb2.GetContextResponse:
    found: chat_pb2.GetContextResponse = await client.call(
        "GetContext",
        chat_pb2.GetContextRequest(session_id=accepted.session_id, message_id=accepted.answer_id),
    )
    return found


def ending(frames: Any) -> tuple[str, Any]:
    return frames[-1].event, orjson.loads(frames[-1].data)


@pytest.mark.parametrize(
    ("provider", "refusal", "how"),
    [
        (
            apikey_pb2.PROVIDER_OPENAI,
            (
                "This model's maximum context length is 2500 tokens. However, you requested {used}"
                " tokens."
            ),
            {"code": "context_length_exceeded"},
        ),
        (apikey_pb2.PROVIDER_OPENAI, "the request exceeds the available context size", {}),
        (apikey_pb2.PROVIDER_ANTHROPIC, "prompt is too long: {used} tokens > 2500 maximum", {}),
    ],
)
async def test_the_first_prompt_that_its_model_refuses_as_too_long_is_answered(
    client: Client,
    vault: Vault,
    scripted: Scripted,
    reply: MakeReply,
    provider: Any,
    refusal: str,
    how: Said,
) -> None:
    vault.provider = provider
    session_id = await conversation(client)
    scripted.rule = refusing(reply, refusal, **how)
    before = len(scripted.asked)
    accepted, frames = await client.ask(LONG, session_id=session_id)
    assert ending(frames)[0] == "done"
    assert "error" not in [frame.event for frame in frames]
    first, second = scripted.asked[before:]
    assert len(first["messages"]) == 9
    assert count(second) <= MOST
    # Whole pairs, the newest, and the question.
    assert len(second["messages"]) % 2 == 1
    assert second["messages"] == first["messages"][-len(second["messages"]) :]
    # The account is of what was answered, and of what was left out for it.
    told = await context(client, accepted)
    assert len(told.parts) == len(second["messages"])
    assert told.budget.known
    assert told.budget.used <= told.budget.tokens < told.budget.context_tokens <= count(first)
    assert {one.reason for one in told.left_out} == {"BEYOND_BUDGET"}
    assert len(told.left_out) == 9 - len(second["messages"])
    # From now on it is known.
    before = len(scripted.asked)
    _, frames = await client.ask(LONG, session_id=session_id)
    assert ending(frames)[0] == "done"
    assert len(scripted.asked) == before + 1


async def test_a_question_that_is_too_long_by_itself_is_asked_once_and_its_refusal_told(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply
) -> None:
    scripted.rule = refusing(reply, "prompt is too long: {used} tokens > 500 maximum", most=500)
    _, frames = await client.ask(LONG)
    event, told = ending(frames)
    assert (event, told["reason"]) == ("error", "PROVIDER_CONTEXT_TOO_LONG")
    assert "1,000 tokens of the 500" in told["detail"]
    assert len(scripted.asked) == 1


async def test_what_is_refused_once_more_is_an_error_and_is_not_asked_a_third_time(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply
) -> None:
    session_id = await conversation(client)
    # It says that it takes more than it does.
    scripted.rule = refusing(reply, "prompt is too long: {used} tokens > 4500 maximum", most=500)
    before = len(scripted.asked)
    accepted, frames = await client.ask(LONG, session_id=session_id)
    event, told = ending(frames)
    assert (event, told["reason"]) == ("error", "PROVIDER_CONTEXT_TOO_LONG")
    first, second = scripted.asked[before:]
    assert count(second) < count(first)
    # What was given at last.
    assert len((await context(client, accepted)).parts) == len(second["messages"])


async def test_a_refusal_within_a_stream_that_says_nothing_else_is_one(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply
) -> None:
    session_id = await conversation(client)
    too_long = "This model's maximum context length is 2500 tokens."
    scripted.rule = lambda asked: reply("", breaks=too_long) if count(asked) > MOST else reply("ok")
    before = len(scripted.asked)
    _, frames = await client.ask(LONG, session_id=session_id)
    assert ending(frames)[0] == "done"
    assert len(scripted.asked) == before + 2


@pytest.mark.parametrize("said", [{"text": "Once"}, {"text": "", "thought": "Hm."}])
async def test_behind_the_first_word_or_thought_nothing_is_asked_again(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply, said: Said
) -> None:
    session_id = await conversation(client)
    too_long = "This model's maximum context length is 2500 tokens."
    scripted.rule = lambda _: reply(**said, breaks=too_long)
    before = len(scripted.asked)
    _, frames = await client.ask(LONG, session_id=session_id)
    event, told = ending(frames)
    assert (event, told["reason"]) == ("error", "PROVIDER_CONTEXT_TOO_LONG")
    assert len(scripted.asked) == before + 1


async def test_an_answer_that_is_gone_on_with_keeps_what_it_goes_on_with(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply
) -> None:
    session_id = await conversation(client)
    scripted.rule = lambda _: reply("Half of", finish_reason="length")
    accepted, _ = await client.ask(LONG, session_id=session_id)
    scripted.rule = refusing(reply, "prompt is too long: {used} tokens > 2500 maximum")
    before = len(scripted.asked)
    _, frames = await client.go_on(accepted.run_id)
    assert ending(frames)[0] == "done"
    first, second = scripted.asked[before:]
    # The question, the answer so far, and the request to go on.
    assert second["messages"][-3:] == first["messages"][-3:]
    assert second["messages"][-2]["content"] == "Half of"
    assert count(second) <= MOST
