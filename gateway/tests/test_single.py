"""What may be said once, said twice: refused by name, on every route that takes it."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from chassis.ids import new_id
from gateway.app import api
from gateway.routes.single import _headers_of, _query_of

from .door import Door

KEY = "Idempotency-Key"


def routes() -> Iterator[tuple[str, str, APIRoute]]:
    for route in api().router.routes:
        if isinstance(route, APIRoute) and route.path.startswith("/api/"):
            path = re.sub(r"\{\w+_id\}", str(new_id()), route.path)
            path = re.sub(r"\{[^}]+\}", "x" * 43, path)
            for method in route.methods or ():
                yield method, path, route


async def errors_of(door: Door, method: str, path: str, headers: list[tuple[str, str]]) -> object:
    whole = [*door.bearer.items(), *headers]
    answer = await door.http.request(method, path, headers=whole)
    told = answer.json()
    return answer.status_code, told["reason"], told.get("errors")


async def test_two_keys_are_refused_wherever_one_is_taken(door: Door) -> None:
    asked = [
        (method, path)
        for method, path, one in routes()
        if "idempotency-key" in _headers_of(one.dependant)
    ]
    assert len(asked) > 10
    for method, path in asked:
        # Also two that are the same: whoever has added one of them knows nothing of the other.
        for second in ("a", "b"):
            refused = await errors_of(door, method, path, [(KEY, "a"), (KEY, second)])
            expected = {"field": KEY, "reason": "TOO_MANY", "maximum": 1}
            assert refused == (422, "VALIDATION", [expected]), path
    assert door.chat.calls == door.notes.calls == door.apikey.calls == []


async def test_a_parameter_of_the_query_is_given_once(door: Door) -> None:
    asked = [
        (method, path, name)
        for method, path, one in routes()
        for name in sorted(_query_of(one.dependant))
    ]
    assert {name for _, _, name in asked} > {"limit", "cursor", "count", "q", "after"}
    for method, path, name in asked:
        refused = await errors_of(door, method, f"{path}?{name}=1&{name}=1", [])
        expected = {"field": name, "reason": "TOO_MANY", "maximum": 1}
        assert refused == (422, "VALIDATION", [expected]), path
    assert door.chat.calls == door.notes.calls == door.apikey.calls == []


@pytest.mark.parametrize("query", ["limit=1&cursor=", "unknown=1&unknown=2", "limit=1&LIMIT=2"])
async def test_what_nobody_reads_may_come_as_often_as_it_likes(door: Door, query: str) -> None:
    answer = await door.http.get(f"/api/v1/notes?{query}", headers=door.bearer)
    assert answer.json()["reason"] != "VALIDATION"
