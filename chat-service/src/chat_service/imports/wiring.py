"""What imports are made of."""

from collections.abc import Callable
from pathlib import Path

from chassis.grpc.client import Channel
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
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from parley.chat.v1 import imports_pb2_grpc


def build_imports(
    shared: Shared,
    *,
    bounds: ImportBounds,
    tell: Tell,
    write_personas: WritePersonas,
    scratch: Callable[[], Path | None],
    retention: Callable[[], Retention],
    notes: Channel | None,
    take_file: TakeFile,
) -> Subject:
    """Imports of files within `bounds`, which this replica reads; `scratch` says the folder for copies of files.

    Without a way to `notes` those of a file are left out.
    """
    leases = Leases(shared.worker, shared.replica, shared.audit)
    sweep = ImportSweep(leases)
    importing = Importing(
        leases,
        shared.open_transaction,
        tell,
        write_personas,
        in_force=shared.in_force,
        scratch=scratch,
        ended=sweep.wake,
        retention=retention,
        take_file=take_file,
        take_notes=None if notes is None else take_notes_over(notes),
    )
    servicer = ImportServicer(
        Uploads(
            shared.open_transaction,
            Held(shared.worker),
            bounds=bounds,
            wake=importing.wake,
            audit=shared.audit,
            in_force=shared.in_force,
        ),
        ImportJobs(shared.open_transaction, sweep.wake, shared.audit),
    )
    return Subject(
        served=[Served(servicer, imports_pb2_grpc.add_ImportServiceServicer_to_server, POLICY)],
        components=[*([] if notes is None else [notes]), importing, sweep],
    )
