"""What has expired and cannot matter any more."""

from auth_service.usecases.ports import Ports
from chassis.clock import utc_now


async def prune(ports: Ports) -> None:
    """Forget logins, refresh tokens, personal ones and revocations whose time has passed."""
    async with ports.open_system() as transaction:
        await transaction.prune(utc_now())
