"""What all tests below share."""

import asyncio
from collections.abc import Callable


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What runs here beside the services runs on asyncio's own loop."""
    return {"asyncio": asyncio.new_event_loop}
