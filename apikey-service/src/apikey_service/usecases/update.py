"""Change a connection, or delete it."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from apikey_service.domain.errors import KeyNeeded, KeyNotFound
from apikey_service.domain.key import Key, Provider
from apikey_service.domain.secret import Secret, mask
from apikey_service.store.defaults import Defaults
from apikey_service.store.keys import KeyChange, Keys
from apikey_service.usecases.base_url import holds_key, normal_base_url
from apikey_service.usecases.ports import AddressRules, OperatorConnections, Vault
from apikey_service.usecases.sealing import seal_headers, seal_key
from apikey_service.usecases.validation import (
    Headers,
    check_api_key,
    check_headers,
    check_model,
    check_name,
    fallback_refused,
    trimmed_headers,
)
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction, Transaction
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_id, parse_named_id
from servicekit.generation_parameters import GenerationParameters, check_changed


@dataclass(frozen=True, slots=True)
class WantedChange:
    """What its owner wants different: None leaves it as it is.

    ``headers`` take the place of all there are. Of ``parameters`` those change that are said, and
    of ``cleared_parameters`` nothing is said any more. ``fallback_key_id`` empty: none.
    """

    name: str | None = None
    api_key: Secret | None = None
    model: str | None = None
    base_url: str | None = None
    provider: Provider | None = None
    headers: Headers | None = None
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    cleared_parameters: tuple[str, ...] = ()
    fallback_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """Changes connections of users' own."""

    open_transaction: OpenTransaction
    vault: Vault
    rules: AddressRules
    operators: OperatorConnections

    async def __call__(self, caller: Caller, key_id: str, wanted: WantedChange) -> Key:
        """Change what is wanted, all of it or nothing; white space around texts is dropped.

        Of several at once each leaves to the others what it says nothing of. Raises KeyNotFound,
        ValidationFailed, KeyNameTaken, OwnerErased, and KeyNeeded for a base URL that is another
        than the stored one, in whatever part, and does not come with the key, and with headers if
        there are any.
        """
        parsed = parse_named_id(key_id, KeyNotFound)
        change = self._checked(caller, parsed, wanted)
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            keys = Keys(transaction)
            if wanted.api_key is not None and wanted.base_url is None:
                await _check_stored_url(keys, parsed, wanted.api_key.trimmed())
            if change.fallback_key_id is not None:
                await _check_fallback(transaction, keys, parsed, change.fallback_key_id)
            if change == KeyChange():
                key = await keys.find(parsed)
            else:
                key = await keys.update(parsed, change, at=utc_now())
            if key is None:
                raise await _why_not(keys, parsed, change)
            default = (await Defaults(transaction).find()).among(self.operators.open_to(caller))
        return replace(key, is_default=key.id == default)

    def _checked(self, caller: Caller, key_id: UUID, wanted: WantedChange) -> KeyChange:
        """The change as it is stored; raises ValidationFailed."""
        errors: list[FieldError] = []
        api_key = None if wanted.api_key is None else wanted.api_key.trimmed()
        change = KeyChange(
            provider=wanted.provider,
            parameters=wanted.parameters,
            cleared_parameters=wanted.cleared_parameters,
        )
        errors += check_changed(wanted.parameters, wanted.cleared_parameters, within="parameters")
        if wanted.name is not None:
            change = replace(change, name=wanted.name.strip())
            errors += check_name(wanted.name.strip())
        if wanted.model is not None:
            change = replace(change, model=wanted.model.strip())
            errors += check_model(wanted.model.strip())
        if wanted.base_url is not None:
            base_url, found = normal_base_url(wanted.base_url, self.rules)
            change = replace(change, base_url=base_url)
            errors += found
            if api_key is not None and not found and holds_key(base_url, api_key):
                errors.append(FieldError("base_url", "SECRET_IN_URL"))
        if wanted.fallback_key_id is not None:
            fallback_key_id = parse_id(wanted.fallback_key_id)
            change = replace(change, sets_fallback=True, fallback_key_id=fallback_key_id)
            if wanted.fallback_key_id and fallback_key_id is None:
                errors.append(FieldError("fallback_key_id", "NOT_FOUND"))
        if api_key is not None:
            errors += check_api_key(api_key)
            sealed = seal_key(self.vault, caller, key_id, api_key)
            change = replace(change, sealed=sealed, masked_key=mask(api_key))
        if wanted.headers is not None:
            headers = trimmed_headers(wanted.headers)
            errors += check_headers(headers)
            change = replace(
                change,
                sets_headers=True,
                header_names=tuple(name for name, _ in headers),
                sealed_headers=seal_headers(self.vault, caller, key_id, headers),
            )
        if errors:
            raise ValidationFailed(fields=tuple(dict.fromkeys(errors)))
        return change


async def _check_stored_url(keys: Keys, key_id: UUID, api_key: Secret) -> None:
    """Raises ValidationFailed where the stored base URL has the new key in it."""
    # Nobody changes the URL meanwhile: that takes the key, which comes with its own check.
    found = await keys.find(key_id)
    if found is not None and holds_key(found.base_url, api_key):
        raise ValidationFailed(fields=[FieldError("base_url", "SECRET_IN_URL")])


async def _check_fallback(
    transaction: Transaction, keys: Keys, key_id: UUID, fallback_key_id: UUID
) -> None:
    """Nobody changes what the user's keys fall back to until this transaction ends."""
    # Else of two who do so at once neither sees the other's half of a circle.
    await transaction.alone("fallback")
    if not await keys.hold(fallback_key_id):
        raise fallback_refused("NOT_FOUND")
    if await keys.leads_back(fallback_key_id, to=key_id):
        raise fallback_refused("CIRCLE")


async def _why_not(keys: Keys, key_id: UUID, change: KeyChange) -> KeyNotFound | KeyNeeded:
    found = await keys.find(key_id)
    if found is None:
        return KeyNotFound()
    missing = []
    if change.sealed is None:
        missing.append(FieldError("api_key", "REQUIRED"))
    if found.header_names and not change.sets_headers:
        missing.append(FieldError("headers", "REQUIRED"))
    return KeyNeeded(fields=missing)


async def delete_key(open_transaction: OpenTransaction, caller: Caller, key_id: str) -> None:
    """Delete one of the caller's keys; raises KeyNotFound, also the second time, and OwnerErased.

    If it was the default, the first one is from then on; what fell back to it falls back to
    nothing.
    """
    parsed = parse_named_id(key_id, KeyNotFound)
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        if not await Keys(transaction).delete(parsed):
            raise KeyNotFound()
        await Defaults(transaction).unmark(parsed)
