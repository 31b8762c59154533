"""The signing keys of an installation: a directory of PEM files, or one file.

Every key verifies; one of them signs. A key that is put into the directory is announced to all
services within seconds and signs only when it has been there for a while: by then everybody knows
it. Taking a file away ends, within seconds, all that its key has signed.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auth_service.credentials.signing import SigningKey, UnusableSigningKey
from auth_service.domain.trust import ACCESS_TOKEN_MAX, VerificationKey
from chassis.ids import new_id

# Every replica has read it by then, every service has heard of it, and a JWKS that somebody keeps
# for a minute shows it.
ACTIVATION_SECONDS = 75.0
# What a key has signed is good for so long; with a minute for the clocks.
_RETIREMENT_SECONDS = (ACCESS_TOKEN_MAX + timedelta(minutes=1)).total_seconds()


@dataclass(frozen=True, slots=True)
class _KeyFile:
    """``since`` is when the file came to be here (Unix seconds), wherever it was made."""

    path: Path
    since: float


class KeyRing:
    """The keys at ``place``, as they were when last read. Raises UnusableSigningKey: also later,
    and then what was known stays in force. A new key signs when it has been there for
    ``activation_seconds``.
    """

    def __init__(
        self,
        place: Path,
        *,
        clock: Callable[[], float] = time.time,
        activation_seconds: float = ACTIVATION_SECONDS,
    ) -> None:
        self._place = place
        self._clock = clock
        self._activation_seconds = activation_seconds
        self.signing: SigningKey
        self.read()

    @property
    def verification(self) -> tuple[VerificationKey, ...]:
        return self._verification

    @property
    def in_force(self) -> Sequence[SigningKey]:
        """All of them, the one that signs first."""
        return [self.signing, *(key for key in self._keys if key is not self.signing)]

    def read(self) -> bool:
        """Read them again; whether the verification keys have changed."""
        files = _files(self._place)
        keys = [SigningKey.load(file.path) for file in files]
        self._keys = keys
        before = getattr(self, "_verification", ())
        names = [key.verification.kid for key in keys]
        signed = self.signing.verification.kid if before else None
        now = self._clock()
        known = [now - file.since >= self._activation_seconds for file in files]
        self.signing = keys[_signing(known, names, signed)]
        # A key may be there twice, under two names.
        self._verification = tuple(dict.fromkeys(key.verification for key in keys))
        return set(self._verification) != set(before)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the name of the new key, and the files that were taken away."""

    kid: str
    removed: Sequence[str]


def rotate(directory: Path, *, clock: Callable[[], float] = time.time) -> Rotation:
    """Add a key to ``directory``, and take away those of which no token can be good any more.

    Raises UnusableSigningKey, having added nothing.
    """
    if not directory.is_dir():
        raise UnusableSigningKey(f"not a directory: {directory}")
    key = Ed25519PrivateKey.generate()
    try:
        _write(directory / f"{new_id()}.pem", key)
    except OSError as error:
        raise UnusableSigningKey(f"no key can be added: {error.strerror}: {directory}") from None
    files = _files(directory)
    now = clock()
    removed = []
    for file, successor in pairwise(files):
        if now - successor.since > ACTIVATION_SECONDS + _RETIREMENT_SECONDS:
            file.path.unlink()
            removed.append(file.path.name)
    return Rotation(SigningKey(key).verification.kid, removed)


def _files(place: Path) -> list[_KeyFile]:
    """Oldest first; never empty."""
    try:
        paths = [
            path
            for path in (place.glob("*.pem") if place.is_dir() else [place])
            if path == place or not path.name.startswith(".")
        ]
        # The inode's change, not the file's: a key that is moved or copied here is new here.
        files = [_KeyFile(path, path.stat().st_ctime) for path in paths]
    except OSError as error:
        raise UnusableSigningKey(f"{error.strerror}: {place}") from None
    if not files:
        raise UnusableSigningKey(f"no key (*.pem) in {place}")
    return sorted(files, key=lambda file: (file.since, file.path.name))


def _signing(known: Sequence[bool], names: Sequence[str], signed: str | None) -> int:
    """The last of the ``known``, which everybody knows; where all are new, the one that ``signed`` up
    to now, or else the one that was first.
    """
    active = [at for at, is_known in enumerate(known) if is_known]
    if active:
        return active[-1]
    # A change of a mounted secret writes every file anew: an old key is known nevertheless.
    return names.index(signed) if signed in names else 0


def _write(path: Path, key: Ed25519PrivateKey) -> None:
    """Whole or not at all, for its owner alone."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
