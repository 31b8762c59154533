"""A transaction of which nobody hears that it was stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.db.transactions import OpenTransaction, Owned, Transaction


class Unheard:
    """Opens transactions as `open_transaction` does; the `unheard`th of them, counted from 1, is stored, and does not
    return.

    That is where somebody is who is cancelled while the database says that it has stored something.
    """

    def __init__(self, open_transaction: OpenTransaction, unheard: int = 1) -> None:
        self._open_transaction = open_transaction
        self._unheard = unheard
        self._opened = 0
        self.stored = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, whose: Owned) -> AsyncIterator[Transaction]:
        self._opened += 1
        is_unheard = self._opened == self._unheard
        async with self._open_transaction(whose) as transaction:
            yield transaction
        if is_unheard:
            self.stored.set()
            await asyncio.Event().wait()
