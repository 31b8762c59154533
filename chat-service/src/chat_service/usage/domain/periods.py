"""Days and months in UTC: whoever asks, wherever they are, they end at the same moment for all."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum


class Period(StrEnum):
    """What a limit is of; the next one begins with nothing used."""

    DAY = "day"
    MONTH = "month"

    def begins(self, at: datetime) -> date:
        """The first day of the one that `at` is in."""
        day = utc_day(at)
        return day if self is Period.DAY else day.replace(day=1)

    def resets_at(self, at: datetime) -> datetime:
        """The first moment of the next one."""
        first = self.begins(at)
        if self is Period.DAY:
            following = first + timedelta(days=1)
        else:
            following = (first + timedelta(days=31)).replace(day=1)
        return datetime.combine(following, time(), UTC)


def utc_day(at: datetime) -> date:
    """The day on which `at` is, in UTC."""
    return at.astimezone(UTC).date()
