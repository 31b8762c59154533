"""One stack for tests that only use it, one for those that kill its parts, one as `make run` has it.

What a test does as a user of its own concerns nobody else: it needs no stack of its own.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio

from .client import HasUrl, SignUp, User
from .stack import Stack


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=200, help="seeded kills of `make faults`")


def _end(stack: Stack) -> None:
    if stack.process is not None:
        stack.stop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With two gateways, and an auth-service for each: what one does, the other must hear of."""
    stack = Stack(
        tmp_path_factory.mktemp("stack"),
        environment={"PARLEY_REPLICAS": "auth-service=2,gateway=2"},
    )
    stack.start()
    yield stack
    _end(stack)


@pytest.fixture(scope="session")
def _mortal_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("mortal"))
    yield stack
    _end(stack)


@pytest_asyncio.fixture
async def mortal_stack(_mortal_stack: Stack) -> Stack:
    """For a test that kills or freezes parts of it, or all: everything is up and fit, once more."""
    if _mortal_stack.process is None:
        _mortal_stack.start()
    await _mortal_stack.settle()
    return _mortal_stack


@pytest.fixture(scope="session")
def executed_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Its processes are executed, as those of `make run` are, not forked.

    Its tables may have columns that the code does not know.
    """
    stack = Stack(tmp_path_factory.mktemp("executed"), forked=False)
    stack.start()
    yield stack
    _end(stack)


@pytest.fixture
def sign_up() -> Iterator[SignUp]:
    with ExitStack() as clients:

        def make(stack: HasUrl) -> User:
            user = User(stack.url)
            clients.callback(user.http.close)
            return user

        yield make


@pytest.fixture(scope="session")
def _an_operator(stack: Stack) -> Iterator[User]:
    user = User(stack.url)
    made = stack.command("auth-service", "make-operator", user.username)
    assert (made.returncode, made.stderr) == (0, "")
    yield user
    user.close()


@pytest.fixture
def operator(_an_operator: User) -> User:
    """One for all tests, logged in."""
    _an_operator.log_in()
    return _an_operator
