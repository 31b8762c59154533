"""For tests that nothing is left to the garbage collector, which would hold up everybody."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """What goes meanwhile goes with its last reference; what is in a circle stays."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
