"""What an import may have to wait for."""

from typing import Literal

#: notes: notes-service; files: where files are kept, and who reads them.
Awaited = Literal["notes", "files"]


class NotTakenNow(Exception):
    """Nothing of ``what`` was taken just now; ``is_away`` where nobody was there to take it."""

    def __init__(self, what: Awaited, *, is_away: bool) -> None:
        super().__init__()
        self.what = what
        self.is_away = is_away
