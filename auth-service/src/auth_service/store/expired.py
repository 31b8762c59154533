"""Rows that have expired and cannot matter any more."""

from datetime import datetime

from sqlalchemy import delete, func

from auth_service.store.tables import codes, counters, logins, refresh_tokens, revocations, tokens
from auth_service.store.transactions import SystemTransaction


async def delete_expired(transaction: SystemTransaction, now: datetime) -> None:
    """Delete logins, refresh tokens, personal access tokens, revocations, codes and counters of
    attempts that have expired.
    """
    for table in (refresh_tokens, logins, revocations, tokens):
        await transaction.connection.execute(delete(table).where(table.c.expires_at < now))
    for table in (counters, codes):
        await transaction.connection.execute(delete(table).where(table.c.expires_at < func.now()))
