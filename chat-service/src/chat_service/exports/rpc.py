"""Exports on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from chat_service.exports import mapping
from chat_service.exports.domain.wanted import Begin, End, Files
from chat_service.exports.usecases.export import Exporting
from parley.chat.v1 import exports_pb2, exports_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.ExportService": {"Export": allow("gateway")},
}


@dataclass(frozen=True, slots=True)
class ExportServicer(exports_pb2_grpc.ExportServiceServicer):
    """parley.chat.v1.ExportService."""

    exporting: Exporting

    async def Export(
        self, request: exports_pb2.ExportRequest, context: object
    ) -> AsyncIterator[exports_pb2.ExportResponse]:
        wanted = mapping.wanted_from_proto(request)
        async with aclosing(self.exporting.export(current_caller(), wanted)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Begin):
                    begin = mapping.begin_to_proto(piece, files=wanted.files)
                    yield exports_pb2.ExportResponse(begin=begin)
                elif isinstance(piece, Files):
                    yield exports_pb2.ExportResponse(files=mapping.files_to_proto(piece))
                elif isinstance(piece, End):
                    yield exports_pb2.ExportResponse(end=mapping.end_to_proto(piece))
                else:
                    yield exports_pb2.ExportResponse(data=piece)
