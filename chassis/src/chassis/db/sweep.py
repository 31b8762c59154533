"""Deletes what is past its time, a batch after the other."""

from chassis.db.engine import Database
from chassis.db.statement import Statement


async def sweep(db: Database, statement: Statement, *, batch: int, **values: object) -> None:
    """Run ``statement``, which deletes at most ``:batch`` rows, until it finds no full batch any more.

    ``values`` are those of its other parameters.

    Each is a transaction of its own. Raises DatabaseBusy or DatabaseUnavailable.
    """
    swept = batch
    while swept == batch:
        async with db.transaction() as connection:
            swept = await statement.run(connection, batch=batch, **values)
