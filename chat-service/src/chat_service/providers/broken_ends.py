"""Finish reasons that are none of a whole answer, as ``plain_word`` has them."""

from typing import Final

from chat_service.providers.errors import ProviderError, ProviderOverloaded

#: Finish reasons that say that the answer is none, or not whole.
FAILURES: Final[dict[str, type[ProviderError]]] = {
    **dict.fromkeys(
        ("error", "model_error", "network_error", "internal_error", "server_error", "failed"),
        ProviderError,
    ),
    "insufficient_system_resource": ProviderOverloaded,
    "overloaded": ProviderOverloaded,
}
#: Those that say that somebody stopped it, or that it is to be gone on with.
STOPPED: Final = frozenset(
    {
        *("abort", "aborted", "cancel", "cancelled", "canceled", "user_cancel", "user_cancelled"),
        *("interrupted", "incomplete", "timeout", "time_limit", "pause_turn", "pause"),
    }
)
