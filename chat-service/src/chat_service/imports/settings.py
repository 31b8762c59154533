"""What an operator may set of imports."""

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from chat_service.imports.domain.bounds import ImportBounds

_LARGEST_FILE = 16 * 1024 * 1024 * 1024
_LARGEST = 1024**4


class ImportSettings(BaseSettings):
    """How much of files is in the database at once, until it has been read."""

    import_bytes: int = Field(
        1024 * 1024 * 1024,
        ge=1024,
        le=_LARGEST_FILE,
        description="Largest file that is imported, bytes: its bytes are in the database until it has been "
        "read, packed.",
    )
    imports_user_bytes: int = Field(
        2 * 1024 * 1024 * 1024,
        ge=1024,
        le=_LARGEST,
        description="Most bytes of files that a user's imports hold so at once, as large as CHAT_IMPORT_BYTES "
        "at least; more are refused with IMPORTS_QUOTA_USED_UP.",
    )
    imports_bytes: int = Field(
        16 * 1024 * 1024 * 1024,
        ge=1024,
        le=_LARGEST,
        description="The same of everybody's imports, as large as CHAT_IMPORTS_USER_BYTES at least; more are "
        "refused with IMPORTS_FULL. The database is to have room for it.",
    )

    @field_validator("imports_user_bytes", "imports_bytes")
    @classmethod
    def _has_room_for_one(cls, value: int, info: ValidationInfo) -> int:
        less = "imports_user_bytes" if info.field_name == "imports_bytes" else "import_bytes"
        if value < info.data.get(less, 0):
            raise ValueError(f"it is less than CHAT_{less.upper()}")
        return value

    @property
    def import_bounds(self) -> ImportBounds:
        """How much of files there may be."""
        return ImportBounds(self.import_bytes, self.imports_user_bytes, self.imports_bytes)
