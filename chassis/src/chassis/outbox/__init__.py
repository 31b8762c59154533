"""The transactional outbox: an event is written with the change it tells of, and sent later.

A transaction calls :func:`enqueue` on its own connection; after its commit the service calls
:meth:`Relay.wake`, and the relay publishes what it finds. Whatever is killed in between, the
event is published: once within JetStream's two minutes of duplicate detection, at least once
beyond.
"""

from chassis.outbox.relay import Relay
from chassis.outbox.table import enqueue, outbox_table

__all__ = ["Relay", "enqueue", "outbox_table"]
