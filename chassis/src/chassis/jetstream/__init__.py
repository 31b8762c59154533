"""NATS JetStream: one durable stream, publishing with an acknowledgement, durable consumers.

The connection is made and kept in the background: a service starts, serves and stops whether
or not NATS is there. What must not be lost goes through the outbox (``chassis.outbox``); a
consumer's effects must be idempotent, since a message can come again.
"""

from chassis.jetstream.consumer import Consumer, Unreadable
from chassis.jetstream.stream import EventsUnavailable, JetStream

__all__ = ["Consumer", "EventsUnavailable", "JetStream", "Unreadable"]
