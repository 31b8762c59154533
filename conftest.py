"""The root of all tests.

pytest names a test module after its path. `gateway/tests/test_x.py` becomes
`gateway.tests.test_x`, and unless the real package is known by then, pytest
makes an empty one of that name out of the folder. The same holds for chassis and servicekit.
"""

import pytest

import chassis
import gateway
import servicekit
from chassis.nats_accounts import Accounts
from parley.events.rights import CONSUMES, OWNER, PUBLISHES

__all__ = ["chassis", "gateway", "servicekit"]


# What costs a dozen processes to start: its tests go to one worker, and share it there.
_STACKS = ("stack", "_mortal_stack", "one_cluster")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        assert isinstance(item, pytest.Function)
        known = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 - what pytest itself asks
        shared = [name for name in _STACKS if name in known and known[name][-1].scope == "session"]
        if shared:
            item.add_marker(pytest.mark.xdist_group("+".join(shared)))


@pytest.fixture(scope="session")
def nats_accounts() -> Accounts:
    """Services have the rights that they have in production, below any test's prefix."""
    return Accounts(owner=OWNER, publishes=PUBLISHES, consumes=CONSUMES, prefix="*")
