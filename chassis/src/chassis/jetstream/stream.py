"""The connection to NATS, and the stream that holds this deployment's events."""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from nats import errors as nats_errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js import errors as js_errors
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from chassis.component import Component
from chassis.errors import Unavailable
from chassis.nats_accounts import inbox_of, stream_of
from chassis.reach import Reach
from chassis.tasks import end_task

_REQUEST_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 1.0
_RECONNECT_SECONDS: Final = 0.5
_PING_SECONDS: Final = 10
_RENEW_SECONDS: Final = 60.0

_MAX_AGE_SECONDS: Final = 30 * 86_400.0
_DUPLICATE_WINDOW_SECONDS: Final = 120.0
# What a process that died had in hand comes to another after that.
_ACK_WAIT_SECONDS: Final = 15.0

#: What nats-py raises when the server is away, slow or says no.
TROUBLE: Final = (nats_errors.Error, OSError, TimeoutError)


class EventsUnavailable(Unavailable):
    """NATS is away, or did not acknowledge in time: whether it has the message is unknown."""

    reason = "EVENTS_UNAVAILABLE"


class JetStream(Component):
    """A connection that comes back by itself; with ``keeps``, its stream and consumers in shape.

    ``url`` is ``nats://name:password@host:port``, several of a cluster separated by commas;
    ``prefix`` is one token of lower-case letters, digits, ``_`` and ``-``; ``name`` is that of the
    service, whose answers come on subjects below ``_INBOX.<name>``.

    ``keeps`` is for the one service that owns the stream: its durable consumers and those of all
    others, with the subject below the prefix that each takes. The stream ``<prefix>_events``
    (files, 30 days, duplicates recognised for 2 minutes) and they are created, or brought to
    that, whenever a connection is made, and looked at every minute; limits and replicas that an
    operator set on the stream stay, as do consumers that ``keeps`` does not name. A message
    that is not acknowledged within ``ack_wait`` seconds, nor said to be in hand, is handed out again.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        name: str,
        keeps: Mapping[str, str] | None = None,
        ack_wait: float = _ACK_WAIT_SECONDS,
    ) -> None:
        self._servers = [server.strip() for server in url.split(",")]
        if not all(urlsplit(server).hostname for server in self._servers):
            raise ValueError("the URL of NATS is nats://name:password@host:port")
        self._prefix = prefix
        self._name = name
        self._keeps = keeps
        self._ack_wait = ack_wait
        self.stream = stream_of(prefix)
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reach = Reach("events.away", "events.back")

    def subject(self, name: str) -> str:
        """``user.deleted`` becomes ``<prefix>.user.deleted``."""
        return f"{self._prefix}.{name}"

    @property
    def ready(self) -> bool:
        """Whether it is connected and, for its owner, the stream in shape."""
        return self._ready.is_set()

    async def wait_ready(self) -> None:
        """Return once ``ready`` is true."""
        await self._ready.wait()

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = asyncio.create_task(self._keep_connected(), name="jetstream")

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    async def publish(self, subject: str, payload: bytes, msg_id: str) -> None:
        """Store a message under the full ``subject``; returns once it is acknowledged.

        A message whose ``msg_id`` was stored within the last two minutes is not stored again,
        so publishing again after an error is safe. Raises EventsUnavailable after 5 s, at once
        when there is no connection; ValueError when the server would never take it (too
        large, not a subject).
        """
        client = self._connected()
        try:
            await client.jetstream().publish(
                subject,
                payload,
                timeout=_REQUEST_SECONDS,
                stream=self.stream,
                headers={"Nats-Msg-Id": msg_id},
            )
        except (nats_errors.MaxPayloadError, nats_errors.BadSubjectError) as error:
            raise ValueError(str(error)) from error
        except js_errors.NoStreamResponseError as error:
            # Somebody deleted the stream while the connection stood, or it is not made yet.
            self.look_again()
            raise EventsUnavailable(retry_after=1) from error
        except TROUBLE as error:
            raise EventsUnavailable(retry_after=1) from error

    async def ping(self) -> None:
        """One round trip. Raises EventsUnavailable."""
        try:
            await self._connected().flush(timeout=2)
        except TROUBLE as error:
            raise EventsUnavailable(retry_after=1) from error

    async def pull(self, durable: str) -> JetStreamContext.PullSubscription:
        """Get ready to pull from a consumer, whether or not it exists yet.

        Raises EventsUnavailable, or one of TROUBLE.
        """
        jetstream = self._connected().jetstream()
        return await jetstream.pull_subscribe_bind(consumer=durable, stream=self.stream)

    def look_again(self) -> None:
        """Have the owner look at its stream and consumers: one of them has gone."""
        if self._keeps is not None:
            self._not_ready()

    def _connected(self) -> Client:
        if self._client is None or not self._ready.is_set():
            raise EventsUnavailable(retry_after=1)
        return self._client

    def _not_ready(self) -> None:
        self._ready.clear()
        self._changed.set()

    async def _keep_connected(self) -> None:
        while True:
            client = Client()
            try:
                await self._connect(client)
                self._client = client
                await self._keep_in_shape(client)
            except Exception as error:  # noqa: BLE001 - whatever it was, a new connection mends it
                self._note(error)
            finally:
                self._ready.clear()
                self._client = None
                await client.close()
            # nats-py closes for good on some errors that the server sends: begin anew.
            await asyncio.sleep(_RETRY_SECONDS)

    async def _connect(self, client: Client) -> None:
        async def on_error(error: Exception) -> None:
            self._note(error)

        async def on_change() -> None:
            self._not_ready()

        await client.connect(
            self._servers,
            name=self._name,
            error_cb=on_error,
            disconnected_cb=on_change,
            reconnected_cb=on_change,
            closed_cb=on_change,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_SECONDS,  # type: ignore[arg-type] # slept: fractions do
            connect_timeout=2,
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=2,
            inbox_prefix=inbox_of(self._name),
        )

    async def _keep_in_shape(self, client: Client) -> None:
        """Reconcile what it keeps after each change of the connection, and every minute.

        Returns when the connection is closed, or was away for a minute: a new one begins.
        """
        while not client.is_closed:
            self._changed.clear()
            if client.is_connected:
                try:
                    await self._reconcile(client.jetstream())
                except TROUBLE as error:
                    self._note(error)
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                # Else the connection changed meanwhile: once more.
                if not self._changed.is_set():
                    self._ready.set()
                    self._reach.succeeded()
            try:
                async with asyncio.timeout(_RENEW_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                if not client.is_connected:
                    return

    async def _reconcile(self, jetstream: JetStreamContext) -> None:
        if self._keeps is None:
            return
        wanted = {
            "subjects": [self.subject(">")],
            "retention": RetentionPolicy.LIMITS,
            "storage": StorageType.FILE,
            "discard": DiscardPolicy.OLD,
            "max_age": _MAX_AGE_SECONDS,
            "duplicate_window": _DUPLICATE_WINDOW_SECONDS,
        }
        try:
            found = (await jetstream.stream_info(self.stream)).config
        except js_errors.NotFoundError:
            await jetstream.add_stream(StreamConfig(name=self.stream), **wanted)
        else:
            if any(getattr(found, field) != value for field, value in wanted.items()):
                await jetstream.update_stream(found, **wanted)
        for durable, subject in self._keeps.items():
            # Creating is also updating, except for what can never change.
            await jetstream.add_consumer(
                self.stream,
                ConsumerConfig(
                    name=durable,
                    durable_name=durable,
                    filter_subject=self.subject(subject),
                    deliver_policy=DeliverPolicy.ALL,
                    ack_policy=AckPolicy.EXPLICIT,
                    ack_wait=self._ack_wait,
                    max_deliver=-1,
                ),
            )

    def _note(self, error: Exception) -> None:
        self._reach.failed(f"{type(error).__name__}: {error}")
