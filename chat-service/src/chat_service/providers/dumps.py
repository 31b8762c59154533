"""Secrets that a server quotes as the numbers of their bytes, as it writes what it cannot write as text."""

import re
from collections.abc import Iterable

from chassis.telemetry.redaction import REDACTED

# So many bytes of a secret in a row tell it.
_LEAST = 8
_HEX = re.compile(
    r"(?<![0-9a-z])(?:(?:0x|\\x)?[0-9a-f]{2}[\s:,;.-]{1,3}){7,}(?:0x|\\x)?[0-9a-f]{2}(?![0-9a-z])",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"(?<![0-9])(?:[0-9]{1,3}\s{0,2}[,\s]\s{0,2}){7,}[0-9]{1,3}(?![0-9])")
_BYTE = re.compile(r"(?:0x|\\x)?([0-9a-f]{2})", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+")


def without_dumps(text: str, secrets: Iterable[str]) -> str:
    """``text`` without runs of bytes, in hex with something between them or as numbers, in which eight or more
    bytes of a secret stand.
    """
    known = [secret.encode(errors="replace") for secret in secrets]

    def hidden(run: re.Match[str], data: bytes) -> str:
        return REDACTED if any(_stands_in(secret, data) for secret in known) else run[0]

    def of_hex(run: re.Match[str]) -> str:
        return hidden(run, bytes(int(byte, 16) for byte in _BYTE.findall(run[0])))

    def of_decimals(run: re.Match[str]) -> str:
        return hidden(run, bytes(int(byte) % 256 for byte in _NUMBER.findall(run[0])))

    return _DECIMAL.sub(of_decimals, _HEX.sub(of_hex, text))


def _stands_in(secret: bytes, data: bytes) -> bool:
    if len(secret) <= _LEAST:
        return secret in data
    return any(secret[at : at + _LEAST] in data for at in range(len(secret) - _LEAST + 1))
