"""Why a run ends that did not end by itself: in a sentence where there is one, else in full."""

import errno
import traceback
from typing import Final

from chassis.embedded import ServerFailed
from chassis.embedded.binaries import BinaryMissing
from chassis.settings import UNUSABLE_STATUS
from parley_local.address import CannotStart
from parley_local.environment import EnvironmentProblem
from parley_local.output import Terminal
from parley_local.readiness import NotReadyInTime
from parley_local.state import StateError
from parley_local.topology import ReplicasProblem


class Refused(Exception):
    """A part cannot work with its settings; the message is for the terminal."""


_EXPLAINED: Final = (
    BinaryMissing,
    CannotStart,
    EnvironmentProblem,
    NotReadyInTime,
    Refused,
    ReplicasProblem,
    ServerFailed,
    StateError,
)
# What the machine refuses, and no fault of ours.
_OF_THE_MACHINE: Final = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOLCK),
    *(errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN),
    *(errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG),
}


def complain(terminal: Terminal, error: Exception) -> int:
    """Say why; the exit status, UNUSABLE_STATUS where a setting is to blame and 1 otherwise."""
    if isinstance(error, _EXPLAINED):
        said = str(error)
    elif isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        what = f"{error.filename}: " if error.filename else ""
        said = f"{what}{error.strerror}"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            said += "\nMake room, and start again: what was made is used."
    else:
        said = "".join(traceback.format_exception(error))
    for line in said.splitlines():
        terminal.say(line, level="error")
    return UNUSABLE_STATUS if isinstance(error, Refused) else 1
