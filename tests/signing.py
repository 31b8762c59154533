"""The key that a stack signs access tokens with, in a test's hands."""

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chassis.testing import Signer

from .client import User
from .stack import Stack


def signer_of(stack: Stack, user: User) -> Signer:
    """Signs as the stack that ``user`` is logged in to: what it forges is wrong in one thing alone."""
    kid = str(jwt.get_unverified_header(user.token)["kid"])
    [pem] = (stack.data / "signing_keys").glob("*.pem")
    key = load_pem_private_key(pem.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return Signer(kid=kid, private_key=key)
