"""How often a share's password may be guessed: failures alone, over all replicas."""

from datetime import timedelta
from typing import Final

from servicekit.rate_limits import Limit, RateWindow

_TEN_MINUTES: Final = timedelta(minutes=10)

# By share: so that whoever has the link does not get through a password of four digits in a month.
GUESS: Final = Limit(
    "share_guess", (RateWindow(10, _TEN_MINUTES), RateWindow(100, timedelta(days=1)))
)
# By client's address.
GUESS_FROM: Final = Limit("share_guess_from", (RateWindow(100, _TEN_MINUTES),))
