"""What of a kept answer is said, and which answers are kept: those to the very question that was looked for."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from chassis.caller import Caller
from chat_service.answer.domain.ending import Adapted, CacheState
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.streaming.cache.answers import Kept, Place
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.write.from_cache import FromCache

Chat = Any

PROMPT = (PromptMessage("user", "one"), PromptMessage("user", "two"))


class OnePlace:
    """Of whatever is looked for; ``kept`` is what was to be kept there."""

    keeps = True

    def __init__(self, found: Kept | None = None) -> None:
        self.kept: list[Kept] = []
        self._found = found

    async def find(self, run: Any, _asked: bytes) -> Place:
        return Place(run.user_id, b"secret", "digest", self._found)

    async def keep(self, _place: Place, answer: Kept) -> None:
        self.kept.append(answer)


async def live_run(chat: Chat, caller: Caller) -> LiveRun:
    return LiveRun(replace((await chat.accept(caller, None)).run, cache=CacheState.MISS))


@pytest.mark.parametrize("is_shorter", [False, True])
async def test_the_answer_to_less_than_was_asked_is_not_kept(
    chat: Chat, caller: Caller, is_shorter: bool
) -> None:
    cache: Any = OnePlace()
    from_cache = FromCache(cache, await live_run(chat, caller))
    assert not await from_cache.look(chat.connection, PROMPT)
    # Of a prompt that was refused as too long the model is given less.
    given = PROMPT[1:] if is_shorter else PROMPT
    await from_cache.keep(chat.ending, given)
    assert [one.text for one in cache.kept] == ([] if is_shorter else [chat.ending.text])


async def test_of_a_kept_answer_it_is_said_what_its_server_did_not_take(
    chat: Chat, caller: Caller
) -> None:
    cache: Any = OnePlace(Kept("text", "thought", (Adapted("temperature", None),)))
    live = await live_run(chat, caller)
    assert await FromCache(cache, live).look(chat.connection, PROMPT)
    told = [(frame.event, orjson.loads(frame.data)) for frame in live.take()]
    assert told == [
        ("cache", {"state": "hit"}),
        ("adapted", {"adapted": [{"parameter": "temperature", "use": None}]}),
        ("reasoning", {"text": "thought"}),
        ("delta", {"text": "text"}),
    ]
