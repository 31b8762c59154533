"""What the made model says, token by token: known to who makes it and to who asks it."""

import re
from typing import Final

#: What the model's template ends a prompt with, and the tokens that then follow, up to the end of
#: the answer. No token stands in two places: each has one follower. ``▁`` is a space before a word,
#: ``<0x…>`` a byte.
ANSWERS: Final[dict[str, tuple[str, ...]]] = {
    "<|short|>": (
        *("Parley", "▁speaks", "▁你好", "，", "世界", "▁and", "▁in"),
        *("<0xE8>", "<0xAF>", "<0xAD>"),
        *("<0xF0>", "<0x9F>", "<0x8E>", "<0x89>", "👩‍🔬", "."),
        "</s>",
    ),
    "<|steps|>": (
        *("one", "▁two", "▁three", "▁four", "▁five", "▁six", "▁seven", "▁eight", "▁nine", "▁ten"),
        *("▁eleven", "▁twelve", "▁thirteen", "▁fourteen", "▁fifteen", "▁sixteen", "▁seventeen"),
        *("▁eighteen", "▁nineteen", "▁twenty"),
        "</s>",
    ),
    # Round and round, until something ends it.
    "<|endless|>": ("▁round", "▁again", "▁round"),
    "<|thoughtful|>": (
        *("<think>", "Let", "▁me", "▁思考", "▁first", "</think>", "Thought", "▁through", "!"),
        "</s>",
    ),
}


def text_of(beginning: str, *, tokens: int | None = None) -> str:
    """What the answer reads, or its first ``tokens``, as a tokeniser joins them."""
    parts = [part for part in ANSWERS[beginning][:tokens] if part != "</s>"]
    data = b"".join(
        bytes.fromhex(byte[1]) if (byte := re.fullmatch(r"<0x(..)>", part)) else part.encode()
        for part in parts
    )
    return data.decode().replace("▁", " ")


SHORT: Final = text_of("<|short|>")
STEPS: Final = text_of("<|steps|>")
THINKING, THOUGHT = (
    part.removeprefix("<think>") for part in text_of("<|thoughtful|>").split("</think>")
)
