"""What is attached to a run's messages, read from storage for its model."""

from contextlib import aclosing
from uuid import UUID

from chat_service.files.domain.attachment import Attachment
from chat_service.files.domain.errors import FileNotFound, FilesNotOffered
from chat_service.files.domain.file import content_key, text_key
from chat_service.files.domain.kinds import KINDS
from chat_service.files.picture_room import Held, PictureRoom
from chat_service.files.usecases.ports import StorageInForce
from chat_service.providers.domain.prompt_message import Picture

# In UTF-8, at most.
_BYTES_OF_A_CHARACTER = 4


class AttachedFiles:
    """Reads files of one user for one prompt. What cannot be had now raises StorageUnavailable."""

    def __init__(self, storage: StorageInForce, user_id: UUID, room: PictureRoom) -> None:
        self._storage = storage
        self._user_id = user_id
        self._room = room
        self._held: Held | None = None

    async def make_room(self, size: int) -> None:
        """Hold room for the prompt's pictures, until they are let go. Raises PicturesBusy."""
        self._held = await self._room.take(size)

    async def text(self, attachment: Attachment, characters: int) -> str | None:
        """The first so many characters of its text; None: it is gone."""
        if attachment.text_size is not None:
            key, size = text_key(self._user_id, attachment.id), attachment.text_size
        else:
            key, size = content_key(self._user_id, attachment.id), attachment.size
        read = await self._read(key, min(size, characters * _BYTES_OF_A_CHARACTER))
        if read is None:
            return None
        # It may end in the middle of a character.
        return read.decode(errors="ignore").removeprefix("\ufeff")[:characters]

    async def picture(self, attachment: Attachment) -> Picture | None:
        """What models are shown of it; None: it is gone."""
        read = await self._read(content_key(self._user_id, attachment.id), attachment.size)
        if read is None:
            return None
        return Picture(KINDS[attachment.kind].media_type, bytes(read), self._held)

    async def _read(self, key: str, end: int) -> bytearray | None:
        read = bytearray()
        try:
            if end:
                async with aclosing(self._storage().read(key, 0, end)) as pieces:
                    async for piece in pieces:
                        read += piece
        except (FileNotFound, FilesNotOffered):
            return None
        return read
