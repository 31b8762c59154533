"""Users as their admins see them, tenants, the audit trail."""

from collections.abc import Mapping

from auth_service.usecases.ports import Ports
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2_grpc

POLICY: Mapping[str, Method] = {
    "ListUsers": allow("gateway"),
    "UpdateUser": allow("gateway"),
    "DeleteUser": allow("gateway"),
    "ListAudit": allow("gateway"),
    "CreateTenant": allow("gateway"),
    "ListTenants": allow("gateway"),
}


class Admin(auth_pb2_grpc.AuthServiceServicer):
    """See the contract."""

    _ports: Ports
