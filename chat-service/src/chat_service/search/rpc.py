"""Search on the wire: decode, call the use case, encode. Errors fly to the interceptor."""

from dataclasses import dataclass

from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from chat_service.search import mapping
from chat_service.search.store.texts import AllTexts
from chat_service.search.usecases.search import search
from parley.chat.v1 import search_pb2, search_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.SearchService": {"Search": allow("gateway")},
}


@dataclass(frozen=True, slots=True)
class SearchServicer(search_pb2_grpc.SearchServiceServicer):
    """parley.chat.v1.SearchService."""

    texts: AllTexts

    async def Search(
        self, request: search_pb2.SearchRequest, context: object
    ) -> search_pb2.SearchResponse:
        page = await search(
            self.texts.of,
            current_caller(),
            request.q,
            mapping.wanted_from_proto(request),
            limit=request.limit,
            cursor=request.cursor,
        )
        return search_pb2.SearchResponse(
            items=[mapping.found_to_proto(found) for found in page.items],
            next_cursor=page.next_cursor,
        )
