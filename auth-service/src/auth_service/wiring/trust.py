"""What says which tokens are good: the signing keys, the revocations, and the feed of both."""

from collections.abc import Sequence
from dataclasses import dataclass

from auth_service.background import RevocationPoller, SigningKeyPoller
from auth_service.credentials.keyring import KeyRing
from auth_service.rpc import watch
from auth_service.store.transactions import system_transactions
from auth_service.usecases.revocation_feed import RevocationFeed
from chassis.component import Component
from chassis.db.engine import Database
from chassis.grpc.trust import TrustStore
from chassis.grpc.trust_feed import TrustFeed

# How often the directory of signing keys is read.
READ_KEYS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Trust:
    """``feed`` is what every process is told, and ``store`` what this one has heard of it.

    ``revocations`` is to be woken whenever something has been revoked here. It is the first of the
    ``components``, which are to be started in their order.
    """

    feed: RevocationFeed
    store: TrustStore
    revocations: RevocationPoller
    components: Sequence[Component]


def build_trust(
    worker: Database,
    keys: KeyRing,
    *,
    poll_seconds: float,
    read_keys_seconds: float = READ_KEYS_SECONDS,
) -> Trust:
    """Polls the table of revocations every ``poll_seconds``, and reads ``keys`` every ``read_keys_seconds``."""
    feed = RevocationFeed(open_system=system_transactions(worker), keys=keys.verification)
    revocations = RevocationPoller(feed, seconds=poll_seconds)
    store = TrustStore()
    return Trust(
        feed,
        store,
        revocations,
        components=[
            revocations,
            SigningKeyPoller(keys, feed, seconds=read_keys_seconds),
            TrustFeed(store, lambda: watch(feed)),
        ],
    )
