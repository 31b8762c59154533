"""The storage of the operator's terms that are in force."""

from collections.abc import Callable

from chat_service.files.domain.errors import FilesNotOffered
from chat_service.files.domain.terms import Bucket, Folder, Place
from chat_service.files.storage.bucket import BucketStorage
from chat_service.files.storage.folder import FolderStorage
from chat_service.files.usecases.ports import Storage, TermsInForce


class StoragePlaces:
    """Calling it gives the storage at the place that the terms say at this moment; raises FilesNotOffered.

    `in_bucket` makes the storage of a place that is a bucket.
    """

    def __init__(
        self, terms: TermsInForce, *, in_bucket: Callable[[Bucket], Storage] = BucketStorage
    ) -> None:
        self._terms = terms
        self._in_bucket = in_bucket
        self._place: Place | None = None
        self._storage: Storage | None = None

    def __call__(self) -> Storage:
        place = self._terms.content.place
        if place is None:
            raise FilesNotOffered()
        if self._storage is None or place != self._place:
            self._place, self._storage = place, self._storage_at(place)
        return self._storage

    def _storage_at(self, place: Place) -> Storage:
        match place:
            case Folder():
                return FolderStorage(place.path)
            case Bucket():
                return self._in_bucket(place)
