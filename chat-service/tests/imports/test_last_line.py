"""Files of ours against what their last lines tell: changed, cut, and without any."""

import gzip
import hashlib
import json
from typing import Any

import pytest

from chat_service.imports.reading.made import Made
from chat_service.imports.reading.recognise import Changed

from .test_reading import read


def of_ours(end: Any, *conversations: Any, breaks: str = "\n") -> bytes:
    """A file in our format; `end` is told the hash of what is before it."""
    told = ",\n".join(json.dumps(one, ensure_ascii=False) for one in conversations)
    body = f'{{"format":"parley","version":1,"conversations":[\n{told}\n],{breaks}'.encode()
    return body + b'"end":' + json.dumps(end(hashlib.sha256(body).hexdigest())).encode() + b"}\n"


OURS = [
    {"id": f"o-{n}", "created_at": "2026-01-01T00:00:00Z", "messages": [], "title": "家" * 3000}
    for n in range(3)
]


@pytest.mark.parametrize(
    ("end", "is_changed"),
    [
        (lambda sha: {"conversations": 3, "sha256": sha}, False),
        (lambda sha: {"sha256": sha}, False),
        (lambda sha: {"conversations": 3}, False),
        (lambda sha: {}, False),
        (lambda sha: None, False),
        (lambda sha: {"conversations": 4, "sha256": sha}, True),
        (lambda sha: {"conversations": 3, "notes": 1, "sha256": sha}, True),
        (lambda sha: {"conversations": 3, "sha256": "0" * 64}, True),
        (lambda sha: {"conversations": 3, "sha256": 7}, True),
    ],
)
def test_a_file_of_ours_is_compared_with_what_its_last_line_tells(
    end: Any, is_changed: bool
) -> None:
    for file in (of_ours(end, *OURS), gzip.compress(of_ours(end, *OURS, breaks="\n" * 9))):
        found = read(file)
        assert len([one for one in found if isinstance(one, Made)]) == 3
        assert any(isinstance(one, Changed) for one in found) == is_changed


def test_a_byte_that_was_changed_anywhere_is_noticed_and_what_is_there_is_taken() -> None:
    whole = of_ours(lambda sha: {"conversations": 3, "sha256": sha}, *OURS)
    for place in (whole.index("家".encode()), whole.rindex("家".encode())):
        changed = whole[:place] + "室".encode() + whole[place + 3 :]
        assert [type(one) for one in read(changed)] == [Made, Made, Made, Changed]
    fewer = of_ours(lambda sha: {"conversations": 3}, *OURS[:2])
    assert [type(one) for one in read(fewer)] == [Made, Made, Changed]
    # What lies behind the last line is none of it.
    assert [type(one) for one in read(whole + b"\n \n")] == [Made, Made, Made]
