"""The rate limits of auth-service: how often something may be tried, and what an attempt counts against."""

from datetime import timedelta

from servicekit.rate_limits import Limit, RateWindow

_TEN_MINUTES = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

# By purpose and e-mail address, across resends.
GUESS = Limit("guess", (RateWindow(5, _TEN_MINUTES), RateWindow(20, _DAY)))
# By client's address, or by user where there is one.
GUESS_FROM = Limit("guess_from", (RateWindow(50, _HOUR),))
# By purpose and e-mail address.
SEND = Limit("send", (RateWindow(3, _TEN_MINUTES), RateWindow(10, _DAY)))
SEND_FROM = Limit("send_from", (RateWindow(20, _HOUR),))
# Failures alone, by what was typed as a name.
LOGIN = Limit("login", (RateWindow(10, _TEN_MINUTES),))
# In place of that one where the account was logged in of late: by name and network. So whoever
# guesses from elsewhere does not lock the owner out.
LOGIN_FAMILIAR = Limit("login_familiar", (RateWindow(10, _TEN_MINUTES),))
LOGIN_FROM = Limit("login_from", (RateWindow(100, _TEN_MINUTES),))


# By user: each deleted one stays on every process's revocation list for hours.
TOKEN = Limit("token", (RateWindow(100, _HOUR),))
# Failures alone, by user: what somebody who is logged in takes for the password.
PASSWORD = Limit("password", (RateWindow(10, _TEN_MINUTES),))


def log_ins(an_hour: int) -> Limit:
    """The limit on log-ins by what was typed as a name, good ones too: each costs a hash."""
    return Limit("login_any", (RateWindow(an_hour, _HOUR),))


def registrations(an_hour: int) -> Limit:
    """The limit on registrations by client's address, whatever becomes of them."""
    return Limit("register_from", (RateWindow(an_hour, _HOUR),))


def send_all(an_hour: int) -> Limit:
    """The limit on what is sent to everybody together."""
    return Limit("send_all", (RateWindow(an_hour, _HOUR),))


# By user: changes of what they say of themselves, whether or not they come to anything.
PROFILE = Limit("profile", (RateWindow(60, _HOUR),))

# By user: changes of their settings, each of which is an entry in the audit log.
SETTINGS = Limit("settings", (RateWindow(300, _HOUR),))
