"""The one door through which a key leaves the vault."""

from apikey_service.domain.errors import KeyNotFound, NoKey
from apikey_service.domain.key import Connection
from apikey_service.domain.sealed import Place
from apikey_service.store.keys import SealedKeys
from apikey_service.usecases.keys import API_KEY_FIELD
from apikey_service.usecases.ports import Vault
from chassis.caller import Caller
from chassis.ids import parse_named_id


async def resolve_key(
    sealed_keys: SealedKeys, vault: Vault, caller: Caller, key_id: str | None
) -> Connection:
    """Open one of the caller's keys, with None their first one.

    Raises KeyNotFound for an id that is not one of theirs, NoKey for None when there is none,
    KeyUnreadable for one that does not open.
    """
    parsed = None if key_id is None else parse_named_id(key_id, KeyNotFound)
    found = await sealed_keys.find(caller, parsed)
    if found is None:
        raise NoKey() if key_id is None else KeyNotFound()
    key, sealed = found
    place = Place(caller.tenant_id, caller.user_id, key.id, API_KEY_FIELD)
    return Connection(
        id=key.id,
        name=key.name,
        api_key=vault.open(sealed, place),
        model=key.model,
        base_url=key.base_url,
        provider=key.provider,
    )
