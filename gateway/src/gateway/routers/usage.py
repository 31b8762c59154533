"""What models have cost whoever is logged in, and what is left to them."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import CallerOf
from gateway.routes.api import router as api_router
from gateway.schemas.limits import UsageLimits
from gateway.schemas.usage import Usage, UsageQuery
from parley.chat.v1 import usage_pb2 as pb

router = api_router("Chat", "/me")


@router.get("/usage")
async def get_usage(
    query: Annotated[UsageQuery, Query()], caller: CallerOf, services: Services
) -> Usage:
    """Show what one has used, by day and model.

    What was asked of models, of one's own connections and the operator's, and what it has cost, as far as prices
    are known. It stays when its conversations are deleted.
    """
    usage = services.usage
    return Usage.of(await usage.ask(usage.stub.GetUsage, query.request(), caller))


@router.get("/limits")
async def get_limits(caller: CallerOf, services: Services) -> UsageLimits:
    """Show how much one may use, what is left of it, and until when.

    And how long answers are kept for whoever asks the same question.
    """
    usage = services.usage
    response = await usage.ask(usage.stub.GetLimits, pb.GetLimitsRequest(), caller)
    return UsageLimits.of(response)
