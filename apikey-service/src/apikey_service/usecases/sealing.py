"""Which secrets a connection has, each sealed at a place of its own, and opened there."""

import json
from typing import Final
from uuid import UUID

from apikey_service.domain.sealed import Place, Sealed
from apikey_service.domain.secret import Secret
from apikey_service.usecases.ports import Vault
from apikey_service.usecases.validation import Headers
from chassis.caller import Caller

API_KEY_FIELD: Final = "api_key"
HEADERS_FIELD: Final = "headers"


def seal_key(vault: Vault, caller: Caller, key_id: UUID, api_key: Secret) -> Sealed:
    return vault.seal(api_key, _place(caller, key_id, API_KEY_FIELD))


def open_key(vault: Vault, caller: Caller, key_id: UUID, sealed: Sealed) -> Secret:
    """Raises KeyUnreadable."""
    return vault.open(sealed, _place(caller, key_id, API_KEY_FIELD))


def seal_headers(vault: Vault, caller: Caller, key_id: UUID, headers: Headers) -> Sealed | None:
    """All of them as one text, names and order with it; None where there are none."""
    if not headers:
        return None
    text = json.dumps([[name, value.reveal()] for name, value in headers])
    return vault.seal(Secret(text), _place(caller, key_id, HEADERS_FIELD))


def open_headers(vault: Vault, caller: Caller, key_id: UUID, sealed: Sealed | None) -> Headers:
    """What ``seal_headers`` was given. Raises KeyUnreadable."""
    if sealed is None:
        return ()
    items = json.loads(vault.open(sealed, _place(caller, key_id, HEADERS_FIELD)).reveal())
    return tuple((name, Secret(value)) for name, value in items)


def _place(caller: Caller, key_id: UUID, field: str) -> Place:
    return Place(caller.tenant_id, caller.user_id, key_id, field)
