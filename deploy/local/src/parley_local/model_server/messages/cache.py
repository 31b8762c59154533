"""Prompt caching: what was read up to a mark is known when a later request begins the same way."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from parley_local.model_server.messages.request import Block
from parley_local.model_server.tokens import estimated_tokens

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class PromptUsage:
    """A prompt's tokens: read anew, read and kept, found kept. Together they are all of them."""

    fresh: int
    written: int
    read: int


class PromptCache:
    """Of all keys and models of the server; the real one's forgets after minutes, this one after 10,000."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def read(self, key: str, model: str, blocks: Sequence[Block]) -> PromptUsage:
        """Counts a prompt, and keeps what it is marked to keep."""
        digest = hashlib.sha256(f"{key}\0{model}".encode())
        tokens = read = marked = 0
        to_keep: list[bytes] = []
        for block in blocks:
            digest.update(f"\0{block.role}\0{block.text}".encode())
            tokens += estimated_tokens([block.text])
            prefix = digest.digest()
            if prefix in self._known:
                read = tokens
            if block.marked:
                marked = tokens
                to_keep.append(prefix)
        for prefix in to_keep:
            self._known[prefix] = None
            self._known.move_to_end(prefix)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return PromptUsage(tokens - max(read, marked), max(0, marked - read), read)
