"""Answers in the form in which they are wanted.

Where marks are taken away, what stood on both sides of them may be a word that is not to be said. What has been
said can be refused no more: it is masked.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chat_service.answer.domain.form import TextForm
from chat_service.conversations.domain.message import Message, Role
from chat_service.plain_text.controls import drawn
from chat_service.plain_text.stream import PlainText
from chat_service.words.domain.stream import FilteredStream
from chat_service.words.domain.word_filter import InForce

#: With more others would wait: it is for another thread. Prose of that length takes 3 ms, the worst of texts some 30.
BYTES_AT_ONCE: Final = 16 * 1024


class PlainShown:
    """Takes a text as it comes, and gives it without marks, without words that are not to be said, and with control
    characters as signs.
    """

    def __init__(self, in_force: InForce) -> None:
        self._plain = PlainText()
        self._filtered = FilteredStream(in_force, only_masks=True)

    def feed(self, text: str) -> str:
        """What may be shown now that `text` has come."""
        return drawn(self._filtered.feed(self._plain.feed(text)))

    def finish(self) -> str:
        """What was held back, of a text that has ended."""
        return drawn(self._filtered.feed(self._plain.finish()) + self._filtered.finish())


async def in_form(
    messages: Sequence[Message], form: TextForm, in_force: InForce
) -> Sequence[Message]:
    """The messages; of answers text and thinking are as `form` says, and questions are what their user wrote."""
    if form is TextForm.MARKDOWN:
        return messages

    def shown() -> Sequence[Message]:
        return [_shown(message, in_force) for message in messages]

    if sum(message.bytes for message in messages) <= BYTES_AT_ONCE:
        return shown()
    return await asyncio.to_thread(shown)


def _shown(message: Message, in_force: InForce) -> Message:
    if message.role is not Role.ASSISTANT:
        return message
    reasoning = message.reasoning
    return replace(
        message,
        content=_whole(message.content, in_force),
        reasoning=None if reasoning is None else _whole(reasoning, in_force),
    )


def _whole(text: str, in_force: InForce) -> str:
    stream = PlainShown(in_force)
    return stream.feed(text) + stream.finish()


async def text_in_form(
    text: str, form: TextForm, in_force: InForce, *, ended: bool
) -> tuple[str, int]:
    """What has been shown of a text so far, as `form` says, and how many frames its end has put behind it."""
    if form is TextForm.MARKDOWN:
        return text, 0

    def shown() -> tuple[str, int]:
        stream = PlainShown(in_force)
        begun = stream.feed(text)
        rest = stream.finish() if ended else ""
        return begun + rest, int(bool(rest))

    return shown() if len(text) <= BYTES_AT_ONCE else await asyncio.to_thread(shown)
