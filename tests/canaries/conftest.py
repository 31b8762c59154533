"""A stack that says all that it can say, and where what it has left is put together."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack

_MEMBERS = ("AUTH", "APIKEY", "CHAT", "NOTES", "GATEWAY")


@pytest.fixture(scope="session")
def talkative_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Each process says all that it can say, also as it aborts, and may leave its memory behind."""
    directory = tmp_path_factory.mktemp("talkative")
    environment = {f"{member}_LOG_LEVEL": "debug" for member in _MEMBERS}
    stack = Stack(directory, environment={**environment, "PYTHONFAULTHANDLER": "1"})
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    here = Path.cwd()
    # Where a core is written to if there is one: beside what is looked through.
    os.chdir(directory)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        stack.start()
        yield stack
    finally:
        # A service that ran in this process meanwhile has forbidden itself to leave any, for good.
        _, allowed = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (soft if allowed == hard else allowed, allowed))
        os.chdir(here)
        if stack.process is not None:
            stack.stop()


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    return evidence
