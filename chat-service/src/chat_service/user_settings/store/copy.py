"""The copy of what users have set.

What a turn needs of it is read by the turn's own statements (`runs/store/prompt_statements.py`), and what is
too old is looked for together with it (`runs/store/purge.py`).
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chat_service.user_settings.domain.settings import SettingsChange
from servicekit.erasure import in_batches
from servicekit.names import fold_name

_DEFAULT_PERSONA = Statement(
    text(
        "SELECT default_persona_folded FROM user_settings"
        " WHERE user_id = :user_id AND tenant_id = :tenant_id"
    )
)

# As of `chassis.db.owners`, for many: whoever is being erased is waited for, and passed over then.
_ADD_OWNERS = Statement(
    text("""
INSERT INTO owners (user_id, tenant_id)
SELECT given.user_id, given.tenant_id
FROM unnest(CAST(:user_ids AS uuid[]), CAST(:tenant_ids AS uuid[])) AS given (user_id, tenant_id)
ORDER BY given.user_id
ON CONFLICT (user_id) DO NOTHING
""")
)
_LOCK_OWNERS = Statement(
    text("""
SELECT user_id, tenant_id, erased_at FROM owners
WHERE user_id = ANY (CAST(:user_ids AS uuid[])) ORDER BY user_id FOR SHARE
""")
)
# Of two replicas that take the same changes, the one that is behind leaves what is newer.
_TAKE = Statement(
    text("""
INSERT INTO user_settings (
    user_id, tenant_id, instructions, default_persona_folded, titles_by_model, retention_days,
    change)
SELECT given.user_id, given.tenant_id, given.instructions, given.persona, given.titles, given.days,
       given.change
FROM unnest(
    CAST(:user_ids AS uuid[]), CAST(:tenant_ids AS uuid[]), CAST(:instructions AS text[]),
    CAST(:personas AS text[]), CAST(:titles AS boolean[]), CAST(:days AS integer[]),
    CAST(:changes AS bigint[])) AS given (user_id, tenant_id, instructions, persona, titles, days,
                                          change)
ON CONFLICT (user_id) DO UPDATE
SET instructions = excluded.instructions, default_persona_folded = excluded.default_persona_folded,
    titles_by_model = excluded.titles_by_model, retention_days = excluded.retention_days,
    change = excluded.change
WHERE user_settings.change < excluded.change
""")
)
_READ_CURSOR = Statement(text("SELECT change FROM user_settings_cursor"))
_ADVANCE = Statement(
    text("UPDATE user_settings_cursor SET change = greatest(change, CAST(:change AS bigint))")
)
# Of several replicas that see it, one begins, and the others go on from where that one is.
_BEGIN_ANEW = Statement(
    text("UPDATE user_settings_cursor SET change = 0 WHERE change > CAST(:newest AS bigint)")
)
_ARE_OLDER = Statement(text("UPDATE user_settings SET change = 0"))
# Not where another replica has begun anew since: it has yet to come as far.
_FORGET_UNTOLD = Statement(
    text(
        "DELETE FROM user_settings WHERE change = 0 AND EXISTS ("
        "SELECT FROM user_settings_cursor AS reached WHERE reached.change >= CAST(:cursor AS bigint))"
    )
)
_DELETE = Statement(text("DELETE FROM user_settings WHERE user_id = :user_id"))


class UserSettings:
    """What one user has set, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._owner = transaction.owner

    async def default_persona(self) -> str | None:
        """The name of the user's default persona, as `fold_name` makes it."""
        row = await _DEFAULT_PERSONA.first(
            self._connection, user_id=self._owner.user_id, tenant_id=self._owner.tenant_id
        )
        return None if row is None else row.default_persona_folded


async def read_cursor(connection: AsyncConnection) -> int:
    """The number up to which changes were taken; 0: none was."""
    row = await _READ_CURSOR.first(connection)
    assert row is not None
    number: int = row.change
    return number


async def take_changes(connection: AsyncConnection, changes: Sequence[SettingsChange]) -> None:
    """Has the copy say so, and the cursor. Nothing is kept for users who are erased."""
    user_ids = [one.user_id for one in changes]
    await _ADD_OWNERS.run(
        connection, user_ids=user_ids, tenant_ids=[one.tenant_id for one in changes]
    )
    owners = await _LOCK_OWNERS.all(connection, user_ids=user_ids)
    there = {(row.user_id, row.tenant_id) for row in owners if row.erased_at is None}
    kept = [one for one in changes if (one.user_id, one.tenant_id) in there]
    await _TAKE.run(
        connection,
        user_ids=[one.user_id for one in kept],
        tenant_ids=[one.tenant_id for one in kept],
        instructions=[one.instructions for one in kept],
        personas=[
            None if one.default_persona is None else fold_name(one.default_persona) for one in kept
        ],
        titles=[one.titles_by_model for one in kept],
        days=[one.retention_days for one in kept],
        changes=[one.number for one in kept],
    )
    await _ADVANCE.run(connection, change=changes[-1].number)


async def begin_anew(connection: AsyncConnection, newest: int) -> None:
    """Has all that auth-service tells, whose newest change is this, count as newer than what there is.

    What it does not tell any more stays until `forget_untold`. Somebody else may have begun: then nothing changes.
    """
    if await _BEGIN_ANEW.run(connection, newest=newest):
        await _ARE_OLDER.run(connection)


async def forget_untold(connection: AsyncConnection, cursor: int) -> None:
    """Forgets what was not told again since it was begun anew, where all up to `cursor` was and no more is behind it."""
    await _FORGET_UNTOLD.run(connection, cursor=cursor)


async def _delete(connection: AsyncConnection, user_id: UUID) -> int:
    return await _DELETE.run(connection, user_id=user_id)


#: The step that forgets what a user had set.
forget_user_settings: Final = in_batches(_delete)
