"""`make run`: brings everything up, keeps it up, and takes it down."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from chassis.embedded import (
    EmbeddedNats,
    EmbeddedPostgres,
    EmbeddedServer,
    EmbeddedValkey,
    free_port,
)
from chassis.embedded.ports import is_free
from parley_local.address import CannotStart, another_port, check_address, is_loopback
from parley_local.banner import banner
from parley_local.databases import CannotMigrate, migrate_all, provision_embedded, warm_up
from parley_local.demo_connection import write as write_demo_connection
from parley_local.environment import (
    ALLOWED_HOSTS,
    Backends,
    DatabaseUrls,
    explicit_databases,
    explicit_events_prefix,
    explicit_nats,
    general_environment,
    service_environment,
)
from parley_local.options import Options
from parley_local.output import Terminal
from parley_local.parts import Part, ServerPart, ServicePart, Start, execute
from parley_local.readiness import wait_until_ready
from parley_local.reasons import Refused, complain
from parley_local.state import State
from parley_local.supervise import Stages
from parley_local.topology import (
    ACCOUNTS,
    GATEWAY,
    SERVICES,
    Instance,
    Topology,
    check_hosts,
    lay_out,
)

_READY_SECONDS = 120.0
# A process that dies so often before anything was ready will not get there.
_HOPELESS_RESTARTS = 3
DEMO = "demo-model"


class Runner:
    """One run, from nothing to ready and back to nothing; ``start`` starts its Python processes."""

    def __init__(self, options: Options, terminal: Terminal, start: Start = execute) -> None:
        self._options = options
        self._start_process = start
        self._terminal = terminal
        self._say = terminal.say
        self._state = State(
            options.data, url=options.url, other_port=another_port(options.gateway_port)
        )
        self._begun = False
        self._stages = Stages(terminal)

    async def run(self) -> int:
        """Serve until SIGINT, SIGTERM or SIGHUP, or until something is in the way, which is said.

        The exit code; a second signal forces.
        """
        stopping = asyncio.Event()
        self._listen(stopping)
        starting = asyncio.create_task(self._start())
        stopped = asyncio.create_task(stopping.wait())
        refused = asyncio.create_task(self._stages.refused.wait())
        failed = False
        try:
            await asyncio.wait([starting, stopped, refused], return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                raise Refused(self._complaints())
            if starting.done():
                starting.result()
                await stopped
            return 0
        except Exception as error:  # noqa: BLE001 - said; what has started must be stopped
            failed = True
            return complain(self._terminal, error)
        finally:
            for task in (starting, stopped, refused):
                task.cancel()
            await asyncio.gather(starting, stopped, refused, return_exceptions=True)
            await self._stages.stop()
            self._state.close()
            # Who was refused at the door has nothing to stop.
            if self._begun or not failed:
                self._say("stopped")

    def _complaints(self) -> str:
        lines = []
        for supervisor in self._stages.supervisors:
            if supervisor.refuses:
                name, said = supervisor.part.name, getattr(supervisor.part, "complaints", ())
                lines.append(f"{name} cannot work with what it was told")
                lines += said
        return "\n".join(lines)

    def _listen(self, stopping: asyncio.Event) -> None:
        def on_signal(number: signal.Signals) -> None:
            if stopping.is_set():
                self._say("stopping by force", level="warning")
                self._stages.kill()
                self._terminal.close()
                os._exit(128 + number)
            self._say(f"{number.name}: stopping everything; once more to force it")
            stopping.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What `nohup` asked for stays so.
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            loop.add_signal_handler(number, on_signal, number)

    async def _start(self) -> None:
        began, options, state = time.monotonic(), self._options, self._state
        # Before the port: where Parley runs already, it is what has the port.
        state.claim()
        check_address(options.gateway_host, options.gateway_port)
        explicit = explicit_databases(options.environment)
        nats_urls = explicit_nats(options.environment)
        events_prefix = explicit_events_prefix(options.environment)
        check_hosts(options.environment, options.replicas)
        state.open()
        self._begun = True
        self._say(f"data in {state.shown}; certificates and keys")
        await asyncio.to_thread(state.prepare)
        demo_port = self._demo_port()
        backends = await self._start_backends(explicit, nats_urls, events_prefix)
        topology = lay_out(
            gateway_host=options.gateway_host,
            gateway_port=options.gateway_port,
            environment=options.environment,
            replicas=options.replicas,
        )
        await self._start_services(topology, backends, demo_port)
        await self._wait_until_ready(topology)
        self._stages.settled = True
        seconds = time.monotonic() - began
        urls = topology.gateway_urls
        self._say(f"ready in {seconds:.1f} s: {', '.join(urls)}", gateways=list(urls))
        self._terminal.show(
            banner(
                urls=urls,
                seconds=seconds,
                demo_url=_demo_url(demo_port),
                demo_is_offered=options.offers_demo,
                pages=options.pages is not None if options.wants_pages else None,
                data=state.shown,
                colour=self._terminal.colour,
                exposed=None if is_loopback(options.gateway_host) else options.gateway_host,
                allowed_hosts=options.environment.get(ALLOWED_HOSTS),
            )
        )

    async def _start_backends(
        self,
        explicit: Mapping[str, DatabaseUrls],
        nats_urls: Mapping[str, str],
        events_prefix: str,
    ) -> Backends:
        """What the environment names is used; everything else is started here."""
        environment, folder = self._options.environment, self._state.directory
        postgres = EmbeddedPostgres(folder / "postgres")
        valkey = EmbeddedValkey(folder / "valkey")
        nats = EmbeddedNats(folder / "nats", accounts=replace(ACCOUNTS, prefix=events_prefix))
        servers: list[EmbeddedServer] = []
        if len(explicit) < len(SERVICES):
            servers.append(postgres)
        redis_url = environment.get("REDIS_URL")
        servers += [] if redis_url else [valkey]
        servers += [] if nats_urls else [nats]
        if servers:
            self._say(f"starting {', '.join(server.name for server in servers)}")
            there = postgres not in servers or postgres.initialised
            if not there:
                self._say("the first start also makes the database: some seconds more")
            await asyncio.gather(
                self._stages.start([ServerPart(server) for server in servers]),
                asyncio.to_thread(warm_up, migrations=not there),
            )
        databases = dict(explicit)
        if postgres in servers:
            databases = await asyncio.to_thread(provision_embedded, postgres, self._state, explicit)
        self._say("migrating the databases")
        try:
            await asyncio.to_thread(migrate_all, databases)
        except CannotMigrate as error:
            raise CannotStart(str(error)) from None
        if nats in servers:
            nats_urls = {str(member.database): nats.url_of(member.name) for member in SERVICES}
        return Backends(databases, redis_url or valkey.url, nats_urls)

    async def _start_services(self, topology: Topology, backends: Backends, demo_port: int) -> None:
        # A stage before the services: their last answers come from it.
        self._say(f"starting {DEMO}, a scripted model server, at {_demo_url(demo_port)}")
        await self._stages.start([self._demo(demo_port)])
        connections = None
        if self._options.offers_demo:
            folder = self._state.directory / "operator"
            connections = write_demo_connection(folder, _demo_url(demo_port))
        for members in (SERVICES, (GATEWAY,)):
            instances = [instance for member in members for instance in topology.of(member)]
            self._say(f"starting {', '.join(instance.label for instance in instances)}")
            await self._stages.start(
                [self._service(one, topology, backends, connections) for one in instances]
            )

    def _service(
        self, instance: Instance, topology: Topology, backends: Backends, connections: Path | None
    ) -> Part:
        environment = service_environment(
            instance,
            topology=topology,
            backends=backends,
            state=self._state,
            inherited=self._options.environment,
            web=self._options.pages,
            connections=connections,
        )
        arguments = ["-m", instance.member.module, "serve"]
        return ServicePart(
            instance.label, arguments, environment, self._terminal.log, start=self._start_process
        )

    def _demo(self, port: int) -> Part:
        arguments = ["-m", "parley_local.model_server", "--port", str(port)]
        environment = general_environment(self._options.environment)
        return ServicePart(
            DEMO, arguments, environment, self._terminal.log, grace=5.0, start=self._start_process
        )

    def _demo_port(self) -> int:
        """The same at each start if possible: people's keys hold its address."""
        if chosen := self._options.demo_port:
            if not is_free(chosen):
                raise CannotStart(f"DEMO_MODEL_PORT={chosen}: that port is taken")
            return chosen
        wanted = self._state.remembered_port(DEMO) or self._options.gateway_port + 1
        port = wanted if is_free(wanted) else free_port()
        self._state.remember_port(DEMO, port)
        return port

    async def _wait_until_ready(self, topology: Topology) -> None:
        def give_up() -> str | None:
            for supervisor in self._stages.supervisors:
                if supervisor.restarts >= _HOPELESS_RESTARTS:
                    return f"{supervisor.part.name} does not stay up: see its lines above"
            return None

        # The gateway only asks whether it can reach the services; each one itself knows whether
        # it can serve, the keys of tokens included.
        places = {
            instance.label: f"http://{instance.metrics_host}:{instance.metrics_port}"
            for instance in topology.instances
            if instance.member is not GATEWAY
        }
        gateways = (instance.label for instance in topology.of(GATEWAY))
        places |= dict(zip(gateways, topology.gateway_urls, strict=True))
        waits = [
            wait_until_ready(name, url, timeout=_READY_SECONDS, give_up=give_up)
            for name, url in places.items()
        ]
        for name, status in zip(places, await asyncio.gather(*waits), strict=True):
            if status != "ok":
                self._say(f"/readyz of {name} says {status}", level="warning")


def _demo_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"
