"""Store a connection."""

from dataclasses import dataclass, field, replace

from apikey_service.domain.errors import KeyNameTaken, TooManyKeys
from apikey_service.domain.key import DEFAULTS, Connection, Key, Owner, Provider
from apikey_service.domain.secret import Secret, mask
from apikey_service.store.defaults import Defaults
from apikey_service.store.keys import Keys
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
from chassis.db.transactions import OpenTransaction
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import Once
from chassis.ids import new_id, parse_id
from servicekit.generation_parameters import GenerationParameters, check_changed


@dataclass(frozen=True, slots=True)
class NewKey:
    """A connection as its owner describes it.

    What ``parameters`` says nothing of gets its default, unless ``cleared_parameters`` names it.
    """

    name: str
    api_key: Secret
    model: str
    base_url: str
    provider: Provider
    headers: Headers = ()
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    cleared_parameters: tuple[str, ...] = ()
    fallback_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Stores connections of users' own, ``most`` for each of them."""

    open_transaction: OpenTransaction
    vault: Vault
    rules: AddressRules
    operators: OperatorConnections
    most: int

    async def __call__(self, caller: Caller, new: NewKey, *, once: Once[Key] | None = None) -> Key:
        """Store it, its secrets sealed, ``once`` if so; white space around texts is dropped.

        Raises ValidationFailed, KeyNameTaken, TooManyKeys, however many are stored at once,
        IdempotencyKeyReused, RequestInProgress, or
        OwnerErased when the account has been deleted.
        """
        api_key, headers = new.api_key.trimmed(), trimmed_headers(new.headers)
        key = self._checked(new, api_key, headers)
        sealed = seal_key(self.vault, caller, key.id, api_key)
        sealed_headers = seal_headers(self.vault, caller, key.id, headers)
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            # So that no two see room for one.
            await transaction.alone("add key")
            keys = Keys(transaction)
            default = await Defaults(transaction).find()
            becomes = replace(default, first=default.first or key.id)
            if becomes.among(self.operators.open_to(caller)) == key.id:
                key = replace(key, is_default=True)
            if once is not None and (earlier := await transaction.find_repeated(once, key)):
                return earlier
            fallback = key.fallback_key_id
            if fallback is not None and not await keys.hold(fallback):
                raise fallback_refused("NOT_FOUND")
            if await keys.count() >= self.most:
                raise TooManyKeys()
            if not await keys.insert(key, sealed, sealed_headers):
                raise KeyNameTaken()
        return key

    def check(self, new: NewKey) -> Connection:
        """``new`` as it would be resolved if it were stored, under an id that no other has.

        Its name and what it falls back to say nothing here. Raises ValidationFailed.
        """
        api_key, headers = new.api_key.trimmed(), trimmed_headers(new.headers)
        model, base_url, errors = self._checked_connection(new, api_key, headers)
        if errors:
            raise ValidationFailed(fields=tuple(dict.fromkeys(errors)))
        return Connection(
            id=new_id(),
            name="",
            api_key=api_key,
            model=model,
            base_url=base_url,
            provider=new.provider,
            headers=headers,
            parameters=_with_defaults(new),
            fallback_key_id=None,
            owner=Owner.USER,
            has_error=False,
            learnt=(),
        )

    def _checked_connection(
        self, new: NewKey, api_key: Secret, headers: Headers
    ) -> tuple[str, str, list[FieldError]]:
        model = new.model.strip()
        base_url, errors = normal_base_url(new.base_url, self.rules)
        if not errors and holds_key(base_url, api_key):
            errors = [FieldError("base_url", "SECRET_IN_URL")]
        return (
            model,
            base_url,
            [
                *check_api_key(api_key),
                *check_model(model),
                *errors,
                *check_headers(headers),
                *check_changed(new.parameters, new.cleared_parameters, within="parameters"),
            ],
        )

    def _checked(self, new: NewKey, api_key: Secret, headers: Headers) -> Key:
        name = new.name.strip()
        model, base_url, errors = self._checked_connection(new, api_key, headers)
        errors = [*check_name(name), *errors]
        fallback_key_id = None
        if new.fallback_key_id is not None:
            fallback_key_id = parse_id(new.fallback_key_id)
            if fallback_key_id is None:
                errors.append(FieldError("fallback_key_id", "NOT_FOUND"))
        if errors:
            raise ValidationFailed(fields=tuple(dict.fromkeys(errors)))
        now = utc_now()
        return Key(
            id=new_id(),
            name=name,
            masked_key=mask(api_key),
            model=model,
            base_url=base_url,
            provider=new.provider,
            created_at=now,
            updated_at=now,
            header_names=tuple(header for header, _ in headers),
            parameters=_with_defaults(new),
            fallback_key_id=fallback_key_id,
        )


def _with_defaults(new: NewKey) -> GenerationParameters:
    defaults = {k: v for k, v in DEFAULTS.said().items() if k not in new.cleared_parameters}
    return GenerationParameters.of({**defaults, **new.parameters.said()})
