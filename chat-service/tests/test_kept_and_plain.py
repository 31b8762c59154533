"""Answers that are kept, and answers as plain text, over gRPC as the gateway asks for them."""

from typing import Any

import orjson

from chassis.testing import eventually
from chat_service.plain_text.stream import plain
from chat_service.redis_client import connect
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2
from parley.generation.v1 import generation_pb2

from .client import Client

_MARKDOWN = "# A *heading*\n- **bold** `code` and [a](b) an open **end"
_PLAIN = chat_pb2.TEXT_FORM_PLAIN


def _asking(content: str, model: str, **more: Any) -> chat_pb2.StartRunRequest:
    parameters = generation_pb2.GenerationParameters(model=model)
    return chat_pb2.StartRunRequest(content=content, parameters=parameters, **more)


def _text(frames: list[chat_pb2.Frame]) -> str:
    return "".join(orjson.loads(frame.data)["text"] for frame in frames if frame.event == "delta")


async def _follow(client: Client, run_id: str, after: int, form: Any) -> list[chat_pb2.Frame]:
    request = chat_pb2.FollowRunRequest(run_id=run_id, after=after, form=form)
    stream = client._channel.stream(client.frames.FollowRun, request, token=client._token)
    return [frame async for response in stream for frame in response.frames]


async def test_who_regenerates_a_kept_answer_gets_another_and_the_question_keeps_it(
    client: Client,
) -> None:
    async def ask() -> chat_pb2.Run:
        accepted, _ = await client.read(_asking("another?", "tokens-20", cache=True), None)
        found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
        run: chat_pb2.Run = found.run
        return run

    async def is_found() -> bool:
        return (await ask()).cache == chat_pb2.CACHE_STATE_HIT

    await eventually(is_found)
    run = await ask()
    again = chat_pb2.RegenerateRunRequest(
        session_id=run.session_id,
        message_id=run.question_id,
        parameters=generation_pb2.GenerationParameters(model="tokens-20"),
    )
    accepted = (await client.call("RegenerateRun", again)).accepted
    assert (await client.follow(accepted.run_id))[-1].event == "done"
    found = await client.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
    assert (found.run.cache, found.answer.cached) == (chat_pb2.CACHE_STATE_OFF, False)
    assert found.answer.usage.completion_tokens > 0
    await eventually(is_found)


async def test_a_kept_answer_is_found_on_any_replica_and_goes_with_conversations(
    client: Client, client_elsewhere: Client, settings: Settings
) -> None:
    async def ask(asker: Client) -> tuple[chat_pb2.Run, chat_pb2.Message]:
        accepted, _ = await asker.read(_asking("again?", "tokens-30", cache=True), None)
        found = await asker.call("GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id))
        return found.run, found.answer

    async def found(asker: Client) -> Any:
        run, answer = await ask(asker)
        return (run, answer) if run.cache == chat_pb2.CACHE_STATE_HIT else None

    run, first = await ask(client)
    assert (run.cache, first.cached) == (chat_pb2.CACHE_STATE_MISS, False)
    # It is kept behind its run's end.
    run, answer = await eventually(lambda: found(client_elsewhere))
    assert answer.cached
    assert (answer.content, answer.usage.completion_tokens) == (first.content, 0)
    redis = connect(settings.redis_url.get_secret_value(), connections=1, timeout=20.0)
    try:

        async def kept() -> int:
            left = [
                k async for k in redis.scan_iter(match=f"*{settings.redis_prefix}*:answers:of:*")
            ]
            return len(left)

        assert await kept() == 1
        gone = chat_pb2.DeleteSessionRequest(id=run.session_id, permanent=True)
        await client.call("DeleteSession", gone)

        async def none_is_kept() -> bool:
            return await kept() == 0

        await eventually(none_is_kept)

        for how in ("one message", "all messages", "all conversations"):
            run, _ = await ask(client)
            assert run.cache == chat_pb2.CACHE_STATE_MISS
            # Until the deletion before is met, nothing is kept either.
            await eventually(lambda: found(client))
            if how == "one message":
                deleting = chat_pb2.DeleteMessageRequest(
                    session_id=run.session_id, message_id=run.answer_id
                )
                await client.call("DeleteMessage", deleting)
            elif how == "all messages":
                clearing = chat_pb2.ClearSessionRequest(id=run.session_id)
                await client.call("ClearSession", clearing)
            else:
                await client.call("DeleteSessions", chat_pb2.DeleteSessionsRequest())
            await eventually(none_is_kept)
    finally:
        await redis.aclose()


async def test_a_question_asks_for_plain_text_and_all_its_readers_get_it(
    client: Client, client_elsewhere: Client
) -> None:
    request = _asking(_MARKDOWN, "echo", form=_PLAIN)
    accepted, frames = await client.read(request, None)
    original = await _follow(client, accepted.run_id, 0, chat_pb2.TEXT_FORM_MARKDOWN)
    shown = plain(_text(original))
    assert _text(frames) == shown != _text(original)
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert (frames[-1].event, frames[-1].data) == ("done", original[-1].data)
    for reader in (client, client_elsewhere):
        for after in (0, 2, len(frames) - 1, len(frames)):
            assert await reader.follow(accepted.run_id, after) == frames[after:]
    # What is kept is what the model wrote.
    listing = chat_pb2.ListMessagesRequest(session_id=accepted.session_id)
    question, answer = (await client.call("ListMessages", listing)).items
    assert answer.content == _text(original)
    listing.form = _PLAIN
    as_asked, in_plain_text = (await client.call("ListMessages", listing)).items
    assert (as_asked.content, in_plain_text.content) == (question.content, shown)
    wanted = chat_pb2.GetRunRequest(run_id=accepted.run_id)
    assert (await client.call("GetRun", wanted)).answer.content == shown
    wanted.form = chat_pb2.TEXT_FORM_MARKDOWN
    assert (await client.call("GetRun", wanted)).answer.content == _text(original)
    recovering = chat_pb2.RecoverRunRequest(session_id=accepted.session_id)
    assert (await client.call("RecoverRun", recovering)).text == shown
    recovering.form = chat_pb2.TEXT_FORM_MARKDOWN
    assert (await client.call("RecoverRun", recovering)).text == _text(original)


async def test_a_live_run_is_recovered_in_its_form_and_followed_from_there(client: Client) -> None:
    accepted = await client.begin(_asking("go", "tokens-300-at-200", form=_PLAIN))
    recovering = chat_pb2.RecoverRunRequest(session_id=accepted.session_id)

    async def begun() -> Any:
        recovered = await client.call("RecoverRun", recovering)
        return recovered if len(recovered.text) > 100 else None

    recovered = await eventually(begun)
    rest = await client.follow(accepted.run_id, recovered.seq)
    wanted = chat_pb2.GetRunRequest(run_id=accepted.run_id, form=chat_pb2.TEXT_FORM_MARKDOWN)
    found = await client.call("GetRun", wanted)
    assert recovered.text + _text(rest) == plain(found.answer.content)


async def test_what_goes_on_keeps_the_form(client: Client) -> None:
    accepted, first = await client.read(_asking("go", "length-40", form=_PLAIN), None)
    again, frames = await client.go_on(accepted.run_id)
    wanted = chat_pb2.GetRunRequest(run_id=again.run_id, form=chat_pb2.TEXT_FORM_MARKDOWN)
    found = await client.call("GetRun", wanted)
    assert frames[1].event == "snapshot"
    so_far = orjson.loads(frames[1].data)["text"]
    assert _text(first).startswith(so_far)
    assert so_far + _text(frames) == plain(found.answer.content)
    recovering = chat_pb2.RecoverRunRequest(session_id=again.session_id)
    assert (await client.call("RecoverRun", recovering)).text == plain(found.answer.content)
    # Of the answer as of its frames.
    wanted.form = chat_pb2.TEXT_FORM_UNSPECIFIED
    as_asked = await client.call("GetRun", wanted)
    assert as_asked.answer.content == plain(found.answer.content)
