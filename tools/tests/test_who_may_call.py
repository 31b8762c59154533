"""The services' own lists of who may call which method are the table's."""

import importlib
import pkgutil

import apikey_service
import auth_service
import chat_service
import notes_service
from chassis.grpc.server import Method, allow
from tests.who_may_call import OTHERS


def _methods() -> dict[str, Method]:
    found: dict[str, Method] = {}
    for room in (apikey_service, auth_service, chat_service, notes_service):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.endswith(".rpc"):
                continue
            policy = getattr(importlib.import_module(module.name), "POLICY", {})
            for service, methods in policy.items():
                found |= {f"{service}/{name}": method for name, method in methods.items()}
    return found


def test_all_but_these_are_for_the_gateway_and_whose_token_is_good() -> None:
    found = _methods()
    assert len(found) >= 100
    assert {name: one for name, one in found.items() if one != allow("gateway")} == OTHERS
