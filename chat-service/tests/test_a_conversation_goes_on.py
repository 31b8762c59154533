"""Whatever failed in a conversation, its next question is answered: by a server with strict roles."""

from collections.abc import Sequence
from typing import Any

import orjson

from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2
from parley_local.model_server.texts import text_of

from .client import Client

GOOD = "strict-tokens-3"
# What a model may do to a conversation, and whether its answer can be gone on with then.
FATES = (
    ("strict-status-500", False),
    ("strict-status-429", False),
    ("strict-status-401", False),
    ("strict-empty", False),
    ("strict-filtered-3", False),
    ("strict-length-3", True),
    ("strict-error-after-3", True),
    ("strict-cut-after-3", True),
    ("strict-garbage-after-3", True),
    ("strict-no-finish-reason", True),
    ("strict-reasoning-2", False),
    ("strict-nul-and-surrogates", False),
)


def _end(frames: Sequence[chat_pb2.Frame]) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(frames[-1].data)
    return told


async def _is_answered(client: Client, session_id: str) -> None:
    """The next question is: the roles, or a blank message, are no reason to refuse it."""
    _, frames = await client.ask("are you there?", session_id=session_id, model=GOOD)
    assert (frames[-1].event, _end(frames).get("status")) == ("done", "completed"), _end(frames)


async def test_behind_whatever_failed_every_later_question_is_answered(client: Client) -> None:
    accepted, _ = await client.ask("hello", model=GOOD)
    session_id = accepted.session_id
    for model, can_go_on in FATES:
        # Twice in a row: nothing but failures may lie between two answers, too.
        await client.ask("tell me", session_id=session_id, model=model)
        accepted, frames = await client.ask("tell me", session_id=session_id, model=model)
        found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
        assert found.run.can_continue is can_go_on, (model, _end(frames))
        if can_go_on:
            # It asks the same model, which does the same again: the prompt is taken, and text comes.
            _, more = await client.go_on(accepted.run_id)
            assert "delta" in [frame.event for frame in more], (model, _end(more))
        await _is_answered(client, session_id)


async def test_what_a_server_refuses_does_not_take_the_questions_behind_it_along(
    client: Client,
) -> None:
    accepted, frames = await client.ask("an unspeakable question", model=GOOD)
    assert frames[-1].event == "error"
    _, frames = await client.ask("too", session_id=accepted.session_id, model="strict-echo")
    assert _end(frames)["status"] == "completed"


async def test_so_it_is_behind_one_that_was_cancelled_before_its_first_word(client: Client) -> None:
    accepted, _ = await client.ask("hello", model=GOOD)
    begun = await client.begin(
        chat_pb2.StartRunRequest(
            session_id=accepted.session_id,
            content="wait",
            parameters=generation_pb2.GenerationParameters(model="strict-silent"),
        )
    )
    await client.call("CancelRun", chat_pb2.CancelRunRequest(run_id=begun.run_id))
    assert _end(await client.follow(begun.run_id))["status"] == "cancelled"
    await _is_answered(client, accepted.session_id)


async def test_an_answer_that_came_to_its_most_tokens_is_gone_on_with(client: Client) -> None:
    first, frames = await client.ask("tell me", model="strict-length-3")
    assert (_end(frames)["status"], _end(frames)["finish_reason"]) == ("completed", "length")
    second, more = await client.go_on(first.run_id)
    assert second.answer_id == first.answer_id
    assert _end(more)["finish_reason"] == "length"
    listed = await client.call(
        "ListMessages", chat_pb2.ListMessagesRequest(session_id=first.session_id)
    )
    question, answer = listed.items
    assert answer.content == text_of("length-3") * 2
    assert (answer.finish_reason, answer.can_continue, answer.run_id) == (
        *("length", True, second.run_id),
    )
    assert not question.can_continue
    assert not question.HasField("finish_reason")
    recovered = await client.call(
        "RecoverRun", chat_pb2.RecoverRunRequest(session_id=first.session_id)
    )
    assert (recovered.run.finish_reason, recovered.run.can_continue) == ("length", True)
