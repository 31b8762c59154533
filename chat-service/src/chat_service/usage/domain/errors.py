"""Why nothing more may be used just now."""

from datetime import datetime

from chassis.errors import AppError, Kind
from chat_service.usage.domain.periods import Period


class AllowanceUsedUp(AppError):
    """Metadata: `used` and `allowed` tokens, and `resets_at`, the end of the day `now` is in, in UTC."""

    kind = Kind.EXHAUSTED
    reason = "ALLOWANCE_USED_UP"
    detail = (
        "Today's tokens of this connection are used up; wait for the next day, or use a connection"
        " of your own."
    )

    def __init__(self, *, used: int, allowed: int, now: datetime) -> None:
        super().__init__(
            metadata={
                "used": str(used),
                "allowed": str(allowed),
                "resets_at": _told(Period.DAY.resets_at(now)),
            },
            retry_after=_wait(Period.DAY, now),
        )


class UsageLimitReached(AppError):
    """Metadata: `period`, `resets_at`, and `used` and `allowed` tokens, or `used_cost`, `allowed_cost` and `currency`."""

    kind = Kind.EXHAUSTED
    reason = "USAGE_LIMIT_REACHED"
    detail = "What you may use in this day or month is used up; wait until it begins anew."

    def __init__(self, period: Period, told: dict[str, str], *, now: datetime) -> None:
        super().__init__(
            metadata={
                "period": period.value,
                **told,
                "resets_at": _told(period.resets_at(now)),
            },
            retry_after=_wait(period, now),
        )


def _told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _wait(period: Period, now: datetime) -> int:
    # Not a second too early: a fraction of one is left.
    return int((period.resets_at(now) - now).total_seconds()) + 1
