"""A call's idempotency key, with a hash of what the call asks for."""

import hashlib
from collections.abc import Callable

from google.protobuf.message import Message

from chassis.idempotency import Effect, Once, RequestKey, idempotency_key


def request_key(request: Message) -> RequestKey | None:
    """The key of the call being served, None without one.

    The hash covers the message's type and every field that is set, also unknown ones.
    """
    key = idempotency_key.get()
    if key is None:
        return None
    name = request.DESCRIPTOR.full_name.encode()
    content = request.SerializeToString(deterministic=True)
    return RequestKey(key, hashlib.sha256(name + b"\0" + content).digest())


def once(
    request: Message, encode: Callable[[Effect], bytes], decode: Callable[[bytes], Effect]
) -> Once[Effect] | None:
    """What makes the call's effect happen once, None if the call bears no key."""
    key = request_key(request)
    return None if key is None else Once(key, encode, decode)
