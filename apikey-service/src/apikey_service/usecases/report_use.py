"""Note what came of using a connection."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apikey_service.domain.errors import KeyNotFound
from apikey_service.domain.key import Learnt
from apikey_service.store.uses import report_use
from apikey_service.usecases.ports import OperatorConnections
from apikey_service.usecases.validation import check_model
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import parse_named_id
from chassis.text import check_text
from parley.bounds import LEARNT_PARAMETER, MAX_LEARNT, USE_REASON

_REASON: Final = re.compile("[A-Z][A-Z0-9_]*")
# A server has named it, and servers are anybody's: nothing that could be a sentence.
_PARAMETER: Final = re.compile(r"[A-Za-z0-9._\[\]-]*")


@dataclass(frozen=True, slots=True)
class ReportUse:
    """Keeps the last error and what servers have taught, of a user's own and of the operator's."""

    open_transaction: OpenTransaction
    operators: OperatorConnections

    async def __call__(
        self, caller: Caller, key_id: str, *, reason: str | None, ok: bool, learnt: Sequence[Learnt]
    ) -> None:
        """Note that the use failed for ``reason``, or was ``ok``, and what was ``learnt`` by it.

        Said again it changes nothing but the time of the error. Of more than MAX_LEARNT the newest
        are kept. Raises KeyNotFound, ValidationFailed, OwnerErased.
        """
        parsed = parse_named_id(key_id, KeyNotFound)
        if errors := [*_check_outcome(reason, ok), *_check_learnt(learnt)]:
            raise ValidationFailed(fields=tuple(dict.fromkeys(errors)))
        if any(one.id == parsed for one in self.operators.open_to(caller)):
            await self.operators.report(parsed, reason=reason, ok=ok, learnt=learnt, at=utc_now())
            return
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            found = await report_use(
                transaction, parsed, reason=reason, ok=ok, learnt=learnt, at=utc_now()
            )
            if not found:
                raise KeyNotFound()


def _check_outcome(reason: str | None, ok: bool) -> list[FieldError]:
    if reason is None:
        return []
    errors = check_text(
        "error_reason", reason, minimum=USE_REASON.minimum, maximum=USE_REASON.maximum
    )
    if reason and not _REASON.fullmatch(reason):
        errors.append(FieldError("error_reason", "INVALID_CHARACTER"))
    if ok:
        errors.append(FieldError("ok", "NOT_BOTH"))
    return errors


def _check_learnt(learnt: Sequence[Learnt]) -> list[FieldError]:
    errors: list[FieldError] = []
    if len(learnt) > MAX_LEARNT:
        errors.append(FieldError("learnt", "TOO_MANY", maximum=MAX_LEARNT))
    for item in learnt[:MAX_LEARNT]:
        errors += check_model(item.model, "learnt.model")
        for field, name, minimum in (
            ("learnt.parameter", item.parameter, LEARNT_PARAMETER.minimum),
            ("learnt.use", item.use, 0),
        ):
            errors += check_text(field, name, minimum=minimum, maximum=LEARNT_PARAMETER.maximum)
            if not _PARAMETER.fullmatch(name):
                errors.append(FieldError(field, "INVALID_CHARACTER"))
    return errors
