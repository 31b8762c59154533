"""Under whose name PostgreSQL runs: it refuses root."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from chassis.embedded.server import ServerFailed

_UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_NOBODY = 65534
# The data may lie behind folders that are root's alone, as may the program itself.
_SETPRIV = (
    "setpriv",
    f"--reuid={_NOBODY}",
    f"--regid={_NOBODY}",
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
)


@dataclass(frozen=True)
class Credentials:
    """A command prefix that takes them on, and the user who must own the data (None: us)."""

    prefix: tuple[str, ...] = ()
    owner: int | None = None

    def own(self, directory: Path) -> None:
        """Hand ``directory`` and all in it to the owner; cheap when it is theirs already."""
        if self.owner is None:
            return
        for path in (directory, *directory.iterdir()):
            if path.lstat().st_uid == self.owner:
                continue
            os.chown(path, self.owner, -1, follow_symlinks=False)
            if path != directory and path.is_dir():
                for folder, folders, files in os.walk(path):
                    for entry in (*folders, *files):
                        os.chown(Path(folder, entry), self.owner, -1, follow_symlinks=False)


def _works(prefix: tuple[str, ...]) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    tried = subprocess.run(
        [*prefix, "true"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return tried.returncode == 0


def choose_credentials() -> Credentials:
    """Our own, unless we are root. Raises ServerFailed when root has no way out."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return Credentials()
    if _works(_UNSHARE):
        # Inside, the files of root belong to the mapped user.
        return Credentials(_UNSHARE, 0)
    if _works(_SETPRIV):
        return Credentials(_SETPRIV, _NOBODY)
    raise ServerFailed(
        "PostgreSQL refuses to run as root, and neither `unshare` nor `setpriv` works here:"
        " start as an ordinary user"
    )
