"""Usage on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from dataclasses import dataclass

from chassis.db.transactions import OpenTransaction
from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from chat_service.usage import mapping
from chat_service.usage.usecases.report import ReadLimits, report_usage
from chat_service.usage.usecases.tenants import ReadTenantsUsage
from parley.chat.v1 import usage_pb2, usage_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.UsageService": {
        "GetUsage": allow("gateway"),
        "GetLimits": allow("gateway"),
        "ListTenantsUsage": allow("gateway"),
    }
}


@dataclass(frozen=True, slots=True)
class UsageServicer(usage_pb2_grpc.UsageServiceServicer):
    """parley.chat.v1.UsageService."""

    open_transaction: OpenTransaction
    read_limits: ReadLimits
    read_tenants: ReadTenantsUsage
    answers_kept_hours: int

    async def GetUsage(
        self, request: usage_pb2.GetUsageRequest, context: object
    ) -> usage_pb2.GetUsageResponse:
        first, last = mapping.days_in(request)
        report = await report_usage(
            self.open_transaction,
            current_caller(),
            first=first,
            last=last,
            by=mapping.by_in(request.by),
        )
        return mapping.report_to_proto(report)

    async def GetLimits(
        self, request: usage_pb2.GetLimitsRequest, context: object
    ) -> usage_pb2.GetLimitsResponse:
        standings = await self.read_limits(current_caller())
        return usage_pb2.GetLimitsResponse(
            items=[mapping.standing_to_proto(one) for one in standings],
            answers_kept_hours=self.answers_kept_hours,
        )

    async def ListTenantsUsage(
        self, request: usage_pb2.ListTenantsUsageRequest, context: object
    ) -> usage_pb2.ListTenantsUsageResponse:
        first, last = mapping.days_in(request)
        days, page = await self.read_tenants(
            current_caller(),
            first=first,
            last=last,
            by=mapping.tenants_by_in(request.by),
            tenant_id=request.tenant_id if request.HasField("tenant_id") else None,
            only_metered=request.only_operators,
            limit=request.limit,
            cursor=request.cursor,
        )
        return mapping.tenants_to_proto(days, page.items, page.next_cursor)
