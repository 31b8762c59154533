"""How much the made model and its server take: known to the server, the model and the tests."""

from typing import Final

#: Tokens of a prompt and its answer together.
CONTEXT: Final = 16_384
#: Answers at a time; further ones wait for one of these to end.
SLOTS: Final = 4
