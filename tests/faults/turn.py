"""One question and its reader, with a model of its own."""

import asyncio
import copy
from collections.abc import Callable

from chassis.ids import new_id
from chassis.testing.eventually import eventually
from tests.client import User
from tests.stack import Stack

from .reader import Reader, Shown


async def lasting(seconds: float) -> None:
    """How long a fault lasts: no test waits for anything to happen by this."""
    await asyncio.sleep(seconds)


def nothing(_reader: Reader, _shown: Shown) -> None:
    """What is done about an event by default."""


class Turn:
    """A conversation with one question, about to be asked.

    ``model`` is labelled, so that its calls are counted apart. ``on_event`` is called in the
    reading thread with each event that is shown.
    """

    def __init__(
        self,
        cluster: Stack,
        user: User,
        model: str,
        *,
        on_event: Callable[[Reader, Shown], object] = nothing,
    ) -> None:
        self.model = f"{model}#{new_id().hex}"
        self.api_key = f"sk-{new_id().hex}"
        key = user.create_key(cluster.model_url, self.model, api_key=self.api_key)
        self.session_id = user.create_session(key_id=key["id"])
        self.token = user.http.headers["Authorization"].partition(" ")[2]
        self.reader = Reader(cluster.gateways, self.token, on_event=on_event)

    def again(self, cluster: Stack) -> "Turn":
        """A further question in the same conversation, to the same model."""
        further = copy.copy(self)
        further.reader = Reader(cluster.gateways, self.token)
        return further

    async def ask(self, *, gateway: int = 0, cut_after: int | None = None) -> None:
        """Ask, and read until the answer or its connection ends."""
        await asyncio.to_thread(
            self.reader.ask, self.session_id, "Go on", gateway=gateway, cut_after=cut_after
        )

    async def is_live(self, cluster: Stack, deltas: int) -> None:
        """Return when so many deltas were shown; raises unless the run goes on then."""
        await eventually(lambda: self.reader.deltas >= deltas, timeout=30)
        assert cluster.status_of(self.reader.run_id) == "running"
        assert not self.reader.ended

    async def ask_to_the_end(self, *, gateway: int = 0, within: float = 90.0) -> None:
        """Ask, and read on elsewhere until the answer's end is shown."""
        await self.ask(gateway=gateway)
        await asyncio.to_thread(self.reader.read_to_end, gateway=gateway, within=within)
