"""Background jobs of the notes service."""

from typing import Final

from chassis.repeated import Repeated
from notes_service.store.unindexed import Unindexed
from notes_service.usecases.index_notes import index_notes

# For as long as an earlier release writes beside this one.
_SECONDS: Final = 30.0


class Indexing(Repeated):
    """Makes what notes are found by, of those that an earlier release has written. Replicas share the
    work.
    """

    def __init__(self, unindexed: Unindexed) -> None:
        super().__init__("note indexing", lambda: index_notes(unindexed), seconds=_SECONDS)
