"""However messages of another application refer to each other, each that was said is there once, in its place."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chat_service.imports.reading.tree import Node, messages_of

from . import samples
from .test_reading import made
from .variants_of_servers import webui

_NAMES = [str(number) for number in range(12)]
_NODES = st.dictionaries(
    st.sampled_from(_NAMES),
    st.tuples(
        # Of others, of none, of itself, in circles.
        st.sampled_from([*_NAMES, None, "gone"]),
        st.sampled_from(["user", "assistant", None]),
        st.none() | st.integers(0, 5),
    ),
    min_size=1,
)


def ancestors(nodes: dict[str, Any], name: str) -> list[str]:
    """Those above it, from below; those of a circle have no beginning, and are left out."""
    found = [name]
    while (above := nodes[found[-1]][0]) in nodes and above != found[-1]:
        if above in found:
            return []
        found.append(above)
    return found


@given(_NODES, st.sampled_from([*_NAMES, None]))
def test_what_was_said_is_there_once_and_follows_what_it_followed(
    told: dict[str, Any], current: str | None
) -> None:
    nodes = {
        name: Node(parent, role, content=f"<{name}>", at=None if at is None else _at(at))
        for name, (parent, role, at) in told.items()
    }
    left_out = Counter[str]()
    found = messages_of(nodes, current, None, left_out)
    met = {name for name in told if ancestors(told, name)}
    said = {name for name in met if told[name][1] is not None}
    assert left_out["NOT_IN_THE_TREE"] == len(told) - len(met)
    # Pieces of one answer are one message.
    holder = {name: [one for one in found if f"<{name}>" in one["content"]] for name in said}
    assert all(len(one) == 1 for one in holder.values())
    assert sum(one["content"].count("<") for one in found) == len(said)
    assert [one["order"] for one in found] == list(range(1, len(found) + 1))
    assert all((one["parent"] or 0) < one["order"] for one in found)
    for name in said:
        above = next((one for one in ancestors(told, name)[1:] if one in said), None)
        (message,), parents = holder[name], holder.get(above or "", [{"order": None}])
        assert message["order"] == parents[0]["order"] or message["parent"] == parents[0]["order"]
    # One path, from a beginning to where it ended, if that is known.
    chosen = [one for one in found if one["chosen"]]
    assert [one["parent"] for one in chosen] == [None, *(one["order"] for one in chosen)][
        : len(chosen)
    ]
    if current in met and (ended := [one for one in ancestors(told, current) if one in said]):
        assert chosen[-1] is holder[ended[0]][0]
    else:
        assert not found or chosen[-1] is found[-1]


def _at(second: int) -> datetime:
    return datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)


def _seconds(at: int | None) -> int | None:
    return None if at is None else 1756000000 + at


@given(_NODES, st.sampled_from([*_NAMES, None]))
def test_so_it_is_in_files(told: dict[str, Any], current: str | None) -> None:
    """Both of which know a message's parent: the same tree is the same conversation."""
    nodes = [
        samples.chatgpt_node(name, parent, role or "tool", f"<{name}>", at=_seconds(at))
        for name, (parent, role, at) in told.items()
    ]
    messages = {
        name: {
            "parentId": parent,
            "role": role or "system",
            "content": f"<{name}>",
            "timestamp": _seconds(at),
        }
        for name, (parent, role, at) in told.items()
    }
    one = made([samples.chatgpt(*nodes, current=current or "")])
    other = made([{**webui(messages, current), "created_at": 1756000000.5}])
    assert [a.messages for a in one] == [b.messages for b in other]
