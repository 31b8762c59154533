"""What search is made of."""

from dataclasses import dataclass

from chassis.db.engine import Database
from chat_service.search.indexing import Indexing
from chat_service.search.rpc import POLICY, SearchServicer
from chat_service.search.store.texts import AllTexts
from chat_service.search.store.unindexed import Unindexed
from chat_service.served import Served
from parley.chat.v1 import search_pb2_grpc


@dataclass(frozen=True, slots=True)
class Search:
    """What is served, and the background job that indexes."""

    served: Served
    indexing: Indexing


def build_search(database: Database, worker: Database) -> Search:
    """Search in `database`; `worker` is the same, connected in the background role."""
    return Search(
        Served(
            SearchServicer(AllTexts(database)),
            search_pb2_grpc.add_SearchServiceServicer_to_server,
            POLICY,
        ),
        Indexing(Unindexed(worker)),
    )
