"""``python -m tests.forkserver.worker``: what execnet has ``python -c`` do, a worker of pytest-xdist."""

import sys

if __name__ == "__main__":
    # The first line says what to be; the rest is for that to read.
    exec(eval(sys.stdin.readline()))
