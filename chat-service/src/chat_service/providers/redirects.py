"""Answers that send elsewhere: nobody goes there, and where it is is told."""

import re

from chat_service.providers.errors import ProviderRedirected


def redirect(text: str, location: str) -> ProviderRedirected:
    """The error that an answer means which sends elsewhere, to ``location``; ``text`` is for the log."""
    # Without userinfo and query; and of another host the path is none of ours.
    found = re.match(
        r"(https?://)(?:[^/?#@\s]*@)?([A-Za-z0-9.:\[\]_-]{1,253})(?:[/?#]|\Z)"
        r"|(/(?!/)[A-Za-z0-9._~/-]{0,100})(?:[?#]|\Z)",
        location,
    )
    if found is None:
        return ProviderRedirected(text)
    where = f"{found[1]}{found[2]}" if found[1] else f"its path {found[3]}"
    return ProviderRedirected(
        text,
        detail=f"The model server redirects to {where}; the base URL must be the final one.",
    )
