"""The body of a request to the Messages API."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from chat_service.answer.domain.ending import Adapted
from chat_service.providers.anthropic.facts import ModelFacts
from chat_service.providers.anthropic.thinking import thinking_of
from chat_service.providers.asking.attempts import Asked
from chat_service.providers.asking.learnt import adapted, apply
from chat_service.providers.domain.learnt import Lesson
from chat_service.providers.domain.prompt_message import Picture, PromptMessage
from chat_service.providers.errors import ProviderParameterRefused

#: Of an answer's length, where neither anybody nor the server itself says how long it may be.
FALLBACK_MAX_TOKENS: Final = 4096
#: What a request cannot do without, beside the model and the messages.
NEEDED: Final = frozenset({"max_tokens", "system"})

_MOST_TEMPERATURE = 1.0
# With thinking a model takes these of top_p, and no temperature but its own.
_LEAST_TOP_P_WITH_THINKING = 0.95
_MARK: Final = {"cache_control": {"type": "ephemeral"}}
_MARKED_TURNS = 2


def request_of(
    prompt: Sequence[PromptMessage],
    model: str,
    said: Mapping[str, Any],
    facts: ModelFacts,
    learnt: Sequence[Lesson],
) -> Asked:
    """The request for an answer to ``prompt`` with the parameters ``said``, by the contract's names.

    System messages stand apart; neighbours of one role are one message; blank ones, and an answer that
    nothing comes before, are left out. The system message and the last two of the user's are marked, so that
    the server may keep what it has read up to there. Raises ProviderParameterRefused for a temperature that
    no model of this protocol takes.
    """
    temperature = said.get("temperature")
    if temperature is not None and temperature > _MOST_TEMPERATURE:
        raise ProviderParameterRefused(
            "temperature is above 1",
            detail="Models of this kind take a temperature of 0 to 1; ask for one that is not above 1.",
        )
    marked = not any(one.parameter == "cache_control" for one in learnt)
    max_tokens = said.get("max_tokens") or facts.max_tokens or FALLBACK_MAX_TOKENS
    thinking = thinking_of(said.get("reasoning_effort"), model, max_tokens, facts, learnt)
    stops = [stop for stop in said.get("stop", ()) if stop.strip()]
    top_p = said.get("top_p")
    parameters = {
        "temperature": None if thinking.is_on and temperature != 1 else temperature,
        "top_p": None if thinking.is_on and (top_p or 0) < _LEAST_TOP_P_WITH_THINKING else top_p,
        "stop_sequences": stops or None,
    }
    body: dict[str, Any] = {"model": model, "max_tokens": max_tokens}
    if system := _system(prompt):
        body["system"] = [_text(system, marked=marked)]
    body["messages"] = _messages(prompt, marked=marked)
    body |= {name: value for name, value in parameters.items() if value is not None}
    body |= thinking.fields
    body["stream"] = True
    apply(body, _of_the_wire(learnt))
    return Asked(body, tuple(_adapted(said, body, thinking_is_on=thinking.is_on)))


def _of_the_wire(learnt: Iterable[Lesson]) -> Iterable[Lesson]:
    """But for what decided already how the body is made."""
    return (one for one in learnt if one.name not in ("thinking", "output_config", "cache_control"))


def _adapted(
    said: Mapping[str, Any], body: Mapping[str, Any], *, thinking_is_on: bool
) -> Iterator[Adapted]:
    for name, value in said.items():
        if name == "reasoning_effort":
            # An effort is asked for in this protocol's own way, and by no name of it.
            if value != "none" and not thinking_is_on:
                yield adapted(name, None)
            continue
        sent = body.get("stop_sequences" if name == "stop" else name)
        if sent != (list(value) if name == "stop" else value):
            yield adapted(name, sent)


def _system(prompt: Sequence[PromptMessage]) -> str:
    said = (message.content for message in prompt if message.role == "system")
    return "\n\n".join(text for text in said if text.strip())


def _messages(prompt: Sequence[PromptMessage], *, marked: bool) -> list[dict[str, Any]]:
    turns: list[tuple[str, list[PromptMessage]]] = []
    for message in prompt:
        if message.role == "system" or not message.content.strip():
            continue
        if turns and turns[-1][0] == message.role:
            turns[-1][1].append(message)
        elif turns or message.role == "user":
            turns.append((message.role, [message]))
    asked = [at for at, (role, _) in enumerate(turns) if role == "user"]
    to_mark = asked[-_MARKED_TURNS:] if marked else []
    return [
        {"role": role, "content": _content(said, marked=at in to_mark)}
        for at, (role, said) in enumerate(turns)
    ]


def _content(said: Sequence[PromptMessage], *, marked: bool) -> str | list[dict[str, Any]]:
    """What one turn says: pictures before the text, which has the mark."""
    text = "\n\n".join(message.content for message in said)
    pictures = [picture for message in said for picture in message.pictures]
    if not pictures and not marked:
        return text
    return [*map(_picture, pictures), _text(text, marked=marked)]


def _picture(picture: Picture) -> dict[str, Any]:
    source = {"type": "base64", "media_type": picture.media_type, "data": picture.base64()}
    return {"type": "image", "source": source}


def _text(text: str, *, marked: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, **(_MARK if marked else {})}
