"""Becomes another program that dies with its parent.

Run as a script, ``child.py PARENT_PID SIGNAL PROGRAM ARGUMENT…``: asks Linux to send SIGNAL to
this process when its parent ends, however it ends, and then executes PROGRAM in its place. It
needs the standard library alone and is started with ``-I -S``, so it costs about 20 ms. A
program of its own rather than a ``preexec_fn``, which may deadlock in a process with threads;
and after ``unshare``, since a change of credentials clears the request.

Elsewhere than on Linux it only executes PROGRAM.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, signal_number: int) -> None:
    """Have this process sent ``signal_number`` when its parent, process ``parent``, ends.

    Raises SystemExit when the parent has ended already. Does nothing elsewhere than on Linux.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise SystemExit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # It may have ended before the request was made.
    if os.getppid() != parent:
        raise SystemExit("the parent has ended")


def main() -> None:
    parent, signal_number, *command = sys.argv[1:]
    end_with_parent(int(parent), int(signal_number))
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise SystemExit(f"{command[0]}: {error.strerror}") from None


if __name__ == "__main__":
    main()
