"""Characters and tags that arrive in parts are what they were, wherever they were cut."""

import random

import pytest

from chat_service.providers.chunks import Chunks
from chat_service.providers.halves import Halves
from chat_service.providers.port import TEXT, THINKING, Part
from chat_service.providers.thinking import ThinkTags

_LETTERS = "aé你🙂👩\u200d🚀\U0010ffff"


@pytest.mark.parametrize("seed", range(200))
def test_characters_whose_halves_come_with_different_chunks_are_whole(seed: int) -> None:
    """Halves as escapes, and as bytes."""
    chance = random.Random(seed)
    text = "".join(chance.choices(_LETTERS, k=12))
    read, chunks = "", Chunks()
    for part in chance.choice((escaped, broken))(chance, text):
        line = b'{"choices":[{"delta":{"content":"' + part + b'"}}]}'
        if chance.random() < 0.5:
            piece, problem = chunks.read(line)
        else:
            piece, problem = chunks.read(b'{"choices":[]}\n' + line)
        assert problem is None
        read += piece.text
        assert not any(0xD800 <= ord(letter) < 0xE000 for letter in read)
    assert read + chunks.end(is_events=True)[0].text == text


def escaped(chance: random.Random, text: str) -> list[bytes]:
    units = text.encode("utf-16-be")
    codes = [b"\\u%02x%02x" % (units[at], units[at + 1]) for at in range(0, len(units), 2)]
    return [b"".join(some) for some in groups(chance, codes)]


def broken(chance: random.Random, text: str) -> list[bytes]:
    data = text.encode()
    return [b"".join(some) for some in groups(chance, [bytes([byte]) for byte in data])]


def groups(chance: random.Random, units: list[bytes]) -> list[list[bytes]]:
    told: list[list[bytes]] = []
    while units:
        size = chance.randint(1, 3)
        told.append(units[:size])
        units = units[size:]
    return told


@pytest.mark.parametrize("text", ["\ud83d", "a\ud83db", "\udce4\udcbdx", "\ud83d\ud83d\ude00"])
def test_what_has_no_other_half_is_replaced_and_nothing_else_is(text: str) -> None:
    halves = Halves()
    read = halves.join(text) + halves.end()
    assert read.encode()
    assert "".join(letter for letter in read if letter not in "\ufffd🙂😀") in {"", "ab", "x"}
    assert "\ufffd" in read


@pytest.mark.parametrize(
    ("said", "thought", "text"),
    [
        ("<think>hm</think>hi", "hm", "hi"),
        (" \n<think>\nhm\n</think>\n\n hi", "\nhm\n", " hi"),
        ("<think></think>hi", "", "hi"),
        ("<think>a </ b </think c</think>hi", "a </ b </think c", "hi"),
        ("<think>a</think><think>b</think>c", "ab", "c"),
        ("<think>without an end </thi", "without an end </thi", ""),
        ("hi <think>no</think>", "", "hi <think>no</think>"),
        ("<thinking about it", "", "<thinking about it"),
        ("  <thi", "", "  <thi"),
        ("  ", "", "  "),
    ],
)
def test_thinking_in_tags_is_told_from_text_wherever_it_is_cut(
    said: str, thought: str, text: str
) -> None:
    for first in range(len(said) + 1):
        for second in range(first, len(said) + 1):
            tags = ThinkTags()
            parts: list[Part] = []
            for some in (said[:first], said[first:second], said[second:]):
                parts += [(TEXT, some)] if tags.is_past else tags.split(some)
            parts += tags.end()
            assert "".join(part for kind, part in parts if kind == THINKING) == thought
            assert "".join(part for kind, part in parts if kind == TEXT) == text
