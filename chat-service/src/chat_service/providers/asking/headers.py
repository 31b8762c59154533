"""The headers of a request: what it needs, and what its connection says besides."""

from collections.abc import Mapping, Sequence
from typing import Final

# What HTTP itself says, and what a request is believed by. apikey-service refuses these when a connection
# is saved.
_OURS: Final = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "content-encoding",
        "connection",
    }
    | {
        "accept-encoding",
        "authorization",
        "cookie",
        "expect",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
    }
)


def with_own(
    headers: Mapping[str, str],
    own: Sequence[tuple[str, str]],
    *,
    fixed: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """``headers``, with a connection's ``own``, which replace those of the same name.

    ``fixed`` names, in lower case, what cannot be replaced besides what is HTTP's own.
    """
    if not own:
        return dict(headers)
    theirs = {name: value for name, value in own if name.lower() not in _OURS | fixed}
    replaced = {name.lower() for name in theirs}
    return {name: value for name, value in headers.items() if name.lower() not in replaced} | theirs
