"""On what terms files are kept: what the operator has said."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: What holds where the operator says nothing.
MAXIMUM_BYTES: Final = 20 * 1024 * 1024
QUOTA_BYTES: Final = 1024 * 1024 * 1024
UPLOADS_AT_ONCE: Final = 5
MOST_FILES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Folder:
    """Bytes are files in a folder, which all replicas share."""

    path: Path


@dataclass(frozen=True, slots=True)
class Bucket:
    """Bytes are objects in a bucket that speaks S3; `spool` is a folder for what is not whole yet.

    Without an endpoint it is Amazon's, of the region.
    """

    name: str
    spool: Path
    region: str = "us-east-1"
    endpoint: str | None = None
    prefix: str = ""
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


Place = Folder | Bucket


@dataclass(frozen=True, slots=True)
class Terms:
    """How large a file may be, how much of a user's is kept and in how many files, how many are uploaded at once by one user, and
    of which kinds, by their names; without a place no files are kept.
    """

    place: Place | None = None
    maximum_bytes: int = MAXIMUM_BYTES
    quota_bytes: int = QUOTA_BYTES
    uploads_at_once: int = UPLOADS_AT_ONCE
    most_files: int = MOST_FILES
    #: None: all that there are.
    kinds: frozenset[str] | None = None

    def takes(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The terms in force, and how many bytes of the quota a user has used."""

    terms: Terms
    used_bytes: int
