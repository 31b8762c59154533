"""Make what notes are found by, of those that an earlier release has written."""

from notes_service.store.unindexed import Unindexed
from notes_service.usecases.notes import lexemes_in_thread


async def index_notes(unindexed: Unindexed) -> None:
    """Go on until there are none that nobody has in hand. A batch is a transaction: who ends it anywhere
    loses that batch at most.
    """
    indexed = 1
    while indexed:
        async with unindexed.batch() as batch:
            for note in batch.notes:
                lexemes = await lexemes_in_thread(note.user_id, note.title, None, note.content)
                await batch.put(note.id, lexemes)
            indexed = len(batch.notes)
