"""Deleting one message for good, with all that follows it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction, Transaction
from chat_service.conversations.domain.errors import MessageNotFound, SessionNotFound
from chat_service.conversations.domain.message import LiveAnswer
from chat_service.conversations.store.ends import SessionEnds
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.subtrees import Subtrees
from chat_service.conversations.store.tree import Tree


class RunsOfMessages(Protocol):
    """The runs of a session that is locked, in the transaction that has locked it."""

    async def live(self, transaction: Transaction, session_id: UUID) -> LiveAnswer | None:
        """What is being written in it."""

    async def delete_of(
        self, transaction: Transaction, session_id: UUID, orders: Sequence[int]
    ) -> Sequence[UUID]:
        """Deletes the runs of whose question or answer this is the order, and returns them."""


@dataclass(frozen=True, slots=True)
class _Going:
    """What goes with a message: `orders` are those of the messages, of one that is being written as well.

    `parent_order` is that of the message before them, 0 for none, `live` the run among theirs that is live.
    """

    orders: frozenset[int]
    parent_order: int
    live: UUID | None


@dataclass(frozen=True, slots=True)
class DeleteMessage:
    """Deletes messages, and their runs wherever these are generated.

    `drop` ends runs that are generated here, and deletes the logs of runs whose rows are gone; `unshare` takes back
    what shows others any of these messages, in the transaction. `forget_answers`: as of EndSessions.
    """

    open_transaction: OpenTransaction
    runs: RunsOfMessages
    drop: Callable[[Sequence[UUID]], None]
    unshare: Callable[[Transaction, UUID, Sequence[int]], Awaitable[None]]
    forget_answers: Callable[[], None] = lambda: None

    async def __call__(self, caller: Caller, session_id: UUID, message_id: UUID) -> UUID | None:
        """Deletes a message of the caller's session, and all that follow it, on whatever path.

        It may be an answer that is being written: nothing of that is stored. If the chosen path went through the message, it
        goes on from the one before to the newest leaf that is left there. Of what was deleted nothing is to be found
        again but what it has cost. Returns the run that was live there, if one was. Raises SessionNotFound,
        MessageNotFound, also the second time, and OwnerErased.
        """
        now = utc_now()
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            session = await Sessions(transaction).lock_known(session_id)
            going = await self._going(transaction, session_id, message_id)
            orders = sorted(going.orders)
            tree, subtrees = Tree(transaction, session_id), Subtrees(transaction, session_id)
            leaf = await tree.leaf()
            retitle = await subtrees.name_it(session, orders)
            await self.unshare(transaction, session_id, orders)
            deleted = await self.runs.delete_of(transaction, session_id, orders)
            await subtrees.delete(session, orders, now, retitle=retitle)
            # On the path that ends with a question its answer, which is yet to come, is as good as chosen.
            if leaf in going.orders or leaf == going.parent_order:
                await tree.choose_path(await tree.newest_leaf(going.parent_order), now)
            await SessionEnds(transaction).forget_answers()
        self.drop(deleted)
        self.forget_answers()
        return going.live

    async def measure(self, caller: Caller, session_id: UUID, message_id: UUID) -> int:
        """How many messages that would delete, one that is being written among them.

        Raises SessionNotFound, MessageNotFound.
        """
        async with self.open_transaction(caller) as transaction:
            if await Sessions(transaction).find(session_id) is None:
                raise SessionNotFound()
            return len((await self._going(transaction, session_id, message_id)).orders)

    async def _going(self, transaction: Transaction, session_id: UUID, message_id: UUID) -> _Going:
        message = await Messages(transaction).find_in(session_id, message_id)
        live = await self.runs.live(transaction, session_id)
        if message is not None:
            found = await Subtrees(transaction, session_id).orders_from(message.order)
            orders, parent_order = frozenset(found), message.parent_order
        elif live is not None and live.answer_id == message_id:
            orders, parent_order = frozenset({live.answer_order}), live.question_order
        else:
            raise MessageNotFound()
        if live is None or orders.isdisjoint({live.question_order, live.answer_order}):
            return _Going(orders, parent_order, None)
        return _Going(orders | {live.answer_order}, parent_order, live.run_id)
