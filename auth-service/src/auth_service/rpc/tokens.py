"""Logins one by one, passwords changed, personal access tokens."""

from collections.abc import Mapping

from auth_service.usecases.ports import Ports
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2_grpc

POLICY: Mapping[str, Method] = {
    "ChangePassword": allow("gateway"),
    "ListLogins": allow("gateway"),
    "RevokeLogin": allow("gateway"),
    "RevokeLogins": allow("gateway"),
    "CreateToken": allow("gateway"),
    "ListTokens": allow("gateway"),
    "DeleteToken": allow("gateway"),
    "ExchangeToken": allow("gateway", open=True),
}


class Tokens(auth_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    _ports: Ports
