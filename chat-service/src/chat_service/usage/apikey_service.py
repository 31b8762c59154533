"""The port `ListAllowances` over gRPC."""

from typing import Final
from uuid import UUID

from chassis.grpc.client import Channel
from chat_service.usage.usecases.report import Allowance, ListAllowances
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc

_DEADLINE_SECONDS: Final = 5.0


def list_allowances_over(channel: Channel) -> ListAllowances:
    """Returns the port: each call speaks for the user of the gRPC call being served."""

    async def list_allowances() -> list[Allowance]:
        response = await channel.unary(
            channel.stub(apikey_pb2_grpc.ApiKeyServiceStub).ListAllowances,
            apikey_pb2.ListAllowancesRequest(),
            timeout=_DEADLINE_SECONDS,
            idempotent=True,
        )
        return [
            Allowance(UUID(one.key_id), one.key_name, one.daily_tokens) for one in response.items
        ]

    return list_allowances
