"""How much of a core a background job takes."""

from dataclasses import dataclass
from typing import Final

#: What people write in a quarter of a minute takes less work than that.
PROMPT_SECONDS: Final = 1.0
_RESTS: Final = 7.0
_LONGEST_REST: Final = 5.0


@dataclass
class Pace:
    """Rests as long behind a step as it took; when it has worked for `prompt_seconds` without an end, seven times as
    long, but 5 s at most.

    So what was just written is indexed soon, and hours of work take an eighth of a core: less where others make the
    steps longer.
    """

    prompt_seconds: float = PROMPT_SECONDS
    worked: float = 0.0

    def rest_behind(self, seconds: float) -> float:
        """For how many seconds to rest, behind a step of so many."""
        self.worked += seconds
        return (
            seconds if self.worked <= self.prompt_seconds else min(_RESTS * seconds, _LONGEST_REST)
        )
