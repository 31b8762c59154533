"""Make, change and delete personas of one's own."""

from dataclasses import dataclass, replace

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction, Owned
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import Once
from chassis.ids import new_id
from chat_service.personas.domain.errors import (
    PersonaNameTaken,
    PersonaNotFound,
    TooManyPersonas,
)
from chat_service.personas.domain.persona import Owner, Persona, Told, WantedChange
from chat_service.personas.store.personas import PersonaChange, Personas
from chat_service.personas.usecases.check import (
    check_description,
    check_model,
    check_name,
    check_prompt,
    check_starters,
    check_title,
    check_told,
    parse_name,
)
from chat_service.personas.usecases.ports import OperatorPersonas
from servicekit.generation_parameters import check_changed
from servicekit.names import fold_name


@dataclass(frozen=True, slots=True)
class WritePersonas:
    """Keeps personas of users' own, `most` for each of them."""

    open_transaction: OpenTransaction
    operators: OperatorPersonas
    most: int

    async def create(
        self, caller: Owned, told: Told, *, once: Once[Persona] | None = None
    ) -> Persona:
        """Keep one, `once` if so; white space around name, title and model is dropped.

        Raises ValidationFailed, PersonaNameTaken, TooManyPersonas, however many are made at once,
        IdempotencyKeyReused, RequestInProgress, OwnerErased.
        """
        model = None if told.model is None else told.model.strip()
        told = replace(told, name=told.name.strip(), title=told.title.strip(), model=model)
        if errors := check_told(told):
            raise ValidationFailed(fields=errors)
        now = utc_now()
        persona = Persona(told, Owner.USER, now, now, id=new_id())
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            # So that no two see room for one.
            await transaction.alone("add persona")
            personas = Personas(transaction)
            if once is not None and (earlier := await transaction.find_repeated(once, persona)):
                return earlier
            if self._is_operators(told.name):
                raise PersonaNameTaken()
            if await personas.count() >= self.most:
                raise TooManyPersonas()
            if not await personas.insert(persona):
                raise PersonaNameTaken()
        return persona

    async def update(self, caller: Caller, name: str, wanted: WantedChange) -> Persona:
        """Change what is wanted, all of it or nothing; texts are trimmed as when it is made.

        Of several at once each leaves to the others what it says nothing of. Raises PersonaNotFound,
        also for one of the operator's, ValidationFailed, PersonaNameTaken, OwnerErased.
        """
        folded = fold_name(parse_name(name))
        change = _checked(wanted)
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            personas = Personas(transaction)
            found = await personas.find(folded)
            if found is None:
                raise PersonaNotFound()
            if change == PersonaChange():
                return found
            renamed = change.name is not None and fold_name(change.name) != folded
            if renamed and change.name is not None and self._is_operators(change.name):
                raise PersonaNameTaken()
            changed = await personas.update(folded, change, at=utc_now())
        if changed is None:
            raise PersonaNotFound()
        return changed

    async def delete(self, caller: Caller, name: str) -> None:
        """Delete one; raises PersonaNotFound, also the second time, and OwnerErased."""
        folded = fold_name(parse_name(name))
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            if not await Personas(transaction).delete(folded):
                raise PersonaNotFound()

    def _is_operators(self, name: str) -> bool:
        folded = fold_name(name)
        return any(one.name_folded == folded for one in self.operators.content)


def _checked(wanted: WantedChange) -> PersonaChange:
    """The change as it is stored; raises ValidationFailed."""
    errors = check_changed(wanted.parameters, wanted.cleared_parameters, within="parameters")
    change = PersonaChange(
        parameters=wanted.parameters, cleared_parameters=wanted.cleared_parameters
    )
    if wanted.name is not None:
        change = replace(change, name=wanted.name.strip())
        errors += check_name(wanted.name.strip())
    if wanted.title is not None:
        change = replace(change, title=wanted.title.strip())
        errors += check_title(wanted.title.strip())
    if wanted.description is not None:
        change = replace(change, description=wanted.description)
        errors += check_description(wanted.description)
    if wanted.prompt is not None:
        change = replace(change, prompt=wanted.prompt)
        errors += check_prompt(wanted.prompt)
    if wanted.model is not None or wanted.without_model:
        model = None if wanted.model is None else wanted.model.strip()
        if model is not None and wanted.without_model:
            errors.append(FieldError("model", "GIVEN_AND_CLEARED"))
        change = replace(change, sets_model=True, model=model)
        errors += check_model(model)
    if wanted.starters is not None:
        change = replace(change, starters=wanted.starters)
        errors += check_starters(wanted.starters)
    if errors:
        raise ValidationFailed(fields=errors)
    return change
