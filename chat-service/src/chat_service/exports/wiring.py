"""What is served of exports."""

from chassis.db.transactions import OpenTransaction
from chat_service.audit import Audit
from chat_service.exports.rpc import POLICY, ExportServicer
from chat_service.exports.usecases.export import Exporting
from chat_service.served import Served
from parley.chat.v1 import exports_pb2_grpc


def build_exports(open_transaction: OpenTransaction, audit: Audit) -> Served:
    return Served(
        ExportServicer(Exporting(open_transaction, audit)),
        exports_pb2_grpc.add_ExportServiceServicer_to_server,
        POLICY,
    )
