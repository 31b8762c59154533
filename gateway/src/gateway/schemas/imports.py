"""Conversations that come in as files."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gateway.schemas.base import Resource, example, moment
from parley.chat.v1 import imports_pb2 as pb

ImportState = Literal["uploading", "waiting", "reading", "completed", "failed", "cancelled"]

_STATES: dict[pb.ImportState.ValueType, ImportState] = {
    pb.IMPORT_STATE_UPLOADING: "uploading",
    pb.IMPORT_STATE_WAITING: "waiting",
    pb.IMPORT_STATE_READING: "reading",
    pb.IMPORT_STATE_COMPLETED: "completed",
    pb.IMPORT_STATE_FAILED: "failed",
    pb.IMPORT_STATE_CANCELLED: "cancelled",
}
# What a later version waits for has no name here.
_AWAITED: dict[str, Literal["notes", "files"]] = {"notes": "notes", "files": "files"}
_AN_IMPORT: dict[str, Any] = {
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e31",
    "name": "conversations.json",
    "state": "completed",
    "size": 48213377,
    "format": "chatgpt",
    "done": 1.0,
    "added": 812,
    "existing": 3,
    "skipped": 1,
    "messages": 19377,
    "personas": 0,
    "notes": 0,
    "files": 0,
    "left_out": {"ATTACHMENT": 41},
    "already_there": {},
    "problems": [{"title": "An old one", "reason": "EMPTY"}],
    "reason": None,
    "waits_for": None,
    "created_at": "2026-11-02T09:32:00Z",
    "ended_at": "2026-11-02T09:32:41Z",
}


class ImportProblem(Resource):
    title: str
    reason: str = Field(description="Why it was not taken, in upper snake case.")


class Import(Resource):
    model_config = example(**_AN_IMPORT)

    id: str
    name: str = Field(description="What the file was called: a label.")
    state: ImportState = Field(
        description="The last three are final. What was taken of one that failed or was cancelled stays."
    )
    size: int = Field(
        description="Bytes of the file, or that are set aside for it while it is uploading."
    )
    format: str | None = Field(
        description="`parley`, `chatgpt`, `open-webui`, `librechat`, `cherry-studio` or `nextchat`, by"
        " what is in the file; null until that is known."
    )
    done: float = Field(description="How much of the file has been read, from 0 to 1.")
    added: int = Field(description="Conversations that are new here.")
    existing: int = Field(description="Conversations that were here already.")
    skipped: int = Field(description="Conversations that were not taken; see `problems`.")
    messages: int = Field(description="Messages of those that were added.")
    personas: int = Field(description="Personas that were added.")
    notes: int = Field(description="Notes that were added.")
    files: int = Field(
        description="Files that were added to its messages, from a zip that Parley has exported with files."
    )
    left_out: dict[str, int] = Field(
        description="What was not taken of those that were added, how many by reason: `ATTACHMENT`,"
        " `TOOL`, `SYSTEM`, `NOTE_TOO_LARGE`, `OTHER_FILE` and others."
    )
    already_there: dict[str, int] = Field(
        description="What besides conversations was here already, how many by what it is: `PERSONA`, a"
        " persona whose name one has given to one of one's own; `NOTE`, a note that is here, or was imported before;"
        " `FILE`, a file that is."
    )
    problems: list[ImportProblem] = Field(
        description="The first hundred of the conversations that were not taken."
    )
    reason: str | None = Field(
        description="Why it failed, in upper snake case: `FORMAT_UNKNOWN`, `FILE_CUT_OFF` and others."
        " `FILE_CHANGED` of one that was completed: an export of Parley that differs from what its last"
        " line tells; what is in it was taken."
    )
    waits_for: Literal["notes", "files"] | None = Field(
        description="Of one that is `waiting`: `notes`, the service that keeps notes, or `files`, the place where"
        " files are kept, was away when it was last read. It goes on by itself."
    )
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, one: pb.Import) -> "Import":
        return cls(
            id=one.id,
            name=one.name,
            state=_STATES[one.state],
            size=one.size,
            format=one.format if one.HasField("format") else None,
            done=one.done,
            added=one.added,
            existing=one.existing,
            skipped=one.skipped,
            messages=one.messages,
            personas=one.personas,
            notes=one.notes,
            files=one.files,
            left_out=dict(one.left_out),
            already_there=dict(one.already_there),
            problems=[
                ImportProblem(title=problem.title, reason=problem.reason)
                for problem in one.problems
            ],
            reason=one.reason if one.HasField("reason") else None,
            waits_for=_AWAITED.get(one.waits_for),
            created_at=moment(one.created_at),
            ended_at=moment(one.ended_at) if one.HasField("ended_at") else None,
        )


class ImportLimits(Resource):
    model_config = example(maximum_bytes=1073741824)

    maximum_bytes: int = Field(description="Of one file.")
