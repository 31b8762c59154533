"""What the document says of requests holds for each of them, whatever is in them."""

from collections.abc import Iterator
from typing import Any

import pytest

from .door import Door

Schema = dict[str, Any]


async def described(door: Door) -> Any:
    return (await door.http.get("/openapi.json")).json()


def operations(document: Any) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def parts(document: Any, schema: Schema, name: str = "") -> Iterator[tuple[str, Schema]]:
    """The schemas in a schema, with the names of the fields that they are of."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield name, schema
    for one in [*schema.get("anyOf", ()), *filter(bool, [schema.get("items")])]:
        yield from parts(document, one, name)
    for field, one in schema.get("properties", {}).items():
        yield from parts(document, one, field)
    for one in schema.get("patternProperties", {}).values():
        yield from parts(document, one, name)


def bodies(document: Any) -> Iterator[tuple[str, str, Schema]]:
    for method, path, operation in operations(document):
        if "requestBody" in operation:
            for content in operation["requestBody"]["content"].values():
                yield method, path, content["schema"]


async def test_no_parameter_is_null(door: Door) -> None:
    document = await described(door)
    said = [
        (method, path, one["name"], schema)
        for method, path, operation in operations(document)
        for one in operation.get("parameters", ())
        for _, schema in parts(document, one["schema"])
    ]
    assert len(said) > 100
    assert [one for one in said if one[3].get("type") in (None, "null")] == []


async def test_each_text_of_a_request_says_which_characters_it_has(door: Door) -> None:
    document = await described(door)
    texts = [
        (method, path, name, one)
        for method, path, schema in bodies(document)
        for name, one in parts(document, schema)
        if one.get("type") == "string"
    ]
    texts += [
        (method, path, parameter["name"], one)
        for method, path, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
        for _, one in parts(document, parameter["schema"])
        if one.get("type") == "string"
    ]
    assert len(texts) > 100
    said = {"pattern", "enum", "const"}
    formats = {"uuid", "email", "uri", "date-time", "binary"}
    assert [
        one for one in texts if not (said & one[3].keys() or one[3].get("format") in formats)
    ] == []


async def test_each_id_of_a_request_is_one(door: Door) -> None:
    document = await described(door)
    ids = [
        (method, path, name, one)
        for method, path, schema in bodies(document)
        for name, one in parts(document, schema)
        if name.endswith("_id") and one.get("type") == "string" and "enum" not in one
    ]
    ids += [
        (method, path, parameter["name"], parameter["schema"])
        for method, path, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if parameter["name"].endswith("_id")
    ]
    assert len(ids) > 40
    # A condition names a type, and the field itself says the rest.
    plain = {"type", "pattern"}
    assert [x for x in ids if x[3].get("format") != "uuid" and x[3].keys() - plain] == []
    assert {name for *_, name, one in ids if "format" in one} >= {"fallback_key_id", "message_id"}


async def test_no_object_of_a_request_takes_what_nobody_knows(door: Door) -> None:
    document = await described(door)
    objects = [
        (method, path, name, one)
        for method, path, schema in bodies(document)
        for name, one in parts(document, schema)
        if one.get("type") == "object"
    ]
    assert len(objects) > 30
    assert [one for one in objects if one[3].get("additionalProperties") is not False] == []


@pytest.mark.parametrize(("sent", "taken"), [("{}.0", True), ("{}e0", True), ("{}.5", False)])
async def test_an_integer_is_one_however_json_spells_it(door: Door, sent: str, taken: bool) -> None:
    document = await described(door)
    asked = 0
    for method, path, schema in bodies(document):
        for name, one in parts(document, schema):
            wanted = [x for x in [one, *one.get("anyOf", ())] if x.get("type") == "integer"]
            if not name or not wanted:
                continue
            number = sent.format(max(int(wanted[0]["minimum"]), 1))
            where = "parameters." if name not in _fields(document, schema) else ""
            body = (
                f'{{"parameters": {{"{name}": {number}}}}}' if where else f'{{"{name}": {number}}}'
            )
            headers = {**door.bearer, "content-type": "application/json"}
            place = path.replace("{name}", "x")
            for known in ("session", "message", "key", "run", "note", "user", "share"):
                place = place.replace(f"{{{known}_id}}", "01900000-0000-7000-8000-000000000003")
            answer = await door.http.request(method, place, content=body, headers=headers)
            refused = {error["field"] for error in answer.json().get("errors", ())}
            assert (f"{where}{name}" in refused) != taken, (method, path, number, answer.text)
            asked += 1
    assert asked > 8


def _fields(document: Any, schema: Schema) -> set[str]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return set(document["components"]["schemas"][name].get("properties", ()))
