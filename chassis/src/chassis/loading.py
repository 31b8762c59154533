"""The loading of a service's code, which is most of its start and of its memory at rest."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

#: What a library loads where it is installed, for what Parley does not ask of it: tracebacks in
#: colour, and NATS over WebSockets. Each costs 5 MB and a tenth of a start's CPU time.
_UNUSED: Final = {"structlog": "rich", "nats.aio.transport": "aiohttp"}


def prepare_loading(*libraries: str) -> None:
    """Make the loading that follows cheaper; called once, before a service's wiring is imported.

    Of ``libraries``, "structlog" and "nats.aio.transport", those that the service uses are loaded
    without their unused part, which others can import afterwards all the same. Raises KeyError
    for another one.
    """
    # What is loaded stays: to walk it time and again takes a tenth of the start's CPU time.
    gc.disable()
    for library in libraries:
        with _hidden(_UNUSED[library]):
            import_module(library)


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """As if ``module`` were not installed, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    # The import system takes None for a module that there is not.
    modules: dict[str, object] = sys.modules  # type: ignore[assignment]
    modules[module] = None
    try:
        yield
    finally:
        del modules[module]
