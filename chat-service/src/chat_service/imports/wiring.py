"""What imports are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.component import Component
from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction
from chassis.grpc.client import Channel
from chat_service.audit import Audit
from chat_service.imports.domain.bounds import ImportBounds
from chat_service.imports.filing import TakeFile
from chat_service.imports.importing import Importing, ImportSweep
from chat_service.imports.notes_service import take_notes_over
from chat_service.imports.rpc import POLICY, ImportServicer
from chat_service.imports.store.held import Held
from chat_service.imports.store.leases import Leases
from chat_service.imports.usecases.jobs import ImportJobs
from chat_service.imports.usecases.upload import Uploads
from chat_service.notices.domain.notice import Tell
from chat_service.personas.usecases.write import WritePersonas
from chat_service.runs.domain.retention import Retention
from chat_service.served import Served
from chat_service.words.domain.word_filter import InForce
from parley.chat.v1 import imports_pb2_grpc


@dataclass(frozen=True, slots=True)
class Imports:
    """What is served, and what is to be started for it."""

    served: Served
    components: Sequence[Component]


def build_imports(
    replica: str,
    open_transaction: OpenTransaction,
    worker: Database,
    *,
    bounds: ImportBounds,
    tell: Tell,
    write_personas: WritePersonas,
    in_force: InForce,
    scratch: Callable[[], Path | None],
    retention: Retention,
    notes: Channel | None,
    audit: Audit,
    take_file: TakeFile,
) -> Imports:
    """Imports of files within `bounds`, which `replica` reads; `worker` is connected in the background role.

    `in_force` are the words that nothing may have, `scratch` says the folder for copies of files. Without a way to
    `notes` those of a file are left out.
    """
    leases = Leases(worker, replica, audit)
    sweep = ImportSweep(leases)
    importing = Importing(
        leases,
        open_transaction,
        tell,
        write_personas,
        in_force=in_force,
        scratch=scratch,
        ended=sweep.wake,
        retention=retention,
        take_file=take_file,
        take_notes=None if notes is None else take_notes_over(notes),
    )
    servicer = ImportServicer(
        Uploads(
            open_transaction,
            Held(worker),
            bounds=bounds,
            wake=importing.wake,
            audit=audit,
            in_force=in_force,
        ),
        ImportJobs(open_transaction, importing.wake, audit),
    )
    return Imports(
        Served(servicer, imports_pb2_grpc.add_ImportServiceServicer_to_server, POLICY),
        [*([] if notes is None else [notes]), importing, sweep],
    )
