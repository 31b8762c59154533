"""A transaction of which nobody hears that it was stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.db.transactions import OpenTransaction, Owned, Transaction


class Unheard:
    """Opens transactions as `open_transaction` does; the first of them is stored, and does not return.

    That is where somebody is who is cancelled while the database says that it has stored something.
    """

    def __init__(self, open_transaction: OpenTransaction) -> None:
        self._open_transaction = open_transaction
        self._is_first = True
        self.stored = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, whose: Owned) -> AsyncIterator[Transaction]:
        is_first, self._is_first = self._is_first, False
        async with self._open_transaction(whose) as transaction:
            yield transaction
        if is_first:
            self.stored.set()
            await asyncio.Event().wait()
