"""Writes docs/settings.md from the settings classes, or proves that it is current."""

import importlib
import sys
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from tools.members import ROOT

TABLE = ROOT / "docs" / "settings.md"
SERVICES = ("gateway", "auth_service", "apikey_service", "chat_service", "notes_service")
PREAMBLE = """\
# Settings

Made from the settings classes by `make settings`; not edited by hand.

A setting is an environment variable. `required` has no default: the service
says so and ends at once. A secret may instead be given as a file: `…_FILE` then
holds its path. Lists are written with commas, or as JSON. `make run` and
docker-compose.yml set all that is required.
"""


def main(arguments: list[str]) -> None:
    text = PREAMBLE + "".join(table(service) for service in SERVICES)
    if arguments != ["--check"]:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(text)
    elif not TABLE.exists() or TABLE.read_text() != text:
        sys.exit(f"{TABLE.relative_to(ROOT)} is stale")


def table(service: str) -> str:
    """One service's settings, by name."""
    settings: type[BaseSettings] = importlib.import_module(f"{service}.settings").Settings
    prefix = settings.model_config.get("env_prefix", "")
    rows = [
        f"| `{prefix}{name}`".upper()
        + f" | {kind(field.annotation)} | {bounds(field)} | {default(field)} | {text(field)} |\n"
        for name, field in sorted(settings.model_fields.items())
    ]
    heading = f"\n## {service.replace('_', '-')}\n\n"
    return (
        heading
        + "| variable | type | bounds | default | what it does |\n|---|---|---|---|---|\n"
        + "".join(rows)
    )


def text(field: FieldInfo) -> str:
    if not field.description:
        sys.exit(f"a setting has no description: {field!r}")
    return " ".join(field.description.split()).replace("|", "\\|")


def bounds(field: FieldInfo) -> str:
    """What a number is from and to; empty for what is none."""
    found = {type(bound): bound for bound in field.metadata}
    at_least, above, at_most = found.get(Ge), found.get(Gt), found.get(Le)
    if at_most is None:
        return ""
    least = f"{at_least.ge}" if at_least else f"above {above.gt}" if above else ""
    return f"{least} to {at_most.le}"


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, SecretStr):
        sys.exit(f"a secret has a default: {field!r}")
    if isinstance(value, tuple | list | set | frozenset):
        shown = ", ".join(f'"{item}"' for item in value)
        return f"`[{shown}]`"
    if isinstance(value, float):
        value = f"{value:g}"
    return f"`{value}`" if str(value) else "empty"


WORDS: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    Path: "path",
    SecretStr: "secret",
    IPv4Network: "network",
    IPv6Network: "network",
}


def kind(annotation: Any) -> str:
    """The words for a type: `integer`, `list of text`, `"a" or "b"`, `secret`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f'"{value}"' for value in arguments)
    if origin in {Union, UnionType}:
        parts = [kind(part) for part in arguments if part is not NoneType]
        return " or ".join(dict.fromkeys(parts))
    if origin in {tuple, list, set, frozenset}:
        return f"list of {kind(arguments[0])}"
    if origin is Annotated:
        return kind(arguments[0])
    return WORDS[annotation]


if __name__ == "__main__":
    main(sys.argv[1:])
