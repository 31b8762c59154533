"""The operator's terms for files, in YAML, read whole or not at all.

::

    files:
      maximum_bytes: 20971520         # of one file
      quota_bytes: 1073741824         # of all files of a user
      uploads_at_once: 5              # of a user
      most_files: 10000               # of a user
      kinds: [png, jpeg, pdf, text]   # absent: all that there are
      folder: /var/lib/parley/files   # or a bucket; absent: CHAT_FILES_DIR
      bucket:
        name: parley-files
        endpoint: https://s3.example.org   # absent: Amazon's, of the region
        region: eu-central-1
        prefix: parley
        access_key_id: AKIA…               # absent: what the machine's own role is good for
        secret_access_key_file: /run/secrets/bucket
        spool: /var/spool/parley           # a folder on this machine, for uploads under way
"""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from chat_service.files.domain.kinds import KINDS
from chat_service.files.domain.terms import (
    MAXIMUM_BYTES,
    MOST_FILES,
    QUOTA_BYTES,
    UPLOADS_AT_ONCE,
    Bucket,
    Folder,
    Place,
    Terms,
)
from chat_service.operator_yaml import Lines, bad_file, parsed
from servicekit.file_parts import FilePart
from servicekit.operator_file import Reading

_MOST_BYTES: Final = 64 * 1024
_SECRET_BYTES: Final = 4096
#: More than any disk: a slip of the finger.
_LARGEST: Final = 1024**5


class _Bucket(FilePart):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    spool: Annotated[str, Field(min_length=1)]
    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+$")] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] = "us-east-1"
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$")] = ""
    access_key_id: Annotated[str, Field(min_length=1)] | None = None
    secret_access_key_file: Annotated[str, Field(min_length=1)] | None = None


class _Files(FilePart):
    maximum_bytes: Annotated[int, Field(ge=1, le=_LARGEST)] = MAXIMUM_BYTES
    quota_bytes: Annotated[int, Field(ge=0, le=_LARGEST)] = QUOTA_BYTES
    uploads_at_once: Annotated[int, Field(ge=1, le=1000)] = UPLOADS_AT_ONCE
    most_files: Annotated[int, Field(ge=1, le=1_000_000)] = MOST_FILES
    kinds: list[str] | None = None
    folder: Annotated[str, Field(min_length=1)] | None = None
    bucket: _Bucket | None = None


class _File(FilePart):
    files: _Files


def read_terms(reading: Reading, path: Path, place: Place | None) -> Terms:
    """What the file says; bytes are kept at `place` unless it says where. Raises BadFile, with the line and
    the field of what is wrong.
    """
    whole, lines = parsed(_File, reading.text(path, _MOST_BYTES))
    file = whole.files
    if unknown := [at for at, kind in enumerate(file.kinds or ()) if kind not in KINDS]:
        known = ", ".join(KINDS)
        raise bad_file([(("files", "kinds", unknown[0]), f"the kinds are {known}")], lines)
    return Terms(
        place=_place(reading, file, lines) or place,
        maximum_bytes=file.maximum_bytes,
        quota_bytes=file.quota_bytes,
        uploads_at_once=file.uploads_at_once,
        most_files=file.most_files,
        kinds=None if file.kinds is None else frozenset(file.kinds),
    )


def _place(reading: Reading, file: _Files, lines: Lines) -> Place | None:
    bucket = file.bucket
    if bucket is None:
        return None if file.folder is None else Folder(_whole(("folder",), file.folder, lines))
    if file.folder is not None:
        raise bad_file([(("files", "bucket"), "there is a folder already")], lines)
    if (bucket.access_key_id is None) != (bucket.secret_access_key_file is None):
        raise bad_file(
            [(("files", "bucket"), "a key's id and the file of its secret go together")], lines
        )
    secret = None
    if bucket.secret_access_key_file is not None:
        secret = reading.text(Path(bucket.secret_access_key_file), _SECRET_BYTES).strip()
    return Bucket(
        name=bucket.name,
        spool=_whole(("bucket", "spool"), bucket.spool, lines),
        region=bucket.region,
        endpoint=bucket.endpoint,
        prefix=bucket.prefix,
        access_key_id=bucket.access_key_id,
        secret_access_key=secret,
    )


def _whole(field: tuple[str, ...], path: str, lines: Lines) -> Path:
    place = Path(path)
    if not place.is_absolute():
        raise bad_file([(("files", *field), "a folder's whole path, from / on")], lines)
    return place
