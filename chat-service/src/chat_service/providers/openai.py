"""How servers are asked that speak OpenAI's protocol.

The request is made here, header by header: an SDK would add what it finds in the environment and
what it knows of the machine. What comes back is read by ``reading.py`` with ``chunks.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chat_service.providers.asking.attempts import Asked, Question
from chat_service.providers.asking.endpoint import Endpoint
from chat_service.providers.asking.headers import with_own
from chat_service.providers.asking.learnt import apply, differences
from chat_service.providers.asking.refused import SYSTEM
from chat_service.providers.chunks import Chunks
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.learnt import Lesson
from chat_service.providers.domain.prompt_message import Picture, PromptMessage
from chat_service.providers.domain.turns import in_turns, takes_turns
from chat_service.providers.transport import GuardedClient
from servicekit.generation_parameters import GenerationParameters


class OpenAi:
    """Chat completions."""

    def reader(self) -> Chunks:
        return Chunks()

    async def question(
        self,
        client: GuardedClient,  # noqa: ARG002 - nothing has to be known before
        connection: Connection,
        endpoint: Endpoint,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        parameters: GenerationParameters,
    ) -> Question:
        """Asks for what ``parameters`` say, by their own names, and for the usage."""
        said = parameters.said()

        def make(learnt: Sequence[Lesson]) -> Asked:
            # Each time anew: with its pictures it is large, and held no longer than it is sent.
            folded = any(one.name == SYSTEM for one in learnt)
            told = in_turns(prompt) if folded else prompt
            asked = _asked(model, list(map(_message, told)), said, learnt)
            return replace(asked, in_turns=folded)

        headers = {
            "Authorization": f"Bearer {connection.api_key}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
        }
        return Question(
            endpoint,
            "/chat/completions",
            with_own(headers, connection.headers),
            make,
            hidden=() if takes_turns(prompt) else (SYSTEM,),
            has_pictures=any(message.pictures for message in prompt),
        )


def _message(message: PromptMessage) -> Mapping[str, Any]:
    """Text alone is sent as such, which every server takes."""
    if not message.pictures:
        return {"role": message.role, "content": message.content}
    content = [*map(_picture, message.pictures), {"type": "text", "text": message.content}]
    return {"role": message.role, "content": content}


def _picture(picture: Picture) -> Mapping[str, Any]:
    url = f"data:{picture.media_type};base64,{picture.base64()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _asked(
    model: str,
    messages: Sequence[Mapping[str, Any]],
    said: Mapping[str, Any],
    learnt: Sequence[Lesson],
) -> Asked:
    body = {
        "model": model,
        "messages": messages,
        **said,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if not learnt:
        return Asked(body)
    apply(body, learnt)
    return Asked(body, differences(said, body, learnt))
