"""What the document says of requests beside what their schemas do.

It holds for all of them: what a parameter is not is left out rather than null, no text has U+0000 in it, and
of fields nobody knows none is taken.
"""

from collections.abc import Iterator
from typing import Any

# Anything but U+0000, of which PostgreSQL knows nothing.
_STORABLE = r"^[^\u0000]*$"
# What says more of a text already.
_SAID = {"pattern", "enum", "const"}
_FORMATS = {"uuid", "email", "uri", "date-time", "binary"}

_Schema = dict[str, Any]


def complete(operation: _Schema, components: _Schema) -> None:
    """Says so of what ``operation`` takes, in its own schemas and in those of ``components``."""
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _present(parameter["schema"])
        if parameter["in"] == "query":
            _hold(parameter["schema"], components)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        _hold(content["schema"], components)


def _present(schema: _Schema) -> _Schema:
    """``schema`` without null, which neither a query nor a header can say."""
    others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(others) != 1:
        return schema
    return {**others[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _hold(schema: _Schema, components: _Schema) -> None:
    for one in _all(schema, components, set()):
        if (
            one.get("type") == "string"
            and not _SAID & one.keys()
            and one.get("format") not in _FORMATS
        ):
            one["pattern"] = _STORABLE
        if "patternProperties" in one:
            # Other names are refused, whatever they have.
            one["additionalProperties"] = False


def _all(schema: _Schema, components: _Schema, seen: set[str]) -> Iterator[_Schema]:
    """``schema`` and those in it."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        seen.add(name)
        yield from _all(components["schemas"][name], components, seen)
    yield schema
    inner = [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for key in ("anyOf", "oneOf", "allOf"):
        inner += schema.get(key, ())
    for key in ("properties", "patternProperties", "$defs"):
        inner += schema.get(key, {}).values()
    for one in inner:
        if isinstance(one, dict):
            yield from _all(one, components, seen)
