"""Create, read and list a user's provider keys."""

import re
from dataclasses import dataclass

from apikey_service.domain.errors import KeyNameTaken, KeyNotFound
from apikey_service.domain.key import Connection, Key, Provider
from apikey_service.domain.sealed import Place
from apikey_service.domain.secret import Secret, mask
from apikey_service.store.keys import Keys
from apikey_service.usecases.ports import Vault
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import Once
from chassis.ids import new_id, parse_named_id
from chassis.paging import Page, Position, page_of, parse_limit
from chassis.server_url import BadServerUrl, parse_server_url
from chassis.text import check_text
from parley.bounds import API_KEY, API_KEY_PATTERN, BASE_URL, KEY_NAME, MODEL, Length

API_KEY_FIELD = "api_key"

# It travels in an HTTP header: visible ASCII.
_API_KEY = re.compile(API_KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A connection as its owner describes it."""

    name: str
    api_key: Secret
    model: str
    base_url: str
    provider: Provider


async def create_key(
    open_transaction: OpenTransaction,
    vault: Vault,
    caller: Caller,
    new: NewKey,
    *,
    once: Once[Key] | None = None,
) -> Key:
    """Store a connection, its key sealed, ``once`` if so; white space around texts is dropped.

    Raises ValidationFailed, KeyNameTaken, IdempotencyKeyReused, RequestInProgress, or OwnerErased when the account
    has been deleted.
    """
    api_key = Secret(new.api_key.reveal().strip())
    name, model, base_url = _checked(new, api_key)
    key_id, now = new_id(), utc_now()
    place = Place(caller.tenant_id, caller.user_id, key_id, API_KEY_FIELD)
    sealed = vault.seal(api_key, place)
    key = Key(
        id=key_id,
        name=name,
        masked_key=mask(api_key),
        model=model,
        base_url=base_url,
        provider=new.provider,
        created_at=now,
        updated_at=now,
    )
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        if once is not None and (earlier := await transaction.find_repeated(once, key)):
            return earlier
        if not await Keys(transaction).insert(key, sealed):
            raise KeyNameTaken()
    return key


def check_key(new: NewKey) -> Connection:
    """A connection as it would be resolved if it were stored, whatever its name; its id is of none.

    Raises ValidationFailed.
    """
    api_key = Secret(new.api_key.reveal().strip())
    model, base_url, errors = _checked_connection(new, api_key)
    if errors:
        raise ValidationFailed(fields=tuple(dict.fromkeys(errors)))
    return Connection(
        id=new_id(),
        name="",
        api_key=api_key,
        model=model,
        base_url=base_url,
        provider=new.provider,
    )


def _checked(new: NewKey, api_key: Secret) -> tuple[str, str, str]:
    """Name, model and base URL as they are stored; raises ValidationFailed."""
    name = new.name.strip()
    model, base_url, errors = _checked_connection(new, api_key)
    errors = [*_check_line("name", name, KEY_NAME), *errors]
    if errors:
        raise ValidationFailed(fields=tuple(dict.fromkeys(errors)))
    return name, model, base_url


def _checked_connection(new: NewKey, api_key: Secret) -> tuple[str, str, list[FieldError]]:
    model, base_url = new.model.strip(), new.base_url.strip()
    errors = [
        *_check("api_key", api_key.reveal(), API_KEY),
        *_check_line("model", model, MODEL),
        *_check("base_url", base_url, BASE_URL),
    ]
    if not _API_KEY.fullmatch(api_key.reveal()):
        errors.append(FieldError("api_key", "INVALID_CHARACTER"))
    if base_url:
        try:
            base_url = str(parse_server_url(base_url))
        except BadServerUrl as error:
            errors.append(FieldError("base_url", error.reason))
    return model, base_url, errors


def _check(field: str, text: str, length: Length) -> list[FieldError]:
    return check_text(field, text, minimum=length.minimum, maximum=length.maximum)


def _check_line(field: str, text: str, length: Length) -> list[FieldError]:
    errors = _check(field, text, length)
    # Also keeps out what cannot be seen, and so would make two names look the same.
    if not text.isprintable():
        errors.append(FieldError(field, "INVALID_CHARACTER"))
    return errors


async def get_key(open_transaction: OpenTransaction, caller: Caller, key_id: str) -> Key:
    """One of the caller's keys; raises KeyNotFound."""
    parsed = parse_named_id(key_id, KeyNotFound)
    async with open_transaction(caller) as transaction:
        key = await Keys(transaction).find(parsed)
    if key is None:
        raise KeyNotFound()
    return key


async def list_keys(
    open_transaction: OpenTransaction, caller: Caller, *, limit: int, cursor: str, count: bool
) -> Page[Key]:
    """A page of the caller's keys, oldest first, ``total`` if ``count``.

    The first one of all is the default. ``cursor`` is the ``next_cursor`` of the page before,
    empty for the first one. Raises ValidationFailed.
    """
    limit = parse_limit(limit)
    after = Position.from_cursor(cursor)
    async with open_transaction(caller) as transaction:
        keys = Keys(transaction)
        rows = await keys.list(after=after, limit=limit + 1)
        total = await keys.count() if count else None
    return page_of(rows, limit, _cursor_of, total=total)


def _cursor_of(key: Key) -> str:
    return Position(key.created_at, key.id).to_cursor()
