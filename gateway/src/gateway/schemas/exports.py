"""What one has, as a file."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from gateway.schemas.base import Moment, storable, timestamp
from gateway.schemas.texts import NOT_EMPTY, Id
from parley.chat.v1 import exports_pb2 as pb

ExportFormat = Literal["json", "csv", "markdown"]

_FORMATS: dict[ExportFormat, pb.ExportFormat.ValueType] = {
    "json": pb.EXPORT_FORMAT_JSON,
    "csv": pb.EXPORT_FORMAT_CSV,
    "markdown": pb.EXPORT_FORMAT_MARKDOWN,
}
_ALSO = ("notes", "personas", "files")


def _known(also: str) -> str:
    if not set(also.split(",")) <= set(_ALSO):
        raise PydanticCustomError("literal_error", "must be of notes, personas and files")
    return also


class ExportQuery(BaseModel):
    """How an export is made."""

    format: ExportFormat = Field(
        "json",
        description="`json` has everything, and can be imported: docs/export-format.md says what. `csv`"
        " has a row for each message, `markdown` the chosen path, to be read.",
    )
    gzip: bool = Field(
        False, description="Whether the file is compressed, as `.gz`; not with files."
    )


class ExportOneQuery(ExportQuery):
    """How one conversation is exported, and what goes along."""

    also: Literal["files"] | None = Field(
        None,
        alias="with",
        description="`files`: a zip of the file and of what is attached to its messages.",
    )

    @property
    def with_files(self) -> bool:
        return self.also == "files"

    def request(self, session_id: str) -> pb.ExportRequest:
        return pb.ExportRequest(
            format=_FORMATS[self.format], session_id=session_id, files=self.with_files
        )


_ONE_OF = f"({'|'.join(_ALSO)})"


class ExportAllQuery(ExportQuery):
    """Which conversations are exported, and how."""

    active_from: Moment | None = Field(
        None, alias="from", description="Conversations that were last active from then on."
    )
    active_before: Moment | None = Field(
        None, alias="to", description="Conversations that were last active before then."
    )
    since: Annotated[str, AfterValidator(storable)] = Field(
        "",
        max_length=1024,
        description="`since` of an earlier export's last line: conversations that have changed since"
        " then, each whole, and those that had within a quarter of an hour before.",
    )
    after: Annotated[Id, NOT_EMPTY, AfterValidator(storable)] | None = Field(
        None,
        description="The last conversation that came whole, where a download was cut off: those behind"
        " it. Not with files, which had not come by then.",
    )
    began: Annotated[str, AfterValidator(storable)] = Field(
        "",
        max_length=1024,
        description="With `after`: the header `X-Export-Since` of the download that was cut off, which the"
        " last line then tells as `since`. Without it that is the `since` that was asked for, and the next"
        " export has all since then once more.",
    )
    also: Annotated[str, AfterValidator(_known)] | None = Field(
        None,
        alias="with",
        description="With commas between: `notes` and `personas` behind the conversations, in `json`"
        " alone; notes need the scope `notes:read` too. `files`: a zip of the file and of what is attached to"
        " its messages.",
        json_schema_extra={"pattern": f"^{_ONE_OF}(,{_ONE_OF})*$"},
    )

    @property
    def with_files(self) -> bool:
        return self.asks_for("files")

    def asks_for(self, what: Literal["notes", "personas", "files"]) -> bool:
        return what in (self.also or "").split(",")

    def all_request(self) -> pb.ExportRequest:
        return pb.ExportRequest(
            format=_FORMATS[self.format],
            active_from=None if self.active_from is None else timestamp(self.active_from),
            active_before=None if self.active_before is None else timestamp(self.active_before),
            since=self.since,
            after=self.after or "",
            began=self.began,
            personas=self.asks_for("personas"),
            files=self.with_files,
        )
