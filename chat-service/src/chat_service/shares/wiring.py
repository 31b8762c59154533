"""What sharing is made of."""

from uuid import UUID

from chassis.telemetry.logging import get_logger
from chat_service.notices.domain.notice import Tell
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from chat_service.shares.rpc import POLICY, ShareServicer
from chat_service.shares.store.guesses import Guesses
from chat_service.shares.store.reading import readings
from chat_service.shares.store.sweep import ShareSweep
from chat_service.shares.usecases.open import OpenShares
from chat_service.shares.usecases.ports import Contents
from chat_service.shares.usecases.write import WriteShares
from parley.chat.v1 import shares_pb2_grpc
from servicekit.argon2_passwords import Argon2Passwords


def build_sharing(shared: Shared, contents: Contents, *, most: int, tell: Tell) -> Subject:
    """Sharing with `most` shares for each user, and files by their `contents`."""
    # The least that OWASP's cheat sheet has for argon2id: guesses are limited besides.
    passwords = Argon2Passwords(
        memory_kib=19 * 1024, iterations=2, parallelism=1, workers=1, queue=16
    )
    sweep = ShareSweep(shared.worker)

    def is_deleted(user_id: UUID) -> bool:
        # Of users, and not of their logins, nothing but a deletion is revoked.
        return shared.parts.trust.is_revoked("", str(user_id), 0.0)

    servicer = ShareServicer(
        shared.open_transaction,
        WriteShares(
            shared.open_transaction,
            passwords,
            sweep,
            get_logger("chat_service.shares"),
            most,
            shared.audit,
        ),
        OpenShares(
            readings(shared.database),
            shared.open_transaction,
            passwords,
            Guesses(shared.worker),
            contents,
            is_deleted,
        ),
        tell,
    )
    return Subject(
        served=[Served(servicer, shares_pb2_grpc.add_ShareServiceServicer_to_server, POLICY)],
        components=[passwords, sweep],
    )
