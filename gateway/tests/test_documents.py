"""The API's own description says what the API does."""

from typing import Any, get_args

from chassis.caller import Scope

Door = Any

AUTH = "/api/v1/auth"


async def described(door: Door) -> Any:
    return (await door.http.get("/openapi.json")).json()


async def test_what_opens_a_route_is_named_and_each_way_is_described(door: Door) -> None:
    document = await described(door)
    security = {
        path: operation.get("security")
        for path, operations in document["paths"].items()
        for operation in operations.values()
    }
    assert security["/api/v1/me"] == [{"AccessToken": []}]
    assert security[f"{AUTH}/login"] is None
    assert security[f"{AUTH}/logout"] == [{"AccessToken": []}, {"RefreshCookie": []}]
    # With the token in the body nothing else is asked for.
    assert security[f"{AUTH}/refresh"] == [{"RefreshCookie": []}, {}]
    schemes = document["components"]["securitySchemes"]
    named = {name for ways in security.values() for way in ways or () for name in way}
    assert named == schemes.keys()
    cookie = schemes["RefreshCookie"]
    assert (cookie["type"], cookie["in"]) == ("apiKey", "cookie")
    assert cookie["name"] == "__Host-parley_refresh"


async def test_a_body_that_may_be_left_out_is_never_null(door: Door) -> None:
    document = await described(door)
    body = document["paths"][f"{AUTH}/refresh"]["post"]["requestBody"]
    schema = {"$ref": "#/components/schemas/RefreshToken"}
    assert body == {"content": {"application/json": {"schema": schema}}}
    optional = [
        operation["requestBody"]
        for operations in document["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    ]
    assert all("anyOf" not in body["content"]["application/json"]["schema"] for body in optional)
    headers = {"content-type": "application/json"}
    sent = await door.http.post(f"{AUTH}/refresh", content=b"null", headers=headers)
    assert sent.status_code == 422


async def test_the_published_keys_are_described_as_they_are_sent(
    door: Door, open_door: Any
) -> None:
    path = "/.well-known/jwks.json"
    responses = (await described(door))["paths"][path]["get"]["responses"]
    assert (await door.http.get(path)).headers["content-type"] in responses["200"]["content"]
    young = await open_door(ready=False)
    early = await young.http.get(path)
    assert early.headers["content-type"] in responses[str(early.status_code)]["content"]


async def test_the_headers_of_who_must_wait_are_described(door: Door) -> None:
    responses = (await described(door))["paths"][f"{AUTH}/login"]["post"]["responses"]
    assert set(responses["4XX"]["headers"]) == {"Retry-After", "RateLimit"}
    assert set(responses["5XX"]["headers"]) == {"Retry-After"}


async def test_it_is_said_what_becomes_of_personal_access_tokens(door: Door) -> None:
    paths = (await described(door))["paths"]
    assert "`DELETE /tokens/{id}`" in paths["/api/v1/password"]["put"]["description"]
    reset = paths[f"{AUTH}/reset-password"]["post"]["description"]
    assert "every personal access token ends" in reset


async def test_the_scopes_of_a_new_token_are_listed(door: Door) -> None:
    new_token = (await described(door))["components"]["schemas"]["NewToken"]
    assert new_token["properties"]["scopes"]["items"]["enum"] == list(get_args(Scope))
