"""The operator's address policy, and a word to the operator when it refuses."""

from collections.abc import Sequence

from apikey_service.usecases.ports import AddressRules
from chassis.address_policy import AddressPolicy
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


class LoggedAddressRules(AddressRules):
    """Public addresses, and what ``allowed`` opens besides. Raises ValueError as AddressPolicy does."""

    def __init__(self, allowed: Sequence[str], *, setting: str) -> None:
        self._policy = AddressPolicy(allowed)
        self._setting = setting

    def refuses(self, host: str) -> bool:
        refused = self._policy.refuses(host)
        if refused:
            _log.warning(
                "connection.address_refused",
                host=host,
                setting=self._setting,
                advice="if users may have a model server there, add the address or its network to "
                "this setting, and to chat-service's",
            )
        return refused
