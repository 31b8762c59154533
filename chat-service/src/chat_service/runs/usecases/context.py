"""What a model was given for an answer."""

from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chat_service.conversations.domain.errors import (
    ContextUnknown,
    SessionNotFound,
)
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.summaries import Summaries
from chat_service.prompt.context import Given, left_out
from chat_service.runs.store.runs import Runs


async def get_context(
    open_transaction: OpenTransaction, caller: Caller, session_id: UUID, message_id: UUID
) -> Given:
    """Returns what the model was given for an answer, and what of the path to it was left out.

    Raises SessionNotFound, MessageNotFound, MessageNotFinished, and ContextUnknown for a question, for what its user has
    written, and for an answer whose replica was lost, or is of an earlier version.
    """
    async with open_transaction(caller) as transaction:
        if await Sessions(transaction).find(session_id) is None:
            raise SessionNotFound()
        messages = Messages(transaction)
        message = await messages.known_in(session_id, message_id)
        context = None
        if message.run_id is not None:
            context = await Runs(transaction).find_context(message.run_id)
        if context is None:
            raise ContextUnknown()
        path = await messages.path_to(session_id, message.parent_order)
        ids = {one.order: one.id for one in path} | {message.order: message.id}
        orders = {order for part in context.parts for order in part.orders}
        given = await messages.find([ids[order] for order in orders & ids.keys()])
        summary = None
        if context.summed_up is not None:
            summary = await Summaries(transaction, session_id).at(context.summed_up)
    texts = {one.order: one.content for one in given.values()}
    return Given(context.estimated(texts), ids, left_out(context, path), summary)
