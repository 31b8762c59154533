"""The services of ``parley.auth.v1``: decode, call the use case, encode."""

from collections.abc import Mapping

import grpc.aio

from auth_service.rpc import accounts, admin, codes, settings, tokens
from auth_service.rpc.accounts import watch
from auth_service.rpc.settings import SettingsServicer
from auth_service.usecases.ports import Ports
from auth_service.usecases.revocation_feed import RevocationFeed
from chassis.grpc.server import Method
from parley.auth.v1 import auth_pb2_grpc

__all__ = ["POLICY", "register", "watch"]

POLICY: Mapping[str, Mapping[str, Method]] = {
    "parley.auth.v1.AuthService": {
        **accounts.POLICY,
        **codes.POLICY,
        **tokens.POLICY,
        **admin.POLICY,
    },
    "parley.auth.v1.SettingsService": settings.POLICY,
}


class AuthServicer(accounts.Accounts, codes.Codes, tokens.Tokens, admin.Admin):
    """See the contract."""

    def __init__(self, ports: Ports, feed: RevocationFeed) -> None:
        self._ports = ports
        self._feed = feed


def register(ports: Ports, feed: RevocationFeed, server: grpc.aio.Server) -> None:
    """Have ``server`` serve all of them."""
    auth_pb2_grpc.add_AuthServiceServicer_to_server(AuthServicer(ports, feed), server)
    auth_pb2_grpc.add_SettingsServiceServicer_to_server(SettingsServicer(ports), server)
