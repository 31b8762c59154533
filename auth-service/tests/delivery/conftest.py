"""Mail servers that take codes in."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from chassis.tls import issue

from .post import Post

Open = Callable[..., Post]


@pytest.fixture
def open_post() -> Iterator[Open]:
    """``open_post(enable_SMTPUTF8=True)``: an SMTP server in a thread of its own."""
    with ExitStack() as stack:

        def start(**options: Any) -> Post:
            post = Post()
            controller = Controller(
                post, hostname="127.0.0.1", port=post.port, server_hostname="post", **options
            )
            controller.start()
            stack.callback(controller.stop)
            return post

        yield start


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ca.pem`` and the certificate of ``localhost``."""
    folder = tmp_path_factory.mktemp("mail")
    issue(folder, ["localhost"])
    return folder


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "localhost.pem", certificate / "localhost.key")
    return context
