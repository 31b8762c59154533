"""Which version of a thing a request is for, by its entity tag. RFC 9110, sections 8.8.3 and 13.1.

A thing's tag is its version in quotes, and strong: each change gives it another one. Packed it has a tag of its
own, by which it is known, and may be changed, as by the other.
"""

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header
from pydantic import JsonValue
from starlette.requests import Request

from chassis.errors import FieldError, ValidationFailed

#: The headers' names.
IF_MATCH = "if-match"
IF_NONE_MATCH = "if-none-match"
#: The coding in which things are packed.
GZIP = "gzip"

# For who reads the document: `*`, or tags with commas between. Blanks beside them, and bytes that are not ASCII
# in them, are taken as well.
_ONE = r'(W/)?"[!#-~]*"'
_SHOWN: dict[str, JsonValue] = {"pattern": rf"^(\*|{_ONE}( *, *{_ONE})*)$"}
# Elements of a list that are empty say nothing: RFC 9110, 5.6.1.2.
_TAG = re.compile(r'[ \t,]*(W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|\Z)')
_REST = re.compile(r"[ \t,]*\Z")
# A version that there can be; any other tag is one that nothing has.
_VERSION = re.compile(rf'"([1-9][0-9]{{0,17}})(?:-{GZIP})?"')


def tag_of(version: int) -> str:
    """The entity tag of a thing of that version."""
    return f'"{version}"'


def packed_tag(tag: str) -> str:
    """What a thing with this tag has once it is packed: strong tags differ by encoding. RFC 9110, 8.8.3.3."""
    return f'{tag[:-1]}-{GZIP}"'


def parse_tags(field: str, value: str) -> list[tuple[bool, str]] | None:
    """Whether each of the tags of a header ``field`` is weak, and the tag; None for ``*``.

    Raises ValidationFailed for what is no list of tags.
    """
    if value.strip(" \t") == "*":
        return None
    tags: list[tuple[bool, str]] = []
    at = 0
    while True:
        found = _TAG.match(value, at)
        if found is None:
            raise ValidationFailed(fields=[FieldError(field, "INVALID")])
        tags.append((found[1] is not None, found[2]))
        at = found.end()
        if _REST.match(value, at):
            return tags


async def _if_match(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(
            description="Entity tags as `ETag` has shown them: nothing is done, and 412 shows the"
            " present one, unless one of them is its. `*`, or without it: whichever it has.",
            json_schema_extra=_SHOWN,
        ),
    ] = None,
) -> list[int] | None:
    if if_match is None:
        return None
    tags = parse_tags("If-Match", ", ".join(request.headers.getlist(IF_MATCH)))
    if tags is None:
        return None
    # A weak tag is never strong enough.
    versions = (_VERSION.fullmatch(tag) for is_weak, tag in tags if not is_weak)
    return [int(version[1]) for version in versions if version is not None]


async def _known_as(
    request: Request,
    if_none_match: Annotated[
        str | None,
        Header(
            description="Entity tags of what is known already: 304 if it is one of them.",
            json_schema_extra=_SHOWN,
        ),
    ] = None,
) -> Callable[[int], str | None]:
    if if_none_match is None:
        return lambda _: None
    tags = parse_tags("If-None-Match", ", ".join(request.headers.getlist(IF_NONE_MATCH)))
    if tags is None:
        return tag_of
    known = {tag for _, tag in tags}

    def known_as(version: int) -> str | None:
        tag = tag_of(version)
        return next((one for one in (tag, packed_tag(tag)) if one in known), None)

    return known_as


#: The versions that a request is for; None: whichever there is. None of them is: it is for none.
VersionsOf = Annotated[list[int] | None, Depends(_if_match)]
#: The tag by which whoever asks has a version already, None for one that they have not.
KnownAs = Annotated[Callable[[int], str | None], Depends(_known_as)]
