"""How soon one side of a connection gives it up because the other says nothing: is frozen, or cut off.

TCP tells of neither: a kernel goes on taking what is sent to a process that has stopped.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keepalive:
    """A connection on which nothing came for ``idle`` seconds is pinged, and given up ``answer`` seconds later."""

    idle: float = 5.0
    answer: float = 5.0

    def options(self) -> tuple[tuple[str, int], ...]:
        """As gRPC's arguments of a channel or a server."""
        answer = round(self.answer * 1000)
        return (
            ("grpc.keepalive_time_ms", round(self.idle * 1000)),
            # gRPC never starts the clock of the first of these (as of 1.85). The second, which its documents
            # do not have, bounds the answer to any ping: left to itself it is a minute.
            ("grpc.keepalive_timeout_ms", answer),
            ("grpc.http2.ping_timeout_ms", answer),
            # Also while no call is under way: the next one is not to be the one that finds out.
            ("grpc.keepalive_permit_without_calls", 1),
        )
