"""What search is made of."""

from chat_service.search.indexing import Indexing
from chat_service.search.rpc import POLICY, SearchServicer
from chat_service.search.store.texts import AllTexts
from chat_service.search.store.unindexed import Unindexed
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from parley.chat.v1 import search_pb2_grpc


def build_search(shared: Shared) -> Subject:
    """Search, and the background job that indexes."""
    servicer = SearchServicer(AllTexts(shared.database))
    return Subject(
        served=[Served(servicer, search_pb2_grpc.add_SearchServiceServicer_to_server, POLICY)],
        components=[Indexing(Unindexed(shared.worker))],
    )
