"""The key of a request that creates, for its repetitions."""

from typing import Annotated

from fastapi import Depends, Header

from chassis.idempotency import parse_idempotency_key

#: The header's name.
IDEMPOTENCY_KEY = "idempotency-key"


async def _idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="1–255 visible ASCII characters. The same key with the same request has "
            "one effect and the same answer; with another request it is refused.",
            json_schema_extra={"pattern": "^[!-~]{1,255}$"},
        ),
    ] = None,
) -> str | None:
    return parse_idempotency_key(idempotency_key)


IdempotencyKeyOf = Annotated[str | None, Depends(_idempotency_key)]
