"""One cluster for the tests of a worker, and how many seeds they run."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import pytest_asyncio

from tests.client import User

from .cluster import Cluster
from .turn import Turn

_READERS = 200
_DEGRADED_SECONDS = 90.0


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
    await write_logs_again(one_cluster)
    return one_cluster


async def write_logs_again(cluster: Cluster) -> None:
    """By way of PostgreSQL frames are few and long, and no fault hits between them.

    A process that has no runs finds out with its next one that Redis is back.
    """
    if cluster.is_degraded():
        user = cluster.user()
        turn = Turn(cluster, user, "tokens-5")
        deadline = time.monotonic() + _DEGRADED_SECONDS
        for number in count():
            if not cluster.is_degraded():
                break
            assert time.monotonic() < deadline, "logs are not written again"
            # By turns: a gateway may not have found one of the processes again yet.
            await turn.again(cluster).ask_to_the_end(gateway=number % 2)
        user.http.close()


@pytest.fixture
def user(cluster: Cluster) -> Iterator[User]:
    user = cluster.user()
    yield user
    user.http.close()
