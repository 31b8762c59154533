"""What is served of exports."""

from chat_service.exports.rpc import POLICY, ExportServicer
from chat_service.exports.usecases.export import Exporting
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from parley.chat.v1 import exports_pb2_grpc


def build_exports(shared: Shared) -> Subject:
    servicer = ExportServicer(Exporting(shared.open_transaction, shared.audit))
    return Subject(
        served=[Served(servicer, exports_pb2_grpc.add_ExportServiceServicer_to_server, POLICY)]
    )
