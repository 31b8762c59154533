"""Answers in JSON, packed for who takes that. See docs/decisions/0034-packed-answers.md."""

import asyncio
import gzip
from typing import Final

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from gateway.edge.accept import coding_of
from gateway.routes.preconditions import GZIP, packed_tag

#: Bytes from which on an answer is packed: one that is smaller goes out in one piece either way.
LEAST: Final = 1024
#: From here on in a thread: it would hold the loop for more than half a millisecond.
IN_A_THREAD: Final = 64 * 1024
# Another third of the time saves a twentieth of the bytes at most.
_LEVEL: Final = 1
# What these subjects show are secrets, or stands beside them: how well that packs with what somebody has chosen
# would tell of it. https://www.breachattack.com
_OF_SECRETS: Final = frozenset({"Identity", "Keys", "Shares"})


def packs(route: APIRoute) -> bool:
    """Whether answers of ``route`` are packed: those that show something in JSON, and no secrets.

    What is sent is shown again by none of these but what looks for it; streams and files are no JSON of a route.
    """
    return (
        "GET" in (route.methods or ())
        and route.response_field is not None
        and _OF_SECRETS.isdisjoint(route.tags)
    )


async def pack(request: Request, response: Response) -> None:
    """Pack the body of a whole ``response`` where that is worth it and the client takes it."""
    body = bytes(response.body)
    if len(body) < LEAST or response.status_code != 200:
        return
    headers = response.headers
    headers.add_vary_header("Accept-Encoding")
    if not coding_of(request, (GZIP,)):
        return
    headers["content-encoding"] = GZIP
    if (tag := headers.get("etag")) is not None:
        headers["etag"] = packed_tag(tag)
    if "asked_method" in request.scope:
        # A HEAD, which nothing is packed for: how many bytes that would be need not be said. RFC 9110, 9.3.2.
        del headers["content-length"]
        return
    if len(body) < IN_A_THREAD:
        packed = gzip.compress(body, _LEVEL, mtime=0)
    else:
        packed = await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
    response.body = packed
    headers["content-length"] = str(len(packed))
