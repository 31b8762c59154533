"""The folder that keeps every secret of the installation, each made once."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class SecretStore:
    """Secrets by name in ``directory``; what exists is never made anew.

    The volume behind it belongs into the backup: without it nothing can be decrypted.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)

    def password(self, name: str) -> str:
        """256 random bits; its characters need no quoting in a URL or a configuration file."""
        return self._once(f"{name}.password", lambda: secrets.token_urlsafe(32))

    def signing_key(self) -> str:
        """The key that signs access tokens: Ed25519, PEM, PKCS #8."""
        return self._once("signing_key.pem", _make_signing_key)

    def vault_key(self) -> str:
        """The key that locks the stored provider keys: 32 random bytes in base64."""
        return self._once("vault.key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())

    def vault_old_keys(self) -> str:
        """Keys that open what they have locked and lock nothing any more, a line each: what an
        operator has put into ``vault_old.keys``, and nothing where there is no such file.
        """
        path = self.directory / "vault_old.keys"
        return path.read_text(encoding="ascii") if path.exists() else ""

    def _once(self, name: str, make: Callable[[], str]) -> str:
        path = self.directory / name
        if not path.exists():
            write(path, make(), os.geteuid())
        return path.read_text(encoding="ascii")


def write(path: Path, content: str, uid: int) -> None:
    """Put a file in place that ``uid`` alone may read; a kill leaves the old one or the new."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)
        file.flush()
        # Whoever starts next seals data with it: it has to be there after a power failure.
        os.fsync(descriptor)
        if uid != os.geteuid():
            os.fchown(descriptor, uid, uid)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _make_signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
