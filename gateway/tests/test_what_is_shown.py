"""What services say is shown under the name that they have for it, and under no other.

Every schema that is made of a message of the contracts is given one in which each field has a value of its own.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date
from functools import partial
from importlib import import_module
from itertools import count
from pkgutil import iter_modules
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

import gateway.schemas
from gateway.schemas.base import Resource

# Texts that are read, and not only shown.
DAYS = {"day", "from", "to"}
AMOUNTS = {"used", "soft", "allowed"}
ONE_OF = {"purpose": ("answer", "title", "summary"), "waits_for": ("notes", "files")}
# What is not shown as it is said, and is tested by itself.
OTHERWISE = {
    # Of an answer that was edited it is that.
    ("Message", "status"),
}


def mappings() -> Iterator[tuple[str, Callable[[Message], Resource], type[Message]]]:
    """What makes a schema of one message: its name, how, and of which."""
    for module in iter_modules(gateway.schemas.__path__):
        members = vars(import_module(f"gateway.schemas.{module.name}"))
        for schema in members.values():
            if (
                not isinstance(schema, type)
                or schema.__module__ != f"gateway.schemas.{module.name}"
            ):
                continue
            for name, made in vars(schema).items():
                if not isinstance(made, classmethod):
                    continue
                taken = inspect.get_annotations(made.__func__, eval_str=True)
                taken.pop("return")
                kinds = list(taken.values())
                if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], Message):
                    yield f"{schema.__name__}.{name}", getattr(schema, name), kinds[0]


def fill(message: Any, numbers: Iterator[int], bit: int) -> None:
    """Give each field a value that no other has.

    A flag is set if ``bit`` of its number is: for any two there is a bit in which they differ.
    """
    for field in message.DESCRIPTOR.fields:
        value = partial(_value, field, numbers, bit)
        if _is_map(field):
            of_values = field.message_type.fields_by_name["value"]
            getattr(message, field.name)[f"key {next(numbers)}"] = _value(of_values, numbers, bit)
        elif field.is_repeated:
            getattr(message, field.name).extend([value(), value()])
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(value())
        else:
            setattr(message, field.name, value())


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _value(field: Any, numbers: Iterator[int], bit: int) -> Any:
    number = next(numbers)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            if field.message_type.full_name == Timestamp.DESCRIPTOR.full_name:
                return Timestamp(seconds=1_700_000_000 + number)
            part = GetMessageClass(field.message_type)()
            fill(part, numbers, bit)
            return part
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return f"{number}".encode()
        case FieldDescriptor.CPPTYPE_STRING if field.name in DAYS:
            return date.fromordinal(739_000 + number).isoformat()
        case FieldDescriptor.CPPTYPE_STRING if field.name in AMOUNTS:
            return f"{number}.5"
        case FieldDescriptor.CPPTYPE_STRING if field.name in ONE_OF:
            return ONE_OF[field.name][number % len(ONE_OF[field.name])]
        case FieldDescriptor.CPPTYPE_STRING:
            return f"{field.name} {number}"
        case FieldDescriptor.CPPTYPE_BOOL:
            return bool(field.number >> bit & 1)
        case FieldDescriptor.CPPTYPE_ENUM:
            known = [value.number for value in field.enum_type.values if value.number]
            return known[number % len(known)]
        case _:
            return number


def differences(said: Any, shown: Mapping[str, Any]) -> Iterator[str]:
    """The fields that are in both, and are not the same in both."""
    for field in said.DESCRIPTOR.fields:
        if field.name not in shown or (said.DESCRIPTOR.name, field.name) in OTHERWISE:
            continue
        if field.has_presence and not said.HasField(field.name):
            # Another of those of which only one can be said.
            continue
        value, told = getattr(said, field.name), shown[field.name]
        pairs: list[tuple[Any, Any]]
        if _is_map(field):
            pairs = [(dict(value), told)]
        elif field.is_repeated:
            pairs = list(zip(value, told, strict=True))
        else:
            pairs = [(value, told)]
        for one, other in pairs:
            if isinstance(one, Timestamp):
                same = other == one.ToDatetime(tzinfo=UTC)
            elif isinstance(one, Message) and other is not None:
                yield from (f"{field.name}.{name}" for name in differences(one, other))
                continue
            elif field.enum_type is not None:
                name = field.enum_type.values_by_number[one].name
                same = name.endswith(f"_{str(other).upper()}")
            elif isinstance(one, bytes):
                same = other == one.hex()
            else:
                same = one == (other.isoformat() if isinstance(other, date) else other)
            if not same:
                yield f"{field.name}: {one!r} is shown as {other!r}"


MAPPINGS = list(mappings())


@pytest.mark.parametrize(
    ("make", "kind"), [pytest.param(make, kind, id=name) for name, make, kind in MAPPINGS]
)
def test_what_is_said_is_shown_under_its_own_name(
    make: Callable[[Message], Resource], kind: type[Message]
) -> None:
    for bit in range(6):
        said = kind()
        fill(said, count(1), bit)
        assert list(differences(said, make(said).model_dump(by_alias=True))) == []


def test_the_schemas_are_found() -> None:
    assert {"Run.of", "Message.of", "Note.of", "Key.of"} < {name for name, _, _ in MAPPINGS}
