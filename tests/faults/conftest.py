"""One cluster for the tests of a worker, and how many seeds they run."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import pytest_asyncio

from tests.client import User

from .cluster import Cluster

_READERS = 200


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        short = metafunc.definition.get_closest_marker("faults") is None
        seeds = 5 if short else metafunc.config.getoption("--seeds")
        metafunc.parametrize("seed", range(seeds))


@pytest.fixture(scope="session")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster
    if cluster.process is not None:
        cluster.stop()


@pytest_asyncio.fixture
async def cluster(one_cluster: Cluster) -> Cluster:
    """The cluster, with every process up, and threads for as many readers as a test may have."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_READERS))
    await one_cluster.settle()
    return one_cluster


@pytest.fixture
def user(cluster: Cluster) -> Iterator[User]:
    user = cluster.user()
    yield user
    user.http.close()
