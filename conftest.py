"""The root of all tests.

pytest names a test module after its path. `gateway/tests/test_x.py` becomes
`gateway.tests.test_x`, and unless the real package is known by then, pytest
makes an empty one of that name out of the folder. The same holds for chassis.
"""

import chassis
import gateway

__all__ = ["chassis", "gateway"]
