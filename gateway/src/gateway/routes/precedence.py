"""Which of two routes has an address that both could have: the one that spells it out.

Routers ask one route after the other, method and all: beside ``PUT /keys/default``, ``DELETE
/keys/{key_id}`` would take ``default`` for an id, and what is first in a file would win over what is meant.
"""

import re
from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, compile_path

_GROUP = re.compile(r"\(\?P<\w+>")


def spell_out(routes: Sequence[BaseRoute]) -> None:
    """Have each route leave alone the addresses that another one spells out further to the left.

    What is left open in an address is one segment of it, ``:path`` included. In whatever order they
    stand then, an address belongs to the routes of one template.
    """
    templates = {route.path for route in routes if isinstance(route, Route)}
    for route in routes:
        if not isinstance(route, Route):
            continue
        plainer = sorted(one for one in templates if _goes_before(one, route.path))
        own = compile_path(route.path)[0].pattern
        others = "".join(f"(?!{_ungrouped(one)})" for one in plainer)
        route.path_regex = re.compile(others + own)


def _goes_before(one: str, other: str) -> bool:
    """Whether an address can be both, and ``one`` has a word where they first differ."""
    segments, others = one.split("/"), other.split("/")
    if len(segments) != len(others):
        return False
    differing = [
        (_is_open(left), _is_open(right))
        for left, right in zip(segments, others, strict=True)
        if left != right and not (_is_open(left) and _is_open(right))
    ]
    is_shared = all(is_open != is_other_open for is_open, is_other_open in differing)
    return is_shared and bool(differing) and not differing[0][0]


def _is_open(segment: str) -> bool:
    return segment.startswith("{")


def _ungrouped(path: str) -> str:
    # Two groups of one name would be no expression.
    return _GROUP.sub("(?:", compile_path(path)[0].pattern)
