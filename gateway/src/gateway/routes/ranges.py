"""Which part of something a request is for. RFC 9110, section 14.

One range of bytes is answered as such; a list of several, and whatever is none, as if there had been none.
"""

import re

from gateway.refusals import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


def range_of(value: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last that a Range header asks for; None: all of them.

    Raises RangeNotSatisfiable where there are none.
    """
    found = _RANGE.fullmatch(value or "")
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        begin, end = max(0, size - int(found[2])), size
    else:
        begin = int(found[1])
        end = size if found[2] == "" else min(size, int(found[2]) + 1)
        if found[2] != "" and int(found[2]) < begin:
            return None
    if begin >= end:
        raise RangeNotSatisfiable()
    return begin, end
