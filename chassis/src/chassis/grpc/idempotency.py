"""A call's idempotency key, with a hash of what the call asks for."""

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256

from google.protobuf.message import Message

from chassis.idempotency import Effect, Once, RequestKey, idempotency_key


def request_key(request: Message, *, secrets: Sequence[bytes] = ()) -> RequestKey | None:
    """The key of the call being served, None without one.

    The hash covers the message's type and every field that is set, also unknown ones. Where that
    holds what must not be guessed from it (an API key), ``secrets`` are given, at least one: the
    hash is keyed (HMAC) with the first, and what was kept under any of them, or under none, is known.
    """
    key = idempotency_key.get()
    if key is None:
        return None
    name = request.DESCRIPTOR.full_name.encode()
    content = name + b"\0" + request.SerializeToString(deterministic=True)
    keyed = [hmac.digest(secret, content, sha256) for secret in secrets]
    first, *others = [*keyed, sha256(content).digest()]
    return RequestKey(key, first, tuple(others))


def once(
    request: Message,
    encode: Callable[[Effect], bytes],
    decode: Callable[[bytes], Effect],
    *,
    secrets: Sequence[bytes] = (),
) -> Once[Effect] | None:
    """What makes the call's effect happen once, None if the call bears no key.

    ``secrets`` as in :func:`request_key`.
    """
    key = request_key(request, secrets=secrets)
    return None if key is None else Once(key, encode, decode)
