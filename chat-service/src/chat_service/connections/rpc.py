"""Trying connections on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from chassis.ids import parse_named_id
from chassis.telemetry.logging import get_logger
from chassis.telemetry.redaction import hide
from chat_service.apikeys import CheckKey
from chat_service.connections import mapping
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.models import list_models
from chat_service.connections.usecases.trial import ConnectionTest, Servers
from chat_service.providers.domain.connection import Connection, ResolveKey
from chat_service.providers.domain.errors import KeyNotFound
from chat_service.providers.errors import ProviderError
from chat_service.words.domain.word_filter import InForce, masked, no_words
from parley.chat.v1 import chat_pb2, chat_pb2_grpc

_log = get_logger(__name__)

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.ProviderService": {
        "TestConnection": allow("gateway"),
        "ListModels": allow("gateway"),
    }
}


@dataclass(frozen=True, slots=True)
class ProviderServicer(chat_pb2_grpc.ProviderServiceServicer):
    """parley.chat.v1.ProviderService."""

    test: ConnectionTest
    resolve_key: ResolveKey
    check_key: CheckKey
    servers: Servers
    limit: TrialLimit
    in_force: InForce = no_words

    async def TestConnection(
        self, request: chat_pb2.TestConnectionRequest, context: object
    ) -> chat_pb2.TestConnectionResponse:
        # Before all else: no log of this call shows it, whatever goes wrong.
        for secret in (
            request.unsaved.api_key,
            *(one.value for one in request.unsaved.headers.items),
        ):
            hide(secret)
        connect: Callable[[], Awaitable[Connection]]
        if request.WhichOneof("connection") == "unsaved":
            connect = partial(self.check_key, request.unsaved)
        else:
            connect = partial(self.resolve_key, parse_named_id(request.key_id, KeyNotFound))
        outcome = await self.test(current_caller(), connect)
        _log.info(
            "connection.tested",
            reason=outcome.reason,
            latency_ms=outcome.latency_ms,
            suggested=outcome.suggestion is not None,
        )
        return mapping.outcome_to_proto(outcome)

    async def ListModels(
        self, request: chat_pb2.ListModelsRequest, context: object
    ) -> chat_pb2.ListModelsResponse:
        key_id = parse_named_id(request.key_id, KeyNotFound)
        try:
            models = await list_models(
                self.resolve_key, self.servers, self.limit, current_caller(), key_id
            )
        except ProviderError as error:
            _log.info(
                "connection.models_not_listed",
                reason=error.reason,
                text=masked(self.in_force(), error.text[:500]),
            )
            return chat_pb2.ListModelsResponse(failure=mapping.failure_of(error, self.in_force()))
        return chat_pb2.ListModelsResponse(items=map(mapping.model_to_proto, models))
