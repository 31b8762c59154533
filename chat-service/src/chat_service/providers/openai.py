"""How servers are asked that speak OpenAI's protocol.

The request is made here, header by header: an SDK would add what it finds in the environment and
what it knows of the machine. What comes back is read by ``reading.py`` with ``chunks.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from chat_service.providers.asking.attempts import Asked, Question
from chat_service.providers.asking.endpoint import Endpoint
from chat_service.providers.asking.headers import with_own
from chat_service.providers.asking.learnt import apply, differences
from chat_service.providers.chunks import Chunks
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.learnt import Lesson
from chat_service.providers.domain.prompt_message import PromptMessage
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
        messages = [{"role": message.role, "content": message.content} for message in prompt]
        said = parameters.said()

        def make(learnt: Sequence[Lesson]) -> Asked:
            return _asked(model, messages, said, learnt)

        headers = {
            "Authorization": f"Bearer {connection.api_key}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
        }
        return Question(endpoint, "/chat/completions", with_own(headers, connection.headers), make)


def _asked(
    model: str,
    messages: Sequence[Mapping[str, str]],
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
