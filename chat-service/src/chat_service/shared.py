"""What more than one subject is built on."""

from dataclasses import dataclass

from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction, transactions
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chat_service.apikeys import resolve_key_over
from chat_service.audit import Audit
from chat_service.providers.domain.connection import ResolveKey
from chat_service.words.domain.word_filter import InForce
from servicekit.parts import Parts


@dataclass(frozen=True, slots=True)
class Shared:
    """`replica` is this process among others of its kind, `in_force` are the operator's words.

    `database` is connected in the app's role, `worker` in that of background jobs.
    """

    parts: Parts
    replica: str
    open_transaction: OpenTransaction
    apikey: Channel
    resolve_key: ResolveKey
    in_force: InForce
    audit: Audit

    @property
    def database(self) -> Database:
        return self.parts.database

    @property
    def worker(self) -> Database:
        return self.parts.worker


def shared_by(parts: Parts, apikey: Channel, in_force: InForce) -> Shared:
    """What a new replica's subjects are built on."""
    return Shared(
        parts,
        replica=str(new_id()),
        open_transaction=transactions(parts.database),
        apikey=apikey,
        resolve_key=resolve_key_over(apikey),
        in_force=in_force,
        audit=Audit(parts.settings.events_prefix),
    )
