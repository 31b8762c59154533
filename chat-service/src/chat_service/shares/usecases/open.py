"""Look at a share, and copy it into a conversation of one's own.

Whoever is not let in learns nothing by it: what never was, was taken back, has expired, is used up, or is for
members of another tenant is the same.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chassis.idempotency import Once
from chassis.ids import new_id
from chassis.paging import decode_cursor, encode_cursor, invalid_cursor, parse_limit
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import Session, TitleBy
from chat_service.conversations.store.sessions import Sessions
from chat_service.conversations.store.slices import MOST_AT_ONCE
from chat_service.files.domain.errors import FileNotFound
from chat_service.shares.domain import opening
from chat_service.shares.domain.errors import (
    RangeNotSatisfiable,
    ShareNotFound,
    SharePasswordNeeded,
    SharePasswordWrong,
)
from chat_service.shares.domain.share import FilePart, Shared, SharedFile, ShareKey, digest_of
from chat_service.shares.store.guesses import Guesses
from chat_service.shares.store.reading import Found, OpenReading, Reading
from chat_service.shares.store.snapshots import Snapshots
from chat_service.shares.usecases.check import normal_guess
from chat_service.shares.usecases.ports import Contents, Passwords
from chat_service.to_the_end import ToTheEnd

# Of text: with its last message, a page is far from the 16 MiB that gRPC carries at once.
_PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Admission:
    """Somebody who may be let in; `counts`: that is a view, and was not counted yet.

    `opening`: the one that was shown, if it was good.
    """

    found: Found
    counts: bool
    opening: str | None = None


@dataclass(frozen=True, slots=True)
class OpenShares:
    """Lets readers in.

    `is_deleted` says of a user's id whether that account is known to be deleted, which comes before its
    erasure. `most_at_once` messages are copied by one statement.
    """

    open_reading: OpenReading
    open_transaction: OpenTransaction
    passwords: Passwords
    guesses: Guesses
    contents: Contents
    is_deleted: Callable[[UUID], bool]
    to_the_end: ToTheEnd = field(default_factory=ToTheEnd)
    most_at_once: int = MOST_AT_ONCE

    async def open(
        self, key: ShareKey, caller: Caller | None, *, limit: int, cursor: str
    ) -> Shared:
        """A page of what is shared; one more view, unless the key has an opening, or is for a look.

        Without a `caller` of what is for everybody who has the link alone. Raises ValidationFailed, also for a
        cursor of before it was refreshed, ShareNotFound, SharePasswordNeeded, SharePasswordWrong,
        TooManyGuesses, TooBusy.
        """
        size, place = parse_limit(limit), _parse_cursor(cursor)
        digest = _digest_of(key)
        admission = await self._admit(digest, key, caller)
        async with self.open_reading(digest, caller) as reading:
            found = await _let_in(reading, admission)
            while True:
                revision, after = (found.revision, 0) if place is None else place
                if revision != found.revision:
                    raise invalid_cursor()
                messages, more = await reading.messages(
                    found, after=after, limit=size, most_bytes=_PAGE_BYTES
                )
                if messages or after >= found.message_count:
                    break
                # It was refreshed in between, which waits for who is counted, and not for others.
                found = await _let_in(reading, replace(admission, counts=False))
        return Shared(
            title=found.title,
            shared_at=found.refreshed_at,
            message_count=found.message_count,
            messages=tuple(messages),
            next_cursor=_cursor_of(found, messages[-1].position) if more else "",
            opening=_opening_of(admission),
        )

    async def read_file(
        self, key: ShareKey, caller: Caller | None, shown_id: UUID, part: FilePart | None = None
    ) -> tuple[SharedFile, AsyncGenerator[bytes, None]]:
        """A file that is shared, and what is in it, or in that part of it; a view where `open` is one.

        Raises what `open` does, FileNotFound and RangeNotSatisfiable, none of which is a view; so may the generator, and StorageUnavailable and FilesNotOffered.
        """
        digest = _digest_of(key)
        admission = await self._admit(digest, key, caller)
        async with self.open_reading(digest, caller) as reading:
            found = await _let_in(reading, admission)
            shown = await reading.file(found, shown_id)
            if shown is None:
                raise FileNotFound()
            file, file_id = shown
            span = (0, file.size) if part is None else part.of(file.size)
            if span is None:
                raise RangeNotSatisfiable(file.size)
        return file, self.contents(found.owner_id, file_id, *span)

    async def fork(
        self, key: ShareKey, caller: Caller, *, once: Once[UUID] | None = None
    ) -> Session:
        """A session of the caller's with what is shared, `once` if so; a view, unless the key has an opening.

        Its owner's files are not in it.

        Raises what `open` does, IdempotencyKeyReused, RequestInProgress, OwnerErased, and SessionNotFound where
        an earlier request has made one that is deleted.
        """
        digest = _digest_of(key)
        if once is not None and (made := await self._made_by(caller, once)) is not None:
            return made
        admission = await self._admit(digest, key, caller)
        session_id, now = new_id(), utc_now()
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            if once is not None and (earlier := await transaction.find_repeated(once, session_id)):
                return await _known(Sessions(transaction), earlier)
            reading = Reading(transaction.connection, digest, caller.tenant_id)
            await reading.show_token()
            found = await _let_in(reading, admission)
            sessions = Sessions(transaction)
            await sessions.insert(
                Session(
                    id=session_id,
                    title=found.title,
                    title_by=TitleBy.of(found.title),
                    key_id=None,
                    model=None,
                    message_count=0,
                    last_message_at=None,
                    active_at=now,
                    created_at=now,
                    updated_at=now,
                )
            )
            ids = [new_id() for _ in range(found.message_count)]
            snapshots = Snapshots(transaction, most_at_once=self.most_at_once)
            if not await snapshots.give(found.id, session_id, ids, now):
                # It was refreshed in between, or taken back.
                raise ShareNotFound()
            return await _known(sessions, session_id)

    async def _made_by(self, caller: Caller, once: Once[UUID]) -> Session | None:
        async with self.open_transaction(caller) as transaction:
            earlier = await transaction.find_answered(once)
            return None if earlier is None else await _known(Sessions(transaction), earlier)

    async def _admit(self, digest: bytes, key: ShareKey, caller: Caller | None) -> _Admission:
        """Who shows a good opening was let in before; a password is looked at under a limit."""
        async with self.open_reading(digest, caller) as reading:
            found = await reading.find()
        if found is None or self.is_deleted(found.owner_id):
            raise ShareNotFound()
        if key.opening is not None and opening.is_good(key.opening, found.opening_key, utc_now()):
            return _Admission(found, counts=False, opening=key.opening)
        if found.is_used_up:
            raise ShareNotFound()
        if found.password_hash is not None:
            await self._confirm(found.id, found.password_hash, key)
        return _Admission(found, counts=not key.look)

    async def _confirm(self, share_id: UUID, password_hash: str, key: ShareKey) -> None:
        """Counts the guess and, if it is right, takes it back, whether whoever guesses stays or not."""
        if key.password is None:
            raise SharePasswordNeeded()
        await self.to_the_end(self._guess(share_id, password_hash, key.password, key.client_ip))

    async def _guess(self, share_id: UUID, password_hash: str, guess: str, client_ip: str) -> None:
        with self.passwords.reserve_slot() as slot:
            counted = await self.guesses.count(share_id, client_ip)
            password = normal_guess(guess)
            if password is None or not await slot.verify(password, password_hash):
                raise SharePasswordWrong()
        await self.guesses.take_back(counted)


def _opening_of(admission: _Admission) -> str:
    """The one that was shown, so that it ends when it was to; else a new one."""
    if admission.opening is not None:
        return admission.opening
    return opening.make(admission.found.opening_key, utc_now())


def _digest_of(key: ShareKey) -> bytes:
    digest = digest_of(key.token)
    if digest is None:
        raise ShareNotFound()
    return digest


async def _let_in(reading: Reading, admission: _Admission) -> Found:
    """The share as it is now; raises ShareNotFound if it is not for who was admitted any more."""
    before = admission.found
    if admission.counts:
        found = await reading.count_opening(before.password_hash)
    else:
        found = await reading.find()
    if found is None or found.opening_key != before.opening_key:
        raise ShareNotFound()
    return found


async def _known(sessions: Sessions, session_id: UUID) -> Session:
    session = await sessions.find(session_id)
    if session is None:
        raise SessionNotFound()
    return session


def _cursor_of(found: Found, position: int) -> str:
    return encode_cursor(str(found.revision), str(position))


def _parse_cursor(cursor: str) -> tuple[int, int] | None:
    """The revision that it is of, and the position behind which it goes on."""
    if not cursor:
        return None
    parts = decode_cursor(cursor, 2)
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise invalid_cursor()
    return int(parts[0]), int(parts[1])
