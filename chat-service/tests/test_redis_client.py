"""Connections to Redis that have ended: who is lent one hears nothing of it, or an error that is Redis's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from chassis.testing import eventually
from chat_service.redis_client import REDIS_ERRORS, connect

_AT_ONCE = 6


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url, connections=8, timeout=10.0)
    yield client
    await client.aclose()


async def _on_each(client: Redis, *command: str) -> dict[Any, Any]:
    """So many connections, each with what it has just answered; they idle again."""
    pool: Any = client.connection_pool
    lent = [await pool.get_connection() for _ in range(_AT_ONCE)]
    answers = dict[Any, Any]()
    for connection in lent:
        await connection.send_command(*command)
        answers[connection] = await connection.read_response()
    for connection in lent:
        await pool.release(connection)
    return answers


async def _kill(client: Redis) -> None:
    """As a Redis that is restarted does."""
    for number in (await _on_each(client, "CLIENT", "ID")).values():
        await client.client_kill_filter(_id=str(number), skipme=False)


async def _reset(client: Redis) -> None:
    """As a network does that has forgotten a connection."""
    for connection in await _on_each(client, "PING"):
        connection._writer.transport.abort()


def _is_over(connection: Any) -> bool:
    reader, writer = connection._reader, connection._writer
    return writer is None or writer.is_closing() or reader.at_eof()


@pytest.mark.parametrize("end", [_kill, _reset])
async def test_connections_that_ended_while_they_idled_are_made_anew(
    client: Redis, end: Any
) -> None:
    connections = await _on_each(client, "PING")
    ended = [connection._writer for connection in connections]
    await end(client)
    await eventually(
        lambda: all(
            connection._writer is not writer or _is_over(connection)
            for connection, writer in zip(connections, ended, strict=True)
        )
    )
    assert await asyncio.gather(*(client.ping() for _ in connections)) == [True] * _AT_ONCE
    assert not {connection._writer for connection in connections} & set(ended)


async def test_one_that_ends_before_a_command_is_written_is_an_error_of_redis(
    client: Redis,
) -> None:
    connection, *_ = await _on_each(client, "PING")
    connection._writer.transport.abort()
    with pytest.raises(REDIS_ERRORS):
        await connection.send_command("PING")
