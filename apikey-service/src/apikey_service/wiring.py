"""What the vault is made of."""

from apikey_service.migrations import MIGRATIONS
from apikey_service.rpc import POLICY, ApiKeyServicer
from apikey_service.settings import NAME, Settings
from apikey_service.store.erasure import delete_keys
from apikey_service.store.keys import SealedKeys
from apikey_service.vault.envelope import EnvelopeVault
from apikey_service.vault.kek import parse_kek
from chassis.db.transactions import transactions
from chassis.service import Service
from parley.apikey.v1.apikey_pb2_grpc import add_ApiKeyServiceServicer_to_server
from servicekit.parts import parts_of


def build(settings: Settings) -> Service:
    """The service, not started yet."""
    parts = parts_of(NAME, settings)
    vault = EnvelopeVault(parse_kek(settings.vault_key.get_secret_value()))
    servicer = ApiKeyServicer(transactions(parts.database), SealedKeys(parts.database), vault)
    return parts.service(
        migrations=MIGRATIONS,
        policy=POLICY,
        register=lambda server: add_ApiKeyServiceServicer_to_server(servicer, server),
        erasure=[delete_keys],
    )
