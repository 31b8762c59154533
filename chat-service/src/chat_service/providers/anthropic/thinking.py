"""How a model is asked to think, of the ways in which Anthropic's models are."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chat_service.providers.anthropic.facts import ModelFacts
from chat_service.providers.domain.learnt import Lesson

ADAPTIVE: Final = "adaptive"
ENABLED: Final = "enabled"
DISABLED: Final = "disabled"

# Anthropic's own bound of a budget, and what an effort is worth where a budget is asked for.
_LEAST_BUDGET: Final = 1024
_BUDGETS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 4096,
    "medium": 12_288,
    "high": 32_768,
}
_NAME = re.compile(
    r"claude-(?:[a-z]+-)?(?P<major>[0-9]{1,2})(?:[-.](?P<minor>[0-9]{1,2}))?(?![0-9])"
)


@dataclass(frozen=True, slots=True)
class Thinking:
    """The fields of a request; `is_on`: the model thinks, and takes no temperature of its own."""

    fields: Mapping[str, Any]
    is_on: bool = False


OFF: Final = Thinking({})


def thinking_of(
    effort: str | None, model: str, max_tokens: int, facts: ModelFacts, learnt: Iterable[Lesson]
) -> Thinking:
    """What to send for one of our efforts; nothing of it, where none was asked for or none is possible.

    What the server refused is not tried again. A budget is at least 1,024 tokens and less than
    ``max_tokens``, half of it at most where that is possible.
    """
    if effort is None:
        return OFF
    known = {one.parameter: one.use for one in learnt}
    if effort == "none":
        says_so = DISABLED in (facts.thinking or ()) and "thinking" not in known
        return Thinking({"thinking": {"type": DISABLED}}) if says_so else OFF
    manner = known["thinking"] if "thinking" in known else _manner(model, facts)
    if manner == ADAPTIVE:
        fields: dict[str, Any] = {"thinking": {"type": ADAPTIVE, "display": "summarized"}}
        level = "low" if effort == "minimal" else effort
        if (facts.efforts is None or level in facts.efforts) and "output_config" not in known:
            fields["output_config"] = {"effort": level}
        return Thinking(fields, is_on=True)
    if manner == ENABLED and max_tokens > _LEAST_BUDGET:
        budget = max(_LEAST_BUDGET, min(_BUDGETS[effort], max_tokens // 2))
        return Thinking({"thinking": {"type": ENABLED, "budget_tokens": budget}}, is_on=True)
    return OFF


def other_manner(refused: Mapping[str, Any]) -> str:
    """What may be tried in place of a ``thinking`` that was refused: another manner, or nothing."""
    return {ADAPTIVE: ENABLED, ENABLED: ADAPTIVE}.get(str(refused.get("type")), "")


def _manner(model: str, facts: ModelFacts) -> str:
    if facts.thinking is not None:
        return next((manner for manner in (ADAPTIVE, ENABLED) if manner in facts.thinking), "")
    if (name := _NAME.search(model.lower())) is None:
        return ENABLED  # of others that speak this protocol
    version = int(name["major"]), int(name["minor"] or 0)
    if version >= (4, 6):
        return ADAPTIVE
    return ENABLED if version >= (3, 7) else ""
