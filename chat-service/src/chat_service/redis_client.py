"""Connections to Redis, of which each subject has its own."""

from collections.abc import Iterable, Sequence
from errno import ECONNRESET
from importlib import resources
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import HiredisRespSerializer
from redis.driver_info import DriverInfo
from redis.exceptions import NoScriptError, RedisError
from redis.maint_notifications import MaintNotificationsConfig

# What a Redis that is away, full, loading or read-only looks like.
REDIS_ERRORS = (RedisError, OSError, TimeoutError)

_PACKER = HiredisRespSerializer()
# Each connection says which client it is of: left to itself, it looks that up among the installed packages.
_DRIVER = DriverInfo()


class _Packing:
    """Has commands packed by hiredis: redis-py's asyncio connections do it argument by argument,
    which with those of a hundred runs costs more than all the rest of an append.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        packed: list[bytes] = _PACKER.pack(*args)
        return packed


class _Replaced(AbstractConnection):
    """Is made anew where the one that was idle has ended: each in a pool would fail once behind a restart of
    Redis. redis-py looks for what is left to be read, which a reset is not, and uvloop raises RuntimeError for it.
    """

    async def connect(self) -> None:
        if self._has_ended():
            await self.disconnect(nowait=True)
        await super().connect()  # type: ignore[no-untyped-call]

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        if self._has_ended():
            raise ConnectionResetError(ECONNRESET, "Connection reset by peer")
        await super()._send_packed_command(command)

    def _has_ended(self) -> bool:
        reader, writer = self._reader, self._writer
        if reader is None or writer is None:
            return False
        return bool(writer.is_closing() or reader.at_eof())


def connect(url: str, *, connections: int, timeout: float) -> Redis:
    """A client that tries each command once, and waits ``timeout`` seconds for its answer."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=min(timeout, 1.0),
        # Whoever calls repeats what failed, and knows better than the client what may be.
        retry=Retry(NoBackoff(), 0),
        decode_responses=False,
        driver_info=_DRIVER,
        # Of a server that announces its maintenance. With it no connection is looked at before it is used again.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    # By its scheme the address decides what it is: TCP, TLS or a socket in the file system.
    kind = pool.connection_class
    pool.connection_class = type(f"Parley{kind.__name__}", (_Packing, _Replaced, kind), {})
    return Redis.from_pool(pool)


class Scripts:
    """The Lua scripts of one package, ``<name>.lua`` each, which Redis is given once and called by their hash."""

    def __init__(self, redis: Redis, package: str) -> None:
        self._redis = redis
        self._package = package
        self._hashes: dict[str, str] = {}

    async def run(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """What the script answers. Raises REDIS_ERRORS; a Redis that has forgotten it is given it again."""
        try:
            return await self._call(name, keys, arguments)
        except NoScriptError:
            # Redis was restarted or flushed.
            self._hashes.pop(name, None)
            return await self._call(name, keys, arguments)

    async def _call(self, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        if name not in self._hashes:
            script = resources.files(self._package).joinpath(f"{name}.lua").read_text("utf-8")
            self._hashes[name] = await self._redis.script_load(script)
        calling: Any = self._redis.evalsha(self._hashes[name], len(keys), *keys, *arguments)
        return await calling
