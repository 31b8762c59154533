"""What trying connections is made of."""

from chat_service.apikeys import check_key_over
from chat_service.connections.rpc import POLICY, ProviderServicer
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.trial import ConnectionTest, Servers
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from chat_service.usage.usecases.meter import Meter
from parley.chat.v1 import chat_pb2_grpc


def build_connections(shared: Shared, servers: Servers, meter: Meter) -> Subject:
    """Tries connections at model servers, whose answers are shown without the operator's words."""
    limit = TrialLimit()
    servicer = ProviderServicer(
        ConnectionTest(servers, limit, meter, in_force=shared.in_force),
        shared.resolve_key,
        check_key_over(shared.apikey),
        servers,
        limit,
        shared.in_force,
    )
    return Subject(
        served=[Served(servicer, chat_pb2_grpc.add_ProviderServiceServicer_to_server, POLICY)]
    )
