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


@pytest.fixture(scope="session")
def nats_accounts() -> Accounts:
    """Services have the rights that they have in production, below any test's prefix."""
    return Accounts(owner=OWNER, publishes=PUBLISHES, consumes=CONSUMES, prefix="*")
