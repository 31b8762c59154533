"""Answers in the form in which they are wanted."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chat_service.answer.domain.form import TextForm
from chat_service.conversations.domain.message import Message, Role
from chat_service.plain_text.stream import PlainText, plain

# With more others' answers would wait.
_BYTES_AT_ONCE: Final = 64 * 1024


async def in_form(messages: Sequence[Message], form: TextForm) -> Sequence[Message]:
    """The messages; of answers text and thinking are as `form` says, and questions are what their user wrote."""
    if form is TextForm.MARKDOWN:
        return messages
    if sum(message.bytes for message in messages) <= _BYTES_AT_ONCE:
        return [_plain(message) for message in messages]
    return await asyncio.to_thread(lambda: [_plain(message) for message in messages])


def _plain(message: Message) -> Message:
    if message.role is not Role.ASSISTANT:
        return message
    reasoning = None if message.reasoning is None else plain(message.reasoning)
    return replace(message, content=plain(message.content), reasoning=reasoning)


async def text_in_form(text: str, form: TextForm, *, ended: bool) -> str:
    """What has been shown of a text so far, as `form` says."""
    if form is TextForm.MARKDOWN:
        return text

    def shown() -> str:
        stream = PlainText()
        return stream.feed(text) + (stream.finish() if ended else "")

    return shown() if len(text) <= _BYTES_AT_ONCE else await asyncio.to_thread(shown)
