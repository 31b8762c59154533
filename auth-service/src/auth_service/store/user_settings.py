"""A user's settings in PostgreSQL."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from auth_service.domain.user_settings import SettingsChange, UserSettings, settings_of
from auth_service.store.transactions import CallerTransaction, SystemTransaction
from chassis.db.statement import Statement

_FIND = Statement(
    text(
        "SELECT user_settings.settings, user_settings.version FROM user_settings"
        " WHERE user_settings.tenant_id = :tenant_id AND user_settings.user_id = :user_id"
    )
)
# Of two changes at once, each leaves to the other what it says nothing of.
_MERGE = Statement(
    text("""
    INSERT INTO user_settings (user_id, tenant_id, settings, version, updated_at)
    VALUES (:user_id, :tenant_id, CAST(:given AS jsonb), 1, :updated_at)
    ON CONFLICT (user_id) DO UPDATE SET
        settings = (user_settings.settings - CAST(:reset AS text[])) || CAST(:given AS jsonb),
        version = user_settings.version + 1,
        updated_at = GREATEST(user_settings.updated_at, EXCLUDED.updated_at)
    RETURNING user_settings.settings, user_settings.version
    """)
)
# Numbers come in the order of their commits: see revision 0008. Without a change, one row that says the
# highest number.
_BEHIND = Statement(
    text("""
    SELECT numbers.last_value AS newest, found.change, found.user_id, found.tenant_id,
           found.settings, found.version
    FROM user_settings_changes AS numbers LEFT JOIN (
        SELECT user_settings.change, user_settings.user_id, user_settings.tenant_id,
               user_settings.settings, user_settings.version
        FROM user_settings WHERE user_settings.change > :after
        ORDER BY user_settings.change LIMIT :limit) AS found ON true
    ORDER BY found.change
    """)
)


class SettingsChanges:
    """All users' newest changes."""

    def __init__(self, transaction: SystemTransaction) -> None:
        self._connection = transaction.connection

    async def behind(self, number: int, *, limit: int) -> tuple[Sequence[SettingsChange], int]:
        """At most ``limit`` of those with a higher number, the lowest first; and the highest number that
        was given out.
        """
        rows = await _BEHIND.all(self._connection, after=number, limit=limit)
        found = [
            SettingsChange(
                row.change, row.user_id, row.tenant_id, settings_of(row.settings, row.version)
            )
            for row in rows
            if row.change is not None
        ]
        return found, rows[0].newest


class Settings:
    """The settings of the transaction's user."""

    def __init__(self, transaction: CallerTransaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def get(self) -> UserSettings:
        row = await _FIND.first(self._connection, **self._mine)
        return UserSettings() if row is None else settings_of(row.settings, row.version)

    async def merge(
        self, given: Mapping[str, Any], *, reset: Collection[str], at: datetime
    ) -> UserSettings:
        """Take back what is in ``reset``, set what is ``given``, and return what holds then."""
        row = await _MERGE.first(
            self._connection,
            **self._mine,
            given=json.dumps(dict(given)),
            reset=list(reset),
            updated_at=at,
        )
        assert row is not None
        return settings_of(row.settings, row.version)
