"""What a client's frame is answered with: whoever carries it out says that it has begun, once.

Who follows a run hears a second time, behind that, if it then ends with nothing that they have not seen.
"""

from collections.abc import Iterable

from gateway.ws import frames
from gateway.ws.wire import Wire


class Answer:
    """The ack of one frame, which is ``given`` once it has been sent."""

    def __init__(self, wire: Wire, ref: str) -> None:
        self._wire = wire
        self._ref = ref
        self.given = False

    async def ack(self, behind: Iterable[bytes] = (), **facts: str | bool) -> None:
        """Send it with these facts, and what is to come right behind it. Raises Gone."""
        await self._wire.send([frames.ack(self._ref, **facts), *behind])
        self.given = True
