"""A start without what libraries load and nobody here uses, in processes of their own."""

import subprocess
import sys

import pytest

from chassis.loading import prepare_loading

_LOADED = """
import sys
from chassis.loading import prepare_loading
{before}
prepare_loading("structlog", "nats.aio.transport")
import structlog, nats.aio.client
print(*(name in sys.modules for name in ("rich", "aiohttp")))
import rich, aiohttp
print(rich.__name__, aiohttp.__name__, sys.modules["aiohttp"] is aiohttp)
"""


@pytest.mark.parametrize(
    ("before", "loaded"), [("", "False False"), ("import rich, aiohttp", "True True")]
)
def test_what_is_unused_is_not_loaded_and_can_be_by_others(before: str, loaded: str) -> None:
    program = _LOADED.format(before=before)
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    )
    assert done.stdout.splitlines() == [loaded, "rich aiohttp True"]


def test_another_library_is_not_known() -> None:
    with pytest.raises(KeyError):
        prepare_loading("aiohttp")
