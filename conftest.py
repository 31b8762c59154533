"""The root of all tests.

pytest names a test module after its path. `gateway/tests/test_x.py` becomes
`gateway.tests.test_x`, and unless the real package is known by then, pytest
makes an empty one of that name out of the folder. The same holds for chassis and servicekit.
"""

from collections.abc import Sequence

import pytest
from _pytest.nodeid import NodeId

import chassis
import gateway
import servicekit
from chassis.nats_accounts import Accounts
from parley.events.rights import CONSUMES, OWNER, PUBLISHES

__all__ = ["chassis", "gateway", "servicekit"]


# What costs a dozen processes to start: its tests go to one worker, and share it there.
_STACKS = ("stack", "_mortal_stack", "executed_stack", "one_cluster")
# Whose tests start processes: on several workers at once they would have the machine to themselves.
_HEAVY = ("tests/", "deploy/local/tests/test_runner")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        assert isinstance(item, pytest.Function)
        known = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 - what pytest itself asks
        shared = [name for name in _STACKS if name in known and known[name][-1].scope == "session"]
        if shared:
            # As pytest-xdist marks a test of a group: 3.8 writes it where pytest 9.2 does not look.
            item._id = NodeId.parse(f"{item.nodeid}@{'+'.join(shared)}")  # noqa: SLF001 - see above
    items[:] = _spread(items)


def _spread(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The heavy ones evenly among the first two thirds of the others, each kind in its order."""
    heavy = [item for item in items if item.nodeid.startswith(_HEAVY)]
    light = [item for item in items if not item.nodeid.startswith(_HEAVY)]
    step = max(1, len(light) * 2 // 3 // max(1, len(heavy)))
    mixed = list[pytest.Item]()
    for at, item in enumerate(heavy):
        mixed += [item, *light[at * step : (at + 1) * step]]
    return mixed + light[len(heavy) * step :]


@pytest.fixture(scope="session")
def nats_accounts() -> Accounts:
    """Services have the rights that they have in production, below any test's prefix."""
    return Accounts(owner=OWNER, publishes=PUBLISHES, consumes=CONSUMES, prefix="*")
