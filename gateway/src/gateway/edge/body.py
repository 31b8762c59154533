"""The body of a request: how large and how slow it may be, and what becomes of one nobody wants.

The protocol makes a Body for each request that announces one and tells it what comes. The layer
``Bodies`` (``body_reading``) hands it to the application, or what it failed by.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from chassis.errors import AppError
from gateway.edge.body_memory import BodyMemory
from gateway.refusals import BodyTooLarge, UnsupportedMediaType

# The rest of a body that nobody wants is read to its end, and the connection kept, if it is known
# to be no longer than this.
_REST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class BodyTerms:
    """At most ``most`` bytes, within ``seconds``, and in each ``window`` of seconds at least ``rate``
    bytes for each of them.

    Unless ``kept`` a body is handed on as it comes, and what was read of it is not held any more.
    """

    most: int
    seconds: float
    rate: int
    window: float
    kept: bool = True


class Body:
    """What of a body has come, and whether anybody wants the rest.

    ``announced`` is its length, None for a chunked one. ``failure`` is what the application is told
    instead of its rest.
    """

    def __init__(
        self,
        terms: BodyTerms,
        held: BodyMemory,
        address: str,
        *,
        announced: int | None,
        encoded: bool,
    ) -> None:
        self.terms = terms
        self.announced = announced
        self.encoded = encoded
        self.arrived = 0
        self.ended = False
        self.wanted = True
        self.answered = False
        self.failure: AppError | None = None
        #: Not to be read to its end, whether its reader is told or there is none.
        self.is_broken = False
        #: Whether the rest is too much or too unknown to be waited for behind the answer.
        self.is_cut = False
        #: The application has asked for it: a client that waits for 100 Continue has got it.
        self.asked = False
        #: Reading was paused within the window: being slow was not the client's doing.
        self.excused = False
        #: Lets go of what came and was not read yet.
        self.forget: Callable[[], None] = _do_nothing
        self._held = held
        self._address = address
        self._counted = 0
        self._settled = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._wake: Callable[[], None] = _do_nothing
        self._on_late: Callable[[], None] = _do_nothing
        self._is_paused: Callable[[], bool] = _never
        #: From the head on, whether the request is being served yet or waits behind another.
        self._due = self._loop.time() + terms.seconds
        self._is_served = False
        self._seen = 0

    # The application's side

    def take_as(self, terms: BodyTerms) -> None:
        """To be called by a route with terms of its own, before it reads anything."""
        self._due += terms.seconds - self.terms.seconds
        self.terms = terms
        if self._timer is not None:
            self._arm()

    def decline(self) -> None:
        """The route takes no body: what comes is thrown away."""
        self.wanted = False
        self.release()

    def check_announced(self) -> None:
        """Raises UnsupportedMediaType or BodyTooLarge by what the head says of the body."""
        if self.encoded:
            raise UnsupportedMediaType()
        if self.announced is not None and self.announced > self.terms.most:
            raise BodyTooLarge()

    def begin_answer(self, *, awaits_continue: bool) -> None:
        """The answer begins: whatever is still to come is thrown away, and some not waited for."""
        self.answered = True
        self.wanted = False
        self.release()
        rest = None if self.announced is None else self.announced - self.arrived
        self.is_cut = not self.ended and (
            self.is_broken or awaits_continue or rest is None or rest > _REST_BYTES
        )

    def hand_on(self, size: int) -> None:
        """So many bytes were read by the application."""
        if not self.terms.kept and self._counted:
            size = min(size, self._counted)
            self._counted -= size
            self._held.give_back(self._address, size)

    def release(self) -> None:
        """Nothing of it is held any more."""
        self.forget()
        if self._counted:
            self._held.give_back(self._address, self._counted)
            self._counted = 0

    def leave(self) -> None:
        """The application is done with it; its rest may still come, and is thrown away."""
        self.release()
        self.forget = self._wake = _do_nothing

    # The protocol's side

    def expect(self, *, wake: Callable[[], None]) -> None:
        """The request is being served from now on; ``wake`` tells its reader of a failure."""
        self._wake = wake
        self._is_served = True
        if self.ended:
            self._unwatch()
        elif self._timer is not None:
            self._seen = self.arrived
            self._arm()
        if self.is_broken:
            wake()

    def watch(self, on_late: Callable[[], None], is_paused: Callable[[], bool]) -> None:
        """Call ``on_late`` once the body is later or slower than its terms, until it has ended.

        Slowness counts once the request is being served, and while reading is not paused. Being late
        counts before as well: one that has ended is watched until it is served.
        """
        if self._timer is None and not (self.ended and self._is_served):
            self._on_late = on_late
            self._is_paused = is_paused
            self._seen = self.arrived
            self._arm()

    def settle(self) -> None:
        """What has arrived is held from now on, if there is room for it."""
        size = self.arrived - self._settled
        self._settled = self.arrived
        if self.wanted and size:
            refusal = self._held.take(self._address, self._counted, size)
            if refusal is None:
                self._counted += size
            else:
                self.fail(refusal)

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        if self._is_served:
            self._unwatch()

    def drop(self) -> None:
        """Its request will never be served."""
        self.leave()
        self._unwatch()

    def fail(self, error: AppError) -> None:
        """Tell the reader, if there is one, of ``error`` instead of what is still to come."""
        if self.wanted:
            self.failure = error
        self.is_broken = True
        self.wanted = False
        self.release()
        self.stop()
        self._wake()

    def stop(self) -> None:
        """Do not look at the time any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _unwatch(self) -> None:
        self.stop()
        # These are the protocol's, which has this body.
        self._on_late = _do_nothing
        self._is_paused = _never

    def _arm(self) -> None:
        self.stop()
        left = max(0.0, self._due - self._loop.time())
        if self._is_served:
            left = min(left, self.terms.window)
        self._timer = self._loop.call_later(left, self._look)

    def _look(self) -> None:
        self._timer = None
        enough = self.arrived - self._seen >= self.terms.rate * self.terms.window
        fair = enough or self.excused or not self._is_served
        if self._loop.time() >= self._due or not fair:
            self._on_late()
            return
        # Still paused is paused within the next one.
        self.excused = self._is_paused()
        self._seen = self.arrived
        self._arm()


def _do_nothing() -> None:
    """Until somebody is to be told."""


def _never() -> bool:
    return False
