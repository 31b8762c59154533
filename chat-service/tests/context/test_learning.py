"""What a conversation's prompt becomes by what its model's server says: over the whole service."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from chassis.testing import eventually
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2

# Of the conftests above, for which there is no name here.
Client = Any
Scripted = Any
Vault = Any
MakeReply = Callable[..., Any]

# Some 1,000 tokens.
LONG = "word " * 1_000


@pytest.fixture
def vault(vault: Vault, scripted: Scripted) -> Vault:
    vault.base_url, vault.model = scripted.base_url, "m"
    return vault


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"context_tokens": 8_000, "window_messages": 60})


async def ask(client: Client, session_id: str | None, content: str, **said: Any) -> tuple[Any, Any]:
    accepted, frames = await client.ask(content, session_id=session_id, **said)
    return accepted, (frames[-1].event, orjson.loads(frames[-1].data))


async def ask_often(client: Client, session_id: str, times: int, **said: Any) -> Any:
    """So many long questions; what was accepted last. Each is answered."""
    accepted: Any = None
    for _ in range(times):
        accepted, end = await ask(client, session_id, LONG, **said)
        assert end[0] == "done", end
    return accepted


async def context(client: Client, accepted: Any) -> chat_pb2.GetContextResponse:
    found: chat_pb2.GetContextResponse = await client.call(
        "GetContext",
        chat_pb2.GetContextRequest(session_id=accepted.session_id, message_id=accepted.answer_id),
    )
    return found


def count(asked: dict[str, Any], rate: float = 1.0) -> int:
    """As the scripted model counts: its words are whole tokens."""
    words = sum(len(message["content"].split()) for message in asked["messages"])
    return round(rate * words)


async def test_what_falls_out_of_an_unknown_models_budget_is_told(
    client: Client, vault: Vault, scripted: Scripted
) -> None:
    accepted, _ = await ask(client, None, LONG)
    last = await ask_often(client, accepted.session_id, 5)
    told = await context(client, last)
    assert (told.budget.context_tokens, told.budget.known) == (8_000, False)
    assert told.budget.tokens == int(4_000 * 0.9)
    # The question, and before it two pairs: with a third it is 4,000 tokens.
    assert [len(part.message_ids) for part in told.parts] == [1] * 5
    assert told.budget.used <= told.budget.tokens < told.budget.used + 1_000
    assert {one.reason for one in told.left_out} == {"BEYOND_BUDGET"}
    assert len(told.left_out) == 6
    assert len(scripted.asked[-1]["messages"]) == 5


async def test_an_answer_that_is_asked_for_at_length_takes_room_from_the_conversation(
    client: Client, vault: Vault, scripted: Scripted
) -> None:
    accepted, _ = await ask(client, None, LONG)
    await ask_often(client, accepted.session_id, 8)
    for most, pairs in ((4_000, 2), (500, 5)):
        last, _ = await ask(client, accepted.session_id, LONG, max_tokens=most)
        told = await context(client, last)
        assert told.budget.tokens == int((8_000 - most) * 0.9)
        assert told.budget.used <= told.budget.tokens
        assert len(scripted.asked[-1]["messages"]) == 2 * pairs + 1


async def test_what_the_list_of_models_says_is_known_from_the_next_question_on(
    client: Client, vault: Vault, scripted: Scripted
) -> None:
    scripted.models = [{"id": "m", "context_length": 100_000}]
    accepted, _ = await ask(client, None, "short")
    # It is of no interest as long as there is nothing to leave out.
    assert scripted.lists == 0
    await ask(client, accepted.session_id, LONG)

    async def known() -> bool:
        last, _ = await ask(client, accepted.session_id, "short")
        told = await context(client, last)
        return (told.budget.known, told.budget.context_tokens) == (True, 100_000)

    await eventually(known)
    last = await ask_often(client, accepted.session_id, 12)
    assert not (await context(client, last)).left_out
    assert scripted.lists == 1


async def test_a_list_that_fails_is_no_harm_and_is_not_asked_for_again_at_once(
    client: Client, vault: Vault, scripted: Scripted
) -> None:
    accepted, _ = await ask(client, None, LONG)
    await eventually(lambda: scripted.lists == 1)
    last = await ask_often(client, accepted.session_id, 3)
    assert scripted.lists == 1
    assert not (await context(client, last)).budget.known


@pytest.mark.parametrize(
    "refusal",
    [
        "This model's maximum context length is 2500 tokens. However, you requested {used} tokens.",
        "The context length is exceeded.",
    ],
)
async def test_a_conversation_that_its_model_refuses_as_too_long_is_answered_all_along(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply, refusal: str
) -> None:
    def small(asked: dict[str, Any]) -> Any:
        used = count(asked)
        return reply(status=400, text=refusal.format(used=used)) if used > 2_500 else reply("ok")

    scripted.rule = small
    accepted, _ = await ask(client, None, LONG)
    ends = [(await ask(client, accepted.session_id, LONG))[1] for _ in range(6)]
    assert [event for event, _ in ends] == ["done"] * 6
    told = await context(client, await ask_often(client, accepted.session_id, 1))
    assert told.budget.known
    assert told.budget.context_tokens <= 3_000


async def test_a_question_that_does_not_fit_by_itself_is_sent_and_its_refusal_told(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply
) -> None:
    scripted.rule = lambda asked: reply(
        status=400, text=f"maximum context length is 3000 tokens, you sent {count(asked)} tokens"
    )
    accepted, end = await ask(client, None, "word " * 6_000)
    assert (end[0], end[1]["reason"]) == ("error", "PROVIDER_CONTEXT_TOO_LONG")
    assert len(scripted.asked[0]["messages"][0]["content"].split()) == 6_000
    told = await context(client, accepted)
    assert told.budget.used > told.budget.tokens
    scripted.rule = lambda _: reply("fine")
    _, end = await ask(client, accepted.session_id, "and this?")
    assert end[0] == "done"


async def test_a_model_that_counts_four_tenths_more_is_given_less(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply
) -> None:
    scripted.rule = lambda asked: reply(
        usage={"prompt_tokens": count(asked, 1.4), "completion_tokens": 1}
    )
    accepted, _ = await ask(client, None, LONG)
    told = await context(client, await ask_often(client, accepted.session_id, 1))
    assert abs(told.budget.factor / 1.4 - 1) <= 0.15
    told = await context(client, await ask_often(client, accepted.session_id, 7))
    assert abs(told.budget.factor / 1.4 - 1) <= 0.08
    reported = count(scripted.asked[-1], 1.4)
    assert abs(told.budget.used / reported - 1) <= 0.1
    assert reported <= told.budget.context_tokens - 4_000


@pytest.mark.parametrize("reported", [0, -3, 10**9])
async def test_an_absurd_count_changes_nothing_of_what_is_given(
    client: Client, vault: Vault, scripted: Scripted, reply: MakeReply, reported: int
) -> None:
    scripted.rule = lambda _: reply(usage={"prompt_tokens": reported, "completion_tokens": 1})
    accepted, _ = await ask(client, None, LONG)
    last = await ask_often(client, accepted.session_id, 3)
    assert (await context(client, last)).budget.factor == 1.0


async def test_a_model_list_that_never_comes_keeps_nobody_waiting(
    client: Client, vault: Vault, scripted: Scripted
) -> None:
    scripted.list_held = asyncio.Event()
    accepted, _ = await ask(client, None, LONG)
    await eventually(lambda: scripted.lists == 1)
    _, end = await ask(client, accepted.session_id, LONG)
    assert end[0] == "done"
