"""Make, change, refresh and take back shares of one's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.idempotency import Once
from chassis.ids import new_id
from chat_service.audit import Audit, Deed
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.slices import MOST_AT_ONCE
from chat_service.shares.domain import opening
from chat_service.shares.domain.errors import (
    NothingToShare,
    ShareAlreadyShown,
    ShareNotFound,
    TooManyShares,
)
from chat_service.shares.domain.share import (
    NewShare,
    Share,
    Told,
    WantedChange,
    digest_of,
    new_token,
)
from chat_service.shares.store.shares import Keys, Shares
from chat_service.shares.store.snapshots import Snapshots
from chat_service.shares.usecases.check import checked, checked_change
from chat_service.shares.usecases.ports import Log, Passwords, Sweep


@dataclass(frozen=True, slots=True)
class WriteShares:
    """Keeps users' shares, `most` for each of them; `most_at_once` messages are copied by one statement."""

    open_transaction: OpenTransaction
    passwords: Passwords
    sweep: Sweep
    log: Log
    most: int
    audit: Audit
    most_at_once: int = MOST_AT_ONCE

    async def create(
        self, caller: Caller, session_id: UUID, told: Told, *, once: Once[UUID] | None = None
    ) -> NewShare:
        """Share what is on the chosen path of one of the caller's sessions, `once` if so.

        Raises ValidationFailed, SessionNotFound, NothingToShare, TooManyShares, however many are made at once,
        ShareAlreadyShown, IdempotencyKeyReused, RequestInProgress, TooBusy, OwnerErased.
        """
        told = checked(told)
        password_hash = await self._hash(told.password)
        token, share_id = new_token(), new_id()
        digest = digest_of(token)
        assert digest is not None
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            # So that no two see room for one.
            await transaction.alone("add share")
            shares = Shares(transaction)
            if once is not None and await transaction.find_repeated(once, share_id) is not None:
                raise ShareAlreadyShown()
            if await shares.count_all() >= self.most:
                raise TooManyShares()
            session = await Sessions(transaction).lock_known(session_id)
            snapshots = Snapshots(transaction, most_at_once=self.most_at_once)
            messages = await snapshots.take(
                share_id, session_id, include_reasoning=told.include_reasoning
            )
            if not messages:
                raise NothingToShare()
            share = await shares.insert(
                share_id,
                session_id,
                Keys(digest, opening.new_key(), password_hash),
                audience=told.audience,
                expires_in=told.expires_in,
                max_views=told.max_views,
                include_reasoning=told.include_reasoning,
                title=session.title,
                include_files=told.include_files,
                message_count=messages,
            )
            if told.include_files:
                await snapshots.take_files(share_id, session_id)
            await self.audit.note(
                *(transaction, Deed.SHARE_CREATED, caller),
                share_id=share_id,
                session_id=session_id,
                audience=share.audience,
                password="set" if share.has_password else "none",
                files="included" if share.include_files else "none",
            )
        self._tell("share.created", caller, share_id=share.id, session_id=session_id)
        return NewShare(share, token)

    async def update(self, caller: Caller, share_id: UUID, wanted: WantedChange) -> Share:
        """Change what is wanted, all of it or nothing.

        With another password or audience, whoever was let in is asked again. Raises ValidationFailed,
        ShareNotFound, TooBusy, OwnerErased.
        """
        wanted = checked_change(wanted)
        password_hash = await self._hash(wanted.password)
        asks_again = (
            password_hash is not None or wanted.without_password or wanted.audience is not None
        )
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            share = await Shares(transaction).update(
                share_id,
                wanted,
                password_hash=password_hash,
                opening_key=opening.new_key() if asks_again else None,
            )
            if share is None:
                raise ShareNotFound()
            for deed, fields in _deeds_of(wanted):
                await self.audit.note(
                    *(transaction, deed, caller),
                    share_id=share_id,
                    session_id=share.session_id,
                    **fields,
                )
        self._tell("share.changed", caller, share_id=share_id)
        return share

    async def refresh(self, caller: Caller, share_id: UUID) -> Share:
        """Put what is on the chosen path by now in place of what was shared, under the same link.

        Raises ShareNotFound, NothingToShare, OwnerErased.
        """
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            shares = Shares(transaction)
            found = await shares.find(share_id)
            if found is None:
                raise ShareNotFound()
            try:
                # Before the share, as whoever deletes the session does.
                session = await Sessions(transaction).lock_known(found.session_id)
            except SessionNotFound:
                raise ShareNotFound() from None
            if await shares.find(share_id, lock=True) is None:
                raise ShareNotFound()
            snapshots = Snapshots(transaction, most_at_once=self.most_at_once)
            await snapshots.drop(share_id)
            messages = await snapshots.take(
                share_id, session.id, include_reasoning=found.include_reasoning
            )
            if not messages:
                raise NothingToShare()
            share = await shares.renew(share_id, session.title, messages)
            if share.include_files:
                await snapshots.take_files(share_id, session.id)
            await self.audit.note(
                *(transaction, Deed.SHARE_REFRESHED, caller),
                share_id=share_id,
                session_id=session.id,
            )
        self._tell("share.refreshed", caller, share_id=share_id, session_id=session.id)
        return share

    async def delete(self, caller: Caller, share_id: UUID) -> UUID:
        """Take one back: its link opens nothing from the commit on. Returns the session that it was of.

        Raises ShareNotFound, also the second time, and OwnerErased.
        """
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            session_id = await Shares(transaction).end(share_id)
            if session_id is None:
                raise ShareNotFound()
            await self.audit.note(
                *(transaction, Deed.SHARE_DELETED, caller),
                share_id=share_id,
                session_id=session_id,
            )
        self.sweep.wake()
        self._tell("share.deleted", caller, share_id=share_id, session_id=session_id)
        return session_id

    async def delete_all(self, caller: Caller) -> None:
        """Take all back, at once. Raises OwnerErased."""
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            if ended := await Shares(transaction).end_all():
                await self.audit.note(transaction, Deed.SHARE_DELETED_ALL, caller, count=ended)
        self.sweep.wake()
        self._tell("share.deleted_all", caller)

    async def _hash(self, password: str | None) -> str | None:
        if password is None:
            return None
        with self.passwords.reserve_slot() as slot:
            return await slot.hash(password)

    def _tell(self, event: str, caller: Caller, **ids: UUID) -> None:
        told = {name: str(one) for name, one in ids.items()}
        self.log.info(event, user_id=str(caller.user_id), **told)


def _deeds_of(wanted: WantedChange) -> Iterator[tuple[Deed, dict[str, str]]]:
    """What a change is in the audit log: of a password that there is one or none, of numbers that they are others."""
    if wanted.password is not None:
        yield Deed.SHARE_PASSWORD_SET, {}
    if wanted.without_password:
        yield Deed.SHARE_PASSWORD_REMOVED, {}
    changed: dict[str, str] = {}
    if wanted.audience is not None:
        changed["audience"] = wanted.audience
    for field, given, taken in (
        ("expiry", wanted.expires_in, wanted.without_expiry),
        ("max_views", wanted.max_views, wanted.without_max_views),
    ):
        if given is not None or taken:
            changed[field] = "removed" if taken else "set"
    if changed:
        yield Deed.SHARE_CHANGED, changed
