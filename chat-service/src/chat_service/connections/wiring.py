"""What trying connections is made of."""

from chat_service.apikeys import CheckKey
from chat_service.connections.rpc import POLICY, ProviderServicer
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.trial import ConnectionTest, Servers
from chat_service.providers.domain.connection import ResolveKey
from chat_service.served import Served
from chat_service.usage.usecases.meter import Meter
from chat_service.words.domain.word_filter import InForce
from parley.chat.v1 import chat_pb2_grpc


def build_connections(
    servers: Servers,
    meter: Meter,
    *,
    resolve_key: ResolveKey,
    check_key: CheckKey,
    in_force: InForce,
) -> Served:
    """Tries connections at model servers; `in_force` are the words that no answer may show."""
    limit = TrialLimit()
    servicer = ProviderServicer(
        ConnectionTest(servers, limit, meter, in_force=in_force),
        resolve_key,
        check_key,
        servers,
        limit,
        in_force,
    )
    return Served(servicer, chat_pb2_grpc.add_ProviderServiceServicer_to_server, POLICY)
