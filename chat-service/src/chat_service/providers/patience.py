"""How long model servers are waited for: as shipped."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerPatience:
    """All in seconds."""

    #: For one address to accept, and for all that is to happen before the request can be sent.
    connect: float = 10.0
    connected: float = 20.0
    #: Behind a finish reason the usage and the stream's own end are waited for so long.
    grace: float = 1.5


SHIPPED = ServerPatience()
