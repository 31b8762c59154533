"""``python -m tests.forkserver.collected FD PATH…``: a fork server for pytest-xdist's workers.

It has imported every test module of these paths, so that a worker finds them loaded, its asserts
rewritten, and has the rest of collecting still to do.
"""

import gc
import os
import socket
import sys
from collections.abc import Iterator

import pytest
from _pytest.assertion import rewrite

from .identity import become
from .order import Order
from .server import serve


class Rewriting:
    """In a fresh clone another process rewrites asserts too, from the last module on.

    What it has not come to yet when it is needed, pytest rewrites as ever.
    """

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Iterator[None]:
        beside = 0 if sys.dont_write_bytecode else os.fork()
        if not beside and not sys.dont_write_bytecode:
            _rewrite_backwards(session.config)
            os._exit(0)
        yield
        if beside:
            os.waitpid(beside, 0)


def _rewrite_backwards(config: pytest.Config) -> None:
    asked = [config.invocation_params.dir / argument for argument in config.args]
    modules = sorted(module for folder in asked for module in folder.glob("**/test_*.py"))
    for module in reversed(modules):
        kept = rewrite.get_cache_dir(module) / f"{module.stem}{rewrite.PYC_TAIL}"
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            digest, code = rewrite._rewrite_test(module, config)
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, digest, kept)


def main() -> None:
    descriptor, *paths = sys.argv[1:]
    # It is there for its size; tests that copy the environment when they are imported get none of it.
    del os.environ["ROOM"]
    # Whatever cannot be imported each worker meets again, and reports.
    pytest.main(
        ["--collect-only", "-qq", "-n", "0", "-p", "no:cacheprovider", *paths], [Rewriting()]
    )
    gc.collect()
    # Else each child's collector would write on, and so copy, every page of them.
    gc.freeze()
    become(_next_order(int(descriptor)))


def _next_order(descriptor: int) -> Order:
    # By the time this has returned no frame holds the socket, which is closed in the child.
    channel = socket.socket(fileno=descriptor)
    channel.send(b"ready")
    return serve(channel)


if __name__ == "__main__":
    main()
