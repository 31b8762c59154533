"""Rows that have expired and cannot matter any more."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, func, select, tuple_

from auth_service.store.tables import codes, counters, logins, refresh_tokens, revocations, tokens
from auth_service.store.transactions import OpenSystem, SystemTransaction

_BATCH: Final = 5000


async def delete_expired(open_system: OpenSystem, now: datetime) -> None:
    """Delete logins, refresh tokens, personal access tokens, revocations, codes and counters of
    attempts that have expired, so many in a transaction that no statement takes long.
    """
    for table in (refresh_tokens, logins, revocations, tokens):
        await _delete_all(open_system, table, table.c.expires_at < now)
    for table in (counters, codes):
        await _delete_all(open_system, table, table.c.expires_at < func.now())


async def _delete_all(
    open_system: OpenSystem, table: Table, has_expired: ColumnElement[bool]
) -> None:
    is_more = True
    while is_more:
        async with open_system() as transaction:
            is_more = await _delete_batch(transaction, table, has_expired)


async def _delete_batch(
    transaction: SystemTransaction, table: Table, has_expired: ColumnElement[bool]
) -> bool:
    key = [*table.primary_key]
    batch = select(*key).where(has_expired).limit(_BATCH)
    # Asked again of each row: one that has just been renewed is waited for, and stays.
    statement = delete(table).where(tuple_(*key).in_(batch), has_expired)
    return (await transaction.connection.execute(statement)).rowcount == _BATCH
