"""The storage of the operator's terms that are in force."""

from chat_service.files.domain.errors import FilesNotOffered
from chat_service.files.domain.terms import Bucket, Folder, Place
from chat_service.files.storage.bucket import BucketStorage
from chat_service.files.storage.folder import FolderStorage
from chat_service.files.usecases.ports import Storage, TermsInForce


class StoragePlaces:
    """Calling it gives the storage at the place that the terms say at this moment; raises FilesNotOffered."""

    def __init__(self, terms: TermsInForce) -> None:
        self._terms = terms
        self._place: Place | None = None
        self._storage: Storage | None = None

    def __call__(self) -> Storage:
        place = self._terms.content.place
        if place is None:
            raise FilesNotOffered()
        if self._storage is None or place != self._place:
            self._place, self._storage = place, _storage_at(place)
        return self._storage


def _storage_at(place: Place) -> Storage:
    match place:
        case Folder():
            return FolderStorage(place.path)
        case Bucket():
            return BucketStorage(place)
