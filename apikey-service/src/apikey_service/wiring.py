"""What the vault is made of."""

from collections.abc import Callable

from apikey_service.background import NotedUses, SealedCensus
from apikey_service.migrations import MIGRATIONS
from apikey_service.operators.addresses import LoggedAddressRules
from apikey_service.operators.connections import ConnectionsInForce
from apikey_service.rpc import POLICY, ApiKeyServicer, UseCases
from apikey_service.settings import NAME, Settings
from apikey_service.store.erasure import delete_default, delete_keys
from apikey_service.store.rotation import Rotation
from apikey_service.store.sealed_keys import SealedKeys
from apikey_service.store.uses import Uses
from apikey_service.usecases.create import CreateKey
from apikey_service.usecases.keys import ReadKeys
from apikey_service.usecases.report_use import ReportUse
from apikey_service.usecases.resolve import ResolveKey
from apikey_service.usecases.rotate import Progress, rotate
from apikey_service.usecases.update import UpdateKey
from apikey_service.vault.envelope import EnvelopeVault
from apikey_service.vault.kek import parse_kek
from apikey_service.vault.ring import LocalKeyRing
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chassis.health import Check
from chassis.service import Service
from chassis.settings import variable_of
from parley.apikey.v1.apikey_pb2_grpc import add_ApiKeyServiceServicer_to_server
from servicekit.operator_file import file_of
from servicekit.parts import parts_of


def ring_of(settings: Settings) -> LocalKeyRing:
    """The key-encryption keys that the operator has given."""
    return LocalKeyRing(
        parse_kek(settings.vault_key.get_secret_value()),
        [parse_kek(key.get_secret_value()) for key in settings.vault_old_keys],
    )


def build(settings: Settings) -> Service:
    """The service, not started yet. Raises UnusableSetting."""
    parts = parts_of(NAME, settings)
    open_transaction = transactions(parts.database)
    ring = ring_of(settings)
    vault = EnvelopeVault(ring)
    rules = LoggedAddressRules(
        settings.allowed_hosts, setting=variable_of(Settings, "allowed_hosts")
    )
    uses = Uses(parts.worker)
    noted = NotedUses(uses)
    with file_of(Settings, "connections_file"):
        operators = ConnectionsInForce(settings.connections_file, rules, uses)
    servicer = ApiKeyServicer(
        UseCases(
            create=CreateKey(
                open_transaction, vault, rules, operators, most=settings.keys_per_user
            ),
            read=ReadKeys(open_transaction, operators),
            update=UpdateKey(open_transaction, vault, rules, operators),
            resolve=ResolveKey(SealedKeys(parts.database), vault, operators, noted),
            report_use=ReportUse(open_transaction, operators),
            open_transaction=open_transaction,
        ),
        request_secrets=ring.request_secrets,
    )
    return parts.service(
        migrations=MIGRATIONS,
        policy=POLICY,
        register=lambda server: add_ApiKeyServiceServicer_to_server(servicer, server),
        erasure=[delete_keys, delete_default],
        components=[noted, _census(parts.worker, ring), operators],
        checks=[]
        if settings.connections_file is None
        else [Check("connections-file", operators.probe)],
    )


async def rotate_keys(settings: Settings, say: Callable[[Progress], None]) -> Progress:
    """Lock every data key with the current key-encryption key, beside services that run.

    Raises DatabaseBusy or DatabaseUnavailable; what was done until then is done.
    """
    ring = ring_of(settings)
    worker = _worker(settings)
    try:
        return await rotate(Rotation(worker), EnvelopeVault(ring), current=ring.current_id, say=say)
    finally:
        await worker.stop()


async def count_sealed(settings: Settings) -> list[tuple[str, str, int]]:
    """Key ids with ``current``, ``old`` or ``missing``, and how many secrets each of them locks."""
    worker = _worker(settings)
    try:
        return await _census(worker, ring_of(settings)).counts()
    finally:
        await worker.stop()


def _census(worker: Database, ring: LocalKeyRing) -> SealedCensus:
    return SealedCensus(Rotation(worker), current=ring.current_id, ids=ring.ids)


def _worker(settings: Settings) -> Database:
    return Database(
        settings.worker_database_url.get_secret_value(),
        pool_size=1,
        application_name=f"{NAME} rotate",
        # As many rows as there are, counted.
        statement_seconds=60,
    )
