"""Downloads of all of a user's conversations, in each format."""

import argparse
import hashlib
import http.client
import math
import time
from contextlib import nullcontext
from functools import partial
from typing import Any, Final

import orjson

from bench.rest import Parley, RefusedError, User
from bench.stack import Stack
from bench.transfer.memory import Memory, more_of, most_memory, tell, watched

_PIECE: Final = 256 * 1024
_WARM_BYTES: Final = 20_000_000
QUERIES: Final = {
    "json": "json",
    "csv": "csv",
    "markdown": "markdown",
    "json.gz": "json&gzip=true",
}


def export_all(parley: Stack, user: User, arguments: argparse.Namespace) -> bool:
    """Print what each format costs; false if one does not tell as many messages as there are."""
    whole, messages = True, arguments.messages
    # Once for nothing: plans are made, and the first pages of the database are in memory.
    parley.parley.renew(user)
    _download(parley.parley, user, "csv", most=_WARM_BYTES)
    print(
        f"{messages} messages\n{'':10} {'first byte':>11} {'last byte':>10} {'size':>9} {'more memory':>12}"
    )
    for name in arguments.formats.split(","):
        query = QUERIES[name]
        parley.parley.renew(user)
        with watched(parley) if arguments.once else nullcontext([Memory()]) as seen:
            first, last, size, told = _download(parley.parley, user, query)
        more = more_of(seen)
        if not arguments.once:
            parley.parley.renew(user)
            more = most_memory(parley, partial(_download, parley.parley, user, query))
        print(
            f"{name:10} {first * 1000:8.0f} ms {last:8.2f} s {size / 1e6:6.1f} MB {more:8.1f} MiB"
        )
        if arguments.once:
            tell(seen)
        whole = whole and (told is None or told["messages"] == messages)
    return whole


def _download(
    parley: Parley, user: User, query: str, *, most: float = math.inf
) -> tuple[float, float, int, dict[str, Any] | None]:
    """Seconds to the first byte and to the last, bytes, and what JSON's last line tells, which is checked."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", parley.port, timeout=60)
    try:
        connection.request(
            "GET",
            f"/api/v1/chat/export?format={query}",
            headers={"Authorization": f"Bearer {user.token}"},
        )
        response = connection.getresponse()
        if response.status != 200:
            raise RefusedError(f"export: {response.status} {response.read(500)!r}")
        piece = response.read1(_PIECE)
        first = time.perf_counter() - began
        size, digest, end = 0, hashlib.sha256(), b""
        while piece and size < most:
            size += len(piece)
            if query == "json":
                end += piece
                cut = end.rfind(b"\n", 0, -1) + 1
                digest.update(end[:cut])
                end = end[cut:]
            piece = response.read1(_PIECE)
    finally:
        connection.close()
    last = time.perf_counter() - began
    if query != "json":
        return first, last, size, None
    told: dict[str, Any] = orjson.loads(b"{" + end.rstrip())["end"]
    if told["sha256"] != digest.hexdigest():
        raise RefusedError("the file is not what its last line says")
    return first, last, size, told
