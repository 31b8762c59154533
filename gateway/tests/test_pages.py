"""Which page of a list is asked for, and where the next one begins: on every route that has pages."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.routes.single import _query_of

from .door import CONTRACTS, Door
from .test_single import routes

# Two services are asked, and what they answer is read: see test_search.
MERGED = "/api/v1/search"
METHODS: Mapping[str, MethodDescriptor] = {
    method.name: method
    for files in CONTRACTS.values()
    for file, _ in files
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


class Pages(dict[str, Any]):
    """What a service answers whatever it is asked: an empty page with others behind it, of seven in all."""

    def __missing__(self, method: str) -> Any:
        answer = GetMessageClass(METHODS[method].output_type)()
        days = {"from": "2026-11-01", "to": "2026-11-27"}
        for name, value in {"next_cursor": "next", "total": 7, **days}.items():
            if name in answer.DESCRIPTOR.fields_by_name:
                setattr(answer, name, value)
        return answer


async def test_every_list_is_asked_for_the_page_that_is_wanted_and_says_where_the_next_begins(
    door: Door,
) -> None:
    services = (door.auth, door.apikey, door.chat, door.notes)
    for service in services:
        service.answers = Pages()
    seen = []
    for method, path, route in routes():
        query = _query_of(route.dependant)
        if "cursor" not in query or path == MERGED:
            continue
        counted = "count" in query
        # A share is opened without a token: a member's is another call, see test_shares.
        headers = {} if "{token}" in route.path else door.bearer
        asked = f"{path}?limit=3&cursor=here{'&count=true' if counted else ''}"
        answer = await door.http.request(method, asked, headers=headers)
        assert answer.status_code == 200, (path, answer.text)
        (call,) = [call for service in services for call in service.calls]
        for service in services:
            service.calls.clear()
        given = (call.request.limit, call.request.cursor, getattr(call.request, "count", counted))
        assert given == (3, "here", counted), path
        told = answer.json()
        assert (told["next_cursor"], told.get("total")) == ("next", 7 if counted else None), path
        seen.append(path)
    assert len(seen) > 15
