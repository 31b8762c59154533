"""What a process says at its port for operations."""

import json
import urllib.error
import urllib.request
from typing import Any


def get_json(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of ``path``, whatever the status; blocks for 30 s at most.

    Raises OSError while nobody answers. An answer that is an error is closed as any other: its socket
    would be found open by some later test.
    """
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
