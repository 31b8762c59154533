"""What auth-service tells each process: the keys of tokens, and who is revoked."""

from collections.abc import AsyncIterator

from chassis.grpc.client import Channel
from parley.auth.v1 import auth_pb2, auth_pb2_grpc


def watch_revocations(auth: Channel) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
    """auth-service's keys and revocations: the current ones, then each change."""
    stub = auth.stub(auth_pb2_grpc.AuthServiceStub)
    return auth.stream(stub.WatchRevocations, auth_pb2.WatchRevocationsRequest())
