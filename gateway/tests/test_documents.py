"""The API's own description says what the API does."""

import json
import re
from pathlib import Path
from typing import Any, get_args
from unittest.mock import ANY

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from chassis.caller import Scope

from .door import Door

AUTH = "/api/v1/auth"
PROTO = Path(__file__).parents[2] / "proto"


def resolve(document: Any, part: Any) -> Any:
    """What ``part`` is, or refers to."""
    for step in part.get("$ref", "#").split("/")[1:]:
        document = document[step]
    return document if "$ref" in part else part


async def described(door: Door) -> Any:
    return (await door.http.get("/openapi.json")).json()


async def test_what_opens_a_route_is_named_and_each_way_is_described(door: Door) -> None:
    document = await described(door)
    security = {
        path: operation["security"]
        for path, operations in document["paths"].items()
        for operation in operations.values()
    }
    assert security["/api/v1/me"] == [{"AccessToken": []}]
    assert security[f"{AUTH}/login"] == security["/healthz"] == []
    assert security[f"{AUTH}/logout"] == [{"AccessToken": []}, {"RefreshCookie": []}]
    # With the token in the body nothing else is asked for.
    assert security[f"{AUTH}/refresh"] == [{"RefreshCookie": []}, {}]
    schemes = document["components"]["securitySchemes"]
    named = {name for ways in security.values() for way in ways for name in way}
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
    contents = [content for body in optional for content in body["content"].values()]
    assert all("anyOf" not in content["schema"] for content in contents)
    headers = {"content-type": "application/json"}
    sent = await door.http.post(f"{AUTH}/refresh", content=b"null", headers=headers)
    assert sent.status_code == 422


async def test_the_published_keys_are_described_as_they_are_sent(
    door: Door, open_door: Any
) -> None:
    path = "/.well-known/jwks.json"
    document = await described(door)
    responses = document["paths"][path]["get"]["responses"]
    assert (await door.http.get(path)).headers["content-type"] in responses["200"]["content"]
    young = await open_door(ready=False)
    early = await young.http.get(path)
    told = resolve(document, responses[str(early.status_code)])
    assert early.headers["content-type"] in told["content"]


async def test_the_headers_of_who_must_wait_are_described(door: Door) -> None:
    document = await described(door)
    responses = document["paths"][f"{AUTH}/login"]["post"]["responses"]
    assert set(resolve(document, responses["429"])["headers"]) == {"Retry-After", "RateLimit"}
    assert set(resolve(document, responses["5XX"])["headers"]) == {"Retry-After"}
    assert set(resolve(document, responses["401"])["headers"]) == {"WWW-Authenticate"}


async def test_each_refusal_is_named_by_its_status_with_its_reasons(door: Door) -> None:
    document = await described(door)

    def reasons(path: str, method: str) -> dict[str, list[str]]:
        responses = document["paths"][path][method]["responses"]
        told = {
            status: resolve(document, response)["content"]["application/problem+json"]["schema"]
            for status, response in responses.items()
            if status.startswith("4")
        }
        return {status: schema["properties"]["reason"]["enum"] for status, schema in told.items()}

    assert reasons(f"{AUTH}/login", "post") == {
        "401": ["INVALID_CREDENTIALS"],
        "408": ["BODY_TOO_SLOW"],
        "413": ["BODY_TOO_LARGE"],
        "415": ["UNSUPPORTED_MEDIA_TYPE"],
        "422": ["MALFORMED_JSON", "VALIDATION"],
        "429": ["TOO_MANY_ATTEMPTS", "TOO_MUCH_IN_BODIES"],
    }
    assert reasons("/api/v1/notes/{note_id}", "get") == {
        "400": ["MALFORMED_PATH"],
        "401": ["ACCOUNT_DELETED", "UNAUTHENTICATED"],
        "403": ["INSUFFICIENT_SCOPE"],
        "404": ["NOTE_NOT_FOUND"],
        "422": ["VALIDATION"],
        "429": ["TOO_MANY_ATTEMPTS"],
    }
    for method in ("put", "patch", "delete"):
        assert reasons("/api/v1/notes/{note_id}", method)["412"] == ["PRECONDITION_FAILED"]
    assert reasons("/api/v1/keys", "post")["409"] == [
        "KEY_NAME_TAKEN",
        "REQUEST_IN_PROGRESS",
        "TOO_MANY_KEYS",
    ]
    assert reasons("/api/v1/ws", "get")["426"] == ["UPGRADE_REQUIRED"]


def reasons_of_contracts() -> set[str]:
    named: set[str] = set()
    for contract in (PROTO / "parley").glob("*/v1/*.proto"):
        for line in re.findall(r"Error reasons: ([^.]+)\.", contract.read_text()):
            named |= set(re.findall(r"[A-Z_]{4,}", line))
    return named


def test_the_contracts_name_each_reason_that_a_service_gives() -> None:
    given: set[str] = set()
    for source in PROTO.parent.glob("*-service/src/**/*.py"):
        if not {"usecases", "domain"} & set(source.parts):
            continue
        given |= set(re.findall(r'^    reason = "([A-Z_]+)"', source.read_text(), re.MULTILINE))
    assert len(given) > 25
    # What is sent behind an answer, and never part of one.
    assert given - reasons_of_contracts() == {"NOT_DELIVERED"}


async def test_each_reason_that_the_contracts_name_is_in_the_document(door: Door) -> None:
    document = json.dumps(await described(door))
    named = reasons_of_contracts()
    assert len(named) > 25
    # Told of a personal access token, which the gateway exchanges and the client never does.
    internal = {"INVALID_TOKEN"}
    # Statuses of 500 and above are told by their kind alone.
    outages = {"TOO_BUSY", "SHUTTING_DOWN", "NOTICES_UNAVAILABLE", "STORAGE_UNAVAILABLE"}
    outages |= {"UPLOAD_GIVEN_UP", "FILE_READERS_BUSY", "PICTURES_BUSY", "IMPORTS_FULL"}
    assert {name for name in named if f'"{name}"' not in document} <= internal | outages


async def test_the_document_is_valid_and_every_operation_is_named_in_words(door: Door) -> None:
    document = await described(door)
    OpenAPIV31SpecValidator(document).validate()
    ids = set()
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for operations in document["paths"].values():
        for operation in operations.values():
            ids.add(operation["operationId"])
            words = operation["summary"].split()
            assert 2 <= len(words) <= 14
            assert operation["summary"][0].isupper()
            assert "\n" not in operation["summary"]
            assert set(operation["tags"]) <= tags
    assert len(ids) == sum(map(len, document["paths"].values()))
    assert document["servers"] == [{"url": "/", "description": ANY}]


async def test_every_example_fits_its_schema(door: Door) -> None:
    document = await described(door)
    schemas = document["components"]["schemas"]
    looked_at = 0
    for name, schema in schemas.items():
        for example in schema.get("examples", ()):
            looked_at += 1
            root = {"components": document["components"], "$ref": f"#/components/schemas/{name}"}
            found = [e.message for e in Draft202012Validator(root).iter_errors(example)]
            assert found == [], name
    # Refusals show their own, not that of any problem.
    for name, response in document["components"]["responses"].items():
        content = response["content"]["application/problem+json"]
        root = {**content["schema"], "components": document["components"]}
        found = [e.message for e in Draft202012Validator(root).iter_errors(content["example"])]
        assert found == [], name
    # Whatever goes over as JSON has one, in both directions.
    shown = {
        content["schema"]["$ref"].rpartition("/")[2]
        for operations in document["paths"].values()
        for operation in operations.values()
        for part in [operation.get("requestBody", {}), *operation["responses"].values()]
        for media_type, content in part.get("content", {}).items()
        # Files are no schema of the document's.
        if "$ref" in content["schema"]
    }
    assert shown - {name for name in shown if "examples" in schemas[name]} == {"Nothing"}
    assert looked_at >= len(shown)


async def test_it_is_small_packed_and_known_again_by_its_tag(door: Door) -> None:
    packed = await door.http.get("/openapi.json")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["cache-control"] == "no-cache"
    assert int(packed.headers["content-length"]) < 42_000
    again = {"if-none-match": f'"x", W/{packed.headers["etag"]}'}
    answer = await door.http.get("/openapi.json", headers=again)
    assert (answer.status_code, answer.content) == (304, b"")
    bare = await door.http.get("/openapi.json", headers={"accept-encoding": "gzip;q=0, br"})
    assert "content-encoding" not in bare.headers
    assert bare.json() == packed.json()
    assert len(bare.content) < 400_000
    assert bare.headers["etag"] != packed.headers["etag"]


async def test_the_page_and_its_parts_come_from_here_alone(door: Door) -> None:
    page = await door.http.get("/docs")
    assert page.status_code == 200
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    for directive in ("base-uri", "form-action", "frame-ancestors"):
        assert policy[directive] == "'none'", directive
    assert "unsafe" not in str(policy)
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "default parley-inert dompurify"
    assert "://" not in page.text
    assert re.findall(r"<(?:script|style)[^>]*>(?!</script>)", page.text) == []
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(parts) == 6
    for part in parts:
        assert part.startswith("/"), part
        answer = await door.http.get(part)
        assert answer.status_code == 200, part
        if part.startswith("/docs/"):
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            known = {"if-none-match": answer.headers["etag"]}
            assert (await door.http.get(part, headers=known)).status_code == 304
            assert answer.headers["content-encoding"] == "gzip"
            elsewhere = re.sub("/[0-9a-f]{16}/", f"/{'0' * 16}/", part)
            assert (await door.http.get(elsewhere)).status_code == 404


async def test_the_front_door_leads_people_to_the_page_and_programs_to_the_document(
    door: Door,
) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    people = await door.http.get("/", headers=browser | {"host": "evil.example"})
    assert (people.status_code, people.headers["location"]) == (302, "/docs")
    program = await door.http.get("/")
    assert program.headers["vary"] == people.headers["vary"] == "Accept"
    links = program.json()
    assert links["name"] == "Parley"
    for name in ("docs", "openapi", "health"):
        assert (await door.http.get(links[name])).status_code == 200, name
    head = await door.http.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert (await door.http.post("/")).status_code == 405


async def test_what_browsers_and_robots_ask_for_by_themselves_is_there(door: Door) -> None:
    icon = await door.http.get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert "max-age=86400" in icon.headers["cache-control"]
    robots = await door.http.get("/robots.txt")
    # Of a share it may ask, so that it is told not to list it.
    assert robots.text == "User-agent: *\nDisallow: /\nAllow: /share/\n"
    assert robots.headers["x-robots-tag"] == "noindex, nofollow"
    assert robots.headers["content-type"].startswith("text/plain")


async def test_it_is_said_what_becomes_of_personal_access_tokens(door: Door) -> None:
    paths = (await described(door))["paths"]
    assert "`DELETE /tokens/{id}`" in paths["/api/v1/password"]["put"]["description"]
    reset = paths[f"{AUTH}/reset-password"]["post"]["description"]
    assert "every personal access token ends" in reset


async def test_the_scopes_of_a_new_token_are_listed(door: Door) -> None:
    new_token = (await described(door))["components"]["schemas"]["NewToken"]
    assert new_token["properties"]["scopes"]["items"]["enum"] == list(get_args(Scope))
