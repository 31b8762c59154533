"""The reasons for which something about files is refused."""

from chassis.errors import AppError, Kind, Unavailable


class FileNotFound(AppError):
    """Also for somebody else's, for one that is not whole yet, and for one that is being taken away."""

    kind = Kind.NOT_FOUND
    reason = "FILE_NOT_FOUND"
    detail = "There is no such file."


class FilesNotOffered(AppError):
    kind = Kind.CONFLICT
    reason = "FILES_NOT_OFFERED"
    detail = "No files are kept here."


class FileTooLarge(AppError):
    """The gateway's 413; `maximum` is in bytes."""

    kind = Kind.INVALID
    reason = "FILE_TOO_LARGE"
    detail = "The file is larger than files may be here."

    def __init__(self, maximum: int) -> None:
        super().__init__(metadata={"maximum": str(maximum)})


class FileKindRefused(AppError):
    """The gateway's 415. `kind` is what the content is, where that is known and not taken here."""

    kind = Kind.INVALID
    reason = "FILE_KIND_REFUSED"
    detail = "What is in the file is not of a kind that is taken here."

    def __init__(self, kind: str | None = None) -> None:
        super().__init__(metadata={} if kind is None else {"kind": kind})


class FileUnreadable(AppError):
    """It is of a kind that is taken, and damaged, or more than is ever read of one."""

    kind = Kind.INVALID
    reason = "FILE_UNREADABLE"
    detail = "The file cannot be read: it is damaged, or holds more than its kind may."

    def __init__(self, kind: str) -> None:
        super().__init__(metadata={"kind": kind})


class FileEmpty(AppError):
    """A model would be given nothing of it; most often it was chosen by mistake."""

    kind = Kind.INVALID
    reason = "FILE_EMPTY"
    detail = "There is nothing in the file."


class FileIncomplete(AppError):
    kind = Kind.INVALID
    reason = "FILE_INCOMPLETE"
    detail = "The file ended before it was whole; send it again."


class QuotaUsedUp(AppError):
    """Both numbers are bytes."""

    kind = Kind.CONFLICT
    reason = "FILES_QUOTA_USED_UP"
    detail = "There is no room for it among your files; delete some of them first."

    def __init__(self, *, used: int, allowed: int) -> None:
        super().__init__(metadata={"used": str(used), "allowed": str(allowed)})


class TooManyUploads(AppError):
    kind = Kind.EXHAUSTED
    reason = "TOO_MANY_UPLOADS"
    detail = "As many files are being uploaded for you as may be at once; try again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after=1)


class TooManyFiles(AppError):
    """`allowed`: files that a user may have."""

    kind = Kind.CONFLICT
    reason = "TOO_MANY_FILES"
    detail = "You have as many files as you may have; delete some of them first."

    def __init__(self, *, allowed: int) -> None:
        super().__init__(metadata={"allowed": str(allowed)})


class FileReadersBusy(Unavailable):
    """No process that reads files was free, or done, in time."""

    reason = "FILE_READERS_BUSY"
    detail = "Many files are being read just now; send it again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after=5)


class PicturesBusy(Unavailable):
    """As many bytes of pictures are on their way to models as this process holds."""

    reason = "PICTURES_BUSY"
    detail = "Many pictures are being sent to models just now; ask again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after=5)


class StorageUnavailable(Unavailable):
    reason = "STORAGE_UNAVAILABLE"
    detail = "The place where files are kept is away; try again shortly."


class UploadGivenUp(Unavailable):
    """What was set aside for it was taken back, since for too long nothing was heard of it."""

    reason = "UPLOAD_GIVEN_UP"
    detail = "The upload was given up; send the file again."
