"""What the notes service is made of."""

from chassis.db.transactions import transactions
from chassis.service import Service
from notes_service.background import Indexing
from notes_service.migrations import MIGRATIONS
from notes_service.rpc import POLICY, NotesServicer
from notes_service.settings import NAME, Settings
from notes_service.store.erasure import delete_notes
from notes_service.store.unindexed import Unindexed
from parley.notes.v1.notes_pb2_grpc import add_NotesServiceServicer_to_server
from servicekit.parts import parts_of


def build(settings: Settings) -> Service:
    """The service, not started yet."""
    parts = parts_of(NAME, settings)
    servicer = NotesServicer(transactions(parts.database))
    return parts.service(
        migrations=MIGRATIONS,
        policy=POLICY,
        register=lambda server: add_NotesServiceServicer_to_server(servicer, server),
        erasure=[delete_notes],
        components=[Indexing(Unindexed(parts.worker))],
    )
