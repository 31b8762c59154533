"""The paths of a conversation: which one is chosen, what its user writes into it, what leaves it."""

from collections.abc import Callable
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction, Transaction
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import Once
from chassis.ids import new_id
from chassis.text import check_text, is_blank
from chat_service.conversations.domain.errors import (
    MessageNotEditable,
    MessageNotFound,
    SessionNotFound,
    TooManyVariants,
)
from chat_service.conversations.domain.message import MOST_VARIANTS, Message, Role
from chat_service.conversations.domain.session import Session
from chat_service.conversations.store.messages import Messages
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.slices import slices_of
from chat_service.conversations.store.tree import Tree
from chat_service.files.store.attachments import Attachments
from chat_service.words.domain.word_filter import WordFilter, checked
from parley.bounds import EDITED_ANSWER


async def choose_message(
    open_transaction: OpenTransaction,
    caller: Caller,
    session_id: UUID,
    message_id: UUID,
    *,
    tell: Callable[[], None] = lambda: None,
) -> Message:
    """Makes the path through a message the chosen one, down to its newest leaf, which is returned.

    While an answer is written there, that is its question. `tell` is called behind the commit, unless it was the chosen
    one before. Raises SessionNotFound, MessageNotFound,
    MessageNotFinished, OwnerErased.
    """
    async with open_transaction(caller) as transaction:
        _, message = await _lock(transaction, session_id, message_id)
        tree = Tree(transaction, session_id)
        leaf = await tree.newest_leaf(message.order)
        is_other = await tree.choose_path(leaf, utc_now())
        found = await Messages(transaction).at(session_id, leaf)
        assert found is not None
    if is_other:
        tell()
    return found


async def edit_answer(
    open_transaction: OpenTransaction,
    caller: Caller,
    session_id: UUID,
    message_id: UUID,
    content: str,
    once: Once[UUID] | None = None,
    *,
    words: WordFilter | None = None,
) -> Message:
    """Puts what its user has written beside an answer, chosen, and returns it without the `words`; `once` if so.

    Raises ValidationFailed, WordRefused unless the same request has put it there before, SessionNotFound, MessageNotFound, MessageNotFinished, MessageNotEditable for a question,
    TooManyVariants, OwnerErased, IdempotencyKeyReused, RequestInProgress.
    """
    errors = check_text(
        "content", content, minimum=EDITED_ANSWER.minimum, maximum=EDITED_ANSWER.maximum
    )
    if not errors and is_blank(content):
        errors.append(FieldError("content", "REQUIRED"))
    if errors:
        raise ValidationFailed(fields=errors)
    made, now = new_id(), utc_now()
    async with open_transaction(caller) as transaction:
        _, message = await _lock(transaction, session_id, message_id)
        messages = Messages(transaction)
        if once is not None and (earlier := await transaction.find_repeated(once, made)):
            repeated = await messages.find_in(session_id, earlier)
            if repeated is None:
                raise MessageNotFound()
            return repeated
        # Refused, it takes its key along: nothing of the transaction stays.
        content = checked(words, "content", content)
        if message.role is not Role.ASSISTANT:
            raise MessageNotEditable()
        if len(message.variants) >= MOST_VARIANTS:
            raise TooManyVariants()
        tree = Tree(transaction, session_id)
        # Known before there is a message that no version before has written.
        await tree.leaf()
        order = await tree.insert_answer(made, content, message.parent_order, now)
        await tree.choose_path(order, now)
        edited = await messages.find_in(session_id, made)
        assert edited is not None
        return edited


async def fork_session(
    open_transaction: OpenTransaction,
    caller: Caller,
    session_id: UUID,
    message_id: UUID | None,
    once: Once[UUID] | None = None,
) -> Session:
    """Copies the path to a message, None: the chosen one, into a session of its own; `once` if so.

    Raises SessionNotFound, MessageNotFound, MessageNotFinished, OwnerErased, IdempotencyKeyReused,
    RequestInProgress.
    """
    made, now = new_id(), utc_now()
    async with open_transaction(caller) as transaction:
        await transaction.lock_owner()
        sessions = Sessions(transaction)
        # Before all else: the one that was made does not need the one it was made of.
        if once is not None and (earlier := await transaction.find_repeated(once, made)):
            repeated = await sessions.find(earlier)
            if repeated is None:
                raise SessionNotFound()
            return repeated
        session = await sessions.lock_known(session_id)
        leaf = await Tree(transaction, session_id).leaf()
        if message_id is not None:
            leaf = (await Messages(transaction).known_in(session_id, message_id)).order
        path = [one.id for one in await Messages(transaction).path_to(session_id, leaf)]
        await sessions.insert_fork(session, made, len(path), now)
        for first, some in slices_of(path):
            copies = [new_id() for _ in some]
            await Tree(transaction, made).copy(some, copies, behind=first)
            await Attachments(transaction).copy(some, copies)
        forked = await sessions.find(made)
        assert forked is not None
        return forked


async def _lock(
    transaction: Transaction, session_id: UUID, message_id: UUID
) -> tuple[Session, Message]:
    await transaction.lock_owner()
    session = await Sessions(transaction).lock_known(session_id)
    return session, await Messages(transaction).known_in(session_id, message_id)
