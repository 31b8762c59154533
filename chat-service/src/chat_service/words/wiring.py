"""What the operator's words are made of."""

from dataclasses import dataclass
from pathlib import Path

from chassis.health import Check
from chat_service.served import Subject
from chat_service.words.operators.words import WordsInForce


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Subject):
    """The words `in_force`, which are read anew when their file changes."""

    in_force: WordsInForce


def build_words(operators: Path | None) -> Words:
    """The words of the file `operators`; none without one. Raises BadFile."""
    in_force = WordsInForce(operators)
    return Words(
        in_force=in_force,
        components=[in_force],
        checks=[] if operators is None else [Check("words-file", in_force.probe)],
    )
