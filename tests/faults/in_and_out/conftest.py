"""A cluster whose files of the operator change, for the tests of this folder."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import pytest_asyncio

from tests.client import User
from tests.faults.cluster import Cluster

from .client import AT_ONCE, Client
from .terms import Terms

# Of the seeds of `make faults`, one in so many draws each of these races; of those that take a lease's time, of four draws one.
_DRAWS = {"draw": 20, "long_draw": 80}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, seeds in _DRAWS.items():
        if name in metafunc.fixturenames:
            count = max(1, metafunc.config.getoption("--seeds") // seeds)
            metafunc.parametrize(name, range(count))


@pytest.fixture(scope="package")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    return Terms(tmp_path_factory.mktemp("terms"))


@pytest.fixture(scope="package")
def started(terms: Terms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("in-and-out"), settings=terms.settings)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest_asyncio.fixture
async def cluster(started: Cluster) -> AsyncIterator[Cluster]:
    pool = ThreadPoolExecutor(AT_ONCE)
    asyncio.get_running_loop().set_default_executor(pool)
    await started.settle()
    yield started
    pool.shutdown(wait=False)


@pytest.fixture
def user(cluster: Cluster) -> Iterator[User]:
    user = cluster.user()
    user.create_key(cluster.model_url, "echo")
    yield user
    user.close()


@pytest.fixture
def client(cluster: Cluster, user: User) -> Iterator[Client]:
    client = Client(cluster, user)
    yield client
    client.close()
