"""A secret as it is stored, and the place that it belongs to."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed text belongs: it opens there and nowhere else."""

    tenant_id: UUID
    user_id: UUID
    key_id: UUID
    field: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored.

    ``ciphertext`` is locked with a data key of its own, ``wrapped_key`` is that data key
    locked with the key-encryption key that ``kek_id`` names.
    """

    ciphertext: bytes = field(repr=False)
    wrapped_key: bytes = field(repr=False)
    kek_id: str
