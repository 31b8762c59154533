"""`.venv/bin/python chat-service/tests/words/cost.py`: what 10,000 words that are not to be said cost each token of an answer.

A live run takes in pieces of a model's text and makes a frame of them at each flush, as the service does: a few
tokens at a time when they are paced, hundreds when they come as fast as they can. With and without the
words by turns, so that both have the same hour; the least of each counts, and the difference is theirs.
"""

# ruff: noqa: T201 - it is for who reads it on a terminal

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from chassis.ids import new_id
from chat_service.runs.domain.run import Run, Turn
from chat_service.streaming.log.live import LiveRun
from chat_service.words.domain.word_filter import Action, Rule, WordFilter, no_words
from parley_local.model_server.tokens import token_text
from servicekit.generation_parameters import GenerationParameters

_WORDS: Final = 10_000
_ROUNDS: Final = 15
_TOKENS: Final = 4_000
_LETTERS: Final = "etaoinshrdlucmfwypvbgkqjxz"
_CHINESE: Final = "".join(map(chr, range(0x4E00, 0x4E00 + 1500)))
# What a token may cost in all over the five services, by the promises: paced, and flat out, µs.
_FLUSHES: Final = ((5, "paced, five tokens a flush", 50.0), (400, "flat out, 400 a flush", 15.0))


def main() -> None:
    """Print CPU in µs a token for each text and pace."""
    began = time.thread_time()
    words = WordFilter(Rule(word, Action.MASK) for word in _words())
    print(f"{len(words)} words, made in {(time.thread_time() - began) * 1000:.0f} ms")
    chance = random.Random(2)
    chinese = ["".join(chance.choices(_CHINESE + "，。", k=2)) for _ in range(_TOKENS)]
    scripted = [token_text(number) for number in range(_TOKENS)]
    for text, tokens in (("many scripts", scripted), ("Chinese", chinese)):
        for size, pace, allowed in _FLUSHES:
            without, with_words = _least(tokens, size, words)
            added = with_words - without
            print(
                f"{text}, {pace}: {without:.2f} µs a token without, {with_words:.2f} with:"
                f" {added:.2f} more, {100 * added / allowed:.1f} % of {allowed:.0f}"
            )


def _words() -> Iterator[str]:
    chance = random.Random(1)
    found: set[str] = set()
    while len(found) < _WORDS:
        letters, longest = (_LETTERS, 12) if len(found) % 2 else (_CHINESE, 5)
        found.add("".join(chance.choices(letters, k=chance.randint(2 + longest // 6, longest))))
    return iter(sorted(found))


def _least(tokens: Sequence[str], size: int, words: WordFilter) -> tuple[float, float]:
    taken: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(_ROUNDS):
        for filtered in (False, True):
            taken[filtered].append(_seconds(tokens, size, words if filtered else None))
    without, with_words = (min(taken[filtered]) / len(tokens) * 1e6 for filtered in (False, True))
    return without, with_words


def _seconds(tokens: Sequence[str], size: int, words: WordFilter | None) -> float:
    live = LiveRun(_run(), in_force=no_words if words is None else lambda: words)
    began = time.thread_time()
    for at in range(0, len(tokens), size):
        for token in tokens[at : at + size]:
            live.add_text(token)
        live.acknowledge(live.take()[-1].seq)
    live.finish()
    return time.thread_time() - began


def _run() -> Run:
    return Run(
        id=new_id(),
        user_id=new_id(),
        tenant_id=new_id(),
        turn=Turn(new_id(), new_id(), new_id(), question_order=1, answer_order=2),
        provider="openai",
        model="m",
        parameters=GenerationParameters(),
        owner="bench",
        created_at=datetime.now(UTC),
    )


if __name__ == "__main__":
    main()
