"""Each reason that a service refuses for, or that an answer failed for, has a sentence on the pages."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis import errors
from gateway.streams import failures
from tools.node import WEB

_SERVICES = ("auth_service", "apikey_service", "chat_service", "notes_service")
# What a browser that talks HTTP cannot cause, or programs alone are told.
_NOT_SHOWN = {"INVALID_TOKEN"}
# Of fields: what the pages never send.
_NOT_SENT = {"NOT_WITH_COOKIE", "TOO_MANY_FIELDS", "WITHOUT_AFTER"}


def _catalogue(language: str, name: str = "errors") -> set[str]:
    text = (WEB / "src" / "i18n" / language / f"{name}.ts").read_text(encoding="utf-8")
    return set(re.findall(r"^  ([A-Z][A-Z0-9_]+):", text, re.MULTILINE))


def _modules() -> Iterator[str]:
    for service in _SERVICES:
        package = importlib.import_module(service)
        for module in pkgutil.walk_packages(package.__path__, f"{service}."):
            if module.name.endswith(".errors"):
                yield module.name


def _reasons(module: str) -> Iterator[str]:
    for _, one in inspect.getmembers(importlib.import_module(module), inspect.isclass):
        reason = one.__dict__.get("reason")
        if issubclass(one, Exception) and isinstance(reason, str):
            yield reason


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_reason_of_the_services_has_a_sentence(language: str) -> None:
    modules = list(_modules())
    assert len(modules) > 6
    told = {reason for module in (*modules, errors.__name__) for reason in _reasons(module)}
    assert len(told) > 60
    assert sorted((told | set(failures.STATUSES)) - _NOT_SHOWN - _catalogue(language)) == []


def _field_reasons() -> Iterator[str]:
    """What stands in the sources as the reason why a field is refused."""
    for name in (*_SERVICES, "gateway"):
        (folder,) = importlib.import_module(name).__path__
        for source in Path(folder).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Name(id="FieldError"),
                        args=[_, ast.Constant(value=str(reason)), *_],
                    ):
                        yield reason


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_reason_of_a_refused_field_has_a_sentence(language: str) -> None:
    told = set(_field_reasons())
    assert len(told) > 20
    said = _catalogue(language, "fields") | _catalogue(language)
    assert sorted(told - _NOT_SENT - said) == []
