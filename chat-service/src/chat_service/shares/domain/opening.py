"""Openings: for an hour they show that somebody was let into a share.

So a long conversation is read page by page, and copied, without its password once more and as one view.
An opening is of one share, whose key changes with its password and its audience, and opens nothing that was
taken back or has expired.
"""

import binascii
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Final

LIFE: Final = timedelta(hours=1)
_KEY_BYTES: Final = 32
_TIME_BYTES: Final = 8
_DIGEST: Final = "sha256"
# Of no opening that we make.
_TOO_LONG: Final = 100


def new_key() -> bytes:
    """What the openings of one share are made with; it never leaves the database."""
    return secrets.token_bytes(_KEY_BYTES)


def make(key: bytes, at: datetime) -> str:
    """An opening that is good for LIFE from `at` on."""
    ends = int((at + LIFE).timestamp()).to_bytes(_TIME_BYTES, "big")
    return urlsafe_b64encode(ends + hmac.digest(key, ends, _DIGEST)).rstrip(b"=").decode()


def is_good(opening: str, key: bytes, at: datetime) -> bool:
    """Whether `make` made it with this key, less than LIFE before `at`."""
    if len(opening) > _TOO_LONG or not opening.isascii():
        return False
    try:
        told = urlsafe_b64decode(opening + "=" * (-len(opening) % 4))
    except (binascii.Error, ValueError):
        return False
    ends, digest = told[:_TIME_BYTES], told[_TIME_BYTES:]
    is_ours = hmac.compare_digest(digest, hmac.digest(key, ends, _DIGEST))
    return is_ours and int.from_bytes(ends, "big") > at.timestamp()
