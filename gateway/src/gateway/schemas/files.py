"""Files."""

from datetime import datetime
from typing import Any, Final

from pydantic import Field

from gateway.schemas.base import Resource, example, moment
from parley import bounds
from parley.chat.v1 import files_pb2 as pb

#: What the document says of the body of an upload, which is read by no schema.
FORM: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "The file, with its name: what is in it says what it is.",
                    }
                },
            }
        }
    },
}


class File(Resource):
    model_config = example(
        id="0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70",
        name="plan.txt",
        kind="text",
        media_type="text/plain",
        size=1204,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        created_at="2026-11-02T09:33:00Z",
    )

    id: str
    name: str = Field(
        description="What it was called where it came from, without what cannot be seen, at most "
        f"{bounds.FILE_NAME.maximum} characters."
    )
    kind: str = Field(description="What is in it, such as `png`.")
    media_type: str = Field(description="What it is served as.")
    size: int = Field(description="Bytes that are kept of it.")
    sha256: str = Field(description="Of these, in hexadecimal digits.")
    created_at: datetime

    @classmethod
    def of(cls, file: pb.File) -> "File":
        return cls(
            id=file.id,
            name=file.name,
            kind=file.kind,
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256.hex(),
            created_at=moment(file.created_at),
        )


class FileKind(Resource):
    """A kind of file that is taken."""

    model_config = example(name="text", media_type="text/plain", extensions=[".txt", ".log"])

    name: str
    media_type: str
    extensions: list[str] = Field(
        description="How names of such files usually end; what they end with counts for nothing."
    )

    @classmethod
    def of(cls, kind: pb.FileKind) -> "FileKind":
        return cls(name=kind.name, media_type=kind.media_type, extensions=list(kind.extensions))


class FileLimits(Resource):
    model_config = example(
        offered=True,
        maximum_bytes=20971520,
        quota_bytes=1073741824,
        used_bytes=1204,
        uploads_at_once=5,
        maximum_attachments=10,
        kinds=[{"name": "text", "media_type": "text/plain", "extensions": [".txt", ".log"]}],
    )

    offered: bool = Field(description="Whether files are kept here; all else is 0 if not.")
    maximum_bytes: int = Field(description="Of one file.")
    quota_bytes: int = Field(description="Of all of one's files.")
    used_bytes: int = Field(
        description="Of these; the texts that are read out of them, and what is being uploaded, count as well."
    )
    uploads_at_once: int
    maximum_attachments: int = Field(description="Files that a question may have.")
    kinds: list[FileKind] = Field(description="What is taken.")

    @classmethod
    def of(cls, limits: pb.GetFileLimitsResponse) -> "FileLimits":
        return cls(
            offered=limits.offered,
            maximum_bytes=limits.maximum_bytes,
            quota_bytes=limits.quota_bytes,
            used_bytes=limits.used_bytes,
            uploads_at_once=limits.uploads_at_once,
            maximum_attachments=bounds.MAX_ATTACHMENTS if limits.offered else 0,
            kinds=[FileKind.of(kind) for kind in limits.kinds],
        )
