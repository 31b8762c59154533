"""Why a file of a known kind cannot be read. Metadata `cause` says which of these it is."""

from typing import ClassVar

from chat_service.files.domain.errors import FileUnreadable


class _Unreadable(FileUnreadable):
    cause: ClassVar[str]

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.metadata["cause"] = self.cause


class FileDamaged(_Unreadable):
    cause = "DAMAGED"
    detail = "The file is damaged or was cut off, and cannot be read."


class FileLocked(_Unreadable):
    cause = "LOCKED"
    detail = "The file is protected by a password; send one that is not."


class FileTooComplex(_Unreadable):
    cause = "TOO_COMPLEX"
    detail = "To read this file takes more time or memory than a file may take."
