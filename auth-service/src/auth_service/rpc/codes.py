"""Codes sent by e-mail, and what they are good for."""

from collections.abc import Mapping

from auth_service.usecases.ports import Ports
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2_grpc

POLICY: Mapping[str, Method] = {
    "SendCode": allow("gateway", open=True),
    "VerifyCode": allow("gateway", open=True),
    "ResetPassword": allow("gateway", open=True),
    "UpdateMe": allow("gateway"),
}


class Codes(auth_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    _ports: Ports
