"""No process that holds secrets leaves its memory behind when it is killed."""

import sys


def forbid_core_dumps() -> None:
    """From now on neither this process nor any that it starts writes a core, however it ends.

    A core holds keys in the clear, and stays where it was written. Nobody but root can allow it again.
    Does nothing on Windows.
    """
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
