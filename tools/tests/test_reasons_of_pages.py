"""Each reason that a service refuses for, or that an answer failed for, has a sentence on the pages."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

from chassis import errors
from gateway.streams import failures
from tools.node import WEB

_SERVICES = ("auth_service", "apikey_service", "chat_service", "notes_service")
# What a browser that talks HTTP cannot cause, or programs alone are told.
_NOT_SHOWN = {"INVALID_TOKEN"}


def _catalogue(language: str) -> set[str]:
    text = (WEB / "src" / "i18n" / language / "errors.ts").read_text(encoding="utf-8")
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
