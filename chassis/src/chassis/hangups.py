"""SIGHUP, by which operators ask for files to be read anew."""

import signal
import sys


def ignore_hangups() -> None:
    """Of who reads no file SIGHUP is no end, as it is by default."""
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
