"""Where an address could be of two routes: found in the API's own document, so that no pair is left out."""

from typing import Any

import pytest

from parley.apikey.v1 import apikey_pb2

from .door import Door

ID = "01900000-0000-7000-8000-000000000003"
METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE")


async def templates(door: Door) -> dict[str, set[str]]:
    """The methods of each address that the document knows."""
    paths = (await door.http.get("/openapi.json")).json()["paths"]
    return {path: {method.upper() for method in methods} for path, methods in paths.items()}


def shadows(known: dict[str, set[str]]) -> dict[str, str]:
    """Addresses in which a word of one template stands for what another leaves open, and whose they are."""
    found = {}
    for template in known:
        segments = template.split("/")
        for words in (one.split("/") for one in known):
            if len(words) != len(segments) or words == segments:
                continue
            both = list(zip(segments, words, strict=True))
            if any(a != b and not a.startswith("{") and not b.startswith("{") for a, b in both):
                continue
            apart = [a for a, b in both if a.startswith("{") != b.startswith("{")]
            if not apart:
                continue
            met = [(b if a.startswith("{") else a) for a, b in both]
            # Left open in both of them: an id.
            path = "/".join(ID if one.startswith("{") else one for one in met)
            found[path] = "/".join(words if apart[0].startswith("{") else segments)
    return found


async def test_an_address_that_could_be_of_two_routes_is_of_the_one_that_spells_it_out(
    door: Door, access_log: Any
) -> None:
    known = await templates(door)
    owners = shadows(known)
    assert {"/api/v1/keys/default", "/api/v1/keys/test", "/api/v1/keys/by-name/models"} < set(
        owners
    )
    told, expected = {}, {}
    for path, template in owners.items():
        methods = known[template]
        allow = sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()))
        for method in METHODS:
            answer = await door.http.request(method, path, headers=door.bearer)
            is_refused = answer.status_code == 405
            line = await access_log.line(answer.headers["x-request-id"])
            told[method, path] = (line["route"], is_refused, answer.headers.get("allow"))
            expected[method, path] = (
                (template, False, None) if method in methods else (template, True, ", ".join(allow))
            )
        options = await door.http.options(path)
        assert options.headers["allow"] == ", ".join(allow)
    assert told == expected


@pytest.mark.parametrize("name", ["models", "test", "default"])
async def test_a_connection_may_be_called_like_a_word_of_an_address(door: Door, name: str) -> None:
    door.apikey.answers["GetKeyByName"] = apikey_pb2.GetKeyByNameResponse(
        key=apikey_pb2.Key(id=ID, provider=apikey_pb2.PROVIDER_OPENAI)
    )
    answer = await door.http.get(f"/api/v1/keys/by-name/{name}", headers=door.bearer)
    assert answer.status_code == 200
    assert [call.request.name for call in door.apikey.calls] == [name]
