"""The one door through which a key leaves the vault."""

from dataclasses import dataclass

from apikey_service.domain.errors import KeyNotFound, NoKey
from apikey_service.domain.key import Connection, Owner
from apikey_service.domain.operator_connection import OperatorConnection
from apikey_service.store.sealed_keys import SealedKey, SealedKeys
from apikey_service.usecases.ports import LastUses, OperatorConnections, Vault
from apikey_service.usecases.sealing import open_headers, open_key
from apikey_service.usecases.validation import parse_key_name
from chassis.caller import Caller
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_named_id
from servicekit.names import fold_name


@dataclass(frozen=True, slots=True)
class ResolveKey:
    """Opens connections: one round trip to the database at most."""

    sealed_keys: SealedKeys
    vault: Vault
    operators: OperatorConnections
    uses: LastUses

    async def __call__(
        self, caller: Caller, key_id: str | None = None, name: str | None = None
    ) -> Connection:
        """Open one of the caller's connections, by id or by name, and with neither the default one.

        An operator's counts where it is open to the caller. Raises KeyNotFound for an id or a name
        that is not theirs, NoKey with neither when there is none, KeyUnreadable for one that does
        not open, ValidationFailed for an id and a name.
        """
        if key_id is not None and name is not None:
            raise ValidationFailed(fields=[FieldError("name", "NOT_BOTH")])
        if key_id is not None:
            return await self._by_id(caller, key_id)
        if name is not None:
            return await self._by_name(caller, name)
        return await self._default(caller)

    async def _by_id(self, caller: Caller, key_id: str) -> Connection:
        parsed = parse_named_id(key_id, KeyNotFound)
        for one in self.operators.open_to(caller):
            if one.id == parsed:
                return self._offered(one)
        found = await self.sealed_keys.find(caller, parsed)
        if found is None:
            raise KeyNotFound()
        return self._opened(caller, found)

    async def _by_name(self, caller: Caller, name: str) -> Connection:
        folded = fold_name(parse_key_name(name))
        found = await self.sealed_keys.find_named(caller, folded)
        if found is not None:
            return self._opened(caller, found)
        for one in self.operators.open_to(caller):
            if one.name_folded == folded:
                return self._offered(one)
        raise KeyNotFound()

    async def _default(self, caller: Caller) -> Connection:
        marked, own = await self.sealed_keys.find_default(caller)
        offered = self.operators.open_to(caller)
        if own is None or own.id != marked:
            for one in offered:
                if one.id == marked:
                    return self._offered(one)
        if own is not None:
            return self._opened(caller, own)
        if offered:
            return self._offered(offered[0])
        raise NoKey()

    def _offered(self, one: OperatorConnection) -> Connection:
        return one.as_connection(self.operators.outcome(one.id))

    def _opened(self, caller: Caller, key: SealedKey) -> Connection:
        connection = Connection(
            id=key.id,
            name=key.name,
            api_key=open_key(self.vault, caller, key.id, key.sealed),
            model=key.model,
            base_url=key.base_url,
            provider=key.provider,
            headers=open_headers(self.vault, caller, key.id, key.sealed_headers),
            parameters=key.parameters,
            fallback_key_id=key.fallback_key_id,
            owner=Owner.USER,
            has_error=key.has_error,
            learnt=key.learnt,
        )
        self.uses.note(key.id)
        return connection
