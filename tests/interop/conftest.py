"""Every model server once, beside one Parley."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis.embedded import ServerFailed
from tests.client import User
from tests.stack import Stack
from tools.interop import FOLDER

from .process import ModelServer
from .servers import AiMock, LiteLlm, LlamaCpp, LlamaCppThinkingWithin, LlMock
from .table import Table


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", type=Path, help="where `make interop` writes what it found")


@dataclass(frozen=True)
class Servers:
    llama: LlamaCpp
    within: LlamaCppThinkingWithin
    llmock: LlMock
    aimock: AiMock
    litellm: LiteLlm

    def named(self, name: str) -> ModelServer:
        (server,) = [server for server in vars(self).values() if server.name == name]
        assert isinstance(server, ModelServer)
        return server


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Servers, Stack]]:
    """All servers and a whole Parley, which come up at the same time."""
    if not (FOLDER / ".ready").exists():
        raise ServerFailed("there are no model servers here; `make interop` installs them")
    folder = tmp_path_factory.mktemp
    llama, within = LlamaCpp(folder("llama")), LlamaCppThinkingWithin(folder("within"))
    llmock, aimock = LlMock(folder("llmock")), AiMock(folder("aimock"))
    litellm = LiteLlm(folder("litellm"), (llama, llmock, aimock))
    everyone = (litellm, llama, within, llmock, aimock)
    parley = Stack(folder("parley"))
    with ExitStack() as running:
        for server in everyone:
            running.callback(server.stop)
            server.start()
        running.callback(lambda: parley.process and parley.stop())
        parley.start()
        for server in everyone:
            server.wait()
        yield Servers(llama, within, llmock, aimock, litellm), parley


@pytest.fixture(scope="session")
def servers(_world: tuple[Servers, Stack]) -> Servers:
    return _world[0]


@pytest.fixture(scope="session")
def parley(_world: tuple[Servers, Stack]) -> Stack:
    return _world[1]


@pytest.fixture(scope="session")
def _user(parley: Stack) -> Iterator[User]:
    user = User(parley.url)
    yield user
    user.close()


@pytest.fixture
def user(_user: User) -> User:
    """One for all tests, logged in."""
    _user.log_in()
    return _user


_TABLE = Table()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when != "call" and hasattr(report, "wasxfail"):
        # What is not right yet is Parley's answer; a server that does not start is another matter.
        del report.wasxfail
        report.outcome = "failed"
    row = item.get_closest_marker("row")
    if row is not None and (report.when == "call" or report.failed):
        _TABLE.enter(row.args[0], row.args[1], report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if path := session.config.getoption("--table", None):
        _TABLE.write(path)
