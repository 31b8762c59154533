"""From which pages a browser may use what it holds for us."""

from collections.abc import Collection


def is_ours(origin: str, *, scheme: str, host: str, listed: Collection[str]) -> bool:
    """Whether a page of ``origin`` is the gateway's own, as its client addressed it, or listed."""
    origin = origin.lower()
    return origin in listed or origin == f"{scheme}://{host}".lower()
