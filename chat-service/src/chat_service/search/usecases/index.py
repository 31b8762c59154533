"""Make what texts are found by, out of everybody's way."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from chat_service.search.domain.unindexed import (
    IndexedText,
    UnfilteredText,
    UnindexedSession,
    UnindexedText,
)
from chat_service.search.store.unindexed import SESSIONS, UNFILTERED, Unindexed
from servicekit.search_filters import Filter, filter_of

#: Of texts in one transaction, which keeps their sessions locked for some milliseconds.
_TEXTS: Final = 64
_BYTES: Final = 256 * 1024
#: A longer one is cut into words in a thread: others are served meanwhile.
_LONG: Final = 4_000
_HIGHEST: Final = UUID(int=2**128 - 1)


@dataclass
class _Step:
    """Some texts of some sessions, and those sessions that are whole with them."""

    texts: list[tuple[UnindexedSession, UnindexedText]] = field(default_factory=list)
    whole: list[UnindexedSession] = field(default_factory=list)
    bytes: int = 0

    @property
    def sessions(self) -> int:
        return len({one.id for one in self.whole} | {one.id for one, _ in self.texts})


async def index_texts(
    unindexed: Unindexed, *, rest: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> int:
    """Go through all that is due, and anew where a look has not shown all of it; how many texts were indexed.

    What is written meanwhile is for the next time: to run after those who write would look at their
    conversations one by one, and at each twice. Users take turns, some sessions each time. Of replicas that meet, one
    goes on further down. Behind each step it rests, as `rest` has it, which is told how many seconds
    the step took.
    """
    indexed, anew = 0, True
    while anew:
        anew, kept, user_id = False, 0, _HIGHEST
        while sessions := await unindexed.due(user_id):
            user_id = UUID(int=max(0, min(session.user_id.int for session in sessions) - 1))
            anew |= len(sessions) == SESSIONS or not all(one.is_whole for one in sessions)
            for step in _steps(sessions):
                began = asyncio.get_running_loop().time()
                stored = await _index(unindexed, step)
                kept += stored
                indexed += len(step.texts) if stored else 0
                await rest(asyncio.get_running_loop().time() - began)
                if stored < step.sessions and secrets.randbelow(2):
                    anew = True
                    break
            if len(sessions) < SESSIONS:
                break
        # Where nothing could be kept, somebody else has it in hand.
        anew &= kept > 0
    return indexed


async def _index(unindexed: Unindexed, step: _Step) -> int:
    contents = await unindexed.read([text for _, text in step.texts]) if step.texts else {}
    made: list[IndexedText] = []
    for session, text in step.texts:
        content = contents.get(text.id)
        if content is None:
            continue
        made.append(IndexedText(text, session, await _filter(content)))
    return await unindexed.put(made, step.whole)


async def _filter(content: str) -> Filter:
    if len(content) > _LONG:
        return await asyncio.to_thread(filter_of, content)
    await asyncio.sleep(0)
    return filter_of(content)


@dataclass
class Filtering:
    """Gives each text its filter that an earlier release has put in without, the newest first."""

    unindexed: Unindexed
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep
    _before: UUID = _HIGHEST

    async def go_on(self, seconds: float) -> int:
        """More of them, until so many seconds have passed; how many got theirs. 0: there is none left, but what
        others have in hand.

        Rests as `index_texts` does. Replicas that meet go on from different places.
        """
        given = skipped = 0
        time = asyncio.get_running_loop().time
        until = time() + seconds
        while True:
            texts = await self.unindexed.unfiltered(self._before, skipped=skipped)
            if not texts and self._before == _HIGHEST:
                break
            self._before = texts[-1].text.id if texts else _HIGHEST
            for some in _in_bytes(texts):
                stored = await self._give(some)
                given += stored
                skipped = 0 if 2 * stored > len(some) else secrets.randbelow(16) * UNFILTERED
            if time() >= until:
                break
        return given

    async def _give(self, texts: Sequence[UnfilteredText]) -> int:
        began = asyncio.get_running_loop().time()
        contents = await self.unindexed.read([one.text for one in texts])
        made = [
            (one, await _filter(contents[one.text.id])) for one in texts if one.text.id in contents
        ]
        stored = await self.unindexed.give_filters(made)
        await self.rest(asyncio.get_running_loop().time() - began)
        return stored


def _in_bytes(texts: Sequence[UnfilteredText]) -> Iterator[list[UnfilteredText]]:
    some: list[UnfilteredText] = []
    for one in texts:
        if some and sum(other.text.bytes for other in some) + one.text.bytes > _BYTES:
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _steps(sessions: Sequence[UnindexedSession]) -> Iterator[_Step]:
    step = _Step()
    for session in sessions:
        for text in session.texts:
            if step.texts and (len(step.texts) == _TEXTS or step.bytes + text.bytes > _BYTES):
                yield step
                step = _Step()
            step.texts.append((session, text))
            step.bytes += text.bytes
        if session.is_whole:
            step.whole.append(session)
    yield step
